// say(): a text with "{}" filled in, in order. The standard library that we build with has no <format>.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

namespace platform::pulsar::simulation {

template <class T>
void append(std::string& text, const T& value) {
    if constexpr (std::is_convertible_v<T, std::string_view>) text += std::string_view(value);
    else text += std::to_string(value);
}

template <class... Values>
std::string say(std::string_view pattern, const Values&... values) {
    std::string text;
    const auto fill = [&](const auto& value) {
        const auto at = pattern.find("{}");
        text += pattern.substr(0, at);
        if (at == std::string_view::npos) pattern = {};
        else pattern.remove_prefix(at + 2);
        append(text, value);
    };
    (fill(values), ...);
    return text += pattern;
}

}  // namespace platform::pulsar::simulation
