// JsonReader: JSON records over simdjson's On-Demand parser, which leaves numbers as they were written. On-Demand checks lazily, so every
// value is visited here, and numbers and literals, which it would let pass unread, are checked by hand.
#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/infrastructure/formats/common_names.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "data_center_classifier/infrastructure/formats/json_array.hpp"
#include "data_center_classifier/infrastructure/formats/json_failure.hpp"
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <simdjson.h>
#include <algorithm>
#include <array>
#include <utility>

namespace data_center_classifier::infrastructure::formats {
namespace {

namespace ondemand = simdjson::ondemand;
using domain::FieldId;
using domain::Kind;
using domain::RawData;
using domain::trimmed;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

struct JsonReader::State {
    explicit State(Limits l) : limits(l) {}

    std::variant<RawData, Failure> read(std::string_view json);

    Limits limits;

private:
    // A member whose name is a common one of a field. It becomes that field when it is the best and no member is named as the field, and
    // stays an extension otherwise, so that the order of members means nothing.
    struct Common {
        Meaning meaning;
        std::string name;
        Kind kind;
        std::string text;  // as the record holds it
        std::size_t source;
        bool is_field = false;
    };

    bool read_members(ondemand::document& document, RawData& record);
    bool read_member(std::string_view name, ondemand::value value, std::size_t source, RawData& record, ObjectWriter& extra);
    bool read_field(FieldId field, ondemand::value value, RawData& record);
    bool read_scalar(ondemand::value value, Kind& kind, std::string_view& text);
    bool settle_common(RawData& record, ObjectWriter& extra);
    // Where the name of a member begins.
    std::size_t place_of(simdjson::simdjson_result<ondemand::field> field) const {
        ondemand::raw_json_string key;
        if (std::move(field).key().get(key)) return 0;
        return static_cast<std::size_t>(key.raw() - buffer.data()) - 1;
    }
    bool read_data_center_id(ondemand::value value, RawData& record);
    bool merge_extensions(ondemand::value value, ObjectWriter& extra);
    bool short_enough(std::string_view number, std::size_t offset);
    // A scalar that is not a text, checked.
    bool literal(ondemand::value value, std::string_view& text);
    // Appends the canonical text of a value to `out`.
    bool write(ondemand::value value, std::string& out, std::size_t depth);
    bool write_object(ondemand::value value, std::string& out, std::size_t depth);
    bool write_array(ondemand::value value, std::string& out, std::size_t depth);

    bool deep_enough(std::size_t depth);
    bool fail(simdjson::error_code error);
    bool fail(Failure what) {
        if (!failure) failure = std::move(what);
        return false;
    }

