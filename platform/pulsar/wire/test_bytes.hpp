// Hex and protobuf bytes for the tests of the wire, written without the code under test.
#pragma once

#include "kernel/hex.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace platform::pulsar::wire {

// Blanks between the digits are for the reader.
inline std::string bytes_of(std::string_view hex) {
    std::string digits;
    for (const char c : hex) {
        if (c != ' ') digits += c;
    }
    const auto bytes = kernel::bytes_from_hex(digits, digits.size() / 2);
    if (!bytes) throw std::invalid_argument("not hexadecimal");
    return *bytes;
}

inline std::string big_endian_of(std::uint32_t value) {
    return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U), static_cast<char>(value)};
}

inline std::string sized(std::string_view bytes) {
    return big_endian_of(static_cast<std::uint32_t>(bytes.size())).append(bytes);
}

inline std::string varint(std::uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>(0x80U | (value & 0x7fU));
    return bytes += static_cast<char>(value);
}

inline std::string varint_field(std::uint32_t number, std::uint64_t value) {
    return varint(number << 3U) + varint(value);
}

inline std::string bytes_field(std::uint32_t number, std::string_view bytes) {
    return (varint(number << 3U | 2U) + varint(bytes.size())).append(bytes);
}

}  // namespace platform::pulsar::wire
