// Handlers parse, call a use case, and map its result: nothing else. Each is a coroutine whose parameters outlive it (see Exchange,
// Surface).
#include "collector_query/infrastructure/http/routes.hpp"

#include "collector_query/infrastructure/http/answers.hpp"
#include "platform/http/not_stored.hpp"
#include "platform/runtime/coroutine.hpp"

#include <algorithm>
#include <array>

namespace collector_query::infrastructure::http {
namespace {

using platform::http::Exchange;
using platform::http::Problem;
using platform::http::Response;
using Reply = kernel::Task<Response>;

Response answer_refusal(const domain::Refusal& refusal) {
    Problem problem;
    problem.status = 400;
    problem.code = refusal.code;
    problem.title = refusal.code.starts_with("cursor") ? "The cursor cannot be used here" : "The filter was not understood";
    problem.detail = refusal.detail;
    problem.expected = refusal.expected;
    problem.mend = refusal.code == "filter-unknown" ? "use only the parameters that are expected" : "send a value as it is expected";
    if (refusal.code.starts_with("cursor")) problem.mend = "ask for the first page again, without a cursor";
    return platform::http::answer(problem);
}

struct Mend {
    std::string_view code, mend;
};
constexpr std::array mends{
    Mend{"token-missing", "send Authorization: Bearer with a read token; the operator makes one with `acopio token add`"},
    Mend{"token-wrong", "check that the token is whole, of this server and for reading; the operator makes a new one"},
    Mend{"id-broken", "send the 32 hex digits that the answer to the record had"},
    Mend{"no-such-data", "check the data id, or look for the record with GET /data"},
    Mend{"no-such-receipt", "check the receipt id; one that was just given is seen in a moment"},
};

// No token and a wrong one are 401, as RFC 9110 has it; the rest goes by its kind.
Response answer_error(const kernel::Error& error) {
    auto problem = platform::http::problem_from(error);
    if (const auto* known = std::ranges::find(mends, problem.code, &Mend::code); known != mends.end() && problem.mend.empty())
        problem.mend = known->mend;
    const bool missing = error.code == "token-missing";
    if (!missing && error.code != "token-wrong") return platform::http::answer(problem);
    problem.status = 401;
    auto response = platform::http::answer(problem);
    response.headers.emplace_back("WWW-Authenticate", missing ? "Bearer" : "Bearer error=\"invalid_token\"");  // RFC 6750, 3
    return response;
}

std::string token_of(const Exchange& exchange) {
    return std::string(exchange.request.bearer_token());
}
std::string id_of(const Exchange& exchange) {
    return std::string(exchange.request.parameter("id"));
}

Reply get_page(application::CollectorQuery* queries, Exchange* exchange) {
    auto parsed = domain::data_query_from(exchange->request.query);
    if (const auto* refusal = std::get_if<domain::Refusal>(&parsed)) {
        // Somebody without a token learns nothing about the parameters.
        auto allowed = co_await queries->may_read(token_of(*exchange));
        co_return allowed ? answer_refusal(*refusal) : answer_error(allowed.error());
    }
    const auto& query = std::get<domain::DataQuery>(parsed);
    auto page = co_await queries->find(token_of(*exchange), query);
    if (!page) co_return answer_error(page.error());
    co_return platform::http::json(200, to_json(*page, query));
}

Response gone() {
    Problem problem;
    problem.status = 410;
    problem.code = "data-retracted";
    problem.title = "The record was taken back";
    problem.detail = "its data centre retracted this record";
    problem.mend = "its history is at /data/{id}/history";
    return platform::http::answer(problem);
}

Reply get_item(application::CollectorQuery* queries, Exchange* exchange) {
    auto item = co_await queries->get(token_of(*exchange), id_of(*exchange));
    if (!item) co_return answer_error(item.error());
    if (item->retracted) co_return gone();
    co_return platform::http::json(200, to_json(*item));
}

Reply get_history(application::CollectorQuery* queries, Exchange* exchange) {
    auto history = co_await queries->history(token_of(*exchange), id_of(*exchange));
    if (!history) co_return answer_error(history.error());
    co_return platform::http::json(200, to_json(kernel::DataId{id_of(*exchange)}, *history));
}

Reply get_receipt(application::CollectorQuery* queries, Exchange* exchange) {
    auto receipt = co_await queries->receipt(token_of(*exchange), id_of(*exchange));
    if (!receipt) co_return answer_error(receipt.error());
    co_return platform::http::json(200, to_json(*receipt));
}

Reply get_health() {
    co_return platform::http::json(200, R"({"status":"up"})");
}

Reply get_ready(bool ready) {
    if (ready) co_return platform::http::json(200, R"({"status":"ready"})");
    co_return answer_error({kernel::ErrorKind::unavailable, "projection-stopped",
                            "a projection stopped or makes no progress: what is new is not visible; see the log"});
}

Reply get_metrics(platform::runtime::Metrics* metrics) {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics->exposition();
    co_return response;
}

}  // namespace

platform::http::Routes routes(Surface surface) {
    using platform::http::not_stored;
    platform::http::Routes all;
    auto* queries = &surface.queries;
    auto* metrics = &surface.metrics;
    all.add("GET", "/data", not_stored([queries](Exchange& exchange) { return get_page(queries, &exchange); }));
    all.add("GET", "/data/{id}", not_stored([queries](Exchange& exchange) { return get_item(queries, &exchange); }));
    all.add("GET", "/data/{id}/history", not_stored([queries](Exchange& exchange) { return get_history(queries, &exchange); }));
    all.add("GET", "/receipts/{id}", not_stored([queries](Exchange& exchange) { return get_receipt(queries, &exchange); }));
    all.add("GET", "/health", [](Exchange&) { return get_health(); });
    all.add("GET", "/ready", [ready = std::move(surface.ready)](Exchange&) { return get_ready(ready()); });
    all.add("GET", "/metrics", [metrics](Exchange&) { return get_metrics(metrics); });
    return all;
}

}  // namespace collector_query::infrastructure::http
