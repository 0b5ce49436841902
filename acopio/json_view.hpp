// Reading answers: members of a JSON object by name, with a harmless value for what is missing or of another type.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

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

// As serialize(), with numbers as people write them: 86.2 and not 8.62E1. Shortest text that reads back as the same number.
std::string json_text(const boost::json::value& value);

}  // namespace acopio
