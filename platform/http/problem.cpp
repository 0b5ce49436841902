// Problems as JSON, and the one mapping from kinds of error to HTTP.
#include "platform/http/problem.hpp"

#include "platform/http/http.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace platform::http {
namespace {

// Length of the well-formed UTF-8 sequence that `text` begins with; 0 if it begins with none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continued = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return continued(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        if (!continued(1) || !continued(2)) return 0;
        const bool overlong = first == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = first == 0xED && byte(1) > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (!continued(1) || !continued(2) || !continued(3)) return 0;
        const bool overlong = first == 0xF0 && byte(1) < 0x90;
        const bool too_high = first == 0xF4 && byte(1) > 0x8F;
        return overlong || too_high ? 0 : 4;
    }
    return 0;
}

void add_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text.front());
        const auto length = utf8_length(text);
        if (length == 0) {
            out += "\xEF\xBF\xBD";  // U+FFFD
        } else if (byte == '"' || byte == '\\') {
            out += '\\';
            out += text.front();
        } else if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    out += '"';
}

void add_text(std::string& out, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (out.size() > 1) out += ',';
    add_quoted(out, name);
    out += ':';
    add_quoted(out, value);
}

void add_number(std::string& out, std::string_view name, std::optional<std::uint64_t> value) {
    if (!value) return;
    if (out.size() > 1) out += ',';
    add_quoted(out, name);
    out += ':';
    out += std::to_string(*value);
}

struct Meaning {
    int status;
    std::optional<int> retry_after_seconds;
};

Meaning meaning_of(kernel::ErrorKind kind) {
    switch (kind) {
        case kernel::ErrorKind::incorrect: return {400, std::nullopt};
        case kernel::ErrorKind::forbidden: return {403, std::nullopt};
        case kernel::ErrorKind::not_found: return {404, std::nullopt};
        case kernel::ErrorKind::conflict: return {409, std::nullopt};
        case kernel::ErrorKind::unsupported: return {501, std::nullopt};
        case kernel::ErrorKind::busy: return {503, 1};
        case kernel::ErrorKind::unavailable: return {503, 5};
        case kernel::ErrorKind::interrupted: return {503, std::nullopt};
        case kernel::ErrorKind::fault: return {500, std::nullopt};
    }
    return {500, std::nullopt};
}

// Errors of HTTP itself, for which HTTP has a status of its own.
struct OwnStatus {
    std::string_view code;
    int status;
};
constexpr std::array own_statuses{
    OwnStatus{"body-stalled", 408},          OwnStatus{"length-required", 411},          OwnStatus{"body-too-large", 413},
    OwnStatus{"body-expands-too-much", 413}, OwnStatus{"content-encoding-unknown", 415},
};

// "record-too-large" -> "Record too large"
std::string title_of(std::string title) {
    std::replace(title.begin(), title.end(), '-', ' ');
    if (!title.empty()) title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
    return title;
}

}  // namespace

std::string to_json(const Problem& problem) {
    std::string out = "{";
    out.reserve(256 + problem.detail.size());
    add_text(out, "type", "urn:acopio:problem:" + problem.code);
    add_text(out, "title", problem.title);
    add_number(out, "status", static_cast<std::uint64_t>(problem.status));
    add_text(out, "code", problem.code);
    add_text(out, "detail", problem.detail);
    add_text(out, "pointer", problem.pointer);
    add_number(out, "line", problem.line);
    add_number(out, "column", problem.column);
    add_text(out, "expected", problem.expected);
    add_text(out, "found", problem.found);
    add_text(out, "mend", problem.mend);
    add_text(out, "instance", problem.instance);
    out += '}';
    return out;
}

Problem problem_from(const kernel::Error& error) {
    const auto meaning = meaning_of(error.kind);
    Problem problem;
    problem.status = meaning.status;
    problem.retry_after_seconds = meaning.retry_after_seconds;
    for (const auto& own : own_statuses)
        if (own.code == error.code) problem.status = own.status;
    problem.code = error.code;
    problem.title = title_of(error.code);
    problem.detail =
        error.kind == kernel::ErrorKind::fault ? "an error of ours; the operator finds it in the log by the instance" : error.message;
    return problem;
}

Response json(int status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

Response answer(const Problem& problem) {
    Response response;
    response.status = problem.status;
    response.content_type = "application/problem+json";
    response.problem = problem;
    if (problem.retry_after_seconds) response.headers.emplace_back("Retry-After", std::to_string(*problem.retry_after_seconds));
    return response;
}

}  // namespace platform::http
