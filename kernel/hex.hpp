// Hexadecimal digits, lower case: the text form of ids and hashes, whose column form is bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kernel {

inline std::string hex_of(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex(2 * bytes.size(), '\0');
    auto* at = hex.data();
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        *at++ = digits[byte >> 4U];
        *at++ = digits[byte & 15U];
    }
    return hex;
}

// The value of one digit, or -1. Capitals are none: an id has one text.
constexpr int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The `size` bytes that exactly 2 * `size` digits stand for.
inline std::optional<std::string> bytes_from_hex(std::string_view hex, std::size_t size) {
    if (hex.size() != 2 * size) return std::nullopt;
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        const int high = hex_digit(hex[2 * i]);
        const int low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes[i] = static_cast<char>(high * 16 + low);
    }
    return bytes;
}

}  // namespace kernel
