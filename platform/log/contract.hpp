// Contract suite of the EventLog port: instantiate it for every engine with a factory of empty logs.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/runtime/coroutine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
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
    // The topic of that name that this test has for itself: an engine that cannot start empty gives another one to each test.
    virtual std::string topic(std::string name) { return name; }
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

    // The functions of the log, with the names of topics as the fixture gives them.
    kernel::Result<Appended> append(const std::string& topic, std::vector<kernel::Envelope> all, std::optional<Producer> producer = {}) {
        return runtime::run(log().append(fixture_->topic(topic), std::move(all), std::move(producer)));
    }
    std::unique_ptr<Subscription> subscribe(const std::string& topic, Position after = {}, const std::string& group = {}) {
        auto subscription = log().subscribe(fixture_->topic(topic), group, after);
        EXPECT_TRUE(subscription) << subscription.error().message;
        return subscription ? std::move(*subscription) : nullptr;
    }
    Position head(const std::string& topic) {
        const auto head = log().head(fixture_->topic(topic));
        EXPECT_TRUE(head) << head.error().message;
        return head ? *head : Position{};
    }
    std::optional<Message> last(const std::string& topic) {
        auto last = log().last(fixture_->topic(topic));
        EXPECT_TRUE(last) << last.error().message;
        return last ? std::move(*last) : std::nullopt;
    }
    std::uint64_t behind(const std::string& topic, Position after = {}) {
        const auto behind = log().behind(fixture_->topic(topic), after);
        EXPECT_TRUE(behind) << behind.error().message;
        return behind ? *behind : 0;
    }
    std::uint64_t last_sequence(const std::string& topic, const std::string& producer) {
        const auto sequence = log().last_sequence(fixture_->topic(topic), producer);
        EXPECT_TRUE(sequence) << sequence.error().message;
        return sequence ? *sequence : 0;
    }

    // What comes until `count` messages are there.
    static std::vector<Message> read_from(Subscription& subscription, std::size_t count, std::size_t batch = 100) {
        std::vector<Message> all;
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (all.size() < count && std::chrono::steady_clock::now() < deadline) {
            auto next = subscription.next(batch, std::chrono::milliseconds(100), {});
            EXPECT_TRUE(next) << next.error().message;
            if (!next) break;
            EXPECT_LE(next->size(), batch);
            all.insert(all.end(), next->begin(), next->end());
        }
        return all;
    }
    std::vector<Message> read(const std::string& topic, std::size_t count, Position after = {}, std::size_t batch = 100) {
        const auto subscription = subscribe(topic, after);
        return subscription ? read_from(*subscription, count, batch) : std::vector<Message>();
    }
    static std::vector<std::string> texts(const std::vector<Message>& all) {
        std::vector<std::string> found;
        for (const auto& one : all) found.emplace_back(*one.envelope.attribute("n"));
        return found;
    }
    static std::vector<std::uint64_t> positions(const std::vector<Message>& all) {
        std::vector<std::uint64_t> found;
        for (const auto& one : all) found.push_back(one.position.value);
        return found;
    }
    static void expect_rising(const std::vector<Message>& all) {
        Position before;
        for (const auto& one : all) {
            EXPECT_GT(one.position, before);
            EXPECT_LT(one.position.value, std::uint64_t{1} << 62U);
            before = one.position;
        }
    }

    std::unique_ptr<LogFixture> fixture_;
};

TEST_P(EventLogContract, gives_back_what_was_appended_in_order_at_positions_that_rise) {
    const auto first = append("a", messages(3));
    ASSERT_TRUE(first) << first.error().message;
    const auto second = append("a", messages(2, "x"));
    ASSERT_TRUE(second) << second.error().message;
    const auto all = read("a", 5);
    ASSERT_EQ(all.size(), 5U);
    expect_rising(all);
    EXPECT_EQ(texts(all), (std::vector<std::string>{"m0", "m1", "m2", "x0", "x1"}));
    EXPECT_EQ(all[0].position, first->first);
    EXPECT_EQ(all[2].position, first->last);
    EXPECT_EQ(all[3].position, second->first);
    EXPECT_EQ(all[4].position, second->last);
    EXPECT_EQ(all[0].envelope.key, "key");
    EXPECT_EQ(all[0].envelope.type, "test.v1");
    EXPECT_EQ(all[0].envelope.attributes, message("m0").attributes);
    EXPECT_EQ(all[0].envelope.data, message("m0").data);
    EXPECT_EQ(head("a"), second->last);
}

