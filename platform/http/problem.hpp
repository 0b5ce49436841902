// Problem: an error as RFC 9457 application/problem+json. Never patient data: values found in a record appear as their kind and length
// only.
#pragma once

#include "kernel/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace platform::http {

struct Problem {
    int status = 500;
    std::string code = {};                        // stable: "record-too-large"; "type" is "urn:acopio:problem:" + code
    std::string title = {};                       // the same for every occurrence of the code
    std::string detail = {};                      // this occurrence, for a person
    std::string pointer = {};                     // JSON pointer into the body (RFC 6901), "" if none
    std::optional<std::uint64_t> line = {};       // in NDJSON and CSV, from 1
    std::optional<std::uint64_t> column = {};     // byte in the line, from 1
    std::string expected = {};                    // what would have been right
    std::string found = {};                       // what was there, described, not quoted
    std::string mend = {};                        // what to do
    std::optional<int> retry_after_seconds = {};  // also the header Retry-After
    std::string instance = {};                    // id of the request
};

// Members in a fixed order; empty ones left out.
std::string to_json(const Problem& problem);

// Status by kind: incorrect 400, forbidden 403, not_found 404, conflict 409, unsupported 501, busy 503 (+ Retry-After 1), unavailable 503,
// interrupted 503, fault 500 (the message of a fault is not shown).
Problem problem_from(const kernel::Error& error);

}  // namespace platform::http
