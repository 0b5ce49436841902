// One pass over the record with simdjson's On-Demand parser, which leaves numbers as they were written: intake accepts numbers of any size
// and stores them as they came, so none may fail here. On-Demand checks lazily, so every value is visited.
#include "collector_query/infrastructure/db/record_columns.hpp"

#include "collector_query/domain/model_data_query.hpp"
#include "collector_query/infrastructure/db/schema.hpp"
#include "kernel/json_text.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>

namespace collector_query::infrastructure::db {
namespace {

namespace ondemand = simdjson::ondemand;
using domain::label_names;

constexpr std::size_t text_bytes_max = 256;  // of a column; the record keeps all of it
constexpr int depth_max = 512;               // far beyond what intake accepts, and what a thread's stack holds

// Members that the read side adds to each record: the record's own of these names would be seen twice.
constexpr std::array<std::string_view, 14> own_members{"data_id",    "data_center_id",  "record_id",        "version",   "score",
                                                       "grade",      "received_at",     "collected_at",     "retracted", "age_years",
                                                       "sex_normal", "modality_normal", "body_part_normal", "study_day"};

bool is_own(std::string_view name) {
    return std::find(own_members.begin(), own_members.end(), name) != own_members.end();
}

// A member's value, as far as columns need it. A number's text is as it was written.
struct Scalar {
    enum class Kind : std::uint8_t { text, number, literal, compound };
    Kind kind = Kind::compound;
    std::string_view text;
};

// A text or number as text; nothing for others, empty ones, and what is longer than a column.
std::optional<std::string> text_of(const Scalar& value) {
    if (value.kind != Scalar::Kind::text && value.kind != Scalar::Kind::number) return std::nullopt;
    if (value.text.empty() || value.text.size() > text_bytes_max) return std::nullopt;
    return std::string(value.text);
}
std::string upper_of(const Scalar& value) {
    return domain::upper_trimmed(text_of(value).value_or(""));
}

bool is_set(const Scalar& value) {
    if (value.kind == Scalar::Kind::literal) return value.text == "true";
    const auto text = upper_of(value);
    return text == "1" || text == "1.0" || text == "TRUE";
}

std::optional<std::int64_t> day_of(const Scalar& value) {
    const auto text = text_of(value);
    if (!text) return std::nullopt;
    std::string date = text->substr(0, 10);
    if (text->size() == 8 && text->find('-') == std::string::npos)
        date = text->substr(0, 4) + '-' + text->substr(4, 2) + '-' + text->substr(6);
    const auto day = kernel::day_from_text(date);
    if (!day) return std::nullopt;
    return day->time_since_epoch().count();
}

void take(RecordColumns& columns, std::optional<std::int64_t>& diagnosis_date, std::string_view name, const Scalar& value) {
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

// Takes the digits at the front away; false when there are none.
bool take_digits(std::string_view& text) {
    const auto size = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(size);
    return size > 0;
}
bool take_one(std::string_view& text, std::string_view of) {
    if (text.empty() || of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}
// A number as RFC 8259 has it, of any size.
bool is_number(std::string_view text) {
    take_one(text, "-");
    if (!take_one(text, "0") && !take_digits(text)) return false;
    if (take_one(text, ".") && !take_digits(text)) return false;
    if (!take_one(text, "eE")) return text.empty();
    take_one(text, "+-");
    return take_digits(text) && text.empty();
}

// Visits all of a value; nothing when it is not JSON.
std::optional<Scalar> visit(ondemand::value value, int depth);  // NOLINT(misc-no-recursion): bounded

bool visit_array(ondemand::value value, int depth) {  // NOLINT(misc-no-recursion): bounded
    ondemand::array array;
    if (value.get_array().get(array)) return false;
    for (auto element : array) {
        ondemand::value item;
        if (element.get(item) || !visit(item, depth + 1)) return false;
    }
    return true;
}
bool visit_object(ondemand::value value, int depth) {  // NOLINT(misc-no-recursion): bounded
    ondemand::object object;
    if (value.get_object().get(object)) return false;
    for (auto field : object) {
        std::string_view name;
        ondemand::value member;
        if (field.unescaped_key().get(name) || field.value().get(member) || !visit(member, depth + 1)) return false;
    }
    return true;
}

std::optional<Scalar> visit(ondemand::value value, int depth) {  // NOLINT(misc-no-recursion): bounded
    ondemand::json_type type{};
    if (depth > depth_max || value.type().get(type)) return std::nullopt;
    if (type == ondemand::json_type::object) return visit_object(value, depth) ? std::optional(Scalar{}) : std::nullopt;
    if (type == ondemand::json_type::array) return visit_array(value, depth) ? std::optional(Scalar{}) : std::nullopt;
    Scalar scalar;
    if (type == ondemand::json_type::string) {
        scalar.kind = Scalar::Kind::text;
        return value.get_string().get(scalar.text) ? std::nullopt : std::optional(scalar);
    }
    scalar.text = kernel::trimmed_json(value.raw_json_token());
    scalar.kind = type == ondemand::json_type::number ? Scalar::Kind::number : Scalar::Kind::literal;
    const bool literal = scalar.text == "true" || scalar.text == "false" || scalar.text == "null";
    return literal || is_number(scalar.text) ? std::optional(scalar) : std::nullopt;
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
    if (record[end] == ',') ++end;
    else if (record[end] != '}') return std::nullopt;  // white space: not as canonical JSON is written
    return '{' + std::string(record.substr(end));
}

}  // namespace

struct RecordReader::State {
    // Over `padded`, from its beginning.
    simdjson::error_code begin(ondemand::document& document, ondemand::object& members);
    std::optional<std::string> without_own();

    ondemand::parser parser;
    std::string padded;  // the record and the padding that simdjson reads beyond it
    std::size_t size = 0;
};

simdjson::error_code RecordReader::State::begin(ondemand::document& document, ondemand::object& members) {
    if (const auto error = parser.iterate(simdjson::padded_string_view(padded.data(), size, padded.size())).get(document)) return error;
    return document.get_object().get(members);
}

// The less usual case: members that must go wherever they stand. What stays, stays as it is written.
std::optional<std::string> RecordReader::State::without_own() {
    ondemand::document document;
    ondemand::object members;
    if (begin(document, members)) return std::nullopt;
    std::string out = "{";
    for (auto field : members) {
        ondemand::raw_json_string key;
        std::string_view name;
        ondemand::value value;
        std::string_view json;
        if (field.key().get(key) || field.unescaped_key().get(name) || field.value().get(value)) return std::nullopt;
        if (simdjson::to_json_string(value).get(json)) return std::nullopt;
        if (is_own(name)) continue;
        if (out.size() > 1) out += ',';
        const auto at = static_cast<std::size_t>(key.raw() - padded.data()) - 1;
        out += padded.substr(at, end_of_string(padded, at) - at);
        out += ':';
        out += kernel::trimmed_json(json);
    }
    return out + '}';
}

RecordReader::RecordReader() : state_(std::make_unique<State>()) {}
RecordReader::~RecordReader() = default;

kernel::Result<RecordColumns> RecordReader::read(std::string_view record) {
    const kernel::Error broken{kernel::ErrorKind::fault, "record-not-understood", "a collected record is not a JSON object"};
    record = kernel::trimmed_json(record);  // what is answered begins and ends with the braces
    state_->size = record.size();
    state_->padded.assign(record);
    state_->padded.append(simdjson::SIMDJSON_PADDING, ' ');
    ondemand::document document;
    ondemand::object members;
    if (state_->begin(document, members)) return broken;

    RecordColumns columns;
    columns.age = no_age;
    columns.study_date = no_day;
    std::optional<std::int64_t> diagnosis_date;
    std::size_t own = 0;
    for (auto field : members) {
        std::string_view name;
        ondemand::value value;
        if (field.unescaped_key().get(name) || field.value().get(value)) return broken;
        const auto scalar = visit(value, 1);
        if (!scalar) return broken;
        take(columns, diagnosis_date, name, *scalar);
        own += is_own(name) ? 1 : 0;
    }
    const char* location = nullptr;
    if (document.current_location().get(location) != simdjson::OUT_OF_BOUNDS) return broken;  // something follows the object
    if (columns.study_date == no_day) columns.study_date = diagnosis_date.value_or(no_day);
    if (columns.code && columns.code->empty()) columns.code.reset();
    if (own == 0) columns.record = record;
    else if (auto cut = own == 1 ? without_first_id(record) : std::nullopt) columns.record = *std::move(cut);
    else if (auto written = state_->without_own()) columns.record = *std::move(written);
    else return broken;
    return columns;
}

}  // namespace collector_query::infrastructure::db
