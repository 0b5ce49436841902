// What every adapter of the port Counters must do. A test of an adapter instantiates the suite with a fixture of its own.
#pragma once

#include "data_center_classifier/application/port_counters.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <memory>

namespace data_center_classifier::application::contract {

// Whose counters, by which rubric, in which hour, of which feed.
struct CounterPlace {
    std::string center = "st-mary", rubric = "test-1";
    Hour hour = 0;
    std::string feed = "json/CT";
};

// Writes as the projection would; committed when it returns.
class CountersFixture {
public:
    virtual ~CountersFixture() = default;
    virtual Counters& counters() = 0;
    virtual void count(const CounterPlace& place, const std::string& check_id, domain::CheckCount count) = 0;
    virtual void count_records(const CounterPlace& place, std::uint64_t records) = 0;
    virtual void add_example(const std::string& center, const Example& example, int slot) = 0;  // slot: 0..2
    virtual void add_quarantined(const std::string& center, const QuarantinedRecord& record) = 0;
};
using MakeCounters = std::function<std::unique_ptr<CountersFixture>()>;

class CountersContract : public testing::TestWithParam<MakeCounters> {
protected:
    // "feed check pass/fail/skip", one a row.
    std::vector<std::string> checks(const std::string& center, const std::string& rubric, Hour from) {
        std::vector<std::string> rows;
        const auto number = [](std::uint64_t value) { return std::to_string(value); };
        for (const auto& row : fixture_->counters().counts({center}, rubric, from)->checks)
            rows.push_back(row.feed + " " + row.check_id + " " + number(row.count.pass) + "/" + number(row.count.fail) + "/" +
                           number(row.count.skip));
        return rows;
    }
    std::vector<std::string> feeds(const std::string& center, const std::string& rubric, Hour from) {
        std::vector<std::string> rows;
        for (const auto& row : fixture_->counters().counts({center}, rubric, from)->feeds)
            rows.push_back(row.feed + " " + std::to_string(row.records));
        return rows;
    }
    static QuarantinedRecord quarantined(std::uint64_t position, std::vector<std::string> reasons = {"CONF-01"}) {
        return {.position = position,
                .record_id = {"r" + std::to_string(position)},
                .receipt_id = {std::string(32, 'e')},
                .received_at = kernel::Timestamp{std::chrono::milliseconds{1'700'000'000'123}},
                .reasons = std::move(reasons)};
    }
    std::vector<std::uint64_t> desk(std::uint64_t before, std::size_t count_max, const std::string& center = "st-mary") {
        std::vector<std::uint64_t> positions;
        for (const auto& one : *fixture_->counters().quarantined({center}, before, count_max)) positions.push_back(one.position);
        return positions;
    }
    std::unique_ptr<CountersFixture> fixture_ = GetParam()();
};

TEST_P(CountersContract, has_nothing_of_a_centre_that_sent_nothing) {
    const auto none = fixture_->counters().counts({"st-mary"}, "test-1", 0);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->checks.empty() && none->feeds.empty() && none->examples.empty());
    EXPECT_THAT(desk(0, 10), testing::IsEmpty());
}

