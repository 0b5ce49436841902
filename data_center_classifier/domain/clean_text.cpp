// Clean text: valid UTF-8 without control characters, eight bytes at a time.
#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/domain/text_signs.hpp"

#include <cstring>

namespace data_center_classifier::domain {
namespace {

// Length of a valid UTF-8 sequence of several bytes that begins here, or 0. U+FFFD counts as broken.
std::size_t sequence_size(const unsigned char* s, std::size_t left) {
    const auto more = [&](std::size_t i) { return i < left && (s[i] & 0xC0U) == 0x80U; };
    if (s[0] >= 0xC2 && s[0] <= 0xDF) return more(1) && !(s[0] == 0xC2 && s[1] < 0xA0) ? 2 : 0;
    if ((s[0] & 0xF0U) == 0xE0) {
        if (!more(1) || !more(2) || (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F)) return 0;
        return s[0] == 0xEF && s[1] == 0xBF && s[2] == 0xBD ? 0 : 3;
    }
    if (s[0] >= 0xF0 && s[0] <= 0xF4)
        return more(1) && more(2) && more(3) && !(s[0] == 0xF0 && s[1] < 0x90) && !(s[0] == 0xF4 && s[1] > 0x8F) ? 4 : 0;
    return 0;
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
        const auto size = sequence_size(s + at, text.size() - at);
        if (size == 0) return false;
        at += size;
    }
    return true;
}

}  // namespace data_center_classifier::domain
