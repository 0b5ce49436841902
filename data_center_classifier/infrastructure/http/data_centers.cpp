// Handlers parse, call a use case, and map its result: nothing else.
#include "data_center_classifier/infrastructure/http/data_centers.hpp"

#include "data_center_classifier/infrastructure/http/answers.hpp"
#include "data_center_classifier/infrastructure/http/problems.hpp"
#include "data_center_classifier/infrastructure/http/text_members.hpp"
#include "platform/http/not_stored.hpp"
#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/coroutine.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <limits>

namespace data_center_classifier::infrastructure::http {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using platform::http::Exchange;
using platform::http::Response;
using Reply = kernel::Task<Response>;
using Members = std::map<std::string, std::string, std::less<>>;

constexpr std::size_t body_bytes_max = 256 * 1024;
constexpr std::size_t page_default = 100;
constexpr std::size_t page_max = 1000;

kernel::DataCenterId id_of(const Exchange* exchange) {
    return {std::string(exchange->request.parameter("id"))};
}

// A web page cannot send this type to another site unasked, which guards the open mode once more.
std::optional<platform::http::Problem> not_json(const Exchange* exchange) {
    if (exchange->request.media_type() != "application/json") return type_problem("application/json");
    return charset_problem(exchange->request);
}

Error center_unknown() {
    return {ErrorKind::not_found, "data-center-unknown", "no data centre of this id is registered"};
}

kernel::Task<Members> body_of(Exchange* exchange) {
    auto body = co_await exchange->body.read_all(body_bytes_max);
    if (!body) co_return std::move(body).error();
    co_return text_members(*body);
}

Result<std::string> member(const Members& members, std::string_view name) {
    const auto found = members.find(name);
    if (found == members.end()) return Error{ErrorKind::incorrect, "member-missing", "the body has a member \"" + std::string(name) + "\""};
    return found->second;
}

kernel::Task<domain::DataCenter> order(DataCenterHandlers* handlers, kernel::DataCenterId id, domain::DataCenterCommand command) {
    co_return co_await platform::runtime::blocking_call(
        handlers->surface.pool,
        [manage = &handlers->surface.manage, id = std::move(id), command = std::move(command)] { return manage->handle(id, command); });
}

Response answer_center(const DataCenterHandlers* handlers, int status, const domain::DataCenter& center) {
    return platform::http::json(status, to_json(center, handlers->surface.standings.of(center.id.value)));
}

Reply post_center(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    if (auto problem = not_json(exchange)) co_return refuse(*problem);
    auto members = co_await body_of(exchange);
    if (!members) co_return refuse(members.error());
    auto id = member(*members, "id");
    if (!id) co_return refuse(id.error());
    const auto named = members->find("name");
    auto name = named == members->end() ? *id : named->second;
    auto center = co_await order(handlers, {*id}, domain::RegisterDataCenter{{*id}, std::move(name)});
    if (!center) co_return refuse(center.error());
    auto response = answer_center(handlers, 201, *center);
    response.headers.emplace_back("Location", "/data-centers/" + center->id.value);
    co_return response;
}

Reply get_centers(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    JsonWriter json;
    json.open('{').name("data_centers").open('[');
    for (const auto& center : handlers->surface.cache.all()) add_center(json, center, handlers->surface.standings.of(center.id.value));
    json.close(']').close('}');
    co_return platform::http::json(200, json.take());
}

Reply get_center(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    const auto center = handlers->surface.cache.find(exchange->request.parameter("id"));
    if (!center) co_return refuse(center_unknown());
    co_return answer_center(handlers, 200, *center);
}

Reply post_key(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    auto key = application::new_key();
    auto center = co_await order(handlers, id_of(exchange), domain::IssueKey{key.key_id, key.key_hash});
    if (!center) co_return refuse(center.error());
    JsonWriter json;
    json.open('{').name("key_id").text(key.key_id).name("key").text(key.key).close('}');
    auto response = platform::http::json(201, json.take());
    response.headers.emplace_back("Location", "/data-centers/" + center->id.value + "/keys/" + key.key_id);
    co_return response;
}

Reply delete_key(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    auto center = co_await order(handlers, id_of(exchange), domain::RevokeKey{std::string(exchange->request.parameter("key_id"))});
    if (!center) co_return refuse(center.error());
    Response response;
    response.status = 204;
    co_return response;
}

Reply post_suspend(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    if (auto problem = not_json(exchange)) co_return refuse(*problem);
    auto members = co_await body_of(exchange);
    if (!members) co_return refuse(members.error());
    auto reason = member(*members, "reason");
    if (!reason) co_return refuse(reason.error());
    if (reason->find_first_not_of(' ') == std::string::npos)
        co_return refuse(Error{ErrorKind::incorrect, "reason-invalid", "the reason says nothing, and people will ask"});
    auto center = co_await order(handlers, id_of(exchange), domain::SuspendDataCenter{std::move(*reason)});
    if (!center) co_return refuse(center.error());
    co_return answer_center(handlers, 200, *center);
}

Reply post_resume(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    auto center = co_await order(handlers, id_of(exchange), domain::ResumeDataCenter{});
    if (!center) co_return refuse(center.error());
    co_return answer_center(handlers, 200, *center);
}

Reply get_mapping(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.may_see(exchange->request, exchange->request.parameter("id")); !allowed)
        co_return refuse(allowed.error());
    const auto center = handlers->surface.cache.find(exchange->request.parameter("id"));
    if (!center) co_return refuse(center_unknown());
    co_return platform::http::json(200, center->mapping);
}

