// A body that is read as a whole: one record, or an array of them. Streams: raw_data_stream.cpp.
#include "data_center_classifier/infrastructure/http/raw_data.hpp"

#include "data_center_classifier/infrastructure/http/problems.hpp"
#include "data_center_classifier/infrastructure/http/raw_data_stream.hpp"
#include "platform/runtime/coroutine.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace data_center_classifier::infrastructure::http {
namespace {

using application::Status;
using kernel::Error;
using kernel::ErrorKind;
using platform::http::Exchange;
using platform::http::Problem;
using platform::http::Response;
using Reply = kernel::Task<Response>;

constexpr std::size_t body_bytes_max = 16 * 1024 * 1024;

Response refuse_one(Intake& intake, const Problem& problem) {
    Totals totals;
    totals[Status::refused] = 1;
    intake.count(totals);
    return refuse(problem);
}

Reply answer_one(Intake* intake, std::shared_ptr<Batch> batch) {
    if (batch->items.front().refusal) co_return refuse_one(*intake, *batch->items.front().refusal);
    auto outcomes = co_await intake->receive(batch, {});
    if (!outcomes) co_return refuse(outcomes.error());
    if (batch->items.front().refusal) co_return refuse_one(*intake, *batch->items.front().refusal);
    const auto& outcome = outcomes->front();
    if (outcome.refusal) co_return refuse_one(*intake, refusal_of(batch->items.front(), outcome));
    Totals totals;
    totals[outcome.status] = 1;
    intake->count(totals);
    co_return platform::http::json(outcome.repeated ? 200 : 202, to_json(outcome, intake->rubric()));
}

// The first batch may be told to come again, since nothing was written by then; what fails later is refused item by item.
Reply answer_array(Intake* intake, std::shared_ptr<Batches> batches) {
    Totals totals;
    JsonWriter items;
    bool first = true;
    for (; !batches->empty(); batches->pop_front()) {
        auto batch = std::make_shared<Batch>(std::move(batches->front()));
        std::chrono::steady_clock::duration patience{};
        if (!first) patience = busy_patience;
        auto outcomes = co_await intake->receive(batch, patience);
        if (!outcomes && first) co_return refuse(outcomes.error());
        first = false;
        if (outcomes) intake->write(items, totals, *batch, *outcomes, false);
        else intake->write_failed(items, totals, *batch, outcomes.error(), false);
    }
    intake->count(totals);
    JsonWriter json;
    json.open('{');
    add_totals(json, totals);
    json.name("items").open('[');
    if (items.size() > 0) json.raw(items.take());
    json.close(']').close('}');
    co_return platform::http::json(200, json.take());
}

// 0 when it is not told.
std::size_t told_length(const platform::http::Request& request) {
    const auto text = request.header("content-length");
    std::size_t length = 0;
    std::from_chars(text.data(), text.data() + text.size(), length);
    return std::min(length, body_bytes_max);
}

Reply post_json(Intake* intake, Submitter submitter, Exchange* exchange) {
    const Error no_room{ErrorKind::busy, "bodies-too-many", "too many large bodies are on their way; retry later"};
    if (!intake->body_bytes.has(std::max<std::size_t>(told_length(exchange->request), 1))) co_return refuse(no_room);
    // Held until the answer: what is made of a body lies in memory until then.
    Quota::Share share(intake->body_bytes);
    auto body = co_await exchange->body.read_all(
        body_bytes_max, [&share, &no_room](std::size_t more) { return share.take(more) ? kernel::ok() : kernel::Result<void>(no_room); });
    if (!body) co_return refuse(body.error());
    auto batches = std::make_shared<Batches>();
    const auto shape = Intake::Reader(*intake)->body(*body, [&](std::size_t index, formats::Read<domain::RawData> read) {
        intake->add(*batches, submitter, "json", index, std::move(read));
    });
    if (const auto* refusal = std::get_if<formats::Refusal>(&shape)) co_return refuse_one(*intake, problem_of(*refusal));
    body->clear();
    body->shrink_to_fit();
    if (std::get<formats::JsonReader::Shape>(shape) == formats::JsonReader::Shape::array)
        co_return co_await answer_array(intake, std::move(batches));
    co_return co_await answer_one(intake, std::make_shared<Batch>(std::move(batches->front())));
}

Reply post_lines(Intake* intake, Submitter submitter, StreamFormat format, Exchange* exchange) {
    CountsByName::Share own(intake->streams_of_center);
    if (!own.take(submitter.sender.id.value))
        co_return refuse(Error{ErrorKind::busy, "streams-too-many",
                               "this data centre has " + std::to_string(intake->streams_of_center.max()) +
                                   " streams open, as many as one may have; send more records in each, or retry later"});
    Quota::Share share(intake->streams);
    if (!share.take(1))
        co_return refuse(
            Error{ErrorKind::busy, "streams-too-many", "the streams of all data centres are as many as this server takes; retry later"});
    co_return co_await post_stream(intake, std::move(submitter), format, exchange);
}

// The names under which the one format without a registered type is sent.
bool is_ndjson(std::string_view type) {
    constexpr auto names =
        std::to_array<std::string_view>({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"});
    return std::ranges::find(names, type) != names.end();
}

}  // namespace

Reply post_raw_data(RawDataHandlers* handlers, Exchange* exchange) {
    auto submitter = handlers->authentication.may_send(exchange->request);
    if (!submitter) co_return refuse(submitter.error());
    submitter->request_id = exchange->request.id;
    if (submitter->by_key) submitter->key_id = application::key_id_of(exchange->request.bearer_token());
    if (auto problem = charset_problem(exchange->request)) co_return refuse(*problem);
    const auto type = exchange->request.media_type();
    if (type == "application/json") co_return co_await post_json(&handlers->intake, std::move(*submitter), exchange);
    if (is_ndjson(type)) co_return co_await post_lines(&handlers->intake, std::move(*submitter), StreamFormat::ndjson, exchange);
    if (type == "text/csv") co_return co_await post_lines(&handlers->intake, std::move(*submitter), StreamFormat::csv, exchange);
    co_return refuse(type_problem("application/json, application/x-ndjson or text/csv"));
}

Reply delete_raw_data(RawDataHandlers* handlers, Exchange* exchange) {
    auto submitter = handlers->authentication.may_retract(exchange->request);
    if (!submitter) co_return refuse(submitter.error());
    auto sender = handlers->intake.surface().cache.sender(submitter->sender.id.value);
    if (!sender) co_return refuse(Error{ErrorKind::not_found, "record-unknown", "the data centre has no record of this id here"});
    if (sender->suspended)
        co_return refuse(Error{ErrorKind::forbidden, "data-center-suspended", "the operator has suspended this data centre"});
    auto retracted =
        co_await handlers->intake.surface().receive.retract(std::move(*sender), {std::string(exchange->request.parameter("record_id"))});
    if (!retracted) co_return refuse(retracted.error());
    JsonWriter json;
    json.open('{').name("status").text("retracted").name("data_id").text(retracted->value).close('}');
    co_return platform::http::json(202, json.take());
}

}  // namespace data_center_classifier::infrastructure::http
