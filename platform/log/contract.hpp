// Contract suite of the EventLog port: instantiate it for every engine with a factory of empty logs.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/runtime/coroutine.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <thread>

namespace platform::log::contract {

class LogFixture {
public:
    virtual ~LogFixture() = default;
    virtual EventLog& log() = 0;
    virtual void reopen() = 0;  // as a restart of the process would
};
using MakeFixture = std::function<std::unique_ptr<LogFixture>()>;

inline kernel::Envelope message(const std::string& text) {
    return {.key = "key", .type = "test.v1", .attributes = {{"n", text}, {"empty", ""}}, .data = "{\"text\":\"" + text + "\"}"};
}
inline std::vector<kernel::Envelope> messages(std::size_t count, const std::string& prefix = "m") {
    std::vector<kernel::Envelope> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(message(prefix + std::to_string(i)));
    return all;
}

class EventLogContract : public testing::TestWithParam<std::pair<std::string, MakeFixture>> {
protected:
    void SetUp() override { fixture_ = GetParam().second(); }
    EventLog& log() { return fixture_->log(); }

    kernel::Result<Appended> append(const std::string& topic, std::vector<kernel::Envelope> all, std::optional<Producer> producer = {}) {
        return runtime::run(log().append(topic, std::move(all), std::move(producer)));
    }
    // Everything after `after` that comes until `count` messages are there.
    std::vector<Message> read(const std::string& topic, std::size_t count, Position after = {}, std::size_t batch = 100) {
        auto subscription = log().subscribe(topic, "test", after);
        EXPECT_TRUE(subscription);
        std::vector<Message> all;
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (all.size() < count && std::chrono::steady_clock::now() < deadline) {
            auto next = (*subscription)->next(batch, std::chrono::milliseconds(100), {});
            EXPECT_TRUE(next) << next.error().message;
            if (!next) break;
            EXPECT_LE(next->size(), batch);
            all.insert(all.end(), next->begin(), next->end());
        }
        return all;
    }
    static std::vector<std::string> texts(const std::vector<Message>& all) {
        std::vector<std::string> found;
        for (const auto& one : all) found.emplace_back(*one.envelope.attribute("n"));
        return found;
    }

    std::unique_ptr<LogFixture> fixture_;
};

TEST_P(EventLogContract, gives_back_what_was_appended_in_order_and_numbered_densely) {
    const auto first = append("a", messages(3));
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->first.value, 1U);
    EXPECT_EQ(first->last.value, 3U);
    const auto second = append("a", messages(2, "x"));
    EXPECT_EQ(second->first.value, 4U);
    const auto all = read("a", 5);
    ASSERT_EQ(all.size(), 5U);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].position.value, i + 1);
    EXPECT_EQ(texts(all), (std::vector<std::string>{"m0", "m1", "m2", "x0", "x1"}));
    EXPECT_EQ(all[0].envelope.key, "key");
    EXPECT_EQ(all[0].envelope.type, "test.v1");
    EXPECT_EQ(all[0].envelope.attribute("empty"), "");
    EXPECT_EQ(all[0].envelope.data, message("m0").data);
    EXPECT_EQ(log().head("a")->value, 5U);
}

TEST_P(EventLogContract, reads_after_any_position_in_batches_of_any_size) {
    ASSERT_TRUE(append("a", messages(50)));
    for (const std::size_t after : {0U, 1U, 17U, 49U}) {
        for (const std::size_t batch : {1U, 7U, 100U}) {
            const auto all = read("a", 50 - after, Position{after}, batch);
            ASSERT_EQ(all.size(), 50 - after);
            EXPECT_EQ(all.front().position.value, after + 1);
            EXPECT_EQ(all.back().position.value, 50U);
        }
    }
}

TEST_P(EventLogContract, topics_are_apart_and_an_unknown_one_is_empty) {
    ASSERT_TRUE(append("a", messages(2)));
    ASSERT_TRUE(append("b", messages(1)));
    EXPECT_EQ(log().head("a")->value, 2U);
    EXPECT_EQ(log().head("b")->value, 1U);
    EXPECT_EQ(log().head("c")->value, 0U);
    auto subscription = *log().subscribe("c", "test", {});
    EXPECT_TRUE(subscription->next(10, std::chrono::milliseconds(1), {})->empty());
}

