// Reading answers: members of a JSON object by name, with a harmless value for what is missing or of another type; and the text that they
// have there, for what is passed on as it came.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace acopio {

inline const boost::json::value* member(const boost::json::object& object, std::string_view name) {
    return object.if_contains(name);
}

inline std::string text_of(const boost::json::object& object, std::string_view name, std::string_view otherwise = "") {
    const auto* value = member(object, name);
    const auto* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string(*text) : std::string(otherwise);
}

inline double number_of(const boost::json::object& object, std::string_view name) {
    const auto* value = member(object, name);
    return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

inline std::uint64_t count_of(const boost::json::object& object, std::string_view name) {
    const double number = number_of(object, name);
    return number >= 0 && number < 1e18 ? static_cast<std::uint64_t>(number) : 0;
}

inline bool flag_of(const boost::json::object& object, std::string_view name) {
    const auto* value = member(object, name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

// Empty when it is missing or no array.
inline boost::json::array items_of(const boost::json::object& object, std::string_view name) {
    const auto* value = member(object, name);
    const auto* items = value != nullptr ? value->if_array() : nullptr;
    return items != nullptr ? *items : boost::json::array();
}

inline boost::json::object object_of(const boost::json::value& value) {
    const auto* object = value.if_object();
    return object != nullptr ? *object : boost::json::object();
}
inline boost::json::object object_of(const boost::json::object& object, std::string_view name) {
    const auto* value = member(object, name);
    return value != nullptr ? object_of(*value) : boost::json::object();
}

// A server's answer. Records nest up to 64 levels, and lie some deeper in an answer.
inline boost::json::value parsed_answer(std::string_view text, boost::system::error_code& failed) {
    boost::json::parse_options options;
    options.max_depth = 256;
    return boost::json::parse(text, failed, {}, options);
}

// Parts of a JSON text as they are written there: numbers keep their digits. The text must be JSON; of anything but an object or array
// there are no parts. They live as long as the text.
struct MemberText {
    std::string name;
    std::string_view value;
};
std::vector<MemberText> members_as_written(std::string_view object);
std::vector<std::string_view> items_as_written(std::string_view array);
std::string_view member_as_written(std::string_view object, std::string_view name);  // "" when it is missing
// A value for people: a text without its quotes, "-" for null and for what is missing, anything else as it is written.
std::string shown_as_written(std::string_view value);

// As serialize(), with numbers as people write them: 86.2 and not 8.62E1. Shortest text that reads back as the same number.
std::string json_text(const boost::json::value& value);

}  // namespace acopio
