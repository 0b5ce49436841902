// Ids as bytes: in columns an id is half of its hex text.
#pragma once

#include "kernel/result.hpp"

#include <string>
#include <string_view>

namespace collector_query::infrastructure::db {

inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// Bytes of lower-case hex digits of an id in an event or a request. fault "id-not-hex".
inline kernel::Result<std::string> bytes_of(std::string_view hex) {
    const kernel::Error broken{kernel::ErrorKind::fault, "id-not-hex", "an id is not 32 digits of lower-case hex"};
    if (hex.size() != 32) return broken;
    std::string bytes;
    bytes.reserve(16);
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = hex_digit(hex[i]);
        const int low = hex_digit(hex[i + 1]);
        if (high < 0 || low < 0) return broken;
        bytes += static_cast<char>(high * 16 + low);
    }
    return bytes;
}

inline std::string hex_of(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (const char c : bytes) {
        hex += digits[static_cast<unsigned char>(c) >> 4];
        hex += digits[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

}  // namespace collector_query::infrastructure::db
