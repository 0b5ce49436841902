// What the three event codecs share: attributes in, attributes out, with one error for what cannot be read.
#pragma once

#include "kernel/clock.hpp"
#include "kernel/envelope.hpp"
#include "kernel/result.hpp"

#include <charconv>
#include <string>
#include <string_view>

namespace kernel::codec {

inline std::string to_text(std::uint64_t value) {
    return std::to_string(value);
}

// Shortest text that reads back as the same double.
inline std::string to_text(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return std::string(text, end);
}

inline Error not_understood(std::string what) {
    return Error{ErrorKind::fault, "event-not-understood", std::move(what)};
}

// Reads attributes by name and remembers the first that is missing or broken, so that a decoder is a plain list.
class Reader {
public:
    explicit Reader(const Envelope& envelope) : envelope_(envelope) {}

    std::string text(std::string_view name) {
        const auto value = envelope_.attribute(name);
        if (!value) fail(name);
        return std::string(value.value_or(""));
    }
    std::uint64_t integer(std::string_view name) { return number<std::uint64_t>(name); }
    double real(std::string_view name) { return number<double>(name); }
    Timestamp time(std::string_view name) {
        const auto value = envelope_.attribute(name);
        const auto time = value ? timestamp_from_text(*value) : std::nullopt;
        if (!time) fail(name);
        return time.value_or(Timestamp{});
    }

    bool complete() const { return failed_.empty(); }
    Error error() const { return not_understood("attribute " + failed_ + " of a " + envelope_.type + " is missing or broken"); }

private:
    template <class T>
    T number(std::string_view name) {
        const auto value = envelope_.attribute(name).value_or("");
        T number{};
        const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (status != std::errc{} || end != value.data() + value.size()) fail(name);
        return number;
    }
    void fail(std::string_view name) {
        if (failed_.empty()) failed_ = name;
    }

    const Envelope& envelope_;
    std::string failed_;
};

}  // namespace kernel::codec
