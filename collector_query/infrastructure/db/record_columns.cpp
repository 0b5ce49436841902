// One pass over the members of the record (simdjson's DOM: it validates all of it).
#include "collector_query/infrastructure/db/record_columns.hpp"

#include "collector_query/domain/model_data_query.hpp"
#include "collector_query/infrastructure/db/schema.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>

namespace collector_query::infrastructure::db {
namespace {

namespace dom = simdjson::dom;
using domain::label_names;

constexpr std::size_t text_bytes_max = 256;  // of a column; the record keeps all of it

// Members that the read side adds to each record: the record's own of these names would be seen twice.
constexpr std::array<std::string_view, 9> own_members{"data_id", "data_center_id", "record_id",    "version",  "score",
                                                      "grade",   "received_at",    "collected_at", "retracted"};

bool is_own(std::string_view name) {
    return std::find(own_members.begin(), own_members.end(), name) != own_members.end();
}

// A text or number as text; nothing for others, empty ones, and what is longer than a column.
std::optional<std::string> text_of(dom::element value) {
    std::string text;
    std::string_view view;
    if (!value.get(view)) text = view;
    else if (value.is_number()) text = simdjson::minify(value);
    else return std::nullopt;
    if (text.empty() || text.size() > text_bytes_max) return std::nullopt;
    return text;
}
std::string upper_of(dom::element value) {
    return domain::upper_trimmed(text_of(value).value_or(""));
}

bool is_set(dom::element value) {
    bool boolean = false;
    if (!value.get(boolean)) return boolean;
    const auto text = upper_of(value);
    return text == "1" || text == "1.0" || text == "TRUE";
}

std::optional<std::int64_t> day_of(dom::element value) {
    const auto text = text_of(value);
    if (!text) return std::nullopt;
    std::string date = text->substr(0, 10);
    if (text->size() == 8 && text->find('-') == std::string::npos)
        date = text->substr(0, 4) + '-' + text->substr(4, 2) + '-' + text->substr(6);
    const auto day = kernel::day_from_text(date);
    if (!day) return std::nullopt;
    return day->time_since_epoch().count();
}

void take(RecordColumns& columns, std::optional<std::int64_t>& diagnosis_date, std::string_view name, dom::element value) {
    if (name == "modality") columns.modality = upper_of(value);
    else if (name == "body_part") columns.body_part = upper_of(value);
    else if (name == "sex") columns.sex = domain::normal_sex(text_of(value).value_or(""));
    else if (name == "age") columns.age = domain::age_years(text_of(value).value_or("")).value_or(no_age);
    else if (name == "study_date") columns.study_date = day_of(value).value_or(no_day);
    else if (name == "diagnosis_date") diagnosis_date = day_of(value);
    else if (name == "patient_id") columns.patient_id = text_of(value);
    else if (name == "code") columns.code = upper_of(value);
    const auto label = std::find(label_names.begin(), label_names.end(), name);
    if (label != label_names.end() && is_set(value)) columns.labels |= 1U << (label - label_names.begin());
}

// End of the JSON string that begins at `at` (after its closing quote). REQUIRES: valid JSON.
std::size_t end_of_string(std::string_view json, std::size_t at) {
    for (++at; json[at] != '"'; ++at)
        if (json[at] == '\\') ++at;
    return at + 1;
}

// Canonical records begin with their record id: cut it off without writing the rest anew.
std::optional<std::string> without_first_id(std::string_view record) {
    constexpr std::string_view first = "{\"record_id\":\"";
    if (!record.starts_with(first)) return std::nullopt;
    auto end = end_of_string(record, first.size() - 1);
    if (end < record.size() && record[end] == ',') ++end;
    return '{' + std::string(record.substr(end));
}

std::string quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte >= 0x20) out += c;
        else out += std::string("\\u00") + digits[byte >> 4] + digits[byte & 15];
    }
    return out + '"';
}

// The rare case: a record whose own members must go, wherever they stand.
std::string written_without_own(dom::object members) {
    std::string out = "{";
    for (const auto [name, value] : members) {
        if (is_own(name)) continue;
        if (out.size() > 1) out += ',';
        out += quoted(name) + ':' + std::string(simdjson::minify(value));
    }
    return out + '}';
}

}  // namespace

struct RecordReader::State {
    dom::parser parser;
    std::string padded;
};

RecordReader::RecordReader() : state_(std::make_unique<State>()) {}
RecordReader::~RecordReader() = default;

kernel::Result<RecordColumns> RecordReader::read(std::string_view record) {
    const kernel::Error broken{kernel::ErrorKind::fault, "record-not-understood", "a collected record is not a JSON object"};
    state_->padded.assign(record);
    state_->padded.append(simdjson::SIMDJSON_PADDING, '\0');
    dom::object members;
    if (state_->parser.parse(state_->padded.data(), record.size(), false).get(members)) return broken;

    RecordColumns columns;
    columns.age = no_age;
    columns.study_date = no_day;
    std::optional<std::int64_t> diagnosis_date;
    std::size_t own = 0;
    for (const auto [name, value] : members) {
        take(columns, diagnosis_date, name, value);
        own += is_own(name) ? 1 : 0;
    }
    if (columns.study_date == no_day) columns.study_date = diagnosis_date.value_or(no_day);
    if (columns.code && columns.code->empty()) columns.code.reset();
    auto cut = own == 1 ? without_first_id(record) : std::nullopt;
    if (own == 0) columns.record = record;
    else columns.record = cut ? *std::move(cut) : written_without_own(members);
    return columns;
}

}  // namespace collector_query::infrastructure::db
