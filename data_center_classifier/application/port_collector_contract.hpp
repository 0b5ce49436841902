// What every adapter of the port Collector must do. A test of an adapter instantiates the suite with a fixture of its own.
#pragma once

#include "data_center_classifier/application/port_collector.hpp"
#include "platform/runtime/coroutine.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace data_center_classifier::application::contract {

class CollectorFixture {
public:
    virtual ~CollectorFixture() = default;
    virtual Collector& collector() = 0;
    virtual std::vector<kernel::RawDataEvent> written() = 0;  // what is durable, in the order of the positions
    virtual void reopen() = 0;                                // as after a restart
};
using MakeCollector = std::function<std::unique_ptr<CollectorFixture>()>;

class CollectorContract : public testing::TestWithParam<MakeCollector> {
protected:
    static kernel::RawDataFacts facts(const std::string& id) {
        return {.data_center_id = {"st-mary"},
                .record_id = {id},
                .data_id = {std::string(32, 'd')},
                .receipt_id = {std::string(32, 'e')},
                .content_hash = {std::string(64, 'f')},
                .interface = "csv",
                .modality = "CT",
                .received_at = kernel::Timestamp{std::chrono::milliseconds{1'700'000'000'123}},
                .grade = "B",
                .verdicts = {.rubric = "acopio-1", .passed = {"CONF-01"}, .failed = {"PLAU-02", "PLAU-03"}, .score = 87.5},
                .record = R"({"record_id":")" + id + R"(","report":"á\n"})"};
    }
    static std::vector<kernel::RawDataEvent> events(const std::string& prefix, std::size_t count) {
        std::vector<kernel::RawDataEvent> all;
        for (std::size_t i = 0; i < count; ++i) all.emplace_back(kernel::RawDataReceived{facts(prefix + std::to_string(i))});
        return all;
    }
    kernel::Result<LogPosition> append(std::vector<kernel::RawDataEvent> all) {
        return platform::runtime::run(fixture_->collector().append(std::move(all)));
    }
    std::vector<std::string> ids() {
        std::vector<std::string> all;
        for (const auto& event : fixture_->written()) all.push_back(std::visit([](const auto& one) { return one.record_id.value; }, event));
        return all;
    }
    std::unique_ptr<CollectorFixture> fixture_ = GetParam()();
};

TEST_P(CollectorContract, numbers_events_densely_from_one_in_their_order) {
    EXPECT_THAT(ids(), testing::IsEmpty());
    EXPECT_EQ(*append(events("a", 3)), 1U);
    EXPECT_EQ(*append(events("b", 1)), 4U);
    EXPECT_EQ(*append(events("c", 2)), 5U);
    EXPECT_THAT(ids(), testing::ElementsAre("a0", "a1", "a2", "b0", "c0", "c1"));
}

TEST_P(CollectorContract, keeps_every_kind_of_event_whole) {
    ASSERT_TRUE(append({kernel::RawDataReceived{facts("r")}, kernel::RawDataQuarantined{facts("q")},
                        kernel::RawDataRetracted{{"st-mary"}, {"t"}, {std::string(32, 'd')}, facts("t").received_at}}));
    const auto kept = fixture_->written();
    ASSERT_EQ(kept.size(), 3U);
    EXPECT_TRUE(std::get<kernel::RawDataReceived>(kept[0]) == facts("r"));
    EXPECT_TRUE(std::get<kernel::RawDataQuarantined>(kept[1]) == facts("q"));
    EXPECT_EQ(std::get<kernel::RawDataRetracted>(kept[2]).received_at, facts("t").received_at);
}

TEST_P(CollectorContract, has_after_a_restart_what_it_said_is_written_and_goes_on_from_there) {
    ASSERT_TRUE(append(events("a", 2)));
    fixture_->reopen();
    EXPECT_EQ(*append(events("b", 1)), 3U);
    fixture_->reopen();
    EXPECT_THAT(ids(), testing::ElementsAre("a0", "a1", "b0"));
}

TEST_P(CollectorContract, takes_ten_thousand_events_at_once) {
    EXPECT_EQ(*append(events("a", 10'000)), 1U);
    EXPECT_EQ(*append(events("b", 1)), 10'001U);
    EXPECT_EQ(ids().at(9'999), "a9999");
}

TEST_P(CollectorContract, many_at_once_are_each_written_whole_or_told_that_nothing_was) {
    constexpr int writers = 16;
    std::vector<kernel::Result<LogPosition>> answers(writers, LogPosition{0});
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < writers; ++i)
            threads.emplace_back(
                [&, i] { answers[static_cast<std::size_t>(i)] = append(events(std::string(1, static_cast<char>('a' + i)), 3)); });
    }
    const auto kept = ids();
    std::size_t succeeded = 0;
    for (std::size_t i = 0; i < writers; ++i) {
        const std::string prefix(1, static_cast<char>('a' + i));
        if (!answers[i]) {
            EXPECT_EQ(answers[i].error().kind, kernel::ErrorKind::busy);
            EXPECT_THAT(kept, testing::Not(testing::Contains(prefix + "0")));
            continue;
        }
        ++succeeded;
        ASSERT_LE(*answers[i] + 2, kept.size());
        for (std::size_t n = 0; n < 3; ++n) EXPECT_EQ(kept[*answers[i] - 1 + n], prefix + std::to_string(n));
    }
    EXPECT_GT(succeeded, 0U);
    EXPECT_EQ(kept.size(), 3 * succeeded);
}

}  // namespace data_center_classifier::application::contract