// The mapping as it is stored, sorted by column.
Result<std::string> mapping_of(const Members& members) {
    JsonWriter json;
    json.open('{');
    if (auto good = formats::check_mapping(members); !good) return std::move(good).error();
    for (const auto& [column, field] : members) json.name(column).text(field);
    json.close('}');
    return json.take();
}

Reply put_mapping(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.is_operator(exchange->request); !allowed) co_return refuse(allowed.error());
    if (auto problem = not_json(exchange)) co_return refuse(*problem);
    auto members = co_await body_of(exchange);
    if (!members) co_return refuse(members.error());
    auto mapping = mapping_of(*members);
    if (!mapping) co_return refuse(mapping.error());
    auto center = co_await order(handlers, id_of(exchange), domain::StoreMapping{std::move(*mapping)});
    if (!center) co_return refuse(center.error());
    co_return platform::http::json(200, center->mapping);
}

Reply get_scorecard(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.may_see(exchange->request, exchange->request.parameter("id")); !allowed)
        co_return refuse(allowed.error());
    const auto& surface = handlers->surface;
    auto id = id_of(exchange);
    if (!surface.cache.sender(id.value)) co_return refuse(center_unknown());
    auto scorecard = co_await platform::runtime::blocking_call(surface.pool, [of = &surface, id = std::move(id)] {
        return application::scorecard_of(of->counters, of->receive.rubric(), id, of->clock.now());
    });
    if (!scorecard) co_return refuse(scorecard.error());
    co_return platform::http::json(200, to_json(*scorecard, surface.receive.rubric()));
}

// incorrect "parameter-unknown" when there is another parameter than those.
Result<void> only(const Exchange* exchange, std::initializer_list<std::string_view> names) {
    std::string known;
    for (const auto name : names) known.append(known.empty() ? "" : ", ").append(name);
    for (const auto& [name, value] : exchange->request.query)
        if (std::ranges::find(names, name) == names.end())
            return Error{ErrorKind::incorrect, "parameter-unknown", "the parameters here are " + known};
    return kernel::ok();
}

// A number among the parameters of the query; `otherwise` when it is not there.
Result<std::uint64_t> number(const Exchange* exchange, std::string_view name, std::uint64_t otherwise, std::uint64_t least,
                             std::uint64_t most) {
    const auto text = exchange->request.query_value(name);
    if (!text) return otherwise;
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (status != std::errc{} || end != text->data() + text->size() || value < least || value > most)
        return Error{ErrorKind::incorrect, "parameter-invalid",
                     std::string(name) + " is a number from " + std::to_string(least) + " to " + std::to_string(most)};
    return value;
}

Reply get_quarantine(DataCenterHandlers* handlers, Exchange* exchange) {
    if (auto allowed = handlers->authentication.may_see(exchange->request, exchange->request.parameter("id")); !allowed)
        co_return refuse(allowed.error());
    if (auto known = only(exchange, {"limit", "before"}); !known) co_return refuse(known.error());
    constexpr auto position_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    auto limit = number(exchange, "limit", page_default, 1, page_max);
    if (!limit) co_return refuse(limit.error());
    auto before = number(exchange, "before", 0, 1, position_max);
    if (!before) co_return refuse(before.error());
    const auto& surface = handlers->surface;
    auto id = id_of(exchange);
    if (!surface.cache.sender(id.value)) co_return refuse(center_unknown());
    // One more than asked for tells whether there is a next page.
    auto records =
        co_await platform::runtime::blocking_call(surface.pool, [counters = &surface.counters, id = std::move(id), below = *before,
                                                                 count = *limit + 1] { return counters->quarantined(id, below, count); });
    if (!records) co_return refuse(records.error());
    const bool more = records->size() > *limit;
    if (more) records->pop_back();
    co_return platform::http::json(200, to_json(*records, more ? records->back().position : 0));
}

}  // namespace

void add_data_center_routes(platform::http::Routes& routes, DataCenterHandlers* handlers) {
    struct Route {
        const char *method, *pattern;
        Reply (*handler)(DataCenterHandlers*, Exchange*);
    };
    constexpr Route all[] = {
        {"POST", "/data-centers", post_center},
        {"GET", "/data-centers", get_centers},
        {"GET", "/data-centers/{id}", get_center},
        {"POST", "/data-centers/{id}/keys", post_key},
        {"DELETE", "/data-centers/{id}/keys/{key_id}", delete_key},
        {"POST", "/data-centers/{id}/suspend", post_suspend},
        {"POST", "/data-centers/{id}/resume", post_resume},
        {"GET", "/data-centers/{id}/mapping", get_mapping},
        {"PUT", "/data-centers/{id}/mapping", put_mapping},
        {"GET", "/data-centers/{id}/scorecard", get_scorecard},
        {"GET", "/data-centers/{id}/quarantine", get_quarantine},
    };
    // A scorecard and the quarantine name records.
    for (const auto& route : all)
        routes.add(route.method, route.pattern, platform::http::not_stored([handlers, handler = route.handler](Exchange& exchange) {
                       return handler(handlers, &exchange);
                   }));
}

}  // namespace data_center_classifier::infrastructure::http
