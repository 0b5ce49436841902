// The HTTP surface of the read side (:8001).
#pragma once

#include "collector_query/application/service_collector_query.hpp"
#include "platform/http/http.hpp"
#include "platform/runtime/metrics.hpp"

#include <functional>

namespace collector_query::infrastructure::http {

struct Surface {
    application::CollectorQuery& queries;
    platform::runtime::Metrics& metrics;
    std::function<bool()> ready;  // false once a projection stopped
};

// GET /data, /data/{id}, /data/{id}/history, /receipts/{id}, /health, /ready, /metrics. What `surface` refers to outlives the server.
platform::http::Routes routes(Surface surface);

}  // namespace collector_query::infrastructure::http
