// Only literals and "localhost" itself: what another name leads to is for its owner to say, and may change between two requests.
#include "platform/http/local.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace platform::http {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool skip(std::string_view& text, std::string_view prefix) {
    if (!boost::beast::iequals(text.substr(0, prefix.size()), prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

// ":8000", or nothing.
bool is_port(std::string_view text) {
    if (text.empty()) return true;
    return text.front() == ':' && text.size() <= 6 && std::all_of(text.begin() + 1, text.end(), is_digit);
}

// Takes ".0" to ".255" away.
bool skip_octet(std::string_view& text) {
    if (text.empty() || text.front() != '.') return false;
    text.remove_prefix(1);
    int value = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && digits < 4 && is_digit(text[digits]); ++digits) value = value * 10 + (text[digits] - '0');
    text.remove_prefix(digits);
    return digits > 0 && digits < 4 && value <= 255;
}

}  // namespace

bool is_local_authority(std::string_view authority) {
    for (const std::string_view name : {"localhost", "[::1]"})
        if (auto rest = authority; skip(rest, name)) return is_port(rest);
    return skip(authority, "127") && skip_octet(authority) && skip_octet(authority) && skip_octet(authority) && is_port(authority);
}

bool is_local_origin(std::string_view origin) {
    return (skip(origin, "http://") || skip(origin, "https://")) && is_local_authority(origin);
}

}  // namespace platform::http
