// The use case over a store in memory: batches cut anywhere give the same history.
#include "collector_command/application/service_collector_cmd.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace collector_command::application {
namespace {

class RepoInMemory final : public CollectorRepo {
public:
    kernel::Result<std::vector<domain::CollectedData>> load(const std::vector<kernel::DataId>& ids) override {
        ++loads;
        std::vector<domain::CollectedData> out;
        for (const auto& id : ids) out.push_back(states[id]);
        return out;
    }
    kernel::Result<void> store(std::vector<kernel::CollectedDataEvent> more, const std::vector<NewState>& changed,
                               kernel::Timestamp) override {
        for (auto& event : more) events.push_back(std::move(event));
        for (const auto& one : changed) {
            EXPECT_EQ(one.is_new, !states[one.data_id].exists());
            states[one.data_id] = one.state;
        }
        return kernel::ok();
    }
    kernel::Result<void> rolled_back() override { return kernel::ok(); }

    std::map<kernel::DataId, domain::CollectedData> states;
    std::vector<kernel::CollectedDataEvent> events;
    int loads = 0;
};

kernel::RawDataEvent event_of(int number) {
    const std::string id = "r" + std::to_string(number % 3);
    const int what = number / 3;
    if (what == 0) return kernel::RawDataRetracted{.data_center_id = {"c"}, .record_id = {id}, .data_id = {id}, .received_at = {}};
    kernel::RawDataFacts facts;
    facts.data_center_id = {"c"};
    facts.record_id = {id};
    facts.data_id = {id};
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
    RepoInMemory repo;
    CollectRawData use_case(repo, noon);
    const auto outcome = use_case.handle(events_of({3, 3, 6, 0, 0, 6, 12}));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->collected, 2U);
    EXPECT_EQ(outcome->amended, 1U);
    EXPECT_EQ(outcome->retracted, 1U);
    EXPECT_EQ(outcome->unchanged, 2U);
    EXPECT_EQ(outcome->quarantined, 1U);
    EXPECT_EQ(repo.states[{"r0"}], (domain::CollectedData{.version = 4, .content_hash = {"2"}, .retracted = false}));
    EXPECT_EQ(repo.loads, 1);
}

TEST(collect_raw_data, quarantined_records_are_passed_by) {
    RepoInMemory repo;
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
        RepoInMemory whole, cut;
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
