// The use case over a store in memory: batches cut anywhere give the same history.
#include "collector_command/application/service_collector_cmd.hpp"

#include "collector_command/application/fake_collector_repo.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace collector_command::application {
namespace {

// The data id of "r0" is thirty-two zeros, and so on.
kernel::DataId data_id(int number) {
    return {std::string(32, static_cast<char>('0' + number))};
}

kernel::RawDataEvent event_of(int number) {
    const std::string id = "r" + std::to_string(number % 3);
    const int what = number / 3;
    if (what == 0)
        return kernel::RawDataRetracted{.data_center_id = {"c"}, .record_id = {id}, .data_id = data_id(number % 3), .received_at = {}};
    kernel::RawDataFacts facts;
    facts.data_center_id = {"c"};
    facts.record_id = {id};
    facts.data_id = data_id(number % 3);
    facts.content_hash = {std::to_string(what)};
    if (what == 4) return kernel::RawDataQuarantined{facts};
    return kernel::RawDataReceived{facts};
}

std::vector<kernel::RawDataEvent> events_of(const std::vector<int>& numbers) {
    std::vector<kernel::RawDataEvent> events;
    for (const int number : numbers) events.push_back(event_of(number));
    return events;
}

const kernel::FixedClock noon{kernel::Timestamp{std::chrono::milliseconds{1'000}}};

TEST(collect_raw_data, several_events_of_one_record_in_one_batch_are_decided_in_order) {
    MemoryCollectorRepo repo;
    CollectRawData use_case(repo, noon);
    const auto outcome = use_case.handle(events_of({3, 3, 6, 0, 0, 6, 12}));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->collected, 2U);
    EXPECT_EQ(outcome->amended, 1U);
    EXPECT_EQ(outcome->retracted, 1U);
    EXPECT_EQ(outcome->unchanged, 2U);
    EXPECT_EQ(outcome->quarantined, 1U);
    EXPECT_EQ(repo.states[data_id(0)], (domain::CollectedData{.version = 4, .content_hash = {"2"}, .retracted = false}));
    EXPECT_EQ(repo.loads, 1);
}

TEST(collect_raw_data, quarantined_records_are_passed_by) {
    MemoryCollectorRepo repo;
    CollectRawData use_case(repo, noon);
    const auto outcome = use_case.handle(events_of({12, 13}));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->quarantined, 2U);
    EXPECT_TRUE(repo.events.empty());
}

TEST(collect_raw_data, a_history_cut_into_any_batches_gives_the_same_events) {
    EXPECT_TRUE(rc::check("batches do not matter", [] {
        const auto numbers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 15));
        const auto batch = *rc::gen::inRange<std::size_t>(1, 8);
        MemoryCollectorRepo whole, cut;
        RC_ASSERT(bool(CollectRawData(whole, noon).handle(events_of(numbers))));
        for (std::size_t at = 0; at < numbers.size(); at += batch) {
            const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(at);
            const auto end = numbers.begin() + static_cast<std::ptrdiff_t>(std::min(at + batch, numbers.size()));
            RC_ASSERT(bool(CollectRawData(cut, noon).handle(events_of({begin, end}))));
        }
        RC_ASSERT((whole.events == cut.events));
        RC_ASSERT((whole.states == cut.states));
    }));
}

}  // namespace
}  // namespace collector_command::application
