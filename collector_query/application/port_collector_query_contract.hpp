// Contract suite of the port CollectedDataView: instantiate it for every adapter with a factory of fixtures. Compares with a naive list.
#pragma once

#include "collector_query/application/port_collector_query.hpp"
#include "kernel/event_collected_data.hpp"
#include "kernel/event_raw_data.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace collector_query::application::contract {

// A view with the projections that feed it. Starts empty. Events get dense sequences.
class ViewFixture {
public:
    virtual ~ViewFixture() = default;
    virtual CollectedDataView& view() = 0;
    virtual void project(std::vector<kernel::CollectedDataEvent> events) = 0;
    virtual void receive(std::vector<kernel::RawDataEvent> events) = 0;
};
using MakeFixture = std::function<std::unique_ptr<ViewFixture>()>;

// Records that are made from a number, with few different values in each column, so that filters hit and sort values tie.
struct Sample {
    int number = 0;
    static std::string hex(int number, char fill) {
        auto digits = std::to_string(number);
        return std::string(32 - digits.size(), fill) + digits;
    }
    std::string centre() const { return number % 3 == 0 ? "north" : "south"; }
    std::string modality() const { return std::vector<std::string>{"CR", "CT", "MR"}[static_cast<std::size_t>(number) % 3]; }
    std::string body_part() const {
        return std::vector<std::string>{"CHEST", "HEAD", "KNEE", "HAND"}[static_cast<std::size_t>(number / 2) % 4];
    }
    std::string sex() const { return number % 5 < 2 ? "F" : number % 5 < 4 ? "M" : "U"; }
    std::optional<double> age() const { return number % 7 == 0 ? std::nullopt : std::optional<double>(number % 11 * 8); }
    std::optional<int> day() const { return number % 6 == 0 ? std::nullopt : std::optional(number % 9 + 1); }
    std::string code() const { return std::vector<std::string>{"J18.9", "J18.1", "I10"}[static_cast<std::size_t>(number / 3) % 3]; }
    bool normal() const { return number % 4 == 0; }
    bool other() const { return number % 6 == 0; }
    double score() const { return number % 10 * 10; }
    std::string grade() const { return std::string(1, "ABCDE-"[number % 6]); }

    std::string record() const {
        std::string json =
            R"({"record_id":"r)" + std::to_string(number) + R"(","body_part":")" + body_part() + R"(","modality":")" + modality() + '"';
        if (age()) json += R"(,"age":)" + std::to_string(static_cast<int>(*age()));
        json += R"(,"sex":")" + sex() + R"(","normal":)" + (normal() ? "1" : "0") + R"(,"other":)" + (other() ? "true" : "false");
        json += R"(,"code":")" + code() + '"';
        if (day()) json += R"(,"study_date":"2026-03-0)" + std::to_string(*day()) + '"';
        return json + '}';
    }
    kernel::CollectedDataFacts facts(std::uint64_t version = 1) const {
        kernel::CollectedDataFacts facts;
        facts.data_id = {hex(number, 'a')};
        facts.version = version;
        facts.data_center_id = {centre()};
        facts.record_id = {"r" + std::to_string(number)};
        facts.receipt_id = {hex(number, static_cast<char>('b' + version % 4))};
        facts.content_hash = {std::string(64, 'c')};
        facts.interface = "json";
        facts.rubric = "acopio-1";
        facts.score = score();
        facts.grade = grade();
        facts.received_at = kernel::Timestamp(std::chrono::milliseconds(1'000'000 + number));
        facts.collected_at = facts.received_at + std::chrono::milliseconds(5);
        facts.record = record();
        return facts;
    }
};

// What each filter means, without an index.
inline bool fits(const Sample& sample, const domain::Filter& filter) {
    const auto wanted = [](const auto& asked, const auto& value) { return !asked || *asked == value; };
    const auto age = sample.age();
    const auto day = sample.day() ? std::optional(std::chrono::sys_days{std::chrono::year{2026} / 3 / *sample.day()}) : std::nullopt;
    const auto labels = (sample.normal() ? 2U : 0U) | (sample.other() ? 16U : 0U);
    return wanted(filter.data_center_id, sample.centre()) && wanted(filter.modality, sample.modality()) &&
           wanted(filter.body_part, sample.body_part()) && wanted(filter.sex, sample.sex()) && wanted(filter.code, sample.code()) &&
           wanted(filter.record_id, "r" + std::to_string(sample.number)) &&
           (!filter.code_prefix || sample.code().starts_with(*filter.code_prefix)) &&
           (!filter.age_min || (age && *age >= *filter.age_min)) && (!filter.age_max || (age && *age <= *filter.age_max)) &&
           (!filter.study_date_from || (day && *day >= *filter.study_date_from)) &&
           (!filter.study_date_to || (day && *day <= *filter.study_date_to)) &&
           (!filter.min_grade || domain::grade_rank(sample.grade()) >= *filter.min_grade) && (labels & filter.labels) == filter.labels;
}

