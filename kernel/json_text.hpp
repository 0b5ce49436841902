// JSON strings (RFC 8259 section 7) in their one form: content hashes are made of it, so that no byte of it may ever change. And where
// strings and values end in JSON that others wrote.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace kernel {

inline constexpr auto json_needs_escape = [] {
    std::array<bool, 256> table{};
    for (std::size_t i = 0; i < 0x20; ++i) table[i] = true;
    table['"'] = table['\\'] = true;
    return table;
}();

// Bytes at the front of `text` that a JSON string holds as they are. Eight at a time: nearly every text has nothing to escape.
inline std::size_t plain_json_prefix(std::string_view text) {
    constexpr std::uint64_t ones = 0x0101010101010101U, highs = ones * 0x80;
    const auto has_zero = [](std::uint64_t bytes) { return (bytes - ones) & ~bytes; };
    std::size_t at = 0;
    for (std::uint64_t eight = 0; text.size() - at >= sizeof eight; at += sizeof eight) {
        std::memcpy(&eight, text.data() + at, sizeof eight);
        const auto control = (eight - ones * 0x20) & ~eight;
        if (((control | has_zero(eight ^ (ones * '"')) | has_zero(eight ^ (ones * '\\'))) & highs) != 0) break;
    }
    while (at < text.size() && !json_needs_escape[static_cast<unsigned char>(text[at])]) ++at;
    return at;
}

inline void append_json_escape(std::string& out, char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    const auto value = static_cast<unsigned char>(c);
    out += "\\u00";
    out += hex[value >> 4U];
    out += hex[value & 15U];
}

// Appends `text`, which is UTF-8, as a JSON string with its quotes. Escaped are only the quote, the backslash and the control characters
// below U+0020: \b \f \n \r \t, else \u00xx in lower case.
inline void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (true) {
        const auto plain = plain_json_prefix(text);
        out += text.substr(0, plain);
        if (plain == text.size()) break;
        append_json_escape(out, text[plain]);
        text.remove_prefix(plain + 1);
    }
    out += '"';
}

// One past the quote that closes the string whose quote stands at `open`; npos when none does.
inline std::size_t end_of_json_text(std::string_view json, std::size_t open = 0) {
    for (auto quote = json.find('"', open + 1); quote != std::string_view::npos; quote = json.find('"', quote + 1)) {
        const auto before = json.find_last_not_of('\\', quote - 1);
        if ((quote - 1 - before) % 2 == 0) return quote + 1;
    }
    return std::string_view::npos;
}

// Without the blanks of JSON (section 2) at both ends.
inline std::string_view trimmed_json(std::string_view json) {
    constexpr std::string_view blanks = " \t\r\n";
    json.remove_prefix(std::min(json.find_first_not_of(blanks), json.size()));
    return json.substr(0, json.find_last_not_of(blanks) + 1);
}

}  // namespace kernel
