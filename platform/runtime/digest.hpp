// Hashing, random secrets and constant-time comparison (OpenSSL).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace platform::runtime {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view bytes);
std::string hex(const Digest& digest, std::size_t bytes = 32);  // lower case, 2 * bytes characters
// `bytes` random bytes of the system's generator, as 2 * bytes hex digits.
std::string random_hex(std::size_t bytes);
// Takes time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace platform::runtime