class CollectedDataViewContract : public testing::TestWithParam<std::pair<std::string, MakeFixture>> {
protected:
    void SetUp() override { fixture_ = GetParam().second(); }

    void collect(int from, int to) {
        std::vector<kernel::CollectedDataEvent> events;
        for (int number = from; number < to; ++number) events.emplace_back(kernel::RecordCollected{Sample{number}.facts()});
        fixture_->project(std::move(events));
    }
    static kernel::RecordRetracted retraction(int number, std::uint64_t version) {
        const auto facts = Sample{number}.facts();
        return {.data_id = facts.data_id,
                .version = version,
                .data_center_id = facts.data_center_id,
                .record_id = facts.record_id,
                .received_at = facts.received_at,
                .collected_at = facts.collected_at};
    }
    std::vector<std::string> ids(const domain::DataQuery& query) {
        const auto page = fixture_->view().find(query);
        EXPECT_TRUE(page) << (page ? "" : page.error().message);
        std::vector<std::string> found;
        if (page)
            for (const auto& item : page->items) found.push_back(item.record_id.value);
        return found;
    }
    // All pages, with `between` called after each.
    std::vector<std::string> walk(domain::DataQuery query, const std::function<void()>& between = [] {}) {
        std::vector<std::string> found;
        while (true) {
            const auto page = fixture_->view().find(query);
            EXPECT_TRUE(page) << (page ? "" : page.error().message);
            if (!page) return found;
            for (const auto& item : page->items) found.push_back(item.record_id.value);
            if (!page->more) return found;
            const domain::Cursor last{.value = page->items.back().sort_value, .id = page->items.back().id};
            query.after =
                std::get<domain::Cursor>(domain::cursor_from(domain::to_text(last, query.filter, query.sort), query.filter, query.sort));
            between();
        }
    }
    static domain::Filter some_filter() {
        domain::Filter filter;
        const Sample like{*rc::gen::inRange(0, 60)};
        const auto sometimes = [] { return *rc::gen::inRange(0, 4) == 0; };
        if (sometimes()) filter.data_center_id = like.centre();
        if (sometimes()) filter.modality = like.modality();
        if (sometimes()) filter.body_part = like.body_part();
        if (sometimes()) filter.sex = like.sex();
        if (sometimes()) filter.code = like.code();
        if (sometimes()) filter.code_prefix = like.code().substr(0, 3);
        if (sometimes()) filter.age_min = 24;
        if (sometimes()) filter.age_max = 56;
        if (sometimes()) filter.study_date_from = std::chrono::sys_days{std::chrono::year{2026} / 3 / 3};
        if (sometimes()) filter.study_date_to = std::chrono::sys_days{std::chrono::year{2026} / 3 / 7};
        if (sometimes()) filter.min_grade = *rc::gen::inRange(1, 6);
        if (sometimes()) filter.labels = 2;
        return filter;
    }
    static domain::Sort some_sort() {
        return {.key = static_cast<domain::SortKey>(*rc::gen::inRange(0, 4)), .descending = *rc::gen::arbitrary<bool>()};
    }
    static double sort_value(const Sample& sample, domain::SortKey key) {
        if (key == domain::SortKey::age) return sample.age().value_or(-1);
        if (key == domain::SortKey::study_date) return sample.day().value_or(-1);
        return key == domain::SortKey::score ? sample.score() : 0;
    }
    static std::vector<std::string> naive(int total, const domain::Filter& filter, const domain::Sort& sort) {
        std::vector<Sample> samples;
        for (int number = 0; number < total; ++number)
            if (fits({number}, filter)) samples.push_back({number});
        std::sort(samples.begin(), samples.end(), [&](const Sample& a, const Sample& b) {
            return std::pair(sort_value(a, sort.key), a.number) < std::pair(sort_value(b, sort.key), b.number);
        });
        if (sort.descending) std::reverse(samples.begin(), samples.end());
        std::vector<std::string> found;
        for (const auto& sample : samples) found.push_back("r" + std::to_string(sample.number));
        return found;
    }

    std::unique_ptr<ViewFixture> fixture_;
};

TEST_P(CollectedDataViewContract, an_empty_view_has_no_pages) {
    EXPECT_TRUE(ids({}).empty());
    EXPECT_FALSE(*fixture_->view().get({std::string(32, 'a')}));
    EXPECT_TRUE(fixture_->view().history({std::string(32, 'a')})->empty());
    EXPECT_FALSE(*fixture_->view().receipt({std::string(32, 'a')}));
}

