// JSON text by hand, for the numbers.
#include "acopio/json_view.hpp"

#include <array>
#include <charconv>

namespace acopio {
namespace {

// Depth is bounded by the parser that made the value (32), or by the code that did.
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

}  // namespace

std::string json_text(const boost::json::value& value) {
    std::string out;
    add(out, value);
    return out;
}

}  // namespace acopio
