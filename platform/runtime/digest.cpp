// Hashing, random secrets and constant-time comparison, by OpenSSL.
#include "platform/runtime/digest.hpp"

#include "kernel/check.hpp"
#include "kernel/hex.hpp"

#include <memory>
#include <span>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace platform::runtime {
namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::string_view view_of(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

// The algorithm is fetched once, and each thread keeps a context: OpenSSL's one-shot call fetches each time, which costs more than the
// hash.
Digest sha256(std::string_view bytes) {
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    Digest digest;
    const bool done = algorithm && context && EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1 &&
                      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
                      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
    CHECK(done, "SHA-256 is there");
    return digest;
}

std::string hex(const Digest& digest, std::size_t bytes) {
    return kernel::hex_of(view_of(digest).substr(0, bytes));
}

std::string random_hex(std::size_t bytes) {
    std::vector<std::uint8_t> random(bytes);
    CHECK(RAND_bytes(random.data(), static_cast<int>(bytes)) == 1, "the system gave no random bytes");
    return kernel::hex_of(view_of(random));
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace platform::runtime
