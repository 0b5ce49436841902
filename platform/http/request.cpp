// What a handler asks of a request, and the parsing of its target.
#include "platform/http/http.hpp"
#include "platform/http/target.hpp"

#include <algorithm>
#include <cctype>

namespace platform::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

const std::string* first_of(const Pairs& pairs, std::string_view name) {
    for (const auto& [key, value] : pairs)
        if (key == name) return &value;
    return nullptr;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_without_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char small = lower(c);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Appends the decoded text; false for a broken escape or a control character.
bool decode(std::string_view text, bool plus_is_space, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return false;
            const int high = digit_of(text[i + 1]);
            const int low = digit_of(text[i + 2]);
            if (high < 0 || low < 0) return false;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
        out += c;
    }
    return true;
}

kernel::Error broken(std::string why) {
    return {kernel::ErrorKind::incorrect, "target-broken", std::move(why)};
}

kernel::Result<void> read_path(std::string_view text, Target& target) {
    while (!text.empty()) {
        text.remove_prefix(1);  // the slash
        const auto segment = text.substr(0, text.find('/'));
        text.remove_prefix(segment.size());
        if (target.segments.size() == segments_max) return broken("the path has too many segments");
        auto& decoded = target.segments.emplace_back();
        if (!decode(segment, false, decoded)) return broken("the path holds a broken escape or a control character");
        target.path += '/';
        target.path += decoded;
    }
    return kernel::ok();
}

kernel::Result<void> read_query(std::string_view text, Target& target) {
    while (!text.empty()) {
        const auto item = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(item.size() + 1, text.size()));
        if (item.empty()) continue;
        if (target.query.size() == query_items_max) return broken("the query has too many parameters");
        const auto equals = item.find('=');
        auto& [name, value] = target.query.emplace_back();
        const bool good = decode(item.substr(0, equals), true, name) &&
                          (equals == std::string_view::npos || decode(item.substr(equals + 1), true, value));
        if (!good) return broken("the query holds a broken escape or a control character");
    }
    return kernel::ok();
}

}  // namespace

kernel::Result<Target> target_from(std::string_view text) {
    if (text.find('#') != std::string_view::npos) return broken("a target holds no fragment");
    Target target;
    if (!text.starts_with('/')) {
        const auto scheme = text.find("://");
        if (scheme == std::string_view::npos || !equal_without_case(text.substr(0, scheme), "http"))
            return broken("the target is not a path");
        text.remove_prefix(scheme + 3);
        target.authority = text.substr(0, text.find_first_of("/?"));
        if (target.authority.empty()) return broken("the target names no host");
        text.remove_prefix(target.authority.size());
    }
    const auto question = text.find('?');
    const auto path = text.substr(0, question);
    if (auto read = read_path(path.empty() ? std::string_view("/") : path, target); !read) return std::move(read).error();
    if (question != std::string_view::npos)
        if (auto read = read_query(text.substr(question + 1), target); !read) return std::move(read).error();
    return target;
}

std::string_view Request::header(std::string_view name) const {
    const auto* value = first_of(headers, name);
    return value != nullptr ? std::string_view(*value) : std::string_view();
}

std::string_view Request::parameter(std::string_view name) const {
    const auto* value = first_of(parameters, name);
    return value != nullptr ? std::string_view(*value) : std::string_view();
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
    const auto* value = first_of(query, name);
    if (value == nullptr) return std::nullopt;
    return *value;
}

std::string_view Request::media_type() const {
    const auto value = header("content-type");  // the server has put this part of it into lower case
    return trimmed(value.substr(0, value.find(';')));
}

std::string Request::charset() const {
    auto rest = header("content-type");
    while (true) {
        const auto semicolon = rest.find(';');
        if (semicolon == std::string_view::npos) return {};
        rest.remove_prefix(semicolon + 1);
        const auto one = trimmed(rest.substr(0, rest.find(';')));
        const auto equals = std::min(one.find('='), one.size());
        if (!equal_without_case(trimmed(one.substr(0, equals)), "charset")) continue;
        std::string value;
        for (const char c : trimmed(one.substr(std::min(equals + 1, one.size()))))
            if (c != '"') value += lower(c);
        return value;
    }
}

std::string_view Request::bearer_token() const {
    constexpr std::string_view scheme = "bearer ";
    const auto value = trimmed(header("authorization"));
    if (value.size() < scheme.size() || !equal_without_case(value.substr(0, scheme.size()), scheme)) return {};
    return trimmed(value.substr(scheme.size()));
}

}  // namespace platform::http
