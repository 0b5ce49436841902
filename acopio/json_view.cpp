// JSON text by hand, for the numbers: Boost's values are 64 bits wide, what a centre sent is not.
#include "acopio/json_view.hpp"

#include "kernel/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace acopio {
namespace {

// Depth is bounded by the parser that made the value (256), or by the code that did.
void add(std::string& out, const boost::json::value& value) {
    if (const auto* object = value.if_object()) {
        out += '{';
        for (const auto& [name, one] : *object) {
            if (out.back() != '{') out += ',';
            out += boost::json::serialize(name) + ":";
            add(out, one);
        }
        out += '}';
    } else if (const auto* items = value.if_array()) {
        out += '[';
        for (const auto& one : *items) {
            if (&one != items->begin()) out += ',';
            add(out, one);
        }
        out += ']';
    } else if (value.is_double()) {
        std::array<char, 400> text{};
        const auto end = std::to_chars(text.data(), text.data() + text.size(), value.get_double()).ptr;
        out.append(text.data(), end);
    } else {
        out += boost::json::serialize(value);
    }
}

// What stands between the brackets and commas of the outermost object or array.
std::vector<std::string_view> parts_of(std::string_view json, char bracket) {
    json = kernel::trimmed_json(json);
    std::vector<std::string_view> parts;
    if (!json.starts_with(bracket)) return parts;
    std::size_t depth = 0;
    std::size_t begin = 1;
    for (std::size_t at = 0; at < json.size(); ++at) {
        const char c = json[at];
        if (c == '"') {
            at = std::min(kernel::end_of_json_text(json, at), json.size()) - 1;
            continue;
        }
        if (c == '{' || c == '[') ++depth;
        const bool closes = c == '}' || c == ']';
        if (depth == 1 && (c == ',' || closes)) {
            if (const auto part = kernel::trimmed_json(json.substr(begin, at - begin)); !part.empty()) parts.push_back(part);
            begin = at + 1;
        }
        if (closes && --depth == 0) break;
    }
    return parts;
}

std::string unquoted(std::string_view text) {
    boost::system::error_code failed;
    const auto value = boost::json::parse(text, failed);
    return !failed && value.is_string() ? std::string(value.get_string()) : std::string(text);
}

}  // namespace

std::vector<MemberText> members_as_written(std::string_view object) {
    std::vector<MemberText> members;
    for (const auto part : parts_of(object, '{')) {
        const auto end = kernel::end_of_json_text(part);
        const auto colon = part.find(':', end);
        if (colon == std::string_view::npos) continue;
        members.push_back({.name = unquoted(part.substr(0, end)), .value = kernel::trimmed_json(part.substr(colon + 1))});
    }
    return members;
}

std::vector<std::string_view> items_as_written(std::string_view array) {
    return parts_of(array, '[');
}

std::string_view member_as_written(std::string_view object, std::string_view name) {
    for (const auto& member : members_as_written(object))
        if (member.name == name) return member.value;
    return {};
}

std::string shown_as_written(std::string_view value) {
    if (value.empty() || value == "null") return "-";
    return value.starts_with('"') ? unquoted(value) : std::string(value);
}

std::string json_text(const boost::json::value& value) {
    std::string out;
    add(out, value);
    return out;
}

}  // namespace acopio
