// JsonReader: JSON records over simdjson's On-Demand parser, which leaves numbers as they were written. On-Demand checks lazily, so every
// value is visited here, and numbers and literals, which it would let pass unread, are checked by hand.
#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/infrastructure/formats/common_names.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <simdjson.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace data_center_classifier::infrastructure::formats {
namespace {

namespace ondemand = simdjson::ondemand;
using domain::FieldId;
using domain::Kind;
using domain::RawData;
using domain::trimmed;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view whitespace = " \t\r\n";
constexpr std::string_view plainly_broken = "the JSON is broken here";

// A refusal and where in the text that was read it arose; lines are counted only when it is known what the text was a part of.
struct Failure {
    Refusal refusal;
    std::size_t offset = 0;
};

// What a JSON text is, by its first character; never what it says.
std::string kind_of(std::string_view json) {
    if (json.empty()) return "nothing";
    switch (json.front()) {
        case '{': return "an object";
        case '[': return "an array";
        case '"': return "a text";
        default: break;
    }
    if (json == "true" || json == "false") return "a boolean";
    if (json == "null") return "null";
    return is_json_number(json) ? "a number" : "something that is not JSON";
}

Failure broken(std::size_t offset, std::string detail, std::string expected = {},
               std::string mend = "send JSON as RFC 8259 has it; a JSON library writes it right") {
    Refusal refusal{.code = "json-broken",
                    .detail = std::move(detail),
                    .pointer = {},
                    .line = {},
                    .column = {},
                    .expected = std::move(expected),
                    .found = {},
                    .mend = std::move(mend)};
    return {.refusal = std::move(refusal), .offset = offset};
}

// What is wrong at a place where JSON is broken, when it is one of the things that other languages and people write.
Failure broken_at(std::size_t offset, std::string_view json) {
    constexpr auto words = std::to_array<std::string_view>({"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "None", "undefined"});
    const auto rest = json.substr(std::min(offset, json.size()));
    if (std::ranges::any_of(words, [&](std::string_view word) { return rest.starts_with(word); }))
        return broken(offset, "JSON has no word for a number that is none", "a number, or null",
                      "send null, or leave the member out, where there is no value");
    if (rest.starts_with("True") || rest.starts_with("False"))
        return broken(offset, "JSON writes true and false in small letters", "true or false");
    if (rest.starts_with('\'')) return broken(offset, "a text or a name stands in single quotes", "double quotes", "write \" instead of '");
    const auto before = trimmed(json.substr(0, std::min(offset, json.size())));
    if ((rest.starts_with('}') || rest.starts_with(']')) && before.ends_with(','))
        return broken(offset, "a comma stands before a closing bracket", "a further member or item",
                      "leave out the comma behind the last one");
    if (const auto at = json.find_first_not_of(whitespace, before.size());
        before.ends_with(',') && at != std::string_view::npos && (json[at] == '}' || json[at] == ']'))
        return broken(at, "a comma stands before a closing bracket", "a further member or item", "leave out the comma behind the last one");
    return broken(offset, std::string(plainly_broken), "what RFC 8259 has");
}

// A byte order mark of UTF-16 or UTF-32, or a NUL: JSON in UTF-8 has none.
bool is_wide(std::string_view text) {
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") || text.substr(0, 4).find('\0') != std::string_view::npos;
}

Failure wide() {
    Refusal refusal{.code = "text-not-utf8",
                    .detail = "this is UTF-16 or UTF-32",
                    .pointer = {},
                    .line = {},
                    .column = {},
                    .expected = "UTF-8",
                    .found = "UTF-16 or UTF-32",
                    .mend = "send UTF-8: choose it where the file is exported"};
    return {.refusal = std::move(refusal)};
}

Failure twice(std::size_t offset, std::string pointer) {
    Refusal refusal{.code = "member-twice",
                    .detail = "two members of one object have one name",
                    .pointer = std::move(pointer),
                    .line = {},
                    .column = {},
                    .expected = "each name once",
                    .found = "a name again",
                    .mend = "send each value once; several of one kind go into one text"};
    return {.refusal = std::move(refusal), .offset = offset};
}

// The members of "extensions" lie beside those that no field is named as.
Failure in_and_beside_extensions(std::size_t offset) {
    Refusal refusal{.code = "member-twice",
                    .detail = R"(one name stands in "extensions" and beside it, where it is kept among the extensions as well)",
                    .pointer = "/extensions",
                    .line = {},
                    .column = {},
                    .expected = "each name once, in one of the two places",
                    .found = "a name again",
                    .mend = "leave one of the two out, or give it another name"};
    return {.refusal = std::move(refusal), .offset = offset};
}

Failure packed(std::string_view how) {
    Refusal refusal{.code = "content-encoding-missing",
                    .detail = "this is " + std::string(how) + ", and nothing says so",
                    .pointer = {},
                    .line = {},
                    .column = {},
                    .expected = "text in UTF-8",
                    .found = std::string(how),
                    .mend = "set Content-Encoding: " + std::string(how)};
    return {.refusal = std::move(refusal)};
}

Failure not_utf8(std::size_t offset) {
    Refusal refusal{.code = "text-not-utf8",
                    .detail = "a byte is not UTF-8",
                    .pointer = {},
                    .line = {},
                    .column = {},
                    .expected = "UTF-8",
                    .found = "a byte of another encoding",
                    .mend = "export the data as UTF-8"};
    return {.refusal = std::move(refusal), .offset = offset};
}

Failure not_an_object(std::string_view json) {
    Refusal refusal{.code = "record-not-an-object",
                    .detail = "a record is a JSON object",
                    .pointer = {},
                    .line = {},
                    .column = {},
                    .expected = "an object",
                    .found = kind_of(json),
                    .mend = "send {\"field\": value, ...}"};
    return {.refusal = std::move(refusal)};
}

Failure too_large(std::size_t size, std::size_t size_max) {
    Refusal refusal{.code = "record-too-large",
                    .detail = "the record is larger than a record may be",
                    .pointer = {},
                    .line = {},
                    .column = {},
                    .expected = "at most " + std::to_string(size_max) + " bytes",
                    .found = std::to_string(size) + " bytes",
                    .mend = "send references to images and documents, not their content"};
    return {.refusal = std::move(refusal)};
}

// Where the first pass of simdjson, which does not say it, found a raw control character in a text or a text without end.
std::size_t broken_text_at(std::string_view json) {
    for (auto open = json.find('"'); open != std::string_view::npos;) {
        const auto end = kernel::end_of_json_text(json, open);
        if (end == std::string_view::npos) return open;
        const auto text = json.substr(open, end - open);
        const auto control = std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        if (control != text.end()) return open + static_cast<std::size_t>(control - text.begin());
        open = json.find('"', end);
    }
    return json.size();
}

// Four hex digits and what they are, or nothing.
std::optional<unsigned> unit_at(std::string_view text, std::size_t at) {
    unsigned unit = 0;
    const auto digits = text.substr(std::min(at, text.size()), 4);
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    if (digits.size() < 4 || status != std::errc{} || end != digits.data() + 4) return std::nullopt;
    return unit;
}

// The length of the escape whose backslash is at `at`, a pair of surrogates being one; 0 when it is none of JSON's.
std::size_t escape_at(std::string_view json, std::size_t at) {
    constexpr std::string_view one_letter = "\"\\/bfnrt";
    const char letter = at + 1 < json.size() ? json[at + 1] : '\0';
    if (one_letter.contains(letter)) return 2;
    if (letter != 'u') return 0;
    const auto unit = unit_at(json, at + 2);
    if (!unit || (*unit >= 0xDC00 && *unit < 0xE000)) return 0;
    if (*unit < 0xD800 || *unit >= 0xE000) return 6;
    const auto low = json.substr(at + 6).starts_with("\\u") ? unit_at(json, at + 8) : std::nullopt;
    return low && *low >= 0xDC00 && *low < 0xE000 ? 12 : 0;
}

// Where simdjson, which does not say it, found an escape that is none; `otherwise` when there is nothing of the kind.
std::size_t broken_escape_at(std::string_view json, std::size_t otherwise) {
    for (auto at = json.find('\\'); at != std::string_view::npos;) {
        const auto size = escape_at(json, at);
        if (size == 0) return at;
        at = json.find('\\', at + size);
    }
    return otherwise;
}

// One past the bracket that closes the object at the beginning, or npos.
std::size_t end_of_object(std::string_view json) {
    std::size_t depth = 0;
    for (auto at = json.find('{'); at < json.size(); ++at) {
        const char c = json[at];
        if (c == '"') {
            const auto end = kernel::end_of_json_text(json, at);
            if (end == std::string_view::npos) return end;
            at = end - 1;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return at + 1;
        }
    }
    return std::string_view::npos;
}

Failure something_follows(std::size_t offset, std::string_view json) {
    auto failure =
        broken(offset, "something follows the record", "the end of the record", "send one record a line, or an array of records");
    if (offset < json.size() && json[offset] == ',') {
        failure.refusal.found = "a comma";
        failure.refusal.mend = "leave out the comma between lines of NDJSON; or send an array as application/json";
    } else if (offset < json.size() && json[offset] == '{') {
        failure.refusal.found = "another record";
        failure.refusal.mend = "put a line feed between records and send them as application/x-ndjson, or send an array";
    }
    return failure;
}

Failure failure_of(simdjson::error_code error, std::size_t offset, std::string_view json) {
    switch (error) {
        case simdjson::UTF8_ERROR: return not_utf8(std::min(not_utf8_at(json), json.size()));
        case simdjson::UNESCAPED_CHARS:
            return broken(broken_text_at(json), "a text holds a control character", "control characters escaped");
        case simdjson::UNCLOSED_STRING: return broken(broken_text_at(json), "a text is not closed", "a closing quote");
        case simdjson::EMPTY: return broken(0, "there is nothing to read", "an object");
        case simdjson::STRING_ERROR:
            return broken(broken_escape_at(json, offset), "an escape in a text is not valid", "one of JSON's escapes");
        case simdjson::INCOMPLETE_ARRAY_OR_OBJECT: {
            // It looks at the last bracket only, which what follows the record hides.
            const auto end = end_of_object(json);
            const auto rest = end == std::string_view::npos ? end : json.find_first_not_of(whitespace, end);
            if (rest != std::string_view::npos) return something_follows(rest, json);
            return broken(json.size(), "an object or array is not closed", "a closing bracket");
        }
        default: return broken_at(offset, json);
    }
}

// Lines and columns of places in one text, asked for from front to back: one pass over the text, however many there are.
class Places {
public:
    explicit Places(std::string_view text) : text_(text) {}

    Refusal placed(Failure failure) {
        for (const auto end = std::min(failure.offset, text_.size()); at_ < end; ++at_) {
            if (text_[at_] != '\n') continue;
            ++line_;
            line_begin_ = at_ + 1;
        }
        failure.refusal.line = line_;
        failure.refusal.column = std::max(failure.offset, line_begin_) - line_begin_ + 1;
        return std::move(failure.refusal);
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::uint64_t line_ = 1;
    std::size_t line_begin_ = 0;
};

struct Range {
    std::size_t begin, size;
};

// Cuts the text of an array into those of its items by brackets and quotes alone; each item is still to be read.
class ArrayCutter {
public:
    ArrayCutter(std::string_view json, std::size_t items_max) : json_(json), items_max_(items_max), at_(json.find('[') + 1) {}

    std::variant<std::vector<Range>, Failure> items() {
        std::vector<Range> items;
        for (bool more = true; more;) {
            const auto begin = at_;
            if (auto failure = skip_item()) return *std::move(failure);
            more = json_[at_] == ',';
            const auto item = trimmed(json_.substr(begin, at_ - begin));
            if (item.empty() && (more || !items.empty())) return broken(at_, "an item of the array is missing", "an object");
            if (!item.empty()) items.push_back({.begin = static_cast<std::size_t>(item.data() - json_.data()), .size = item.size()});
            if (items.size() > items_max_) return too_many();
            ++at_;
        }
        const auto rest = json_.find_first_not_of(whitespace, at_);
        if (rest != std::string_view::npos) return broken(rest, "something follows the array", "the end of the body");
        return items;
    }

private:
    // Stands on the comma or the bracket after the item then.
    std::optional<Failure> skip_item() {
        std::size_t depth = 0;
        for (; at_ < json_.size(); ++at_) {
            switch (json_[at_]) {
                case '"':
                    if (const auto end = kernel::end_of_json_text(json_, at_); end != std::string_view::npos) {
                        at_ = end - 1;
                        break;
                    }
                    return broken(at_, "a text is not closed", "a closing quote");
                case '{':
                case '[': ++depth; break;
                case '}':
                    if (depth == 0) return broken(at_, "a bracket closes what is not open");
                    --depth;
                    break;
                case ']':
                    if (depth == 0) return std::nullopt;
                    --depth;
                    break;
                case ',':
                    if (depth == 0) return std::nullopt;
                    break;
                default: break;
            }
        }
        return broken(json_.size(), "the array is not closed", "a closing bracket");
    }

    Failure too_many() const {
        Refusal refusal{.code = "too-many-items",
                        .detail = "the array holds more records than one body may",
                        .pointer = {},
                        .line = {},
                        .column = {},
                        .expected = "at most " + std::to_string(items_max_) + " items",
                        .found = "more",
                        .mend = "send NDJSON, which may be of any length"};
        return {.refusal = std::move(refusal), .offset = at_};
    }

    std::string_view json_;
    std::size_t items_max_;
    std::size_t at_;
};

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
    extra.key(name, source);
    return write(value, extensions, 3);  // one deeper than it stands here: in canonical JSON it lies in "extensions"
}

bool JsonReader::State::read_members(ondemand::document& document, RawData& record) {
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return fail(error);
    extensions.clear();
    members.clear();
    common.clear();
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
    if (is_wide(json)) return wide();
    if (const auto how = packing_of(json); !how.empty()) return packed(how);
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
    const auto cut = ArrayCutter(json, state_->limits.items_max).items();
    if (const auto* failure = std::get_if<Failure>(&cut)) return places.placed(*failure);
    std::size_t index = 0;
    for (const auto& [begin, size] : std::get<std::vector<Range>>(cut)) {
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