TEST_P(EventLogContract, one_message_alone_is_the_first_and_the_last_of_its_append) {
    const auto alone = append("a", messages(1));
    ASSERT_TRUE(alone) << alone.error().message;
    EXPECT_EQ(alone->first, alone->last);
    EXPECT_EQ(positions(read("a", 1)), std::vector{alone->first.value});
}

TEST_P(EventLogContract, reads_after_any_position_in_batches_of_any_size) {
    for (const std::size_t count : {20U, 1U, 29U}) ASSERT_TRUE(append("a", messages(count)));
    const auto places = positions(read("a", 50));
    ASSERT_EQ(places.size(), 50U);
    for (const std::size_t after : {0U, 1U, 17U, 20U, 21U, 49U}) {
        const auto position = Position{after == 0 ? 0 : places[after - 1]};
        for (const std::size_t batch : {1U, 7U, 100U})
            EXPECT_EQ(positions(read("a", 50 - after, position, batch)),
                      std::vector(places.begin() + static_cast<long>(after), places.end()));
    }
}

// Also inside an append and at its borders, whatever an engine makes of it: an append at once, one by one, one larger than a block.
TEST_P(EventLogContract, reads_a_message_from_just_before_its_position_and_the_next_one_from_it) {
    ASSERT_TRUE(append("a", messages(4, "first")));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(append("a", messages(1, "alone" + std::to_string(i))));
    auto large = message("large");
    large.data = std::string(1024 * 1024, 'x');
    ASSERT_TRUE(append("a", {message("before"), large, message("after")}, Producer{"p", 1}));
    const auto all = read("a", 10);
    ASSERT_EQ(all.size(), 10U);
    expect_rising(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(texts(read("a", 1, Position{all[i].position.value - 1}, 1)), texts({all[i]}));
        EXPECT_GE(behind("a", Position{all[i].position.value - 1}), 1U);
        if (i + 1 == all.size()) break;
        EXPECT_EQ(texts(read("a", 1, all[i].position, 1)), texts({all[i + 1]}));
        EXPECT_GE(behind("a", all[i].position), 1U);
    }
    EXPECT_EQ(behind("a", all.back().position), 0U);
    EXPECT_TRUE(subscribe("a", all.back().position)->next(10, std::chrono::milliseconds(50), {})->empty());
}

