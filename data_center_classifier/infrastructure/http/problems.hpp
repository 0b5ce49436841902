// From errors and refusals to problems: the one place of the intake that knows which HTTP status a code has.
#pragma once

#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/result.hpp"
#include "platform/http/http.hpp"

namespace data_center_classifier::infrastructure::http {

platform::http::Problem problem_of(const kernel::Error& error);
platform::http::Problem problem_of(formats::Refusal refusal);

// 415: the Content-Type is none of `expected`.
platform::http::Problem type_problem(std::string expected);
// 415, when the Content-Type names another character set than UTF-8 or its part US-ASCII.
std::optional<platform::http::Problem> charset_problem(const platform::http::Request& request);

// 401 carries WWW-Authenticate.
platform::http::Response refuse(const platform::http::Problem& problem);
platform::http::Response refuse(const kernel::Error& error);

}  // namespace data_center_classifier::infrastructure::http