TEST_P(EventLogContract, keeps_everything_over_a_restart) {
    ASSERT_TRUE(append("a", messages(3), Producer{"p", 1}));
    const auto id = log().id();
    EXPECT_FALSE(id.empty());
    fixture_->reopen();
    EXPECT_EQ(log().id(), id);
    EXPECT_TRUE(log().healthy());
    EXPECT_EQ(log().head("a")->value, 3U);
    EXPECT_EQ(*log().last_sequence("a", "p"), 3U);
    EXPECT_EQ(append("a", messages(1))->first.value, 4U);
    EXPECT_EQ(read("a", 4).size(), 4U);
}

TEST_P(EventLogContract, drops_what_a_producer_repeats) {
    ASSERT_TRUE(append("a", messages(3), Producer{"p", 1}));
    const auto overlap = append("a", {message("m1"), message("m2"), message("m3")}, Producer{"p", 2});
    ASSERT_TRUE(overlap);
    EXPECT_EQ(overlap->first.value, 4U);
    EXPECT_EQ(overlap->last.value, 4U);
    const auto repeat = append("a", messages(3), Producer{"p", 1});
    ASSERT_TRUE(repeat);
    EXPECT_LT(repeat->last, repeat->first) << "nothing was written";
    ASSERT_TRUE(append("a", messages(1, "other"), Producer{"q", 1})) << "another producer counts for itself";
    EXPECT_EQ(texts(read("a", 5)), (std::vector<std::string>{"m0", "m1", "m2", "m3", "other0"}));
    EXPECT_EQ(*log().last_sequence("a", "p"), 4U);
    EXPECT_EQ(*log().last_sequence("a", "nobody"), 0U);
    EXPECT_EQ(*log().last_sequence("b", "p"), 0U);
}

TEST_P(EventLogContract, refuses_what_is_empty_or_too_large) {
    const auto empty = append("a", {});
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().kind, kernel::ErrorKind::incorrect);
    const auto many = append("a", messages(10'001));
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().code, "append-too-large");
    EXPECT_EQ(log().head("a")->value, 0U);
}

TEST_P(EventLogContract, carries_messages_that_are_larger_than_a_block) {
    auto large = message("large");
    large.data = std::string(3 * 1024 * 1024, 'x');
    ASSERT_TRUE(append("a", {message("before"), large, message("after")}));
    const auto all = read("a", 3);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[1].envelope.data.size(), large.data.size());
}

TEST_P(EventLogContract, many_writers_at_once_lose_and_double_nothing) {
    constexpr int writers = 4;
    constexpr int appends = 50;
    std::vector<std::thread> threads;
    for (int writer = 0; writer < writers; ++writer)
        threads.emplace_back([&, writer] {
            for (int i = 0; i < appends; ++i) {
                const auto name = std::to_string(writer) + "." + std::to_string(i) + ".";
                const auto done = append("a", messages(2, name));
                ASSERT_TRUE(done);
                EXPECT_EQ(done->last.value, done->first.value + 1) << "messages of one append are neighbours";
            }
        });
    for (auto& thread : threads) thread.join();
    const auto all = texts(read("a", 2 * writers * appends));
    EXPECT_EQ(all.size(), std::size_t{2 * writers * appends});
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

// A reader that nothing wakes would see the append, or the stop, only when its 20 s have passed. Several rounds, because in one round the
// append may be done before the reader waits.
TEST_P(EventLogContract, an_append_wakes_a_waiting_reader_and_so_does_a_stop) {
    auto subscription = *log().subscribe("a", "test", {});
    const auto begin = std::chrono::steady_clock::now();
    for (int round = 0; round < 20; ++round) {
        std::jthread writer([&] { EXPECT_TRUE(append("a", messages(1))); });
        EXPECT_EQ(subscription->next(10, std::chrono::seconds(20), {})->size(), 1U);
    }
    for (int round = 0; round < 20; ++round) {
        std::stop_source stop;
        std::jthread stopper([&] { stop.request_stop(); });
        EXPECT_TRUE(subscription->next(10, std::chrono::seconds(20), stop.get_token())->empty());
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
}

}  // namespace platform::log::contract
