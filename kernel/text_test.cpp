// UTF-8, JSON strings and hex, against naive versions of themselves.
#include "kernel/hex.hpp"
#include "kernel/json_text.hpp"
#include "kernel/utf8.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace kernel {
namespace {

// UTF-8 of a code point by the table of RFC 3629 section 3, surrogates too.
std::string encoded(std::uint32_t point) {
    const auto tail = [&](unsigned shift) { return static_cast<char>(0x80U | ((point >> shift) & 0x3FU)); };
    if (point < 0x80) return {static_cast<char>(point)};
    if (point < 0x800) return {static_cast<char>(0xC0U | (point >> 6U)), tail(0)};
    if (point < 0x10000) return {static_cast<char>(0xE0U | (point >> 12U)), tail(6), tail(0)};
    return {static_cast<char>(0xF0U | (point >> 18U)), tail(12), tail(6), tail(0)};
}

TEST(Utf8, is_every_code_point_but_the_surrogates) {
    for (std::uint32_t point = 0; point <= 0x110400; ++point) {
        const auto text = encoded(point);
        const bool right = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
        ASSERT_EQ(utf8_sequence_size(text), right ? text.size() : 0) << point;
        for (std::size_t cut = 1; cut < text.size(); ++cut) ASSERT_EQ(utf8_sequence_size(text.substr(0, cut)), 0U) << point;
    }
    EXPECT_EQ(utf8_sequence_size(""), 0U);
}

TEST(Utf8, has_no_overlong_forms_no_loose_tails_and_no_bytes_above_f4) {
    for (const auto* text : {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\x80", "\xBF",
                             "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xC3(", "\xE2\x82("})
        EXPECT_FALSE(is_utf8(text)) << hex_of(text);
}

TEST(Utf8, finds_the_first_wrong_byte_wherever_it_stands) {
    const std::string good = "abcdefgh ijklmnop \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 qrstuvwxyz";
    EXPECT_TRUE(is_utf8(good));
    EXPECT_TRUE(is_utf8(""));
    for (std::size_t at = 0; at <= 18; ++at) {
        auto text = good;
        text.insert(at, 1, '\xFF');
        EXPECT_EQ(not_utf8_at(text), at);
    }
}

TEST(Utf8, repaired_is_utf8_and_leaves_what_is_right_alone) {
    EXPECT_EQ(repaired_utf8("a\xFF\xC3\xA9\xC3"), "a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD");
    EXPECT_TRUE(rc::check("bytes of any kind", [](const std::string& text) {
        const auto repaired = repaired_utf8(text);
        RC_ASSERT(is_utf8(repaired));
        RC_ASSERT((repaired == text) == is_utf8(text));
    }));
}

std::string json_of(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

TEST(JsonText, escapes_only_what_must_be) {
    EXPECT_EQ(json_of(""), R"("")");
    EXPECT_EQ(json_of("a/b \x7F \xC3\xA9"), "\"a/b \x7F \xC3\xA9\"");
    EXPECT_EQ(json_of("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
    EXPECT_EQ(json_of(std::string_view("\0\x01\x1F", 3)), R"("\u0000\u0001\u001f")");
}

TEST(JsonText, escapes_each_byte_at_each_place_of_a_word) {
    for (int byte = 0; byte < 256; ++byte)
        for (std::size_t at = 0; at < 20; ++at) {
            std::string text(20, 'x');
            text[at] = static_cast<char>(byte);
            std::string middle;
            if (byte < 0x20 || byte == '"' || byte == '\\') append_json_escape(middle, text[at]);
            else middle = text[at];
            ASSERT_EQ(json_of(text), '"' + std::string(at, 'x') + middle + std::string(19 - at, 'x') + '"') << byte << " at " << at;
        }
}

TEST(JsonText, reads_back_as_it_was) {
    EXPECT_TRUE(rc::check("text -> JSON -> text", [](const std::string& text) {
        const auto json = json_of(text);
        std::string read;
        for (std::size_t i = 1; i + 1 < json.size(); ++i) {
            RC_ASSERT(static_cast<unsigned char>(json[i]) >= 0x20 && json[i] != '"');
            if (json[i] != '\\') {
                read += json[i];
                continue;
            }
            constexpr std::string_view names = "\"\\bfnrt", bytes = "\"\\\b\f\n\r\t";
            if (const auto name = names.find(json[++i]); name != std::string_view::npos) {
                read += bytes[name];
            } else {
                RC_ASSERT(json.substr(i, 3) == "u00");
                read += *bytes_from_hex(json.substr(i + 3, 2), 1);
                i += 4;
            }
        }
        RC_ASSERT(read == text);
    }));
}

TEST(Hex, reads_back_as_it_was_and_has_one_text) {
    EXPECT_EQ(hex_of(std::string_view("\x00\x7f\xff", 3)), "007fff");
    EXPECT_TRUE(rc::check("bytes -> hex -> bytes", [](const std::string& bytes) {
        RC_ASSERT(bytes_from_hex(hex_of(bytes), bytes.size()) == bytes);
        RC_ASSERT(!bytes_from_hex(hex_of(bytes), bytes.size() + 1));
    }));
    for (const auto* wrong : {"FF", "0g", "g0", " 0", "0", "000"}) EXPECT_FALSE(bytes_from_hex(wrong, 1)) << wrong;
}

TEST(JsonText, ends_at_the_quote_that_no_backslash_escapes) {
    EXPECT_EQ(end_of_json_text(R"("")"), 2U);
    EXPECT_EQ(end_of_json_text(R"("a\"b",1)"), 6U);
    EXPECT_EQ(end_of_json_text(R"("a\\","b")"), 5U);
    EXPECT_EQ(end_of_json_text(R"({"a":"b"})", 5), 8U);
    EXPECT_EQ(end_of_json_text(R"(["\"])", 1), std::string_view::npos);
    EXPECT_EQ(end_of_json_text(R"(")"), std::string_view::npos);
    EXPECT_EQ(end_of_json_text(""), std::string_view::npos);
}

TEST(JsonText, ends_where_it_was_written_to) {
    EXPECT_TRUE(rc::check("any text", [](const std::string& text, const std::string& before, const std::string& after) {
        const auto written = json_of(text);
        RC_ASSERT(end_of_json_text(before + written + after, before.size()) == before.size() + written.size());
        RC_ASSERT(end_of_json_text(written.substr(0, written.size() - 1)) == std::string_view::npos);
    }));
}

TEST(JsonText, is_trimmed_of_the_blanks_of_json_only) {
    EXPECT_EQ(trimmed_json(" \t\r\n{ }\n"), "{ }");
    EXPECT_EQ(trimmed_json("\v1\v"), "\v1\v");
    EXPECT_EQ(trimmed_json(" \n "), "");
    EXPECT_EQ(trimmed_json(""), "");
}

}  // namespace
}  // namespace kernel
