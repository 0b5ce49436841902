// Addresses by hand: no resolver, so the same text is always the same address.
#include "acopio/address.hpp"

#include <algorithm>
#include <charconv>

namespace acopio {
namespace {

constexpr std::size_t host_bytes_max = 253;

kernel::Error invalid(std::string_view why) {
    return {kernel::ErrorKind::incorrect, "address-invalid",
            "the address " + std::string(why) + ". Write HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000"};
}

bool is_host(std::string_view text, bool brackets) {
    const auto allowed = [brackets](char c) {
        const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return letter_or_digit || c == '.' || c == '-' || c == '_' || (brackets && (c == ':' || c == '%'));
    };
    return !text.empty() && text.size() <= host_bytes_max && std::ranges::all_of(text, allowed);
}

}  // namespace

kernel::Result<Address> address_from_text(std::string_view text) {
    if (text.starts_with("https://"))
        return kernel::Error{kernel::ErrorKind::unsupported, "no-tls",
                             "this program speaks no TLS. Go through a proxy or a tunnel on this machine"};
    if (text.starts_with("http://")) text.remove_prefix(7);
    if (text.ends_with('/')) text.remove_suffix(1);

    Address address;
    std::string_view port = text;
    if (text.starts_with('[')) {
        const auto end = text.find("]:");
        if (end == std::string_view::npos) return invalid("has no port after its brackets");
        address.host = text.substr(1, end - 1);
        port = text.substr(end + 2);
        if (!is_host(address.host, true)) return invalid("has no IPv6 address in its brackets");
    } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
        if (colon > 0) address.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (!is_host(address.host, false)) return invalid("has a host that cannot be");
    }
    const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (port.empty() || status != std::errc{} || end != port.data() + port.size()) return invalid("has no port from 0 to 65535");
    return address;
}

std::string to_text(const Address& address) {
    const bool v6 = address.host.contains(':');
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1") return true;
    if (!host.starts_with("127.")) return false;
    const bool number = std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    return number && std::ranges::count(host, '.') == 3;
}

}  // namespace acopio