    ondemand::parser parser;
    std::string buffer;  // the record and the padding that simdjson reads beyond it
    std::string extensions, nested;
    std::vector<ObjectWriter::Member> members;
    std::size_t extensions_begin = 0, extensions_end = 0;  // of the members of a sender's object "extensions"
    std::string pointer;                                   // to the known field that is being read
    std::vector<Common> common;
    std::vector<Meaning> not_plain;  // of the common names of objects and arrays
    // Known members that came: the fields, data_center_id, extensions.
    static constexpr std::size_t data_center_place = domain::field_count, extensions_place = data_center_place + 1;
    std::array<bool, extensions_place + 1> given{};
    std::optional<simdjson::error_code> parser_error;
    std::optional<Failure> failure;
};

bool JsonReader::State::fail(simdjson::error_code error) {
    if (!failure && !parser_error) parser_error = error;
    return false;
}

bool JsonReader::State::deep_enough(std::size_t depth) {
    if (depth <= limits.depth_max) return true;
    Refusal refusal{.code = "json-too-deep",
                    .detail = "objects and arrays lie too deep in each other",
                    .pointer = {},
                    .line = {},
                    .column = {},
                    .expected = "at most " + std::to_string(limits.depth_max) + " levels",
                    .found = "more",
                    .mend = "send flat records"};
    return fail(Failure{.refusal = std::move(refusal)});
}

// No measurement has so many digits, and what reads them later may not be made for them.
bool JsonReader::State::short_enough(std::string_view number, std::size_t offset) {
    if (number.size() <= limits.number_bytes_max) return true;
    Refusal refusal{.code = "number-too-long",
                    .detail = "a number has more digits than one may have",
                    .pointer = pointer,
                    .line = {},
                    .column = {},
                    .expected = "at most " + std::to_string(limits.number_bytes_max) + " characters",
                    .found = std::to_string(number.size()) + " characters",
                    .mend = "round it to what was measured, or send it as a text"};
    return fail(Failure{.refusal = std::move(refusal), .offset = offset});
}

bool JsonReader::State::literal(ondemand::value value, std::string_view& text) {
    const std::string_view token = value.raw_json_token();
    text = trimmed(token);
    const auto offset = static_cast<std::size_t>(token.data() - buffer.data());
    if (is_json_number(text)) return short_enough(text, offset);
    if (text == "true" || text == "false" || text == "null") return true;
    auto why = broken_at(offset, std::string_view(buffer).substr(0, buffer.size() - simdjson::SIMDJSON_PADDING));
    if (why.refusal.detail == plainly_broken)
        why = broken(offset, "a value is neither a text nor a number nor true, false or null", "a text, a number, true, false or null");
    return fail(std::move(why));
}

bool JsonReader::State::write_object(ondemand::value value, std::string& out, std::size_t depth) {
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return fail(error);
    ObjectWriter writer(out, members);
    for (auto field : object) {
        const auto place = place_of(field);
        std::string_view name;
        if (const auto error = field.unescaped_key().get(name)) return fail(error);
        writer.key(name, place);
        ondemand::value member;
        if (const auto error = field.value().get(member)) return fail(error);
        if (!write(member, out, depth + 1)) return false;
    }
    if (const auto again = writer.close()) return fail(twice(again->second, pointer));
    return true;
}

bool JsonReader::State::write_array(ondemand::value value, std::string& out, std::size_t depth) {
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return fail(error);
    out += '[';
    bool first = true;
    for (auto element : array) {
        ondemand::value item;
        if (const auto error = element.get(item)) return fail(error);
        if (!std::exchange(first, false)) out += ',';
        if (!write(item, out, depth + 1)) return false;
    }
    out += ']';
    return true;
}

bool JsonReader::State::write(ondemand::value value, std::string& out, std::size_t depth) {
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return fail(error);
    switch (type) {
        case ondemand::json_type::object: return deep_enough(depth) && write_object(value, out, depth);
        case ondemand::json_type::array: return deep_enough(depth) && write_array(value, out, depth);
        case ondemand::json_type::string: {
            std::string_view text;
            if (const auto error = value.get_string().get(text)) return fail(error);
            append_json_string(out, text);
            return true;
        }
        default: {
            std::string_view text;
            if (!literal(value, text)) return false;
            out += text;
            return true;
        }
    }
}

bool JsonReader::State::read_scalar(ondemand::value value, Kind& kind, std::string_view& text) {
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return fail(error);
    if (type == ondemand::json_type::string) {
        kind = Kind::text;
        if (const auto error = value.get_string().get(text)) return fail(error);
        return true;
    }
    if (!literal(value, text)) return false;
    kind = text == "null" ? Kind::null : text == "true" || text == "false" ? Kind::boolean : Kind::number;
    if (kind == Kind::null) text = {};
    return true;
}

bool JsonReader::State::read_field(FieldId field, ondemand::value value, RawData& record) {
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return fail(error);
    if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
        nested.clear();
        if (!write(value, nested, 2)) return false;
        record.set(field, Kind::other, nested);
        return true;
    }
    Kind kind{};
    std::string_view text;
    if (!read_scalar(value, kind, text)) return false;
    record.set(field, kind, text);
    return true;
}

bool JsonReader::State::settle_common(RawData& record, ObjectWriter& extra) {
    if (common.empty()) return true;
    CommonFields best;
    if (given[static_cast<std::size_t>(FieldId::image)]) best.note({.field = FieldId::image, .rank = 0});
    for (const auto& meaning : not_plain) best.note(meaning);
    for (std::size_t i = 0; i < common.size(); ++i) best.offer(common[i].meaning, common[i].name, i);
    for (std::size_t place = 0; place < domain::field_count; ++place) {
        const auto field = static_cast<FieldId>(place);
        const auto holder = best.holder(field);
        if (!holder || given[place]) continue;
        auto& one = common[*holder];
        record.set(field, one.kind, one.text);
        one.is_field = true;
    }
    for (const auto& one : common) {
        if (one.is_field) continue;
        const auto& better = common[best.holder(one.meaning.field).value_or(0)];
        if (better.is_field && better.name == one.name) return fail(twice(one.source, {}));
        extra.key(one.name, one.source);
        if (one.kind == Kind::text) append_json_string(extensions, one.text);
        else extensions += one.kind == Kind::null ? "null" : one.text;
    }
    return true;
}

bool JsonReader::State::read_data_center_id(ondemand::value value, RawData& record) {
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return fail(error);
    if (type == ondemand::json_type::string) {
        std::string_view text;
        if (const auto error = value.get_string().get(text)) return fail(error);
        record.data_center_id = text;
        return true;
    }
    Refusal refusal{.code = "data-center-id-not-text",
                    .detail = "data_center_id is the id of the sending data centre",
                    .pointer = "/data_center_id",
                    .line = {},
                    .column = {},
                    .expected = "a text",
                    .found = {},
                    .mend = "leave it out, or send the id that the key belongs to"};
    const std::string_view token = value.raw_json_token();
    refusal.found = kind_of(trimmed(token));
    return fail(Failure{.refusal = std::move(refusal), .offset = static_cast<std::size_t>(token.data() - buffer.data())});
}

// The members of a sender's object "extensions" stand among the unknown members, so that canonical JSON reads back as itself.
bool JsonReader::State::merge_extensions(ondemand::value value, ObjectWriter& extra) {
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return fail(error);
    for (auto field : object) {
        const auto place = place_of(field);
        std::string_view name;
        if (const auto error = field.unescaped_key().get(name)) return fail(error);
        extra.key(name, place);
        ondemand::value member;
        if (const auto error = field.value().get(member)) return fail(error);
        if (!write(member, extensions, 3)) return false;
        if (extensions_end == 0) extensions_begin = place;
        extensions_end = place + 1;
    }
    return true;
}

bool JsonReader::State::read_member(std::string_view name, ondemand::value value, std::size_t source, RawData& record,
                                    ObjectWriter& extra) {
    const auto again = [&](std::size_t place) { return std::exchange(given[place], true); };
    if (const auto field = domain::field_named(name)) {
        pointer = "/" + std::string(name);
        if (again(static_cast<std::size_t>(*field))) return fail(twice(source, pointer));
        return read_field(*field, value, record);
    }
    pointer.clear();
    if (name == "data_center_id") {
        if (again(data_center_place)) return fail(twice(source, "/data_center_id"));
        return read_data_center_id(value, record);
    }
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return fail(error);
    if (name == "extensions" && type == ondemand::json_type::object) {
        if (again(extensions_place)) return fail(twice(source, "/extensions"));
        return merge_extensions(value, extra);
    }
    const auto meaning = meaning_of(name);
    if (meaning && type != ondemand::json_type::object && type != ondemand::json_type::array) {
        Common one{.meaning = *meaning, .name = std::string(name), .kind = {}, .text = {}, .source = source};
        std::string_view text;
        if (!read_scalar(value, one.kind, text)) return false;
        one.text = text;
        common.push_back(std::move(one));
        return true;
    }
    if (meaning) not_plain.push_back(*meaning);
    extra.key(name, source);
    return write(value, extensions, 3);  // one deeper than it stands here: in canonical JSON it lies in "extensions"
}

bool JsonReader::State::read_members(ondemand::document& document, RawData& record) {
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return fail(error);
    extensions.clear();
    members.clear();
    common.clear();
    not_plain.clear();
    given.fill(false);
    extensions_begin = extensions_end = 0;
    ObjectWriter extra(extensions, members);
    for (auto field : object) {
        const auto place = place_of(field);
        std::string_view name;
        if (const auto error = field.unescaped_key().get(name)) return fail(error);
        ondemand::value value;
        if (const auto error = field.value().get(value)) return fail(error);
        if (!read_member(name, value, place, record, extra)) return false;
    }
    pointer.clear();
    if (!settle_common(record, extra)) return false;
    const bool any = !extra.empty();
    if (const auto again = extra.close()) {
        const auto inside = [&](std::size_t source) { return extensions_begin <= source && source < extensions_end; };
        if (inside(again->first) != inside(again->second)) return fail(in_and_beside_extensions(std::max(again->first, again->second)));
        return fail(twice(again->second, inside(again->second) ? "/extensions" : ""));
    }
    if (any) record.extensions = extensions;
    return true;
}

std::variant<RawData, Failure> JsonReader::State::read(std::string_view json) {
    if (const auto how = packing_of(json); !how.empty()) return packed(how);
    if (is_wide(json)) return wide();
    if (json.size() > limits.record_bytes_max) return too_large(json.size(), limits.record_bytes_max);
    const auto text = trimmed(json);
    if (!text.empty() && !text.starts_with('{') && not_utf8_at(text) == std::string_view::npos) return not_an_object(text);
    buffer.assign(json);
    buffer.append(simdjson::SIMDJSON_PADDING, ' ');
    pointer.clear();
    parser_error.reset();
    failure.reset();

    RawData record;
    ondemand::document document;
    const auto error = parser.iterate(simdjson::padded_string_view(buffer.data(), json.size(), buffer.size())).get(document);
    if (error) return failure_of(error, json.size(), json);
    const bool complete = read_members(document, record);
    const char* location = nullptr;
    const bool at_end = document.current_location().get(location) == simdjson::OUT_OF_BOUNDS;
    if (complete && at_end) return record;
    const auto offset = at_end ? json.size() : std::min(static_cast<std::size_t>(location - buffer.data()), json.size());
    if (complete) return something_follows(offset, json);

    auto why = failure ? *std::move(failure) : failure_of(*parser_error, offset, json);
    if (why.offset == 0) why.offset = offset;
    if (why.refusal.pointer.empty()) why.refusal.pointer = pointer;
    return why;
}

JsonReader::JsonReader(Limits limits) : state_(std::make_unique<State>(limits)) {}
JsonReader::~JsonReader() = default;

Read<RawData> JsonReader::record(std::string_view json, std::uint64_t line) {
    const std::size_t mark = json.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    auto read = state_->read(json.substr(mark));
    if (auto* record = std::get_if<RawData>(&read)) return std::move(*record);
    auto& [refusal, offset] = std::get<Failure>(read);
    if (line != 0) refusal.line = line;
    if (line != 0 && trimmed(json).starts_with('[')) refusal.mend = "send one record a line; an array is sent as application/json";
    refusal.column = mark + offset + 1;
    return std::move(refusal);
}

Read<JsonReader::Shape> JsonReader::body(std::string_view json, const std::function<void(std::size_t index, Read<RawData>)>& item) {
    if (json.starts_with(byte_order_mark)) json.remove_prefix(byte_order_mark.size());
    Places places(json);
    if (!trimmed(json).starts_with('[')) {
        auto read = state_->read(json);
        if (auto* failure = std::get_if<Failure>(&read)) return places.placed(std::move(*failure));
        item(0, std::move(std::get<RawData>(read)));
        return Shape::object;
    }
    const auto cut = items_of_array(json, state_->limits.items_max);
    if (const auto* failure = std::get_if<Failure>(&cut)) return places.placed(*failure);
    std::size_t index = 0;
    for (const auto& [begin, size] : std::get<std::vector<ItemRange>>(cut)) {
        auto read = state_->read(json.substr(begin, size));
        if (auto* failure = std::get_if<Failure>(&read)) {
            failure->offset += begin;
            item(index++, places.placed(std::move(*failure)));
        } else {
            item(index++, std::move(std::get<RawData>(read)));
        }
    }
    return Shape::array;
}

}  // namespace data_center_classifier::infrastructure::formats
