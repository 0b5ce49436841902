// Tests of rows that a stray quote would swallow.
#include "data_center_classifier/infrastructure/formats/csv_rows.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>
#include <algorithm>
#include <functional>

namespace data_center_classifier::infrastructure::formats {
namespace {

using testing::ElementsAre;

// "a|b" of each row, or "code line:column" of a refused one. The text comes in chunks of `chunk` bytes.
std::vector<std::string> rows(std::string_view text, std::size_t bytes_max, std::size_t chunk = 1000) {
    std::vector<std::string> out;
    CsvRows reader(',', {.record_bytes_max = bytes_max});
    const auto sink = [&](const CsvRows::Row& row) {
        auto& one = out.emplace_back();
        if (row.refusal) {
            one = row.refusal->code + " " + std::to_string(*row.refusal->line) + ":" + std::to_string(*row.refusal->column);
            return;
        }
        for (const auto cell : row.cells) one.append(one.empty() ? "" : "|").append(cell);
        one += " @" + std::to_string(row.line);
    };
    for (; !text.empty(); text.remove_prefix(std::min(chunk, text.size()))) reader.feed(text.substr(0, chunk), sink);
    if (const auto unread = reader.finish(sink)) out.push_back("unread from " + std::to_string(*unread->line));
    return out;
}

TEST(CsvRows, a_quote_that_nobody_closes_costs_its_own_row_only) {
    EXPECT_THAT(rows("a,1\nb,\"2\nc,3\nd,4\n", 1000), ElementsAre("a|1 @1", "csv-quote-open 2:2", "c|3 @3", "d|4 @4"));
    EXPECT_THAT(rows("a,1\r\nb,\"2\r\nc,3\r\nd,4", 1000), ElementsAre("a|1 @1", "csv-quote-open 2:2", "c|3 @3", "d|4 @4"));
    EXPECT_THAT(rows("a,1\rb,\"2\rc,3\rd,4", 1000), ElementsAre("a|1 @1", "csv-quote-open 2:2", "c|3 @3", "d|4 @4"));
}

std::string lines(int count, const std::function<std::string(int)>& line) {
    std::string text;
    for (int i = 0; i < count; ++i) text += line(i) + "\n";
    return text;
}

TEST(CsvRows, one_stray_quote_in_a_large_file_ends_the_reading_and_says_from_where) {
    const auto row = [](int i) { return std::to_string(i) + ",CT," + (i == 11 ? "\"" : "") + "lung,some text of a report"; };
    const auto got = rows("id,modality,part,report\n" + lines(60'000, row), 1024 * 1024);
    ASSERT_EQ(got.size(), 14u);
    EXPECT_EQ(got[11], "10|CT|lung|some text of a report @12");
    EXPECT_EQ(got[12], "record-too-large 13:3");
    EXPECT_EQ(got[13], "unread from 13");
}

TEST(CsvRows, a_quoted_value_over_the_bound_is_refused_once_and_nothing_of_it_is_a_row) {
    const std::vector<std::string> values{
        lines(40'000, [](int i) { return "Liver, spleen and kidneys line " + std::to_string(i); }),
        lines(40'000, [](int i) { return "Liver, spleen, \"\"kidneys\"\" " + std::to_string(i); }),
        lines(40'000, [](int) { return std::string(76, 'Q'); }),
        lines(200'000, [](int i) { return "A-" + std::to_string(i % 50) + "," + std::to_string(i % 33); }),
        lines(200'000, [](int i) { return "A-" + std::to_string(i % 50) + "," + std::to_string(i % 33) + ",7"; }),
    };
    for (const auto& value : values)
        for (const bool third : {false, true}) {
            const std::string_view end = third ? ",z\n" : "\n";
            std::string text = third ? "id,report,x\nA-1,\"" : "id,report\nA-1,\"";
            text.append(value).append("\"").append(end).append("A-2,a").append(end);
            EXPECT_THAT(rows(text, 1024 * 1024),
                        ElementsAre(testing::_, "record-too-large 2:2",
                                    (third ? "A-2|a|z @" : "A-2|a @") + std::to_string(3 + std::ranges::count(value, '\n'))));
        }
}

TEST(CsvRows, where_a_large_value_has_no_end_it_is_said_from_where_nothing_was_read) {
    EXPECT_THAT(rows("id,x\n1,a\n2,\"b\n" + lines(20, [](int) { return "words, more words"; }), 100),
                ElementsAre("id|x @1", "1|a @2", "record-too-large 3:2", "unread from 3"));
    EXPECT_THAT(rows("id,x\n1,a\n2,\"b\"c\n" + lines(20, [](int) { return "words, more words"; }), 100),
                ElementsAre("id|x @1", "1|a @2", "csv-quote-misplaced 3:2", "unread from 3"));
}

TEST(CsvRows, a_misplaced_quote_in_a_value_of_several_lines_makes_no_rows_of_its_text) {
    EXPECT_THAT(rows("id,x\n7,\"Line one\nsize 5\" tall, big\nmore, text\",\n8,a\n", 1000),
                ElementsAre("id|x @1", "csv-quote-misplaced 2:2", "8|a @5"));
    EXPECT_THAT(rows("id,x\n7,\"size 5\" tall\nwide, big\nmore\"\n8,a\n", 1000),
                ElementsAre("id|x @1", "csv-quote-misplaced 2:2", "8|a @5"));
    EXPECT_THAT(rows("id,x\n7,\"5\" tall\"\n8,a\n", 1000), ElementsAre("id|x @1", "csv-quote-misplaced 2:2", "8|a @3"));
}

TEST(CsvRows, one_bad_row_is_refused_once) {
    EXPECT_THAT(rows("id,x,y\n1,\"a\nb\",\"c\n2,x,40\n3,y,30", 1000),
                ElementsAre("id|x|y @1", "csv-quote-open 3:3", "2|x|40 @4", "3|y|30 @5"));
    EXPECT_THAT(rows("id,x,y\r1,\"a\rb\",\"c\r2,x,40\r3,y,30\r", 1000),
                ElementsAre("id|x|y @1", "csv-quote-open 3:3", "2|x|40 @4", "3|y|30 @5"));
}

TEST(CsvRows, a_refusal_names_the_lines_that_went_with_it) {
    CsvRows reader(',', {});
    std::string detail;
    const auto sink = [&](const CsvRows::Row& row) {
        if (row.refusal) detail += row.refusal->detail;
    };
    reader.feed("id,x\n1,\"a\nwords\nwords\"b\n2,c\n", sink);
    EXPECT_THAT(detail, testing::EndsWith("; nothing is read of lines 3 to 4"));

    CsvRows small(',', {.record_bytes_max = 20});
    detail.clear();
    small.feed("id,x\n1,\"a\nwords words words\nwords\"\n2,c\n", sink);
    EXPECT_EQ(detail,
              "the row is larger than a record may be; or the quote opened in line 2, column 2 is not closed; the row ends in line 4");
}

TEST(CsvRows, a_quote_that_the_next_quoted_value_closes_costs_its_own_row_only) {
    EXPECT_THAT(rows("id,x\na,\"1\nb,2\nc,\"x, y\"\nd,4\n", 1000),
                ElementsAre("id|x @1", "csv-quote-misplaced 2:2", "b|2 @3", "c|x, y @4", "d|4 @5"));
}

TEST(CsvRows, an_open_quote_says_where_it_was_opened) {
    CsvRows reader(',', {});
    std::string detail;
    const auto sink = [&](const CsvRows::Row& row) {
        if (row.refusal) detail = row.refusal->detail;
    };
    reader.feed("a,1\nb,\"2\nc,3\n", sink);
    reader.finish(sink);
    EXPECT_EQ(detail, "the quote opened in line 2, column 2 is not closed");
}

TEST(CsvRows, values_of_several_lines_stay_whole) {
    EXPECT_THAT(rows("a,\"1\n2\"\nb,\"3\r\n\"\"4\"\"\"\n", 1000), ElementsAre("a|1\n2 @1", "b|3\r\n\"4\" @3"));
}

TEST(CsvRows, a_file_of_nothing_but_stray_quotes_takes_no_more_than_its_bytes_a_few_times) {
    // Each quote that closes wrongly lets its lines be read again: with no bound on that it would take minutes.
    const auto text = "id,x,y\n" + lines(200'000, [](int i) { return i % 2 == 0 ? "1,2,3" : "1,\"2,3"; });
    EXPECT_GT(rows(text, 4096, 1000).size(), 1000u);
    EXPECT_GT(rows("id,x,y\n" + lines(200'000, [](int) { return "x\",\"y"; }), 4096, 1000).size(), 1u);
}

TEST(CsvRows, do_not_depend_on_how_the_bytes_come) {
    EXPECT_TRUE(rc::check("the same rows in chunks", [] {
        const auto signs = *rc::gen::container<std::vector<char>>(rc::gen::element('a', ',', '"', '"', '\n', '\n', '\r'));
        const std::string text(signs.begin(), signs.end());
        const auto bytes_max = *rc::gen::inRange<std::size_t>(1, 12);
        const auto chunk = *rc::gen::inRange<std::size_t>(1, 5);
        RC_ASSERT(rows(text, bytes_max, chunk) == rows(text, bytes_max));
    }));
    EXPECT_TRUE(rc::check("the same rows of lines with stray quotes in chunks", [] {
        std::string text = "id,x,y";
        for (int i = *rc::gen::inRange(0, 30); i > 0; --i)
            text += *rc::gen::element<std::string>("\n", "\r", "\r\n") +
                    *rc::gen::element<std::string>("1,a,b", "2,c,d", "3,\"e\",f", "4,\"g,h", "5,i,\"j", "6,\"k\"l,m", "words, words", "\"",
                                                   "", "7,n,o\"", "8,\"p\"\"\",q");
        const auto bytes_max = *rc::gen::inRange<std::size_t>(5, 80);
        RC_ASSERT(rows(text, bytes_max, *rc::gen::inRange<std::size_t>(1, 9)) == rows(text, bytes_max));
    }));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
