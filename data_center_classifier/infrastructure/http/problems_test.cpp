// Tests of the table of problems: whoever is refused is told what to do.
#include "data_center_classifier/infrastructure/http/problems.hpp"

#include <gmock/gmock.h>

namespace data_center_classifier::infrastructure::http {
namespace {

using kernel::Error;
using kernel::ErrorKind;

// Each code that a use case, the HTTP adapter or the body of a request of the intake can give for what the client did.
constexpr std::pair<ErrorKind, const char*> of_the_client[] = {
    {ErrorKind::forbidden, "key-missing"},           {ErrorKind::forbidden, "key-unknown"},
    {ErrorKind::forbidden, "key-revoked"},           {ErrorKind::forbidden, "data-center-suspended"},
    {ErrorKind::forbidden, "data-center-foreign"},   {ErrorKind::forbidden, "operator-only"},
    {ErrorKind::forbidden, "operator-cannot-send"},  {ErrorKind::not_found, "data-center-unknown"},
    {ErrorKind::not_found, "key-id-unknown"},        {ErrorKind::not_found, "record-unknown"},
    {ErrorKind::conflict, "data-center-exists"},     {ErrorKind::conflict, "key-exists"},
    {ErrorKind::conflict, "too-many-keys"},          {ErrorKind::conflict, "too-many-data-centers"},
    {ErrorKind::incorrect, "data-center-missing"},   {ErrorKind::incorrect, "data-center-id-invalid"},
    {ErrorKind::incorrect, "name-invalid"},          {ErrorKind::incorrect, "reason-invalid"},
    {ErrorKind::incorrect, "record-id-invalid"},     {ErrorKind::incorrect, "parameter-invalid"},
    {ErrorKind::incorrect, "parameter-unknown"},     {ErrorKind::incorrect, "member-missing"},
    {ErrorKind::incorrect, "member-twice"},          {ErrorKind::incorrect, "body-not-understood"},
    {ErrorKind::incorrect, "field-unknown"},         {ErrorKind::incorrect, "mapping-too-large"},
    {ErrorKind::incorrect, "mapping-field-twice"},   {ErrorKind::incorrect, "body-too-large"},
    {ErrorKind::incorrect, "body-truncated"},        {ErrorKind::incorrect, "body-stalled"},
    {ErrorKind::incorrect, "body-framing-broken"},   {ErrorKind::incorrect, "body-encoding-broken"},
    {ErrorKind::incorrect, "body-expands-too-much"}, {ErrorKind::incorrect, "body-window-too-large"},
    {ErrorKind::incorrect, "length-required"},       {ErrorKind::incorrect, "content-encoding-unknown"},
};

TEST(Problems, of_what_a_client_did_say_what_to_do) {
    for (const auto& [kind, code] : of_the_client) {
        const auto problem = problem_of(Error{kind, code, "what happened"});
        EXPECT_GE(problem.status, 400) << code;
        EXPECT_LT(problem.status, 500) << code;
        EXPECT_NE(problem.mend, "") << code;
        EXPECT_NE(problem.title, "") << code;
    }
    EXPECT_NE(type_problem("application/json").mend, "");
}

TEST(Problems, of_a_record_id_point_at_it_and_say_what_would_be_right) {
    const auto problem = problem_of(Error{ErrorKind::incorrect, "record-id-invalid", "too long"});
    EXPECT_EQ(problem.status, 422);
    EXPECT_EQ(problem.pointer, "/record_id");
    EXPECT_THAT(problem.expected, testing::HasSubstr("1 to 128 characters"));
}

TEST(Problems, name_the_error_of_a_token_only_where_one_was_given) {
    const auto challenge = [](const char* code) { return refuse(Error{ErrorKind::forbidden, code, ""}).headers; };
    using Headers = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(challenge("key-missing"), (Headers{{"WWW-Authenticate", "Bearer"}}));
    EXPECT_EQ(challenge("key-unknown"), (Headers{{"WWW-Authenticate", "Bearer error=\"invalid_token\""}}));
    EXPECT_EQ(challenge("operator-only"), Headers{});
}

TEST(Problems, of_types_and_encodings_say_what_is_read) {
    using Headers = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(refuse(type_problem("application/json, application/x-ndjson or text/csv")).headers,
              (Headers{{"Accept", "application/json, application/x-ndjson, text/csv"}}));
    EXPECT_EQ(refuse(Error{ErrorKind::incorrect, "content-encoding-unknown", ""}).headers,
              (Headers{{"Accept-Encoding", "gzip, zstd, identity"}}));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::http
