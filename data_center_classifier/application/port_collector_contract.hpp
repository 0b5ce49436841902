// What every adapter of the port Collector must do. A test of an adapter instantiates the suite with a fixture of its own.
#pragma once

#include "data_center_classifier/application/port_collector.hpp"
#include "platform/runtime/coroutine.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace data_center_classifier::application::contract {

class CollectorFixture {
public:
    virtual ~CollectorFixture() = default;
    virtual Collector& collector() = 0;
    struct Written {
        LogPosition position = 0;
        kernel::RawDataEvent event;
    };
    virtual std::vector<Written> written() = 0;  // what is durable, in the order of the log
    virtual void reopen() = 0;                   // as after a restart
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
    kernel::Result<Appended> append(std::vector<kernel::RawDataEvent> all) {
        return platform::runtime::run(fixture_->collector().append(std::move(all)));
    }
    std::vector<std::string> ids() {
        std::vector<std::string> all;
        for (const auto& written : fixture_->written())
            all.push_back(std::visit([](const auto& one) { return one.record_id.value; }, written.event));
        return all;
    }
    std::unique_ptr<CollectorFixture> fixture_ = GetParam()();
};

TEST_P(CollectorContract, keeps_events_in_their_order_at_positions_that_rise_and_tells_those_of_the_first_and_the_last) {
    EXPECT_THAT(ids(), testing::IsEmpty());
    const auto three = *append(events("a", 3));
    const auto one = *append(events("b", 1));
    const auto two = *append(events("c", 2));
    EXPECT_THAT(ids(), testing::ElementsAre("a0", "a1", "a2", "b0", "c0", "c1"));
    const auto kept = fixture_->written();
    EXPECT_GT(kept[0].position, 0U);
    for (std::size_t i = 1; i < kept.size(); ++i) EXPECT_GT(kept[i].position, kept[i - 1].position);
    EXPECT_LT(kept.back().position, LogPosition{1} << 62U);
    EXPECT_EQ(three, (Appended{.first = kept[0].position, .last = kept[2].position}));
    EXPECT_EQ(one, (Appended{.first = kept[3].position, .last = kept[3].position}));
    EXPECT_EQ(two, (Appended{.first = kept[4].position, .last = kept[5].position}));
}

TEST_P(CollectorContract, keeps_every_kind_of_event_whole) {
    ASSERT_TRUE(append({kernel::RawDataReceived{facts("r")}, kernel::RawDataQuarantined{facts("q")},
                        kernel::RawDataRetracted{{"st-mary"}, {"t"}, {std::string(32, 'd')}, facts("t").received_at}}));
    const auto kept = fixture_->written();
    ASSERT_EQ(kept.size(), 3U);
    EXPECT_TRUE(std::get<kernel::RawDataReceived>(kept[0].event) == facts("r"));
    EXPECT_TRUE(std::get<kernel::RawDataQuarantined>(kept[1].event) == facts("q"));
    EXPECT_EQ(std::get<kernel::RawDataRetracted>(kept[2].event).received_at, facts("t").received_at);
}

TEST_P(CollectorContract, has_after_a_restart_what_it_said_is_written_and_goes_on_from_there) {
    const auto before = append(events("a", 2));
    ASSERT_TRUE(before);
    fixture_->reopen();
    EXPECT_GT(append(events("b", 1))->first, before->last);
    fixture_->reopen();
    EXPECT_THAT(ids(), testing::ElementsAre("a0", "a1", "b0"));
}

TEST_P(CollectorContract, takes_ten_thousand_events_at_once) {
    const auto appended = append(events("a", 10'000));
    ASSERT_TRUE(appended);
    EXPECT_GE(appended->last - appended->first, 9'999U);
    EXPECT_GT(append(events("b", 1))->first, appended->last);
    EXPECT_EQ(ids().at(9'999), "a9999");
}

TEST_P(CollectorContract, many_at_once_are_each_written_whole_or_told_that_nothing_was) {
    constexpr int writers = 16;
    std::vector<kernel::Result<Appended>> answers(writers, Appended{});
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < writers; ++i)
            threads.emplace_back(
                [&, i] { answers[static_cast<std::size_t>(i)] = append(events(std::string(1, static_cast<char>('a' + i)), 3)); });
    }
    const auto kept = ids();
    const auto written = fixture_->written();
    std::size_t succeeded = 0;
    for (std::size_t i = 0; i < writers; ++i) {
        const std::string prefix(1, static_cast<char>('a' + i));
        if (!answers[i]) {
            EXPECT_EQ(answers[i].error().kind, kernel::ErrorKind::busy);
            EXPECT_THAT(kept, testing::Not(testing::Contains(prefix + "0")));
            continue;
        }
        ++succeeded;
        const auto at = static_cast<std::size_t>(std::ranges::find(kept, prefix + "0") - kept.begin());
        ASSERT_LE(at + 3, kept.size());
        for (std::size_t n = 0; n < 3; ++n) EXPECT_EQ(kept[at + n], prefix + std::to_string(n)) << "neighbours";
        EXPECT_EQ(*answers[i], (Appended{.first = written[at].position, .last = written[at + 2].position}));
    }
    EXPECT_GT(succeeded, 0U);
    EXPECT_EQ(kept.size(), 3 * succeeded);
}

}  // namespace data_center_classifier::application::contract
