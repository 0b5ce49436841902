// Any bytes as compressed, with a size that may lie: refused, or exactly of that size and never above the limit. And every codec gives back
// what it got.
#include "kernel/check.hpp"
#include "platform/pulsar/wire/compression.hpp"

namespace {

using namespace platform::pulsar;

constexpr std::size_t size_max = 64 * 1024;

}  // namespace

// The first byte is the codec, three the size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 4) return 0;
    const auto codec = static_cast<proto::CompressionType>(bytes[0] % 6);
    const std::size_t said = std::size_t{bytes[1]} << 16U | std::size_t{bytes[2]} << 8U | bytes[3];
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 4, size - 4);
    std::string out;
    const auto done = wire::decompress(codec, text, said, size_max, out);
    CHECK(done ? out.size() == said && said <= size_max : out.empty(), "exactly the size, or nothing");
    CHECK(out.capacity() <= 2 * size_max, "no more room than is allowed");
    if (!proto::CompressionType_IsValid(codec)) return 0;
    std::string small;
    CHECK(wire::compress(codec, text, small), "anything can be compressed");
    CHECK(wire::decompress(codec, small, text.size(), text.size(), out), "what was compressed can be read");
    CHECK(out == text, "it is what it was");
    return 0;
}
