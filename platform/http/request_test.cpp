// Tests of the parts of a request: target, headers as handlers ask for them, matching of routes.
#include "platform/http/http.hpp"
#include "platform/http/routing.hpp"
#include "platform/http/target.hpp"
#include "platform/runtime/coroutine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace platform::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(target, is_taken_apart_and_decoded) {
    const auto target = target_from("/a%2Fb/c%20d/?x=1&y=a+b%26c&&z&=v");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/a/b/c d/");
    EXPECT_THAT(target->segments, ElementsAre("a/b", "c d", ""));
    EXPECT_THAT(target->query, ElementsAre(Pair("x", "1"), Pair("y", "a b&c"), Pair("z", ""), Pair("", "v")));
}

TEST(target, may_name_the_server) {
    EXPECT_EQ(target_from("http://host:8000/data?x=1")->path, "/data");
    EXPECT_EQ(target_from("http://host:8000/data?x=1")->authority, "host:8000");
    EXPECT_EQ(target_from("/data")->authority, "");
    EXPECT_FALSE(target_from("http:///data"));
    EXPECT_EQ(target_from("HTTP://host")->path, "/");
    EXPECT_EQ(target_from("http://host?x=1")->query.size(), 1U);
}

TEST(target, that_is_broken_is_told) {
    for (const char* text :
         {"", "*", "data", "https://host/", "/%", "/%4", "/%g0", "/%00", "/a%0d%0ab", "/?x=%", "/?%1", "/a#b", "host:80"})
        EXPECT_FALSE(target_from(text)) << text;
    EXPECT_FALSE(target_from(std::string(2 * segments_max, '/')));
    std::string many = "/?";
    for (std::size_t i = 0; i <= query_items_max; ++i) many += "a&";
    EXPECT_FALSE(target_from(many));
}

TEST(target, brings_any_text_back_that_was_escaped) {
    EXPECT_TRUE(rc::check("escaping and decoding are inverse", [](const std::string& text) {
        std::string escaped;
        for (const char c : text) {
            char digits[4];
            std::snprintf(digits, sizeof digits, "%%%02X", static_cast<unsigned char>(c));
            escaped += digits;
        }
        const bool controlled = std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
        const auto target = target_from("/x/" + escaped + "?q=" + escaped);
        RC_ASSERT(static_cast<bool>(target) == !controlled);
        if (target) {
            RC_ASSERT(target->segments.back() == text);
            RC_ASSERT(target->query.front().second == text);
        }
    }));
}

TEST(request, knows_the_charset_of_its_content) {
    const auto charset = [](std::string type) {
        Request request;
        request.headers.emplace_back("content-type", std::move(type));
        return request.charset();
    };
    EXPECT_EQ(Request().charset(), "");
    EXPECT_EQ(charset("text/csv"), "");
    EXPECT_EQ(charset("text/csv; charset=UTF-8"), "utf-8");
    EXPECT_EQ(charset("text/csv;header=present ; Charset = \"ISO-8859-1\""), "iso-8859-1");
    EXPECT_EQ(charset("text/csv; charset"), "");
    EXPECT_EQ(charset("text/csv;"), "");
}

TEST(request, finds_headers_parameters_and_query_values) {
    Request request;
    request.headers = {{"content-type", "text/csv; charset=utf-8"}, {"authorization", "bEARER  abc "}};
    request.parameters = {{"id", "7"}};
    request.query = {{"a", "1"}, {"a", "2"}};
    EXPECT_EQ(request.media_type(), "text/csv");
    EXPECT_EQ(request.bearer_token(), "abc");
    EXPECT_EQ(request.header("nothing"), "");
    EXPECT_EQ(request.parameter("id"), "7");
    EXPECT_EQ(request.parameter("other"), "");
    EXPECT_EQ(request.query_value("a"), "1");
    EXPECT_EQ(request.query_value("b"), std::nullopt);
}

TEST(request, has_no_bearer_token_of_another_scheme) {
    Request request;
    request.headers = {{"authorization", "Basic abc"}};
    EXPECT_EQ(request.bearer_token(), "");
    request.headers = {{"authorization", "Bearer"}};
    EXPECT_EQ(request.bearer_token(), "");
}

kernel::Task<Response> nothing() {
    co_return Response();
}

Router router_of(std::initializer_list<std::pair<std::string, std::string>> methods_and_patterns) {
    Routes routes;
    for (const auto& [method, pattern] : methods_and_patterns) routes.add(method, pattern, [](Exchange&) { return nothing(); });
    return Router(routes);
}

TEST(router, prefers_what_is_literal_earlier) {
    const auto router = router_of({{"GET", "/{a}/{b}"}, {"GET", "/{a}/y"}, {"GET", "/x/{b}"}, {"GET", "/x/y"}});
    EXPECT_EQ(router.match("GET", {"x", "y"}).entry->pattern, "/x/y");
    EXPECT_EQ(router.match("GET", {"x", "z"}).entry->pattern, "/x/{b}");
    EXPECT_EQ(router.match("GET", {"z", "y"}).entry->pattern, "/{a}/y");
    const auto match = router.match("GET", {"p", "q"});
    EXPECT_EQ(match.entry->pattern, "/{a}/{b}");
    EXPECT_THAT(match.parameters, ElementsAre(Pair("a", "p"), Pair("b", "q")));
}

TEST(router, serves_head_by_get_and_names_the_methods_of_a_path) {
    const auto router = router_of({{"GET", "/x"}, {"POST", "/x"}, {"DELETE", "/x/{id}"}, {"GET", "/"}});
    EXPECT_EQ(router.match("HEAD", {"x"}).entry->method, "GET");
    EXPECT_EQ(router.match("PUT", {"x"}).allowed, "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(router.match("PUT", {"x", "1"}).allowed, "DELETE, OPTIONS");
    EXPECT_EQ(router.match("GET", {"y"}).allowed, "");
    EXPECT_EQ(router.match("GET", {"x", ""}).entry, nullptr) << "a parameter is never empty";
    EXPECT_NE(router.match("GET", {""}).entry, nullptr);
}

}  // namespace
}  // namespace platform::http
