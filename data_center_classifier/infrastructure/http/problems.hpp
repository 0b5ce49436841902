// From errors and refusals to problems: the one place of the intake that knows which HTTP status a code has.
#pragma once

#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/result.hpp"
#include "platform/http/http.hpp"

namespace data_center_classifier::infrastructure::http {

platform::http::Problem problem_of(const kernel::Error& error);
platform::http::Problem problem_of(formats::Refusal refusal);

// 401 carries WWW-Authenticate.
platform::http::Response refuse(const platform::http::Problem& problem);
platform::http::Response refuse(const kernel::Error& error);

}  // namespace data_center_classifier::infrastructure::http
