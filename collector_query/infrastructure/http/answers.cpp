// Written by hand: a page of a thousand records is one string, appended to.
#include "collector_query/infrastructure/http/answers.hpp"

#include "kernel/event_codec.hpp"

#include <cmath>

namespace collector_query::infrastructure::http {
namespace {

using application::DataItem;
using application::DataVersion;
using application::Receipt;

void add_text(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
            continue;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

// Appends ,"name":"text" (without the comma after an opening brace).
void add(std::string& out, std::string_view name, std::string_view text) {
    if (out.back() != '{') out += ',';
    add_text(out, name);
    out += ':';
    add_text(out, text);
}
void add_raw(std::string& out, std::string_view name, std::string_view json) {
    if (out.back() != '{') out += ',';
    add_text(out, name);
    out += ':';
    out += json;
}
void add(std::string& out, std::string_view name, const std::optional<kernel::Timestamp>& time) {
    if (time) add(out, name, kernel::to_text(*time));
    else add_raw(out, name, "null");
}

// One decimal: more would promise what a score does not hold. Pages are sorted by all of it.
std::string score_text(double score) {
    return kernel::codec::to_text(std::round(score * 10) / 10);
}

void add_item(std::string& out, const DataItem& item) {
    out += '{';
    add(out, "data_id", item.data_id.value);
    add(out, "data_center_id", item.data_center_id.value);
    add(out, "record_id", item.record_id.value);
    add_raw(out, "version", std::to_string(item.version));
    add_raw(out, "score", score_text(item.score));
    add(out, "grade", domain::grade_text(item.grade));
    add(out, "received_at", kernel::to_text(item.received_at));
    add(out, "collected_at", kernel::to_text(item.collected_at));
    if (item.retracted) add_raw(out, "retracted", "true");
    if (item.age_years) add_raw(out, "age_years", kernel::codec::to_text(*item.age_years));
    if (!item.sex_normal.empty()) add(out, "sex_normal", item.sex_normal);
    if (!item.modality_normal.empty()) add(out, "modality_normal", item.modality_normal);
    if (!item.body_part_normal.empty()) add(out, "body_part_normal", item.body_part_normal);
    if (item.study_day) add(out, "study_day", kernel::to_text(*item.study_day));
    const auto members = std::string_view(item.record).substr(1);  // with its closing brace
    if (members.size() > 1) out += ',';
    out += members;
}

void add_version(std::string& out, const DataVersion& version) {
    out += '{';
    add_raw(out, "version", std::to_string(version.version));
    add(out, "event", version.type);
    add(out, "received_at", kernel::to_text(version.received_at));
    add(out, "collected_at", kernel::to_text(version.collected_at));
    if (!version.receipt_id.value.empty()) {
        add(out, "receipt_id", version.receipt_id.value);
        add_raw(out, "score", score_text(version.score));
        add(out, "grade", domain::grade_text(version.grade));
        add(out, "interface", version.interface);
        add(out, "rubric", version.rubric);
        add_raw(out, "record", version.record);
    }
    out += '}';
}

std::string_view status_of(const Receipt& receipt) {
    if (receipt.queryable_at) return receipt.retracted ? "retracted" : "queryable";
    return receipt.quarantined ? "quarantined" : "received";
}

}  // namespace

std::string to_json(const DataItem& item) {
    std::string out;
    add_item(out, item);
    return out;
}

std::string to_json(const application::DataPage& page, const domain::DataQuery& query) {
    std::string out = "{\"data\":[";
    for (const auto& item : page.items) {
        if (&item != &page.items.front()) out += ',';
        add_item(out, item);
    }
    out += ']';
    const bool more = page.more && !page.items.empty();
    if (more)
        add(out, "next", domain::to_text({.value = page.items.back().sort_value, .id = page.items.back().id}, query.filter, query.sort));
    else add_raw(out, "next", "null");
    add_raw(out, "count", page.count ? std::to_string(*page.count) : "null");
    return out + '}';
}

std::string to_json(const kernel::DataId& data_id, const std::vector<DataVersion>& history) {
    std::string out = "{";
    add(out, "data_id", data_id.value);
    if (!history.empty()) {
        add(out, "data_center_id", history.back().data_center_id.value);
        add(out, "record_id", history.back().record_id.value);
    }
    out += ",\"history\":[";
    for (const auto& version : history) {
        if (&version != &history.front()) out += ',';
        add_version(out, version);
    }
    return out + "]}";
}

std::string to_json(const Receipt& receipt) {
    std::string out = "{";
    add(out, "receipt_id", receipt.receipt_id.value);
    add(out, "data_id", receipt.data_id.value);
    add(out, "data_center_id", receipt.data_center_id.value);
    add(out, "record_id", receipt.record_id.value);
    add(out, "status", status_of(receipt));
    add(out, "received_at", receipt.received_at);
    add(out, "collected_at", receipt.collected_at);
    add(out, "queryable_at", receipt.queryable_at);
    return out + '}';
}

}  // namespace collector_query::infrastructure::http
