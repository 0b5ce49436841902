// Clean text: valid UTF-8 without control characters, eight bytes at a time.
#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/domain/text_signs.hpp"
#include "kernel/utf8.hpp"

#include <cstring>

namespace data_center_classifier::domain {
namespace {

// Length of the UTF-8 sequence of several bytes that `text` begins with, or 0. Broken are also the C1 controls and U+FFFD, which stands for
// what another program could not read.
std::size_t clean_sequence_size(std::string_view text) {
    const auto size = kernel::utf8_sequence_size(text);
    const bool is_control = size == 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
    return is_control || text.substr(0, size) == "\xEF\xBF\xBD" ? 0 : size;
}

// True when none of eight bytes is below 0x20, 0x7f, or above.
bool is_printable_ascii(std::uint64_t bytes) {
    constexpr std::uint64_t ones = 0x0101010101010101U, highs = ones * 0x80;
    const auto below = (bytes - ones * 0x20) & ~bytes;
    const auto deleted = bytes ^ (ones * 0x7f);
    const auto is_deleted = (deleted - ones) & ~deleted;
    return ((bytes | below | is_deleted) & highs) == 0;
}

}  // namespace

bool is_clean_text(std::string_view text) {
    const auto* s = reinterpret_cast<const unsigned char*>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        if (std::uint64_t eight = 0; text.size() - at >= sizeof eight) {
            std::memcpy(&eight, s + at, sizeof eight);
            if (is_printable_ascii(eight)) {
                at += sizeof eight;
                continue;
            }
        }
        if (s[at] < 0x80) {
            if ((s[at] < 0x20 && !is_space(text[at])) || s[at] == 0x7f) return false;
            ++at;
            continue;
        }
        const auto size = clean_sequence_size(text.substr(at));
        if (size == 0) return false;
        at += size;
    }
    return true;
}

}  // namespace data_center_classifier::domain