TEST_P(CollectedDataViewContract, every_filter_sort_and_page_size_agrees_with_a_naive_list) {
    constexpr int total = 200;
    collect(0, total);
    EXPECT_TRUE(rc::check("pages as the naive list", [&] {
        domain::DataQuery query;
        query.filter = some_filter();
        query.sort = some_sort();
        query.limit = *rc::gen::inRange(1, 60);
        const auto expected = naive(total, query.filter, query.sort);
        RC_ASSERT(walk(query) == expected);
        query.count = true;
        RC_ASSERT(fixture_->view().find(query)->count == expected.size());
    }));
}

TEST_P(CollectedDataViewContract, a_walk_gives_each_record_that_was_there_once_while_others_come) {
    int total = 100;
    collect(0, total);
    EXPECT_TRUE(rc::check("pages survive inserts", [&] {
        domain::DataQuery query;
        query.sort = some_sort();
        query.limit = *rc::gen::inRange(10, 40);
        const int before = total;
        const auto found = walk(query, [&] {
            if (total >= before + 10) return;
            collect(total, total + 2);
            total += 2;
        });
        const std::set<std::string> unique(found.begin(), found.end());
        RC_ASSERT(unique.size() == found.size());
        for (int number = 0; number < before; ++number) RC_ASSERT(unique.contains("r" + std::to_string(number)));
    }));
}

TEST_P(CollectedDataViewContract, an_item_has_its_facts_and_its_records_members_without_the_id) {
    collect(0, 10);
    const auto facts = Sample{8}.facts();
    const auto item = *fixture_->view().get(facts.data_id);
    ASSERT_TRUE(item);
    EXPECT_EQ(item->data_id, facts.data_id);
    EXPECT_EQ(item->data_center_id, facts.data_center_id);
    EXPECT_EQ(item->record_id, facts.record_id);
    EXPECT_EQ(item->version, 1U);
    EXPECT_EQ(item->score, facts.score);
    EXPECT_EQ(domain::grade_text(item->grade), facts.grade);
    EXPECT_EQ(item->received_at, facts.received_at);
    EXPECT_EQ(item->collected_at, facts.collected_at);
    EXPECT_EQ(
        item->record,
        R"({"body_part":"CHEST","modality":"MR","age":64,"sex":"M","normal":1,"other":false,"code":"I10","study_date":"2026-03-09"})");
}

TEST_P(CollectedDataViewContract, an_amendment_replaces_and_keeps_its_place_and_history_keeps_both) {
    collect(0, 3);
    auto facts = Sample{1}.facts(2);
    facts.record = R"({"record_id":"r1","modality":"US"})";
    fixture_->project({kernel::RecordAmended{facts}});
    EXPECT_EQ(ids({}), (std::vector<std::string>{"r0", "r1", "r2"}));
    domain::DataQuery ultrasound;
    ultrasound.filter.modality = "US";
    EXPECT_EQ(ids(ultrasound), (std::vector<std::string>{"r1"}));
    const auto history = *fixture_->view().history(facts.data_id);
    ASSERT_EQ(history.size(), 2U);
    EXPECT_EQ(history[0].type, "collected");
    EXPECT_EQ(history[0].receipt_id, Sample{1}.facts(1).receipt_id);
    EXPECT_EQ(history[1].type, "amended");
    EXPECT_EQ(history[1].version, 2U);
    EXPECT_EQ(history[1].record, R"({"modality":"US"})");
}

TEST_P(CollectedDataViewContract, a_retracted_record_is_left_out_until_it_is_collected_again) {
    collect(0, 3);
    fixture_->project({retraction(1, 2)});
    EXPECT_EQ(ids({}), (std::vector<std::string>{"r0", "r2"}));
    domain::DataQuery all;
    all.filter.include_retracted = true;
    EXPECT_EQ(ids(all).size(), 3U);
    const auto data_id = Sample{1}.facts().data_id;
    EXPECT_TRUE((*fixture_->view().get(data_id))->retracted);
    fixture_->project({kernel::RecordCollected{Sample{1}.facts(3)}});
    EXPECT_EQ(ids({}).size(), 3U);
    const auto history = *fixture_->view().history(data_id);
    ASSERT_EQ(history.size(), 3U);
    EXPECT_EQ(history[1].type, "retracted");
    EXPECT_EQ(history[2].type, "collected");
}

