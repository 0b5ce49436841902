// LineSplitter: lines out of chunks, however they are cut.
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tuple>

namespace data_center_classifier::infrastructure::formats {
namespace {

using Seen = std::vector<std::tuple<std::uint64_t, std::string, bool>>;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Seen split(const std::vector<std::string_view>& chunks, std::size_t size_max = 100) {
    Seen seen;
    const auto line = [&](std::uint64_t number, std::string_view text, bool too_long) { seen.emplace_back(number, text, too_long); };
    LineSplitter splitter(size_max);
    for (const auto chunk : chunks) splitter.feed(chunk, line);
    splitter.finish(line);
    return seen;
}

TEST(LineSplitter, gives_each_line_with_its_number_and_without_its_end) {
    EXPECT_THAT(split({"one\ntwo\r\nthree\n"}),
                ElementsAre(std::tuple(1, "one", false), std::tuple(2, "two", false), std::tuple(3, "three", false)));
}

TEST(LineSplitter, passes_over_lines_of_blanks_and_counts_them) {
    EXPECT_THAT(split({"  \n\t \r\none\n \n\n two\n  "}), ElementsAre(std::tuple(3, "one", false), std::tuple(6, " two", false)));
}

TEST(LineSplitter, gives_a_last_line_that_has_no_end) {
    EXPECT_THAT(split({"one\ntw", "o"}), ElementsAre(std::tuple(1, "one", false), std::tuple(2, "two", false)));
}

TEST(LineSplitter, counts_empty_lines_and_does_not_report_them) {
    EXPECT_THAT(split({"\n\r\none\n\n"}), ElementsAre(std::tuple(3, "one", false)));
    EXPECT_THAT(split({}), IsEmpty());
    EXPECT_THAT(split({"\n\n"}), IsEmpty());
}

TEST(LineSplitter, reports_a_line_that_is_too_long_once_and_goes_on_after_it) {
    EXPECT_THAT(split({"12345", "6789", "0\nnext\n"}, 4), ElementsAre(std::tuple(1, "", true), std::tuple(2, "next", false)));
}

TEST(LineSplitter, takes_a_line_of_exactly_the_bound_whatever_its_end) {
    EXPECT_THAT(split({"1234\n1234\r\n1234\r"}, 4),
                ElementsAre(std::tuple(1, "1234", false), std::tuple(2, "1234", false), std::tuple(3, "1234", false)));
    EXPECT_THAT(split({"12345\n1234x\r\n1234\r\r\n"}, 4),
                ElementsAre(std::tuple(1, "", true), std::tuple(2, "", true), std::tuple(3, "", true)));
}

TEST(LineSplitter, gives_the_same_lines_wherever_the_stream_is_cut) {
    const std::string text = "{\"a\":1}\r\n\n\r\n12345678\r\n123456789\n1234567\r\r\n\r\rlast";
    const auto whole = split({text}, 8);
    for (std::size_t i = 0; i <= text.size(); ++i)
        for (std::size_t j = i; j <= text.size(); ++j) {
            const std::string_view view = text;
            ASSERT_EQ(split({view.substr(0, i), view.substr(i, j - i), view.substr(j)}, 8), whole) << i << " " << j;
        }
}

TEST(LineSplitter, gives_the_same_lines_of_any_stream_byte_by_byte) {
    EXPECT_TRUE(rc::check("cut at every byte", [] {
        const auto letters = *rc::gen::container<std::string>(rc::gen::element('a', 'b', '\r', '\n'));
        std::vector<std::string_view> bytes;
        for (std::size_t i = 0; i < letters.size(); ++i) bytes.push_back(std::string_view(letters).substr(i, 1));
        RC_ASSERT(split(bytes, 3) == split({letters}, 3));
    }));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
