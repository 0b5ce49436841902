// Answers that handlers give: a JSON body, or a problem.
#include "platform/http/http.hpp"

namespace platform::http {

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
