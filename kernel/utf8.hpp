// UTF-8 as RFC 3629 section 4 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace kernel {

// Bytes of the well-formed sequence that `text` begins with; 0 when it begins with none, or is empty.
constexpr std::size_t utf8_sequence_size(std::string_view text) {
    const auto byte = [&](std::size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned lead = byte(0);
    if (lead < 0x80) return text.empty() ? 0 : 1;
    if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = lead == 0xED && byte(1) > 0x9F;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (lead < 0xF0 || lead > 0xF4) return 0;
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
}

// Offset of the first byte that is not UTF-8, or npos. Eight bytes at a time where they are ASCII.
inline std::size_t not_utf8_at(std::string_view text) {
    constexpr std::uint64_t highs = 0x8080808080808080U;
    for (std::size_t at = 0; at < text.size();) {
        if (std::uint64_t eight = 0; text.size() - at >= sizeof eight) {
            std::memcpy(&eight, text.data() + at, sizeof eight);
            if ((eight & highs) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        const auto size = utf8_sequence_size(text.substr(at));
        if (size == 0) return at;
        at += size;
    }
    return std::string_view::npos;
}

inline bool is_utf8(std::string_view text) {
    return not_utf8_at(text) == std::string_view::npos;
}

// The same text, with U+FFFD for each byte that belongs to no sequence.
inline std::string repaired_utf8(std::string_view text) {
    std::string repaired;
    repaired.reserve(text.size());
    while (true) {
        const auto at = not_utf8_at(text);
        repaired += text.substr(0, at);
        if (at == std::string_view::npos) return repaired;
        repaired += "\xEF\xBF\xBD";
        text.remove_prefix(at + 1);
    }
}

}  // namespace kernel
