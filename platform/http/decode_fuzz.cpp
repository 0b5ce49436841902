// Fuzzes the decoder. The first byte chooses the encoding and how the rest is cut.
#include "kernel/check.hpp"
#include "platform/http/decode.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::size_t expansion_max = 200;
    constexpr std::size_t room = 65536;
    auto decoder = platform::http::decoder_for((data[0] & 1) != 0 ? "gzip" : "zstd", expansion_max);
    CHECK(decoder && *decoder, "both encodings are known");
    const std::size_t piece = std::max<std::size_t>(data[0] >> 1, 1);
    std::string_view left(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::uint64_t out_bytes = 0;
    while (!left.empty()) {
        auto input = left.substr(0, piece);
        left.remove_prefix(input.size());
        std::string out;
        do {
            out.clear();
            if (!(*decoder)->decode(input, out, room)) return 0;
            CHECK(out.size() <= room, "the decoder keeps to its room");
            out_bytes += out.size();
        } while (out.size() == room || !input.empty());
    }
    CHECK(out_bytes <= 1024 * 1024 + room || out_bytes <= size * expansion_max + room, "the expansion is bounded");
    return 0;
}
