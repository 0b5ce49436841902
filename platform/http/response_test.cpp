// Tests of the answers that handlers give.
#include "platform/http/http.hpp"

#include <gmock/gmock.h>

namespace platform::http {
namespace {

TEST(response, of_json_has_its_type_and_no_problem) {
    const auto response = json(201, "{}");
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(response.body, "{}");
    EXPECT_FALSE(response.problem);
}

TEST(response, of_a_problem_has_its_type_and_retry_after) {
    const auto response = answer(problem_from({kernel::ErrorKind::busy, "queue-full", "later"}));
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_THAT(response.headers, testing::ElementsAre(testing::Pair("Retry-After", "1")));
}

}  // namespace
}  // namespace platform::http
