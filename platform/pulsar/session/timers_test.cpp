#include "platform/pulsar/session/timers.hpp"

#include "platform/pulsar/session/backoff.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace platform::pulsar::session {
namespace {

using std::chrono::milliseconds;

constexpr Owner first{Owner::producer, 1};
constexpr Owner second{Owner::consumer, 1};

Time at(int ms) {
    return Time() + milliseconds(ms);
}

TEST(Timers, come_in_order_and_once) {
    Timers timers;
    timers.set(first, at(20));
    timers.set(second, at(10));
    EXPECT_EQ(timers.first(), at(10));
    EXPECT_EQ(timers.pop(at(9)), std::nullopt);
    EXPECT_EQ(timers.pop(at(30)), second);
    EXPECT_EQ(timers.pop(at(30)), first);
    EXPECT_EQ(timers.pop(at(30)), std::nullopt);
    EXPECT_EQ(timers.first(), std::nullopt);
}

TEST(Timers, are_moved_and_taken_away) {
    Timers timers;
    timers.set(first, at(20));
    timers.set(first, at(10));
    EXPECT_EQ(timers.size(), 1U);
    EXPECT_EQ(timers.first(), at(10));
    timers.set(first, at(30));
    EXPECT_EQ(timers.pop(at(29)), std::nullopt);
    timers.set(first, std::nullopt);
    timers.set(second, std::nullopt);
    EXPECT_EQ(timers.size(), 0U);
    EXPECT_EQ(timers.pop(at(1000)), std::nullopt);
}

TEST(Timers, do_as_a_map_of_owners_does) {
    EXPECT_TRUE(rc::check([] {
        Timers timers;
        std::map<Owner, Time> model;
        const auto steps = *rc::gen::inRange(0, 60);
        for (int i = 0; i < steps; ++i) {
            const Owner owner{static_cast<Owner::Kind>(*rc::gen::inRange(0, 5)), *rc::gen::inRange<std::uint64_t>(1, 4)};
            const auto time = at(*rc::gen::inRange(0, 20));
            switch (*rc::gen::inRange(0, 3)) {
                case 0:
                    timers.set(owner, time);
                    model[owner] = time;
                    break;
                case 1:
                    timers.set(owner, std::nullopt);
                    model.erase(owner);
                    break;
                default:
                    while (const auto popped = timers.pop(time)) {
                        RC_ASSERT(model.contains(*popped));
                        RC_ASSERT(model.at(*popped) <= time);
                        model.erase(*popped);
                    }
                    for (const auto& [left, due] : model) RC_ASSERT(due > time);
            }
            RC_ASSERT(timers.size() == model.size());
        }
    }));
}

TEST(Backoff, doubles_up_to_its_last_with_a_tenth_less_by_chance) {
    std::mt19937_64 random(7);
    Backoff backoff(milliseconds(100), milliseconds(5000));
    for (const int most : {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
        const auto wait = backoff.next(random).count();
        EXPECT_LE(wait, most);
        EXPECT_GE(wait, most - most / 10);
    }
    backoff.reset();
    EXPECT_LE(backoff.next(random).count(), 100);
}

TEST(Backoff, never_waits_for_nothing) {
    std::mt19937_64 random(7);
    Backoff backoff(milliseconds(0), milliseconds(1));
    for (int i = 0; i < 10; ++i) EXPECT_GE(backoff.next(random).count(), 1);
}

}  // namespace
}  // namespace platform::pulsar::session
