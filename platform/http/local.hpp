// Names of this machine, as Host and Origin have them.
#pragma once

#include <string_view>

namespace platform::http {

// "localhost", an address of 127.0.0.0/8 or "[::1]", with any port or none.
bool is_local_authority(std::string_view authority);
// "http://" or "https://" and such an authority.
bool is_local_origin(std::string_view origin);

}  // namespace platform::http