TEST_P(EventLogContract, topics_are_apart_and_an_unknown_one_is_empty) {
    const auto first = append("a", messages(2));
    const auto second = append("b", messages(1, "other"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(head("a"), first->last);
    EXPECT_EQ(head("b"), second->last);
    EXPECT_EQ(texts(read("a", 2)), (std::vector<std::string>{"m0", "m1"}));
    EXPECT_EQ(texts(read("b", 1)), (std::vector<std::string>{"other0"}));
    EXPECT_EQ(head("c"), Position{});
    EXPECT_FALSE(last("c"));
    EXPECT_EQ(behind("c"), 0U);
    EXPECT_EQ(last_sequence("c", "p"), 0U);
    EXPECT_TRUE(subscribe("c")->next(10, std::chrono::milliseconds(1), {})->empty());
}

TEST_P(EventLogContract, knows_its_last_message_and_whether_anything_comes_after_a_position) {
    EXPECT_FALSE(last("a"));
    EXPECT_EQ(behind("a"), 0U);
    for (const std::size_t count : {1U, 3U, 1U}) {
        const auto appended = append("a", messages(count, "of" + std::to_string(count) + "."));
        ASSERT_TRUE(appended) << appended.error().message;
        const auto there = last("a");
        ASSERT_TRUE(there);
        EXPECT_EQ(there->position, appended->last);
        EXPECT_EQ(there->envelope.attributes, message("of" + std::to_string(count) + "." + std::to_string(count - 1)).attributes);
        EXPECT_EQ(head("a"), there->position);
        EXPECT_GE(behind("a"), 1U);
        EXPECT_GE(behind("a", Position{appended->last.value - 1}), 1U);
        EXPECT_EQ(behind("a", appended->last), 0U);
        EXPECT_EQ(behind("a", Position{appended->last.value + 1'000'000}), 0U);
    }
    fixture_->reopen();
    const auto there = last("a");
    ASSERT_TRUE(there);
    EXPECT_EQ(there->position, head("a"));
    EXPECT_EQ(there->envelope.attribute("n"), "of1.0");
}

TEST_P(EventLogContract, a_subscription_at_the_head_sees_only_what_is_appended_later) {
    ASSERT_TRUE(append("a", messages(3, "early")));
    const auto subscription = subscribe("a", head("a"));
    EXPECT_TRUE(subscription->next(10, std::chrono::milliseconds(50), {})->empty());
    ASSERT_TRUE(append("a", messages(2, "late")));
    EXPECT_EQ(texts(read_from(*subscription, 2)), (std::vector<std::string>{"late0", "late1"}));
}

TEST_P(EventLogContract, subscriptions_of_several_groups_and_of_none_each_see_everything) {
    auto one = subscribe("a", {}, "one");
    const auto other = subscribe("a", {}, "other");
    ASSERT_TRUE(append("a", messages(4)));
    const auto places = positions(read_from(*one, 4, 3));
    EXPECT_EQ(places.size(), 4U);
    EXPECT_EQ(positions(read_from(*other, 4, 1)), places);
    ASSERT_TRUE(append("a", messages(1, "x")));
    EXPECT_EQ(texts(read_from(*other, 1)), (std::vector<std::string>{"x0"}));
    EXPECT_EQ(texts(read_from(*one, 1)), (std::vector<std::string>{"x0"}));
    EXPECT_EQ(read_from(*subscribe("a"), 5).size(), 5U);
    one.reset();
    const auto again = subscribe("a", {}, "one");
    EXPECT_EQ(read_from(*again, 5).size(), 5U) << "a group keeps no place";
}

TEST_P(EventLogContract, keeps_everything_over_a_restart) {
    const auto before = append("a", messages(3), Producer{"p", 1});
    ASSERT_TRUE(before) << before.error().message;
    const auto id = log().id();
    EXPECT_FALSE(id.empty());
    fixture_->reopen();
    EXPECT_EQ(log().id(), id);
    EXPECT_TRUE(log().healthy());
    EXPECT_EQ(head("a"), before->last);
    EXPECT_EQ(last_sequence("a", "p"), 3U);
    const auto after = append("a", messages(1));
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_GT(after->first, before->last);
    const auto all = read("a", 4);
    EXPECT_EQ(texts(all), (std::vector<std::string>{"m0", "m1", "m2", "m0"}));
    EXPECT_EQ(all.front().position, before->first);
    EXPECT_EQ(all.back().position, after->last);
}

TEST_P(EventLogContract, drops_what_a_producer_repeats) {
    const auto first = append("a", messages(3), Producer{"p", 1});
    ASSERT_TRUE(first) << first.error().message;
    const auto overlap = append("a", {message("m1"), message("m2"), message("m3")}, Producer{"p", 2});
    ASSERT_TRUE(overlap) << overlap.error().message;
    EXPECT_GT(overlap->first, first->last);
    EXPECT_EQ(overlap->first, overlap->last);
    const auto repeat = append("a", messages(3), Producer{"p", 1});
    ASSERT_TRUE(repeat) << repeat.error().message;
    EXPECT_LT(repeat->last, repeat->first) << "nothing was written";
    EXPECT_EQ(head("a"), overlap->last);
    ASSERT_TRUE(append("a", messages(1, "other"), Producer{"q", 1})) << "another producer counts for itself";
    EXPECT_EQ(texts(read("a", 5)), (std::vector<std::string>{"m0", "m1", "m2", "m3", "other0"}));
    EXPECT_EQ(last_sequence("a", "p"), 4U);
    EXPECT_EQ(last_sequence("a", "nobody"), 0U);
    EXPECT_EQ(last_sequence("b", "p"), 0U);
}

// As a relay that is killed and started again: each time it begins anywhere behind what is stored, in batches of another size.
TEST_P(EventLogContract, repeats_that_end_in_the_middle_of_an_append_leave_each_message_once) {
    const auto numbered = [](std::uint64_t first, std::uint64_t last) {
        std::vector<kernel::Envelope> all;
        for (auto i = first; i <= last; ++i) all.push_back(message(std::to_string(i)));
        return all;
    };
    std::uint64_t stored = 0;
    for (const auto& [first, last] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {1, 5}, {3, 9}, {9, 9}, {2, 9}, {1, 10}, {6, 8}, {10, 30}, {30, 31}, {1, 40}}) {
        const auto before = head("a");
        const auto appended = append("a", numbered(first, last), Producer{"p", first});
        ASSERT_TRUE(appended) << appended.error().message;
        if (last > stored) {
            EXPECT_GT(appended->first, before);
            EXPECT_EQ(texts(read("a", 1, Position{appended->first.value - 1}, 1)), (std::vector{std::to_string(stored + 1)}));
            EXPECT_EQ(appended->last, head("a"));
        } else {
            EXPECT_LT(appended->last, appended->first);
            EXPECT_EQ(head("a"), before);
        }
        stored = std::max(stored, last);
        EXPECT_EQ(last_sequence("a", "p"), stored);
        if (first == 10) fixture_->reopen();
    }
    const auto all = read("a", stored);
    expect_rising(all);
    std::vector<std::string> wanted;
    for (std::uint64_t i = 1; i <= stored; ++i) wanted.push_back(std::to_string(i));
    EXPECT_EQ(texts(all), wanted);
    EXPECT_EQ(behind("a", all.back().position), 0U) << "and nothing after it";
}

TEST_P(EventLogContract, refuses_what_is_empty_or_too_large) {
    const auto empty = append("a", {});
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().kind, kernel::ErrorKind::incorrect);
    const auto many = append("a", messages(10'001));
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().code, "append-too-large");
    auto large = message("large");
    large.data = std::string(std::size_t{65} * 1024 * 1024, 'x');
    const auto bytes = append("a", {std::move(large)});
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code, "append-too-large");
    EXPECT_EQ(head("a"), Position{});
}

