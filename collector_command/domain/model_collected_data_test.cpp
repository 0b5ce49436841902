// The aggregate against a naive model, over random histories.
#include "collector_command/domain/model_collected_data.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace collector_command::domain {
namespace {

Command collect(const std::string& content) {
    CollectRecord command;
    command.facts.data_id = {"d"};
    command.facts.content_hash = {content};
    return command;
}
Command retract() {
    RetractRecord command;
    command.facts.data_id = {"d"};
    return command;
}

// Small numbers are contents, so that repeats and returns to older content are common; 0 is a retraction.
Command command_of(int number) {
    return number == 0 ? retract() : collect("content-" + std::to_string(number));
}
std::vector<int> some_history() {
    return *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4));
}

std::vector<kernel::CollectedDataEvent> run(const std::vector<int>& history, CollectedData& state) {
    std::vector<kernel::CollectedDataEvent> events;
    for (const int number : history)
        if (auto event = decide(state, command_of(number))) {
            state = domain::apply(std::move(state), *event);
            events.push_back(std::move(*event));
        }
    return events;
}

// What a person would write down: the current content, or none.
struct Naive {
    std::optional<int> current;
    std::uint64_t changes = 0;
    void take(int number) {
        const auto next = number == 0 ? std::optional<int>{} : std::optional(number);
        if (next == current) return;
        current = next;
        ++changes;
    }
};

TEST(collected_data, first_content_is_collected_as_version_1) {
    const auto event = decide({}, collect("a"));
    ASSERT_TRUE(event && std::holds_alternative<kernel::RecordCollected>(*event));
    EXPECT_EQ(std::get<kernel::RecordCollected>(*event).version, 1U);
}

TEST(collected_data, other_content_amends_and_the_same_content_changes_nothing) {
    const CollectedData state{.version = 4, .content_hash = {"a"}, .retracted = false};
    const auto amended = decide(state, collect("b"));
    ASSERT_TRUE(amended && std::holds_alternative<kernel::RecordAmended>(*amended));
    EXPECT_EQ(std::get<kernel::RecordAmended>(*amended).version, 5U);
    EXPECT_FALSE(decide(state, collect("a")));
}

TEST(collected_data, after_a_retraction_any_content_is_collected_anew) {
    const CollectedData state{.version = 2, .content_hash = {"a"}, .retracted = true};
    for (const auto* content : {"a", "b"}) {
        const auto event = decide(state, collect(content));
        ASSERT_TRUE(event && std::holds_alternative<kernel::RecordCollected>(*event)) << content;
        EXPECT_EQ(std::get<kernel::RecordCollected>(*event).version, 3U);
    }
}

TEST(collected_data, retracting_the_unknown_or_the_retracted_changes_nothing) {
    EXPECT_FALSE(decide({}, retract()));
    EXPECT_FALSE(decide({.version = 2, .content_hash = {"a"}, .retracted = true}, retract()));
}

TEST(collected_data, versions_are_dense_and_every_history_replays_the_same) {
    EXPECT_TRUE(rc::check("dense versions, equal replays", [] {
        const auto history = some_history();
        CollectedData once, twice, replayed;
        const auto events = run(history, once);
        RC_ASSERT((events == run(history, twice)));
        RC_ASSERT((once == twice));
        for (std::size_t i = 0; i < events.size(); ++i) {
            RC_ASSERT(std::visit([](const auto& event) { return event.version; }, events[i]) == i + 1);
            replayed = domain::apply(std::move(replayed), events[i]);
        }
        RC_ASSERT((replayed == once));
    }));
}

TEST(collected_data, agrees_with_a_naive_model) {
    EXPECT_TRUE(rc::check("as the naive model", [] {
        const auto history = some_history();
        CollectedData state;
        const auto events = run(history, state);
        Naive naive;
        for (const int number : history) naive.take(number);
        RC_ASSERT(events.size() == naive.changes);
        RC_ASSERT((state.exists() && !state.retracted) == naive.current.has_value());
        if (naive.current) RC_ASSERT(state.content_hash.value == "content-" + std::to_string(*naive.current));
    }));
}

TEST(collected_data, delivering_a_history_twice_in_a_row_ends_in_the_same_content) {
    EXPECT_TRUE(rc::check("at-least-once per command is harmless", [] {
        const auto history = some_history();
        CollectedData once, doubled;
        const auto events = run(history, once);
        std::vector<int> twice_each;
        for (const int number : history) twice_each.insert(twice_each.end(), {number, number});
        RC_ASSERT((run(twice_each, doubled) == events));
        RC_ASSERT((once == doubled));
    }));
}

}  // namespace
}  // namespace collector_command::domain
