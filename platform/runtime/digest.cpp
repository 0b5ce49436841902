// Hashing, random secrets and constant-time comparison, by OpenSSL.
#include "platform/runtime/digest.hpp"

#include "kernel/check.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

namespace platform::runtime {
namespace {

std::string hex_of(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

}  // namespace

Digest sha256(std::string_view bytes) {
    Digest digest;
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    return digest;
}

std::string hex(const Digest& digest, std::size_t bytes) {
    return hex_of(std::span(digest).first(std::min(bytes, digest.size())));
}

std::string random_hex(std::size_t bytes) {
    std::vector<std::uint8_t> random(bytes);
    CHECK(RAND_bytes(random.data(), static_cast<int>(bytes)) == 1, "the system gave no random bytes");
    return hex_of(random);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace platform::runtime