TEST_P(EventLogContract, takes_ten_thousand_messages_at_once_as_neighbours) {
    const auto appended = append("a", messages(10'000));
    ASSERT_TRUE(appended) << appended.error().message;
    const auto all = read("a", 10'000, {}, 777);
    ASSERT_EQ(all.size(), 10'000U);
    expect_rising(all);
    EXPECT_EQ(all.front().position, appended->first);
    EXPECT_EQ(all.back().position, appended->last);
    EXPECT_EQ(all[9'999].envelope.attribute("n"), "m9999");
}

TEST_P(EventLogContract, carries_messages_that_are_larger_than_a_block) {
    auto large = message("large");
    large.data = std::string(3 * 1024 * 1024, 'x');
    ASSERT_TRUE(append("a", {message("before"), large, message("after")}));
    const auto all = read("a", 3);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(texts(all), (std::vector<std::string>{"before", "large", "after"}));
    EXPECT_EQ(all[1].envelope.data, large.data);
}

TEST_P(EventLogContract, many_writers_at_once_lose_and_double_nothing) {
    constexpr int writers = 4;
    constexpr int appends = 50;
    std::vector<std::thread> threads;
    std::array<std::array<Appended, appends>, writers> told{};
    for (int writer = 0; writer < writers; ++writer)
        threads.emplace_back([&, writer] {
            for (int i = 0; i < appends; ++i) {
                const auto done = append("a", messages(2, std::to_string(writer) + "." + std::to_string(i) + "."));
                ASSERT_TRUE(done) << done.error().message;
                told.at(static_cast<std::size_t>(writer)).at(static_cast<std::size_t>(i)) = *done;
            }
        });
    for (auto& thread : threads) thread.join();
    const auto all = read("a", std::size_t{2 * writers * appends});
    ASSERT_EQ(all.size(), std::size_t{2 * writers * appends});
    expect_rising(all);
    const auto found = texts(all);
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()).size(), found.size());
    for (std::size_t writer = 0; writer < writers; ++writer)
        for (std::size_t i = 0; i < appends; ++i) {
            const auto name = std::to_string(writer) + "." + std::to_string(i) + ".";
            const auto at = static_cast<std::size_t>(std::ranges::find(found, name + "0") - found.begin());
            ASSERT_LT(at + 1, found.size()) << name;
            EXPECT_EQ(found[at + 1], name + "1") << "messages of one append are neighbours";
            EXPECT_EQ(all[at].position, told.at(writer).at(i).first);
            EXPECT_EQ(all[at + 1].position, told.at(writer).at(i).last);
        }
}

// A reader that nothing wakes would see the append, or the stop, only when its 20 s have passed. Several rounds, because in one round the
// append may be done before the reader waits.
TEST_P(EventLogContract, an_append_wakes_a_waiting_reader_and_so_does_a_stop) {
    const auto subscription = subscribe("a");
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
