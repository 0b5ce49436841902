// Statuses by code where the kind of the error says too little.
#include "data_center_classifier/infrastructure/http/problems.hpp"

#include <algorithm>
#include <array>

namespace data_center_classifier::infrastructure::http {
namespace {

using platform::http::Problem;

struct Known {
    std::string_view code;
    int status;
    std::string_view title;
};
constexpr std::array known_codes{
    Known{"key-missing", 401, "A key is needed"},
    Known{"key-unknown", 401, "The key is not known"},
    Known{"key-revoked", 401, "The key was revoked"},
    Known{"key-id-unknown", 404, "The data centre has no such key"},
    Known{"operator-only", 403, "Only the operator may do this"},
    Known{"operator-cannot-send", 403, "Only a data centre may send records"},
    Known{"data-center-suspended", 403, "The data centre is suspended"},
    Known{"data-center-foreign", 403, "This belongs to another data centre"},
    Known{"data-center-missing", 400, "The data centre is not named"},
    Known{"data-center-id-invalid", 400, "This cannot be the id of a data centre"},
    Known{"record-id-invalid", 422, "This cannot be the id of a record"},
    Known{"record-unknown", 404, "The record is not known"},
    Known{"record-too-large", 413, "The record is too large"},
    Known{"too-many-items", 413, "Too many records at once"},
    Known{"body-too-large", 413, "The body is too large"},
    Known{"body-expands-too-much", 413, "The body is too large"},
    Known{"content-type-unknown", 415, "This type of content is not read"},
    Known{"charset-unknown", 415, "This character set is not read"},
    Known{"content-encoding-unknown", 415, "This encoding of content is not read"},
};

const Known* known(std::string_view code) {
    const auto* found = std::find_if(known_codes.begin(), known_codes.end(), [&](const Known& one) { return one.code == code; });
    return found == known_codes.end() ? nullptr : found;
}

Problem titled(Problem problem) {
    if (const auto* one = known(problem.code)) {
        problem.status = one->status;
        problem.title = one->title;
    }
    return problem;
}

}  // namespace

Problem problem_of(const kernel::Error& error) {
    return titled(platform::http::problem_from(error));
}

Problem problem_of(formats::Refusal refusal) {
    Problem problem;
    problem.status = 400;
    problem.title = "The record could not be read";
    problem.code = std::move(refusal.code);
    problem.detail = std::move(refusal.detail);
    problem.pointer = std::move(refusal.pointer);
    problem.line = refusal.line;
    problem.column = refusal.column;
    problem.expected = std::move(refusal.expected);
    problem.found = std::move(refusal.found);
    problem.mend = std::move(refusal.mend);
    return titled(std::move(problem));
}

Problem type_problem(std::string expected) {
    Problem problem;
    problem.code = "content-type-unknown";
    problem.detail = "the Content-Type names no format that is read here";
    problem.expected = std::move(expected);
    problem.mend = "name the format of the body in Content-Type";
    return titled(std::move(problem));
}

std::optional<Problem> charset_problem(const platform::http::Request& request) {
    const auto charset = request.charset();
    if (charset.empty() || charset == "utf-8" || charset == "utf8" || charset == "us-ascii") return std::nullopt;
    Problem problem;
    problem.code = "charset-unknown";
    problem.detail = "the Content-Type names another character set than UTF-8";
    problem.expected = "charset=utf-8, or none";
    problem.mend = "convert the body to UTF-8 and say so, or leave charset out";
    return titled(std::move(problem));
}

platform::http::Response refuse(const Problem& problem) {
    auto response = platform::http::answer(problem);
    if (problem.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
}

platform::http::Response refuse(const kernel::Error& error) {
    return refuse(problem_of(error));
}

}  // namespace data_center_classifier::infrastructure::http
