// Router: the routes of a server, ready to be matched. Internal to the server.
#pragma once

#include "platform/http/http.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace platform::http {

class Router {
public:
    explicit Router(const Routes& routes);

    struct Match {
        const Routes::Entry* entry = nullptr;                         // null: nothing fits; see allowed
        std::size_t index = 0;                                        // of the entry in entries()
        std::vector<std::pair<std::string, std::string>> parameters;  // of the path
        std::string allowed;                                          // methods of the path, for Allow; "" if the path is unknown
    };
    // `segments` are the decoded parts between the slashes of the path. Thread-safe.
    Match match(std::string_view method, const std::vector<std::string>& segments) const;

    const std::vector<Routes::Entry>& entries() const { return entries_; }

private:
    struct Segment {
        bool literal;
        std::string text;  // the literal, or the name of the parameter
    };
    static std::vector<Segment> parsed(std::string_view pattern);
    static bool fits(const std::vector<Segment>& pattern, const std::vector<std::string>& segments);
    static std::string methods_of(const std::vector<std::string_view>& methods);

    std::vector<Routes::Entry> entries_;  // the more literal first
    std::vector<std::vector<Segment>> patterns_;
};

}  // namespace platform::http
