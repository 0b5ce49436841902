// A page of a thousand records is one string, appended to.
#include "collector_query/infrastructure/http/answers.hpp"

#include "kernel/event_codec.hpp"
#include "platform/http/json_writer.hpp"

#include <cmath>

namespace collector_query::infrastructure::http {
namespace {

using application::DataItem;
using application::DataVersion;
using application::Receipt;
using platform::http::JsonWriter;

JsonWriter& member(JsonWriter& json, std::string_view name, std::string_view text) {
    return json.name(name).text(text);
}
JsonWriter& member(JsonWriter& json, std::string_view name, kernel::Timestamp time) {
    return member(json, name, kernel::to_text(time));
}
JsonWriter& member(JsonWriter& json, std::string_view name, const std::optional<kernel::Timestamp>& time) {
    return time ? member(json, name, *time) : json.name(name).raw("null");
}

// One decimal: more would promise what a score does not hold. Pages are sorted by all of it.
std::string score_text(double score) {
    return kernel::codec::to_text(std::round(score * 10) / 10);
}

void add_item(JsonWriter& json, const DataItem& item) {
    json.open('{');
    member(json, "data_id", item.data_id.value);
    member(json, "data_center_id", item.data_center_id.value);
    member(json, "record_id", item.record_id.value);
    json.name("version").integer(item.version);
    json.name("score").raw(score_text(item.score));
    member(json, "grade", domain::grade_text(item.grade));
    member(json, "received_at", item.received_at);
    member(json, "collected_at", item.collected_at);
    if (item.retracted) json.name("retracted").boolean(true);
    if (item.age_years) json.name("age_years").raw(kernel::codec::to_text(*item.age_years));
    if (!item.sex_normal.empty()) member(json, "sex_normal", item.sex_normal);
    if (!item.modality_normal.empty()) member(json, "modality_normal", item.modality_normal);
    if (!item.body_part_normal.empty()) member(json, "body_part_normal", item.body_part_normal);
    if (item.study_day) member(json, "study_day", kernel::to_text(*item.study_day));
    const auto members = std::string_view(item.record).substr(1, item.record.size() - 2);  // without its braces
    if (!members.empty()) json.raw(members);
    json.close('}');
}

void add_version(JsonWriter& json, const DataVersion& version) {
    json.open('{').name("version").integer(version.version);
    member(json, "event", version.type);
    member(json, "received_at", version.received_at);
    member(json, "collected_at", version.collected_at);
    if (!version.receipt_id.value.empty()) {
        member(json, "receipt_id", version.receipt_id.value);
        json.name("score").raw(score_text(version.score));
        member(json, "grade", domain::grade_text(version.grade));
        member(json, "interface", version.interface);
        member(json, "rubric", version.rubric);
        json.name("record").raw(version.record);
    }
    json.close('}');
}

std::string_view status_of(const Receipt& receipt) {
    if (receipt.retracted) return "retracted";
    if (receipt.superseded) return "superseded";
    if (receipt.queryable_at) return "queryable";
    return receipt.quarantined ? "quarantined" : "received";
}

}  // namespace

std::string to_json(const DataItem& item) {
    JsonWriter json;
    add_item(json, item);
    return json.take();
}

std::string to_json(const application::DataPage& page, const domain::DataQuery& query) {
    JsonWriter json;
    json.open('{').name("data").open('[');
    for (const auto& item : page.items) add_item(json, item);
    json.close(']').name("next");
    const bool more = page.more && !page.items.empty();
    if (more) json.text(domain::to_text({.value = page.items.back().sort_value, .id = page.items.back().id}, query.filter, query.sort));
    else json.raw("null");
    json.name("count").raw(page.count ? std::to_string(*page.count) : "null").close('}');
    return json.take();
}

std::string to_json(const kernel::DataId& data_id, const std::vector<DataVersion>& history) {
    JsonWriter json;
    json.open('{');
    member(json, "data_id", data_id.value);
    if (!history.empty()) {
        member(json, "data_center_id", history.back().data_center_id.value);
        member(json, "record_id", history.back().record_id.value);
    }
    json.name("history").open('[');
    for (const auto& version : history) add_version(json, version);
    json.close(']').close('}');
    return json.take();
}

std::string to_json(const Receipt& receipt) {
    JsonWriter json;
    json.open('{');
    member(json, "receipt_id", receipt.receipt_id.value);
    member(json, "data_id", receipt.data_id.value);
    member(json, "data_center_id", receipt.data_center_id.value);
    member(json, "record_id", receipt.record_id.value);
    member(json, "status", status_of(receipt));
    member(json, "received_at", receipt.received_at);
    member(json, "collected_at", receipt.collected_at);
    member(json, "queryable_at", receipt.queryable_at);
    json.close('}');
    return json.take();
}

}  // namespace collector_query::infrastructure::http
