// The places where JSON is broken, found by looking at the text again: it is done for refused records only.
#include "data_center_classifier/infrastructure/formats/json_failure.hpp"

#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::trimmed;

constexpr std::string_view whitespace = " \t\r\n";

}  // namespace

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

Failure broken(std::size_t offset, std::string detail, std::string expected, std::string mend) {
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

namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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

}  // namespace data_center_classifier::infrastructure::formats
