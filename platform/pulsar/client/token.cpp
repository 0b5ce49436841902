// Where tokens come from.
#include "platform/pulsar/client/client.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

namespace platform::pulsar::client {
namespace {

constexpr std::size_t token_bytes_max = 1024 * 1024;

std::string trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(space) - first + 1));
}

kernel::Error unavailable(std::string message) {
    return kernel::Error{kernel::ErrorKind::unavailable, "pulsar-token", std::move(message)};
}

}  // namespace

TokenSupplier token_from_file(std::string path) {
    return [path = std::move(path)]() -> kernel::Result<std::string> {
        std::ifstream file(path, std::ios::binary);
        if (!file) return unavailable("the token's file cannot be read");
        std::string text;
        for (auto at = std::istreambuf_iterator<char>(file); at != std::istreambuf_iterator<char>() && text.size() <= token_bytes_max; ++at)
            text.push_back(*at);
        if (text.size() > token_bytes_max) return unavailable("the token's file is too large for a token");
        auto token = trimmed(text);
        if (token.empty()) return unavailable("the token's file is empty");
        return token;
    };
}

TokenSupplier token_from_environment(std::string variable) {
    return [variable = std::move(variable)]() -> kernel::Result<std::string> {
        const char* const value = std::getenv(variable.c_str());
        auto token = trimmed(value ? value : "");
        if (token.empty()) return unavailable("the token's environment variable " + variable + " is not set");
        return token;
    };
}

}  // namespace platform::pulsar::client
