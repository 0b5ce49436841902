// Unsigned big-endian integers of 32 and 16 bits, as the frames have them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace platform::pulsar::wire {

// The first four. REQUIRES: so many.
inline std::uint32_t read_u32(std::string_view bytes) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

// The place behind the four bytes that it wrote.
inline char* write_u32(char* at, std::uint32_t value) {
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    std::memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

// The first two. REQUIRES: so many.
inline std::uint16_t read_u16(std::string_view bytes) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) << 8U | static_cast<unsigned char>(bytes[1]));
}

inline char* write_u16(char* at, std::uint16_t value) {
    at[0] = static_cast<char>(value >> 8U);
    at[1] = static_cast<char>(value & 0xffU);
    return at + sizeof value;
}

}  // namespace platform::pulsar::wire
