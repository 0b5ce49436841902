#include "kernel/clock.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace kernel {
namespace {

TEST(Timestamps, read_back_what_they_wrote) {
    EXPECT_TRUE(rc::check("text -> time -> text", [] {
        const Timestamp time{std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(0, 253402300800000))};
        RC_ASSERT(timestamp_from_text(to_text(time)) == time);
    }));
}

TEST(Timestamps, accept_offsets_fractions_and_plain_dates) {
    const auto expected = timestamp_from_text("2026-03-01T12:00:00Z");
    ASSERT_TRUE(expected);
    EXPECT_EQ(timestamp_from_text("2026-03-01T14:00:00+02:00"), expected);
    EXPECT_EQ(timestamp_from_text("2026-03-01T09:30:00.000000-02:30"), expected);
    EXPECT_EQ(timestamp_from_text("2026-03-01"), timestamp_from_text("2026-03-01T00:00:00.000Z"));
}

TEST(Timestamps, refuse_what_is_not_a_time) {
    for (const auto* text : {"", "2026", "2026-13-01", "2026-02-30", "2026-03-01T", "2026-03-01T25:00:00Z", "2026-03-01T12:00:00",
                             "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00Zx", "20260301", "2026-03-01T12:00:00+99:00",
                             "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"})
        EXPECT_FALSE(timestamp_from_text(text)) << text;
}

TEST(Days, exist_in_the_calendar) {
    EXPECT_TRUE(day_from_text("2024-02-29"));
    EXPECT_FALSE(day_from_text("2025-02-29"));
    EXPECT_FALSE(day_from_text("2024-2-29"));
    EXPECT_EQ(to_text(*day_from_text("1996-10-29")), "1996-10-29");
}

}  // namespace
}  // namespace kernel
