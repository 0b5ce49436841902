// For answers that hold what belongs to a patient or a centre: no cache on the way keeps them (RFC 9111, 5.2.2.5).
#pragma once

#include "platform/http/http.hpp"

namespace platform::http {

// The handler, with "Cache-Control: no-store" in each of its answers.
Handler not_stored(Handler handler);

}  // namespace platform::http
