// Attributes of an event as one column: "name=value" and a line end each. A value with a line end would break the form: refused by CHECK,
// because attributes are facts of ours (ids without control characters, numbers, times).
#pragma once

#include "kernel/check.hpp"
#include "kernel/envelope.hpp"
#include "kernel/result.hpp"

namespace platform::event_store {

using Attributes = std::vector<std::pair<std::string, std::string>>;

inline std::string to_text(const Attributes& attributes) {
    std::string text;
    for (const auto& [name, value] : attributes) {
        CHECK(name.find_first_of("=\n") == std::string::npos && value.find('\n') == std::string::npos, "an attribute has no line end");
        text.append(name).append(1, '=').append(value).append(1, '\n');
    }
    return text;
}

inline kernel::Result<Attributes> attributes_from(std::string_view text) {
    Attributes attributes;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto equals = text.substr(0, end).find('=');
        if (end == std::string_view::npos || equals == std::string_view::npos)
            return kernel::Error{kernel::ErrorKind::fault, "event-broken", "the attributes of a stored event cannot be read"};
        attributes.emplace_back(text.substr(0, equals), text.substr(equals + 1, end - equals - 1));
        text.remove_prefix(end + 1);
    }
    return attributes;
}

}  // namespace platform::event_store
