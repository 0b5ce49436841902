// Fuzzes LineSplitter: the lines do not depend on where the stream is cut, and none is over the bound.
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/check.hpp"

#include <tuple>

namespace {

namespace formats = data_center_classifier::infrastructure::formats;
using Lines = std::vector<std::tuple<std::uint64_t, std::string, bool>>;

Lines lines_of(std::string_view text, std::size_t chunk_size) {
    constexpr std::size_t line_bytes_max = 20;
    Lines lines;
    formats::LineSplitter splitter(line_bytes_max);
    const auto line = [&](std::uint64_t number, std::string_view content, bool too_long) {
        CHECK(content.size() <= line_bytes_max && content.empty() == too_long, "a line is empty only when it was too long");
        CHECK(lines.empty() || std::get<0>(lines.back()) < number, "numbers grow");
        lines.emplace_back(number, content, too_long);
    };
    for (; !text.empty(); text.remove_prefix(std::min(chunk_size, text.size()))) splitter.feed(text.substr(0, chunk_size), line);
    splitter.finish(line);
    return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    CHECK(lines_of(text, 1 + data[0] % 16) == lines_of(text, text.size() + 1), "the lines depend on the chunks");
    return 0;
}
