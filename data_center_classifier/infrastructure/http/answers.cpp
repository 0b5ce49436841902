// Scores have one decimal, rates four, costs two.
#include "data_center_classifier/infrastructure/http/answers.hpp"

#include <algorithm>

namespace data_center_classifier::infrastructure::http {
namespace {

using application::Outcome;

constexpr int score_decimals = 1;
constexpr int rate_decimals = 4;
constexpr int cost_decimals = 2;

std::string_view to_text(domain::Severity severity) {
    return severity == domain::Severity::required ? "required" : "investigative";
}

void add_identity(JsonWriter& json, const Outcome& outcome) {
    json.name("status").text(application::to_text(outcome.status));
    json.name("receipt_id").text(outcome.receipt_id.value);
    json.name("record_id").text(outcome.record_id.value);
    if (outcome.record_id_derived) json.name("record_id_derived").boolean(true);
    json.name("data_id").text(outcome.data_id.value);
    json.name("score").real(outcome.score, score_decimals);
}

void add_finding(JsonWriter& json, const domain::Check& check) {
    json.open('{');
    json.name("check").text(check.id);
    json.name("dimension").text(domain::to_text(check.dimension));
    if (!check.field.empty()) json.name("field").text(check.field);
    json.name("severity").text(to_text(check.severity));
    json.name("title").text(check.title);
    json.name("expected").text(check.expected);
    json.name("mend").text(check.mend);
    json.close('}');
}

void add_dimension(JsonWriter& json, const domain::DimensionScore& one) {
    json.open('{');
    json.name("dimension").text(domain::to_text(one.dimension));
    json.name("rate").real(one.rate, rate_decimals);
    json.name("lower").real(one.lower, rate_decimals);
    json.name("weight").real(one.weight, rate_decimals);
    json.name("cost").real(one.cost, cost_decimals);
    json.name("judged").integer(one.judged);
    json.close('}');
}

void add_examples(JsonWriter& json, std::string_view check_id, const std::vector<application::Example>& examples) {
    json.name("examples").open('[');
    std::vector<std::string_view> told;
    for (const auto& example : examples) {
        if (example.check_id != check_id || std::ranges::find(told, example.record_id) != told.end()) continue;
        told.push_back(example.record_id);
        json.text(example.record_id);
    }
    json.close(']');
}

void add_failing(JsonWriter& json, const domain::FailingCheck& failing, const domain::Check& check,
                 const std::vector<application::Example>& examples) {
    const auto judged = failing.count.pass + failing.count.fail;
    json.open('{');
    json.name("check").text(check.id);
    json.name("dimension").text(domain::to_text(check.dimension));
    json.name("title").text(check.title);
    json.name("mend").text(check.mend);
    json.name("failed").integer(failing.count.fail);
    json.name("judged").integer(judged);
    json.name("rate").real(judged == 0 ? 0 : static_cast<double>(failing.count.fail) / static_cast<double>(judged), rate_decimals);
    json.name("cost").real(failing.cost, cost_decimals);
    add_examples(json, check.id, examples);
    json.close('}');
}

void add_lift(JsonWriter& json, const domain::Lift& lift) {
    json.open('{').name("grade").text({&lift.grade, 1}).name("steps").open('[');
    for (const auto& step : lift.steps) {
        json.open('{').name("dimension").text(domain::to_text(step.dimension));
        json.name("from").real(step.from, rate_decimals).name("to").real(step.to, rate_decimals).close('}');
    }
    json.close(']').name("text").text(domain::to_text(lift)).close('}');
}

void add_feed(JsonWriter& json, const application::FeedScore& feed) {
    json.open('{');
    json.name("feed").text(feed.feed);
    json.name("records").integer(feed.records);
    json.name("score").real(feed.score, score_decimals);
    json.name("score_lower").real(feed.score_lower, score_decimals);
    json.name("grade").text({&feed.grade, 1});
    json.close('}');
}

}  // namespace

std::string to_json(const Outcome& outcome, const domain::Rubric& rubric) {
    JsonWriter json;
    json.open('{');
    add_identity(json, outcome);
    json.name("findings").open('[');
    for (const auto check : outcome.failed) add_finding(json, rubric.checks[check]);
    json.close(']').close('}');
    return json.take();
}

void add_item(JsonWriter& json, std::uint64_t index, const Outcome& outcome, const domain::Rubric& rubric) {
    json.open('{').name("index").integer(index);
    add_identity(json, outcome);
    json.name("failed").open('[');
    for (const auto check : outcome.failed) json.text(rubric.checks[check].id);
    json.close(']').close('}');
}

void add_refused(JsonWriter& json, std::uint64_t index, platform::http::Problem problem, const std::string& request_id) {
    problem.instance = request_id;
    json.open('{').name("index").integer(index).name("status").text("refused");
    json.name("problem").raw(platform::http::to_json(problem)).close('}');
}

void add_totals(JsonWriter& json, const Totals& totals) {
    for (std::size_t i = 0; i < totals.by_status.size(); ++i)
        json.name(application::to_text(static_cast<application::Status>(i))).integer(totals.by_status[i]);
}

void add_center(JsonWriter& json, const domain::DataCenter& center, const application::Standing& standing) {
    json.open('{');
    json.name("id").text(center.id.value);
    json.name("name").text(center.name);
    json.name("registered_at").text(kernel::to_text(center.registered_at));
    json.name("suspended").boolean(center.suspended);
    if (center.suspended) json.name("reason").text(center.suspended_because);
    json.name("grade").text(center.grade);
    json.name("score").real(standing.records == 0 ? center.score : standing.score, score_decimals);
    if (standing.records > 0) json.name("score_lower").real(standing.score_lower, score_decimals);
    json.name("records").integer(standing.records);
    json.name("provisional").boolean(standing.provisional);
    json.name("keys").open('[');
    for (const auto& key : center.keys) {
        json.open('{').name("id").text(key.id).name("issued_at").text(kernel::to_text(key.issued_at));
        if (key.revoked_at) json.name("revoked_at").text(kernel::to_text(*key.revoked_at));
        json.close('}');
    }
    json.close(']').close('}');
}

std::string to_json(const domain::DataCenter& center, const application::Standing& standing) {
    JsonWriter json;
    add_center(json, center, standing);
    return json.take();
}

std::string to_json(const application::CenterScorecard& scorecard, const domain::Rubric& rubric) {
    const auto& card = scorecard.card;
    JsonWriter json;
    json.open('{');
    json.name("data_center_id").text(scorecard.center.value);
    json.name("rubric").text(card.rubric);
    json.name("window_days").integer(application::window_days);
    json.name("records").integer(card.records);
    json.name("grade").text({&card.grade, 1});
    json.name("score").real(card.score, score_decimals);
    json.name("score_lower").real(card.score_lower, score_decimals);
    json.name("provisional").boolean(card.provisional);
    json.name("dimensions").open('[');
    for (const auto& dimension : card.dimensions) add_dimension(json, dimension);
    json.close(']').name("failing").open('[');
    for (const auto& failing : card.failing) add_failing(json, failing, rubric.checks[failing.check], scorecard.examples);
    json.close(']').name("lift");
    if (card.lift) add_lift(json, *card.lift);
    else json.raw("null");
    json.name("feeds").open('[');
    for (const auto& feed : scorecard.feeds) add_feed(json, feed);
    json.close(']').close('}');
    return json.take();
}

std::string to_json(const std::vector<application::QuarantinedRecord>& records, std::uint64_t next) {
    JsonWriter json;
    json.open('{').name("quarantined").open('[');
    for (const auto& record : records) {
        json.open('{').name("record_id").text(record.record_id.value).name("receipt_id").text(record.receipt_id.value);
        json.name("received_at").text(kernel::to_text(record.received_at)).name("reasons").open('[');
        for (const auto& reason : record.reasons) json.text(reason);
        json.close(']').close('}');
    }
    json.close(']').name("next");
    if (next == 0) json.raw("null");
    else json.integer(next);
    json.close('}');
    return json.take();
}

}  // namespace data_center_classifier::infrastructure::http
