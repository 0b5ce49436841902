// Problems as JSON, and the one mapping from kinds of error to HTTP.
#include "platform/http/problem.hpp"

#include "kernel/utf8.hpp"
#include "platform/http/json_writer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace platform::http {
namespace {

// Leaves out what is empty. A text may quote a peer, so it may hold any bytes.
void add(JsonWriter& json, std::string_view name, std::string_view text) {
    if (!text.empty()) json.name(name).text(kernel::repaired_utf8(text));
}
void add(JsonWriter& json, std::string_view name, std::optional<std::uint64_t> number) {
    if (number) json.name(name).integer(*number);
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
    JsonWriter json;
    json.open('{');
    add(json, "type", "urn:acopio:problem:" + problem.code);
    add(json, "title", problem.title);
    json.name("status").integer(static_cast<std::uint64_t>(problem.status));
    add(json, "code", problem.code);
    add(json, "detail", problem.detail);
    add(json, "pointer", problem.pointer);
    add(json, "line", problem.line);
    add(json, "column", problem.column);
    add(json, "expected", problem.expected);
    add(json, "found", problem.found);
    add(json, "mend", problem.mend);
    add(json, "instance", problem.instance);
    json.close('}');
    return json.take();
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

}  // namespace platform::http
