// Tests of answers as they are written: what a centre sent passes through untouched.
#include "acopio/json_view.hpp"

#include <gtest/gtest.h>

namespace acopio {
namespace {

TEST(JsonAsWritten, NumbersKeepTheirDigits) {
    const std::string page = R"({"data":[{"a":54.0,"b":1234567890123456789012,"c":1e999} , {"x":-0.0}],"next":null})";
    const auto items = items_as_written(member_as_written(page, "data"));
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0], R"({"a":54.0,"b":1234567890123456789012,"c":1e999})");
    EXPECT_EQ(items[1], R"({"x":-0.0})");
    EXPECT_EQ(shown_as_written(member_as_written(items[0], "a")), "54.0");
    EXPECT_EQ(shown_as_written(member_as_written(items[0], "b")), "1234567890123456789012");
    EXPECT_EQ(shown_as_written(member_as_written(items[0], "c")), "1e999");
}

TEST(JsonAsWritten, BracketsCommasAndQuotesInTextsEndNothing) {
    const std::string object = R"({"a\"}":"x,]}\\","b":{"c":[1,{"d":"\""}]},"e":null,"f":"caf\u00e9"})";
    const auto members = members_as_written(object);
    ASSERT_EQ(members.size(), 4u);
    EXPECT_EQ(members[0].name, "a\"}");
    EXPECT_EQ(shown_as_written(members[0].value), "x,]}\\");
    EXPECT_EQ(members[1].value, R"({"c":[1,{"d":"\""}]})");
    EXPECT_EQ(shown_as_written(members[2].value), "-");
    EXPECT_EQ(shown_as_written(members[3].value), "café");
}

TEST(JsonAsWritten, OfAnythingElseThereIsNothing) {
    EXPECT_TRUE(members_as_written("").empty());
    EXPECT_TRUE(members_as_written("{}").empty());
    EXPECT_TRUE(members_as_written("[1]").empty());
    EXPECT_TRUE(items_as_written(" [ ] ").empty());
    EXPECT_TRUE(items_as_written(R"({"a":1})").empty());
    EXPECT_EQ(member_as_written(R"({"a":1})", "b"), "");
    EXPECT_EQ(shown_as_written(""), "-");
}

TEST(Answers, ARecordAsDeepAsTheIntakeTakesItIsRead) {
    const std::string deep = R"({"data":[{"extensions":)" + std::string(64, '[') + std::string(64, ']') + "}]}";
    boost::system::error_code failed;
    const auto value = parsed_answer(deep, failed);
    EXPECT_FALSE(failed) << failed.message();
    EXPECT_TRUE(value.is_object());
}

}  // namespace
}  // namespace acopio
