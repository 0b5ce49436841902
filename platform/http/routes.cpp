// Matching of paths to routes: the most literal pattern first.
#include "kernel/check.hpp"
#include "platform/http/routing.hpp"

#include <algorithm>
#include <tuple>

namespace platform::http {
namespace {

// Sorts before another pattern if it is literal where the other has a parameter: '0' per literal, '1' per parameter.
std::string rank_of(std::string_view pattern) {
    std::string rank;
    for (std::size_t i = 0; i < pattern.size(); ++i)
        if (pattern[i] == '/') rank += i + 1 < pattern.size() && pattern[i + 1] == '{' ? '1' : '0';
    return rank;
}

}  // namespace

void Routes::add(std::string method, std::string pattern, Handler handler) {
    CHECK(pattern.starts_with('/'), "a pattern of a route starts with a slash");
    CHECK(handler != nullptr, "a route has a handler");
    entries_.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

Router::Router(const Routes& routes) : entries_(routes.entries()) {
    std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
        return std::tuple(rank_of(a.pattern), std::string_view(a.pattern), std::string_view(a.method)) <
               std::tuple(rank_of(b.pattern), std::string_view(b.pattern), std::string_view(b.method));
    });
    for (const auto& entry : entries_) patterns_.push_back(parsed(entry.pattern));
}

std::vector<Router::Segment> Router::parsed(std::string_view pattern) {
    std::vector<Segment> segments;
    while (!pattern.empty()) {
        pattern.remove_prefix(1);  // the slash
        const auto text = pattern.substr(0, pattern.find('/'));
        const bool parameter = text.size() > 2 && text.front() == '{' && text.back() == '}';
        segments.push_back({!parameter, std::string(parameter ? text.substr(1, text.size() - 2) : text)});
        pattern.remove_prefix(text.size());
    }
    return segments;
}

bool Router::fits(const std::vector<Segment>& pattern, const std::vector<std::string>& segments) {
    return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                      [](const Segment& want, const std::string& have) { return want.literal ? want.text == have : !have.empty(); });
}

std::string Router::methods_of(const std::vector<std::string_view>& methods) {
    std::string allowed;
    for (const auto method : methods) {
        if (!allowed.empty()) allowed += ", ";
        allowed += method;
        if (method == "GET") allowed += ", HEAD";
    }
    if (!allowed.empty()) allowed += ", OPTIONS";
    return allowed;
}

Router::Match Router::match(std::string_view method, const std::vector<std::string>& segments) const {
    Match match;
    std::vector<std::string_view> methods;
    const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!fits(patterns_[i], segments)) continue;
        if (entries_[i].method != wanted) {
            if (std::find(methods.begin(), methods.end(), entries_[i].method) == methods.end()) methods.emplace_back(entries_[i].method);
            continue;
        }
        match.entry = &entries_[i];
        match.index = i;
        for (std::size_t j = 0; j < segments.size(); ++j)
            if (!patterns_[i][j].literal) match.parameters.emplace_back(patterns_[i][j].text, segments[j]);
        return match;
    }
    match.allowed = methods_of(methods);
    return match;
}

}  // namespace platform::http
