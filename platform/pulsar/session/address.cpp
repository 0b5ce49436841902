// Addresses as Pulsar writes them.
#include "platform/pulsar/session/types.hpp"

#include <charconv>

namespace platform::pulsar::session {
namespace {

constexpr std::uint16_t port_default = 6650;
constexpr std::uint16_t port_default_tls = 6651;

kernel::Error bad_url(std::string_view url) {
    return {kernel::ErrorKind::incorrect, "pulsar-url",
            "'" + (url.find('@') == std::string_view::npos ? std::string(url.substr(0, 200)) : "...") +
                "' is no address of a broker: pulsar://HOST:6650, or pulsar+ssl://HOST:6651 with TLS"};
}

bool is_host(std::string_view host) {
    return !host.empty() && host.size() <= 253 && host.find_first_of(" /@?#[]\t\r\n") == std::string_view::npos;
}

}  // namespace

std::string to_text(const Address& address) {
    const bool bracketed = address.host.find(':') != std::string::npos;
    return (bracketed ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

kernel::Result<Address> address_from(std::string_view url) {
    constexpr std::string_view plain = "pulsar://";
    constexpr std::string_view secure = "pulsar+ssl://";
    Address address;
    auto rest = url;
    if (rest.starts_with(plain)) {
        rest.remove_prefix(plain.size());
    } else if (rest.starts_with(secure)) {
        rest.remove_prefix(secure.size());
        address.tls = true;
    } else {
        return bad_url(url);
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    auto host = rest.substr(0, rest.rfind(':'));
    std::string_view port = rest.rfind(':') == std::string_view::npos ? std::string_view() : rest.substr(rest.rfind(':') + 1);
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return bad_url(url);
        host = rest.substr(1, end - 1);
        const auto behind = rest.substr(end + 1);
        if (!behind.empty() && !behind.starts_with(':')) return bad_url(url);
        port = behind.empty() ? behind : behind.substr(1);
        if (rest.ends_with(':')) return bad_url(url);
    } else if (rest.ends_with(':')) {
        return bad_url(url);
    }
    if (!is_host(host) || (!rest.starts_with('[') && host.find(':') != std::string_view::npos)) return bad_url(url);
    address.host = host;
    address.port = address.tls ? port_default_tls : port_default;
    if (port.empty()) return address;
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (failed != std::errc() || end != port.data() + port.size() || address.port == 0) return bad_url(url);
    return address;
}

}  // namespace platform::pulsar::session
