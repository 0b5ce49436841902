// Tests of problems: their JSON and the mapping from kinds of error.
#include "platform/http/problem.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace platform::http {
namespace {

using kernel::Error;
using kernel::ErrorKind;

TEST(problem, has_its_members_in_a_fixed_order) {
    const Problem problem{.status = 413,
                          .code = "record-too-large",
                          .title = "Record too large",
                          .detail = "it is",
                          .pointer = "/findings",
                          .line = 12,
                          .column = 7,
                          .expected = "less",
                          .found = "a string of 9 bytes",
                          .mend = "cut it",
                          .retry_after_seconds = 1,
                          .instance = "a-1"};
    EXPECT_EQ(
        to_json(problem),
        R"({"type":"urn:acopio:problem:record-too-large","title":"Record too large","status":413,"code":"record-too-large","detail":"it is",)"
        R"("pointer":"/findings","line":12,"column":7,"expected":"less","found":"a string of 9 bytes","mend":"cut it","instance":"a-1"})");
}

TEST(problem, leaves_out_what_is_empty) {
    EXPECT_EQ(to_json({.status = 404, .code = "x"}), R"({"type":"urn:acopio:problem:x","status":404,"code":"x"})");
}

TEST(problem, escapes_text_and_repairs_what_is_no_utf8) {
    const Problem problem{.code = "x",
                          .detail = "a\"b\\c\n\x01 \xC3\xA9 \xF0\x9F\x98\x80 \xFF \xC3 \xED\xA0\x80 \xC0\xAF \xF4\x90\x80\x80"};
    EXPECT_THAT(to_json(problem),
                testing::HasSubstr("\"detail\":\"a\\\"b\\\\c\\n\\u0001 \xC3\xA9 \xF0\x9F\x98\x80 \xEF\xBF\xBD \xEF\xBF\xBD "));
}

TEST(problem, never_writes_a_control_character_or_a_loose_quote) {
    EXPECT_TRUE(rc::check("text of any bytes stays one JSON string", [](const std::string& text) {
        const auto whole = to_json({.code = "x", .detail = "<" + text + ">"});
        const auto from = whole.find('<');
        bool escaped = false;
        for (std::size_t i = from; i < whole.rfind('>'); ++i) {
            RC_ASSERT(static_cast<unsigned char>(whole[i]) >= 0x20);
            if (whole[i] == '"') RC_ASSERT(escaped);
            escaped = whole[i] == '\\' && !escaped;
        }
    }));
}

TEST(problem, has_the_status_of_the_kind_of_error) {
    const auto status = [](ErrorKind kind) { return problem_from({kind, "a-code", "a message"}).status; };
    EXPECT_EQ(status(ErrorKind::incorrect), 400);
    EXPECT_EQ(status(ErrorKind::forbidden), 403);
    EXPECT_EQ(status(ErrorKind::not_found), 404);
    EXPECT_EQ(status(ErrorKind::conflict), 409);
    EXPECT_EQ(status(ErrorKind::unsupported), 501);
    EXPECT_EQ(status(ErrorKind::busy), 503);
    EXPECT_EQ(status(ErrorKind::unavailable), 503);
    EXPECT_EQ(status(ErrorKind::interrupted), 503);
    EXPECT_EQ(status(ErrorKind::fault), 500);
}

TEST(problem, has_http_s_own_status_for_the_errors_of_bodies) {
    const auto status = [](std::string code) { return problem_from({ErrorKind::incorrect, std::move(code), ""}).status; };
    EXPECT_EQ(status("body-stalled"), 408);
    EXPECT_EQ(status("length-required"), 411);
    EXPECT_EQ(status("body-too-large"), 413);
    EXPECT_EQ(status("body-expands-too-much"), 413);
    EXPECT_EQ(status("content-encoding-unknown"), 415);
    EXPECT_EQ(status("body-truncated"), 400);
}

TEST(problem, says_when_to_retry_and_hides_the_message_of_a_fault) {
    EXPECT_EQ(problem_from({ErrorKind::busy, "queue-full", "later"}).retry_after_seconds, 1);
    EXPECT_EQ(problem_from({ErrorKind::unavailable, "log-write-failed", "later"}).retry_after_seconds, 5);
    EXPECT_EQ(problem_from({ErrorKind::incorrect, "queue-full", "wrong"}).detail, "wrong");
    EXPECT_EQ(problem_from({ErrorKind::incorrect, "queue-full", "wrong"}).title, "Queue full");
    EXPECT_THAT(problem_from({ErrorKind::fault, "row-broken", "secret"}).detail, testing::Not(testing::HasSubstr("secret")));
}

}  // namespace
}  // namespace platform::http
