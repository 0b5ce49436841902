// Where a service listens or is found: host and port as people write them.
#pragma once

#include "kernel/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace acopio {

struct Address {
    std::string host = "127.0.0.1";  // a name or a number; IPv6 without its brackets
    std::uint16_t port = 0;
    friend bool operator==(const Address&, const Address&) = default;
};

// "127.0.0.1:8000", "[::1]:8000", "localhost:8000", ":8000" and "8000" (both 127.0.0.1); "http://" before and "/" behind are passed by.
// incorrect "address-invalid"; unsupported "no-tls" for https.
kernel::Result<Address> address_from_text(std::string_view text);
std::string to_text(const Address& address);

// True for 127.0.0.0/8, ::1 and "localhost": nobody from another machine reaches it.
bool is_loopback(std::string_view host);

}  // namespace acopio