TEST_P(CountersContract, sums_from_the_hour_that_is_asked_for_on_by_feed_and_check) {
    for (const Hour hour : {499'999, 500'000, 500'001}) {
        fixture_->count({.hour = hour}, "C-1", {.pass = 1, .fail = 10, .skip = 100});
        fixture_->count({.hour = hour}, "C-2", {.pass = 2, .fail = 0, .skip = 0});
        fixture_->count({.hour = hour, .feed = "csv/-"}, "C-1", {.pass = 0, .fail = 3, .skip = 0});
        fixture_->count_records({.hour = hour}, 111);
        fixture_->count_records({.hour = hour, .feed = "csv/-"}, 3);
    }
    EXPECT_THAT(checks("st-mary", "test-1", 500'000),
                testing::UnorderedElementsAre("json/CT C-1 2/20/200", "json/CT C-2 4/0/0", "csv/- C-1 0/6/0"));
    EXPECT_THAT(feeds("st-mary", "test-1", 500'000), testing::UnorderedElementsAre("json/CT 222", "csv/- 6"));
    EXPECT_THAT(feeds("st-mary", "test-1", 0), testing::UnorderedElementsAre("json/CT 333", "csv/- 9"));
    EXPECT_THAT(checks("st-mary", "test-1", 500'002), testing::IsEmpty());
}

TEST_P(CountersContract, keeps_centres_and_rubrics_apart) {
    fixture_->count({}, "C-1", {.pass = 1, .fail = 0, .skip = 0});
    fixture_->count({.rubric = "test-2"}, "C-1", {.pass = 0, .fail = 2, .skip = 0});
    fixture_->count({.center = "st-mary-2"}, "C-1", {.pass = 0, .fail = 0, .skip = 3});
    fixture_->count_records({.center = "st-mary-2"}, 3);
    EXPECT_THAT(checks("st-mary", "test-1", 0), testing::ElementsAre("json/CT C-1 1/0/0"));
    EXPECT_THAT(checks("st-mary", "test-2", 0), testing::ElementsAre("json/CT C-1 0/2/0"));
    EXPECT_THAT(feeds("st-mary", "test-1", 0), testing::IsEmpty());
    EXPECT_THAT(feeds("st-mary-2", "test-1", 0), testing::ElementsAre("json/CT 3"));
}

TEST_P(CountersContract, sees_what_was_committed_before_the_call) {
    fixture_->count_records({.hour = 1}, 1);
    EXPECT_THAT(feeds("st-mary", "test-1", 0), testing::ElementsAre("json/CT 1"));
    fixture_->count_records({.hour = 2}, 1);
    EXPECT_THAT(feeds("st-mary", "test-1", 0), testing::ElementsAre("json/CT 2"));
}

TEST_P(CountersContract, gives_the_examples_of_the_centre_with_each_check) {
    for (int slot = 0; slot < 3; ++slot) fixture_->add_example("st-mary", {"C-1", "r" + std::to_string(slot)}, slot);
    fixture_->add_example("st-mary", {"C-2", "ñ, \"x\""}, 0);
    fixture_->add_example("charite", {"C-1", "theirs"}, 0);
    std::vector<std::string> examples;
    for (const auto& one : fixture_->counters().counts({"st-mary"}, "test-1", 0)->examples)
        examples.push_back(one.check_id + " " + one.record_id);
    EXPECT_THAT(examples, testing::UnorderedElementsAre("C-1 r0", "C-1 r1", "C-1 r2", "C-2 ñ, \"x\""));
}

TEST_P(CountersContract, pages_through_quarantine_from_the_latest_down) {
    for (const std::uint64_t position : {7, 3, 12, 5, 20}) fixture_->add_quarantined("st-mary", quarantined(position));
    fixture_->add_quarantined("charite", quarantined(8));
    EXPECT_THAT(desk(0, 2), testing::ElementsAre(20U, 12U));
    EXPECT_THAT(desk(12, 2), testing::ElementsAre(7U, 5U));
    EXPECT_THAT(desk(5, 2), testing::ElementsAre(3U));
    EXPECT_THAT(desk(3, 2), testing::IsEmpty());
    EXPECT_THAT(desk(0, 10, "charite"), testing::ElementsAre(8U));
}

TEST_P(CountersContract, a_quarantined_record_has_its_ids_its_time_and_its_reasons_in_order) {
    fixture_->add_quarantined("st-mary", quarantined(7, {"CONF-02", "COMP-01"}));
    const auto one = fixture_->counters().quarantined({"st-mary"}, 0, 1)->at(0);
    EXPECT_EQ(one.record_id.value, "r7");
    EXPECT_EQ(one.receipt_id.value, std::string(32, 'e'));
    EXPECT_EQ(one.received_at, quarantined(7).received_at);
    EXPECT_THAT(one.reasons, testing::ElementsAre("CONF-02", "COMP-01"));
}

}  // namespace data_center_classifier::application::contract
