// The request target, taken apart: path segments and query, percent-decoded. Pure.
#pragma once

#include "kernel/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace platform::http {

struct Target {
    std::string authority;                                   // of the absolute form: "host:80"; "" in the origin form
    std::string path;                                        // decoded
    std::vector<std::string> segments;                       // decoded one by one, so that "%2F" stays within its segment
    std::vector<std::pair<std::string, std::string>> query;  // decoded, in order; "+" is a space
};

inline constexpr std::size_t segments_max = 32;
inline constexpr std::size_t query_items_max = 256;

// Origin form ("/data?x=1") or absolute form ("http://host/data"). incorrect "target-broken": a broken escape, a control character, a
// fragment, something that is neither form, or more parts than the bounds above.
kernel::Result<Target> target_from(std::string_view text);

}  // namespace platform::http