TEST_P(CollectedDataViewContract, a_receipt_tells_received_then_queryable_in_whichever_order_the_topics_come) {
    const auto collected = Sample{1}.facts();
    kernel::RawDataReceived received;
    received.data_id = collected.data_id;
    received.receipt_id = collected.receipt_id;
    received.data_center_id = collected.data_center_id;
    received.record_id = collected.record_id;
    received.received_at = collected.received_at;
    fixture_->receive({received});
    auto receipt = *fixture_->view().receipt(collected.receipt_id);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->received_at, collected.received_at);
    EXPECT_FALSE(receipt->collected_at);
    EXPECT_FALSE(receipt->queryable_at);
    fixture_->project({kernel::RecordCollected{collected}});
    receipt = *fixture_->view().receipt(collected.receipt_id);
    EXPECT_EQ(receipt->collected_at, collected.collected_at);
    EXPECT_TRUE(receipt->queryable_at);

    const auto other = Sample{2}.facts();
    fixture_->project({kernel::RecordCollected{other}});
    received.data_id = other.data_id;
    received.receipt_id = other.receipt_id;
    fixture_->receive({received, received});
    EXPECT_TRUE((*fixture_->view().receipt(other.receipt_id))->queryable_at);
}

TEST_P(CollectedDataViewContract, a_receipt_tells_what_became_of_its_content) {
    const auto first = Sample{1}.facts();
    auto second = Sample{1}.facts(4);
    ASSERT_NE(first.receipt_id, second.receipt_id);
    for (const auto& facts : {first, second}) {
        kernel::RawDataReceived received;
        received.data_id = facts.data_id;
        received.receipt_id = facts.receipt_id;
        fixture_->receive({received});
    }
    const auto status = [&](const kernel::CollectedDataFacts& facts) {
        const auto receipt = *fixture_->view().receipt(facts.receipt_id);
        EXPECT_TRUE(receipt);
        return std::string(!receipt->queryable_at ? "received"
                           : receipt->retracted   ? "retracted"
                           : receipt->superseded  ? "superseded"
                                                  : "queryable");
    };
    const auto retract = [&](std::uint64_t version) {
        fixture_->project({kernel::RecordRetracted{first.data_id, version, first.data_center_id, first.record_id, {}, {}}});
    };
    fixture_->project({kernel::RecordCollected{first}});
    EXPECT_EQ(status(first), "queryable");
    retract(2);
    EXPECT_EQ(status(first), "retracted");
    second.version = 3;
    fixture_->project({kernel::RecordCollected{second}});
    EXPECT_EQ(status(first), "retracted") << "the record came back with other content";
    EXPECT_EQ(status(second), "queryable");
    auto again = first;
    again.version = 4;
    fixture_->project({kernel::RecordAmended{again}});
    EXPECT_EQ(status(second), "superseded");
    EXPECT_EQ(status(first), "queryable") << "its content is the current one again";
    retract(5);
    EXPECT_EQ(status(second), "superseded");
    EXPECT_EQ(status(first), "retracted");
}

TEST_P(CollectedDataViewContract, a_quarantined_receipt_whose_record_is_taken_back_says_so) {
    kernel::RawDataQuarantined quarantined;
    quarantined.data_id = {std::string(32, 'd')};
    quarantined.receipt_id = {std::string(32, 'e')};
    auto other = quarantined;
    other.receipt_id = {std::string(32, 'f')};
    const auto stands = [&](const kernel::RawDataQuarantined& one) { return *(*fixture_->view().receipt(one.receipt_id)); };
    fixture_->receive({quarantined, other, quarantined});
    EXPECT_TRUE(stands(quarantined).quarantined);
    fixture_->receive({kernel::RawDataRetracted{{"north"}, {"r1"}, quarantined.data_id, {}}});
    for (const auto& one : {quarantined, other}) {
        EXPECT_FALSE(stands(one).quarantined);
        EXPECT_TRUE(stands(one).retracted);
    }
    fixture_->receive({quarantined});
    EXPECT_TRUE(stands(quarantined).quarantined) << "it was sent again";
    EXPECT_TRUE(stands(other).retracted);
    kernel::RawDataReceived received;
    received.data_id = quarantined.data_id;
    received.receipt_id = quarantined.receipt_id;
    fixture_->receive({received, kernel::RawDataRetracted{{"north"}, {"r1"}, quarantined.data_id, {}}});
    EXPECT_FALSE(stands(quarantined).quarantined);
    EXPECT_FALSE(stands(quarantined).retracted) << "it left quarantine before; the record's history tells the rest";
}

TEST_P(CollectedDataViewContract, a_quarantined_receipt_says_so) {
    kernel::RawDataQuarantined quarantined;
    quarantined.data_id = {std::string(32, 'd')};
    quarantined.receipt_id = {std::string(32, 'e')};
    fixture_->receive({quarantined});
    const auto receipt = *fixture_->view().receipt(quarantined.receipt_id);
    ASSERT_TRUE(receipt);
    EXPECT_TRUE(receipt->quarantined);
    EXPECT_FALSE(receipt->collected_at);
}

}  // namespace collector_query::application::contract
