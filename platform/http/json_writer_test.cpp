// Tests of the JSON writer: where commas come, and how numbers look.
#include "platform/http/json_writer.hpp"

#include <gtest/gtest.h>

namespace platform::http {
namespace {

TEST(json_writer, puts_commas_between_members_and_elements_only) {
    JsonWriter json;
    json.open('{').name("a").integer(1).name("b").open('[').text("x").open('{').close('}').boolean(false).close(']').close('}');
    EXPECT_EQ(json.take(), R"({"a":1,"b":["x",{},false]})");
}

TEST(json_writer, starts_anew_after_a_line_and_after_it_was_taken) {
    JsonWriter json;
    json.open('{').close('}').end_line();
    json.open('{').name("n").raw("null").close('}').end_line();
    EXPECT_EQ(json.take(), "{}\n{\"n\":null}\n");
    EXPECT_EQ(json.size(), 0U);
    json.text("again");
    EXPECT_EQ(json.take(), "\"again\"");
}

TEST(json_writer, a_comma_follows_a_text_that_ends_like_a_bracket) {
    JsonWriter json;
    json.open('[').text("{").text("[:").text("\n").close(']');
    EXPECT_EQ(json.take(), R"(["{","[:","\n"])");
}

TEST(json_writer, rounds_numbers_and_drops_zeros_at_their_end) {
    JsonWriter json;
    json.open('[').real(87.25, 1).real(100, 1).real(0.5004, 3).real(-0.01, 1).real(10, 0).close(']');
    EXPECT_EQ(json.take(), "[87.2,100,0.5,0,10]");
}

}  // namespace
}  // namespace platform::http
