// Handlers of /raw-data. Each authenticates before it reads the body.
#pragma once

#include "data_center_classifier/infrastructure/http/intake.hpp"

namespace data_center_classifier::infrastructure::http {

// What a handler needs; it outlives the server.
struct RawDataHandlers {
    Intake& intake;
    const Authentication& authentication;
};

// By Content-Type: one record, an array, or a stream.
kernel::Task<platform::http::Response> post_raw_data(RawDataHandlers* handlers, platform::http::Exchange* exchange);
kernel::Task<platform::http::Response> delete_raw_data(RawDataHandlers* handlers, platform::http::Exchange* exchange);

}  // namespace data_center_classifier::infrastructure::http
