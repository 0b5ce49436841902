// JsonWriter: appends JSON to a string; commas come by themselves.
#pragma once

#include "kernel/json_text.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace platform::http {

// Brackets and names are the caller's to pair.
class JsonWriter {
public:
    JsonWriter& open(char bracket) {
        comma();
        out_ += bracket;
        return *this;
    }
    JsonWriter& close(char bracket) {
        out_ += bracket;
        return *this;
    }
    JsonWriter& name(std::string_view name) {
        comma();
        kernel::append_json_string(out_, name);
        out_ += ':';
        return *this;
    }
    JsonWriter& text(std::string_view value) {
        comma();
        kernel::append_json_string(out_, value);
        return *this;
    }
    JsonWriter& raw(std::string_view json) {
        comma();
        out_ += json;
        return *this;
    }
    JsonWriter& integer(std::uint64_t value) { return raw(std::to_string(value)); }
    JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
    // Rounded to that many decimals, without trailing zeros.
    JsonWriter& real(double value, int decimals) {
        char digits[64];
        std::string_view text(digits, std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, decimals).ptr);
        while (text.ends_with('0') && text.contains('.')) text.remove_suffix(1);
        if (text.ends_with('.')) text.remove_suffix(1);
        return raw(text == "-0" ? "0" : text);
    }
    // Ends a line of NDJSON.
    void end_line() { out_ += '\n'; }

    std::size_t size() const { return out_.size(); }
    std::string take() { return std::exchange(out_, {}); }

private:
    void comma() {
        if (out_.empty()) return;
        const char last = out_.back();
        if (last != '{' && last != '[' && last != ':' && last != '\n') out_ += ',';
    }
    std::string out_;
};

}  // namespace platform::http
