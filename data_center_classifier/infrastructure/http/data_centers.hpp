// Handlers of /data-centers: an operator's orders, and what a centre may see of itself.
#pragma once

#include "data_center_classifier/infrastructure/http/authentication.hpp"
#include "data_center_classifier/infrastructure/http/routes.hpp"

namespace data_center_classifier::infrastructure::http {

// What the handlers need; it outlives the server.
struct DataCenterHandlers {
    const Surface& surface;
    const Authentication& authentication;
};

// Adds them all. Each authenticates before it reads a body; whatever touches a database runs on the blocking pool.
void add_data_center_routes(platform::http::Routes& routes, DataCenterHandlers* handlers);

}  // namespace data_center_classifier::infrastructure::http
