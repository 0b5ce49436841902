// The routes of both halves of the intake, and those that ask for no token. What the handlers share lives as long as the routes.
#include "data_center_classifier/infrastructure/http/routes.hpp"

#include "data_center_classifier/infrastructure/http/data_centers.hpp"
#include "data_center_classifier/infrastructure/http/problems.hpp"
#include "data_center_classifier/infrastructure/http/raw_data.hpp"
#include "platform/http/not_stored.hpp"
#include "platform/runtime/coroutine.hpp"

namespace data_center_classifier::infrastructure::http {
namespace {

using platform::http::Exchange;
using platform::http::Response;
using Reply = kernel::Task<Response>;

struct Shared {
    explicit Shared(Surface with) : surface(std::move(with)) {}
    Surface surface;
    Authentication authentication{{.open = surface.open, .operator_token = surface.operator_token}, surface.cache};
    Intake intake{surface};
    RawDataHandlers raw_data{intake, authentication};
    DataCenterHandlers data_centers{surface, authentication};
};

Reply get_rubric(const Shared* shared) {
    co_return platform::http::json(200, shared->surface.rubric_json);
}

Reply get_health() {
    co_return platform::http::json(200, R"({"status":"up"})");
}

Reply get_ready(const Shared* shared) {
    if (shared->surface.ready()) co_return platform::http::json(200, R"({"status":"ready"})");
    co_return refuse(kernel::Error{kernel::ErrorKind::unavailable, "not-ready",
                                   "the log cannot be written, or a projection stopped or makes no progress; see the log of the server"});
}

Reply get_metrics(const Shared* shared) {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = shared->surface.metrics.exposition();
    co_return response;
}

}  // namespace

platform::http::Routes routes(Surface surface) {
    const auto shared = std::make_shared<Shared>(std::move(surface));
    platform::http::Routes own;
    own.add("POST", "/raw-data",
            platform::http::not_stored([shared](Exchange& exchange) { return post_raw_data(&shared->raw_data, &exchange); }));
    own.add("DELETE", "/raw-data/{record_id}",
            platform::http::not_stored([shared](Exchange& exchange) { return delete_raw_data(&shared->raw_data, &exchange); }));
    own.add("GET", "/rubric", [shared](Exchange&) { return get_rubric(shared.get()); });
    own.add("GET", "/health", [](Exchange&) { return get_health(); });
    own.add("GET", "/ready", [shared](Exchange&) { return get_ready(shared.get()); });
    own.add("GET", "/metrics", [shared](Exchange&) { return get_metrics(shared.get()); });
    add_data_center_routes(own, &shared->data_centers);
    return own;
}

}  // namespace data_center_classifier::infrastructure::http
