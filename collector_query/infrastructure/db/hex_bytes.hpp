// Ids as bytes: in columns an id is half of its hex text.
#pragma once

#include "kernel/hex.hpp"
#include "kernel/result.hpp"

#include <string>
#include <string_view>

namespace collector_query::infrastructure::db {

using kernel::hex_of;

// Bytes of the hex digits of an id in an event or a request. fault "id-not-hex".
inline kernel::Result<std::string> bytes_of(std::string_view hex) {
    if (auto bytes = kernel::bytes_from_hex(hex, 16)) return std::move(*bytes);
    return kernel::Error{kernel::ErrorKind::fault, "id-not-hex", "an id is not 32 digits of lower-case hex"};
}

}  // namespace collector_query::infrastructure::db
