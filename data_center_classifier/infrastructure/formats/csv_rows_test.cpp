// Tests of rows that a stray quote would swallow.
#include "data_center_classifier/infrastructure/formats/csv_rows.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

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
    reader.finish(sink);
    return out;
}

TEST(CsvRows, a_quote_that_nobody_closes_costs_its_own_row_only) {
    EXPECT_THAT(rows("a,1\nb,\"2\nc,3\nd,4\n", 1000), ElementsAre("a|1 @1", "csv-quote-open 2:2", "c|3 @3", "d|4 @4"));
    EXPECT_THAT(rows("a,1\r\nb,\"2\r\nc,3\r\nd,4", 1000), ElementsAre("a|1 @1", "csv-quote-open 2:2", "c|3 @3", "d|4 @4"));
    EXPECT_THAT(rows("a,1\rb,\"2\rc,3\rd,4", 1000), ElementsAre("a|1 @1", "csv-quote-open 2:2", "c|3 @3", "d|4 @4"));
}

TEST(CsvRows, a_row_ends_at_its_bound_and_the_lines_in_it_are_rows_again) {
    std::string text = "\"a,1\n";
    for (int i = 0; i < 100; ++i) text += "b,2\n";
    const auto got = rows(text, 20);
    ASSERT_EQ(got.size(), 101u);
    EXPECT_EQ(got[0], "csv-quote-open 1:1");
    EXPECT_EQ(got[1], "b|2 @2");
    EXPECT_EQ(got[100], "b|2 @101");
}

TEST(CsvRows, a_quote_that_the_next_quoted_value_closes_costs_its_own_row_only) {
    EXPECT_THAT(rows("a,\"1\nb,2\nc,\"x, y\"\nd,4\n", 1000), ElementsAre("csv-quote-misplaced 1:2", "b|2 @2", "c|x, y @3", "d|4 @4"));
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
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += "x\",\"y\n";
    text.insert(0, "a,\"b\n");
    EXPECT_GT(rows(text, 4096, 1000).size(), 150'000u);  // with every line read again to the bound it would take minutes
}

TEST(CsvRows, do_not_depend_on_how_the_bytes_come) {
    EXPECT_TRUE(rc::check("the same rows in chunks", [] {
        const auto signs = *rc::gen::container<std::vector<char>>(rc::gen::element('a', ',', '"', '"', '\n', '\n', '\r'));
        const std::string text(signs.begin(), signs.end());
        const auto bytes_max = *rc::gen::inRange<std::size_t>(1, 12);
        const auto chunk = *rc::gen::inRange<std::size_t>(1, 5);
        RC_ASSERT(rows(text, bytes_max, chunk) == rows(text, bytes_max));
    }));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
