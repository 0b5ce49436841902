// Tests of widths, tables, numbers and the progress line.
#include "acopio/terminal.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

namespace acopio {
namespace {

using std::chrono::milliseconds;

TEST(Width, CountsColumnsAndNotBytes) {
    EXPECT_EQ(display_width("abc"), 3u);
    EXPECT_EQ(display_width("Hôpital"), 7u);
    EXPECT_EQ(display_width("東京"), 4u);
    EXPECT_EQ(display_width("e\xCC\x81"), 1u);  // e with a combining accent
    EXPECT_EQ(display_width("🏥"), 2u);
    EXPECT_EQ(display_width(""), 0u);
}

TEST(Printable, LeavesNoControlCharacterThatATerminalWouldObey) {
    EXPECT_EQ(printable("a\x1b[31mb"), "a\xEF\xBF\xBD[31mb");
    EXPECT_EQ(printable("a\nb\tc"),
              "a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD"
              "c");
    EXPECT_EQ(printable("\xC2\x9B"), "\xEF\xBF\xBD");      // CSI as one character
    EXPECT_EQ(printable("\xE2\x80\xAE"), "\xEF\xBF\xBD");  // right-to-left override
    EXPECT_EQ(printable("\xFF\xC3"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(printable("Krankenhaus Köln"), "Krankenhaus Köln");
}

TEST(Printable, IsStableForAnyBytes) {
    EXPECT_TRUE(rc::check("printing twice changes nothing more, and no control character is left", [](const std::string& text) {
        const auto once = printable(text);
        RC_ASSERT(printable(once) == once);
        for (const char c : once) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    }));
}

TEST(Cut, KeepsWithinTheColumns) {
    EXPECT_EQ(cut("abcdef", 6), "abcdef");
    EXPECT_EQ(cut("abcdef", 4), "abc…");
    EXPECT_EQ(cut("東京都", 4), "東…");
    EXPECT_EQ(cut("abc", 0), "");
    EXPECT_TRUE(rc::check("a cut text is never wider than asked", [](const std::string& text) {
        const auto columns = *rc::gen::inRange<std::size_t>(0, 40);
        RC_ASSERT(display_width(cut(printable(text), columns)) <= columns);
    }));
}

TEST(Table, LinesUpWhateverTheLanguage) {
    Table table({{.title = "name"}, {.title = "records", .align = Table::Align::right}, {.title = "grade"}});
    table.add({"東京", "12", "A"});
    table.add({"Hôpital Nord", "1,234", "B"});
    EXPECT_EQ(table.text({}),
              "name          records  grade\n"
              "東京               12  A\n"
              "Hôpital Nord    1,234  B\n");
}

TEST(Table, ColoursOnlyWhenSomebodyLooks) {
    Table table({{.title = "grade"}});
    table.add({{"E", Tone::bad}});
    EXPECT_EQ(table.text({}), "grade\nE\n");
    EXPECT_EQ(table.text({.terminal = true, .colour = true, .width = 80}), "\x1b[1mgrade\x1b[0m\n\x1b[31mE\x1b[0m\n");
}

TEST(Table, CutsTheLastColumnToTheScreen) {
    Table table({{.title = "id"}, {.title = "text"}});
    table.add({"x", std::string(100, 'y')});
    EXPECT_EQ(table.text({.terminal = true, .colour = false, .width = 20}), "id  text\nx   " + std::string(15, 'y') + "…\n");
}

TEST(Table, LeavesOutWhatCanBeSparedBeforeItCutsAnId) {
    Table table(
        {{.title = "record"}, {.title = "sex", .spare = 2}, {.title = "age", .spare = 1}, {.title = "code", .spare = 3}, {.title = "id"}});
    table.add({"R-1", "F", "54", "-", std::string(32, 'a')});
    const auto id = std::string(32, 'a');
    EXPECT_EQ(table.text({.terminal = true, .colour = false, .width = 60}), "record  sex  age  id\nR-1     F    54   " + id + "\n");
    EXPECT_EQ(table.text({.terminal = true, .colour = false, .width = 46}), "record  age  id\nR-1     54   " + id + "\n");
    EXPECT_EQ(table.left_out({.terminal = true, .colour = false, .width = 46}), "sex");
    EXPECT_EQ(table.left_out({.terminal = true, .colour = false, .width = 60}), "");
    // A UUID and a data id fit into 80 columns: the column beside them is cut.
    Table wide({{.title = "centre"}, {.title = "record"}, {.title = "sex", .spare = 1}, {.title = "data id"}});
    wide.add({"nih-clinical-center", std::string(36, 'u'), "F", id});
    const auto narrow = wide.text({.terminal = true, .colour = false, .width = 80});
    EXPECT_TRUE(narrow.contains("\nnih-cli…  " + std::string(36, 'u') + "  " + id + "\n")) << narrow;
    EXPECT_TRUE(table.text({}).contains("code"));
    EXPECT_TRUE(table.text({}).contains(id));
}

TEST(Table, ShowsNoEscapeSequenceOfACell) {
    Table table({{.title = "id"}});
    table.add({"\x1b[2J"});
    EXPECT_EQ(table.text({}).find('\x1b'), std::string::npos);
}

TEST(Numbers, ReadWell) {
    EXPECT_EQ(human_count(0), "0");
    EXPECT_EQ(human_count(999), "999");
    EXPECT_EQ(human_count(1000), "1,000");
    EXPECT_EQ(human_count(1234567), "1,234,567");
    EXPECT_EQ(human_decimal(86.2, 1), "86.2");
    EXPECT_EQ(human_percent(0.976), "97.6 %");
}

TEST(Bytes, UsePowersOfAThousand) {
    EXPECT_EQ(human_bytes(812), "812 B");
    EXPECT_EQ(human_bytes(1500), "1.5 kB");
    EXPECT_EQ(human_bytes(999'999), "1.0 MB");
    EXPECT_EQ(human_bytes(12'300'000), "12.3 MB");
    EXPECT_EQ(human_bytes(5'000'000'000'000), "5.0 TB");
}

TEST(Durations, ReadWell) {
    EXPECT_EQ(human_duration(milliseconds(42)), "42 ms");
    EXPECT_EQ(human_duration(milliseconds(3200)), "3.2 s");
    EXPECT_EQ(human_duration(milliseconds(59'960)), "1 min 00 s");
    EXPECT_EQ(human_duration(milliseconds(125'000)), "2 min 05 s");
    EXPECT_EQ(human_duration(milliseconds(11'220'000)), "3 h 07 min");
    EXPECT_EQ(human_duration(milliseconds(-5)), "0 ms");
}

TEST(ProgressLine, TellsShareRateAndTimeLeft) {
    EXPECT_EQ(progress_line("a.csv", 5'000'000, 10'000'000, milliseconds(2000), 120, true),
              "a.csv  [############............] 50 %  5.0 MB  2.5 MB/s  3.0 s left");
}

TEST(ProgressLine, WithoutATotalTellsTheAmount) {
    EXPECT_EQ(progress_line("-", 2000, 0, milliseconds(1000), 120, false), "-  2,000  2,000/s");
}

TEST(ProgressLine, FitsTheScreen) {
    EXPECT_TRUE(rc::check("never wider than the screen", [](const std::string& label, std::uint64_t done, std::uint64_t total) {
        const auto width = *rc::gen::inRange<std::size_t>(1, 120);
        RC_ASSERT(display_width(progress_line(label, done, total, milliseconds(700), width, true)) <= width);
    }));
}

TEST(Screen, APipeHasNoColourAndNoProgress) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const auto screen = screen_of(ends[1]);
    EXPECT_FALSE(screen.terminal);
    EXPECT_FALSE(screen.colour);
    EXPECT_EQ(screen.width, 0u);
    close(ends[0]);
    close(ends[1]);
}

}  // namespace
}  // namespace acopio
