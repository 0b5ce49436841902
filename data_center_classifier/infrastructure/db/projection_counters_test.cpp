// What the projection counts, indexes and keeps in quarantine; and that it counts nothing twice.
#include "data_center_classifier/infrastructure/db/projection_counters.hpp"

#include "data_center_classifier/infrastructure/db/adapter_counters_sql.hpp"
#include "data_center_classifier/infrastructure/db/adapter_data_centers_sql.hpp"
#include "data_center_classifier/infrastructure/db/adapter_seen_index_sql.hpp"
#include "data_center_classifier/infrastructure/db/patient_of.hpp"
#include "data_center_classifier/infrastructure/db/test_database.hpp"
#include "platform/runtime/digest.hpp"

#include <gmock/gmock.h>

namespace data_center_classifier::infrastructure::db {
namespace {

using std::chrono_literals::operator""h;
using application::SeenStatus;

const kernel::DataCenterId st_mary{"st-mary"};

domain::Rubric rubric_of_test() {
    domain::Rubric rubric;
    rubric.version = "test-1";
    rubric.dimension_weight = {1, 1, 1, 1, 1, 0};
    const auto add = [&](std::string id, domain::Dimension dimension, domain::Severity severity, std::string function) {
        domain::Check check{};
        check.id = std::move(id);
        check.dimension = dimension;
        check.severity = severity;
        check.function = std::move(function);
        rubric.checks.push_back(std::move(check));
    };
    add("C-1", domain::Dimension::completeness, domain::Severity::investigative, "has_image");
    add("C-2", domain::Dimension::conformance, domain::Severity::required, "");
    add("U-1", domain::Dimension::uniqueness, domain::Severity::investigative, "same_key_other_content");
    add("U-2", domain::Dimension::uniqueness, domain::Severity::investigative, "same_content_other_key");
    return rubric;
}

struct Sent {
    std::string id = "a", content = "one", patient = "P-1", modality = "CT", rubric = "test-1";
    kernel::CheckIds passed{"C-1", "C-2"}, failed{};
    std::string center = "st-mary";
};

class CountersProjectionTest : public testing::Test {
protected:
    CountersProjectionTest() { open(); }

    void open() {
        projection_ = std::move(
            *CountersProjection::open(file_.connection(), {.rubric = rubric_, .clock = clock_, .seen = seen_, .grading = grading_}));
        ASSERT_TRUE(projection_->load({st_mary}));
    }

    template <class Event>
    Event event(const Sent& sent) {
        Event facts;
        facts.data_center_id = {sent.center};
        facts.record_id = {sent.id};
        facts.data_id = application::data_id_of(facts.data_center_id, facts.record_id);
        facts.content_hash = {platform::runtime::hex(platform::runtime::sha256(sent.content))};
        facts.receipt_id = {platform::runtime::hex(platform::runtime::sha256(sent.id + sent.content), 16)};
        facts.interface = "json";
        facts.modality = sent.modality;
        facts.received_at = clock_.now();
        facts.grade = "-";
        facts.verdicts = {.rubric = sent.rubric, .passed = sent.passed, .failed = sent.failed, .score = 50};
        facts.record = R"({"record_id":")" + sent.id + R"(","patient_id":")" + sent.patient + R"(","report":"x"})";
        return facts;
    }
    kernel::RawDataEvent received(const Sent& sent) { return event<kernel::RawDataReceived>(sent); }
    kernel::RawDataEvent quarantined(const Sent& sent) { return event<kernel::RawDataQuarantined>(sent); }
    kernel::RawDataEvent retracted(const std::string& id) {
        return kernel::RawDataRetracted{st_mary, {id}, application::data_id_of(st_mary, {id}), clock_.now()};
    }

    void handle(std::vector<kernel::RawDataEvent> events, bool commit = true) {
        std::vector<platform::log::Message> batch;
        auto position = position_;
        for (auto& one : events)
            batch.push_back({.position = {++position}, .appended_at = {}, .envelope = kernel::to_envelope(std::move(one))});
        ASSERT_TRUE(file_.connection().begin());
        const auto done = projection_->handle(batch);
        ASSERT_TRUE(done) << done.error().message;
        if (!commit) {
            file_.connection().rollback();
            projection_->rolled_back();
            return;
        }
        ASSERT_TRUE(file_.connection().commit());
        position_ = position;
        projection_->committed({position_});
    }

    // "pass/fail/skip" of one check, over all feeds.
    std::string count(const std::string& check_id, const std::string& rubric = "test-1") {
        domain::CheckCount sum;
        for (const auto& row : counters_->counts(st_mary, rubric, 0)->checks) {
            if (row.check_id != check_id) continue;
            sum.pass += row.count.pass;
            sum.fail += row.count.fail;
            sum.skip += row.count.skip;
        }
        return std::to_string(sum.pass) + "/" + std::to_string(sum.fail) + "/" + std::to_string(sum.skip);
    }
    std::uint64_t records() {
        std::uint64_t sum = 0;
        for (const auto& feed : counters_->counts(st_mary, "test-1", 0)->feeds) sum += feed.records;
        return sum;
    }
    std::vector<std::string> desk() {
        std::vector<std::string> ids;
        for (const auto& one : *counters_->quarantined(st_mary, 0, 100)) ids.push_back(one.record_id.value);
        return ids;
    }
    std::optional<SeenStatus> seen(const std::string& id) {
        const auto row = index_->find({application::record_key_of(application::data_id_of(st_mary, {id}))})->front();
        return row ? std::optional(row->status) : std::nullopt;
    }
    std::uint64_t window_records() {
        EXPECT_TRUE(grading_.grade_due());
        return standings_.of("st-mary").records;
    }

    TemporaryDatabase file_;
    domain::Rubric rubric_ = rubric_of_test();
    kernel::FixedClock clock_{kernel::Timestamp{std::chrono::hours{500'000}}};
    application::SeenRecords seen_;
    application::DataCenterCache cache_;
    application::Standings standings_;
    std::unique_ptr<DataCentersSql> store_ = std::move(*DataCentersSql::open(file_.database()));
    application::ManageDataCenters manage_{*store_, cache_, clock_, [] {}};
    application::ClassifyDataCenters classify_{rubric_, cache_, manage_, standings_};
    application::Grading grading_{classify_};
    std::unique_ptr<CountersSql> counters_ = std::move(*CountersSql::open(file_.database()));
    std::unique_ptr<SeenIndexSql> index_ = std::move(*SeenIndexSql::open(file_.database()));
    std::unique_ptr<CountersProjection> projection_;
    std::uint64_t position_ = 0;
};

TEST_F(CountersProjectionTest, counts_verdicts_by_feed_and_what_is_in_neither_list_as_skipped) {
    handle({received({.id = "a", .content = "1"}),
            received({.id = "b", .content = "2", .modality = "MR", .passed = {"C-2"}, .failed = {"C-1"}}),
            received({.id = "c", .content = "3", .passed = {"C-2"}})});
    EXPECT_EQ(count("C-1"), "1/1/1");
    EXPECT_EQ(count("C-2"), "3/0/0");
    EXPECT_EQ(count("U-1"), "3/0/0");
    EXPECT_EQ(count("U-2"), "1/0/2");
    EXPECT_EQ(records(), 3U);
    const auto feeds = counters_->counts(st_mary, "test-1", 0)->feeds;
    ASSERT_EQ(feeds.size(), 2U);
    EXPECT_EQ(seen("a"), SeenStatus::accepted);
    handle({received({.id = "d", .content = "4"})});
    EXPECT_EQ(count("C-1"), "2/1/1");
}

TEST_F(CountersProjectionTest, a_message_that_repeats_the_latest_content_is_not_counted) {
    handle({received({}), received({})});
    handle({received({})});
    EXPECT_EQ(records(), 1U);
    handle({received({.content = "two"}), received({})});
    EXPECT_EQ(records(), 3U) << "an amendment and the way back are";
    EXPECT_EQ(count("U-1"), "3/0/0");
}

TEST_F(CountersProjectionTest, one_key_for_two_patients_fails_an_amendment_of_one_does_not_and_nothing_is_said_without_patient) {
    handle({received({.content = "1", .patient = "P-1"}), received({.content = "2", .patient = "P-1"}),
            received({.content = "3", .patient = "P-2"}), received({.content = "4", .patient = "N/A"})});
    EXPECT_EQ(count("U-1"), "2/1/1");
}

TEST_F(CountersProjectionTest, one_content_under_two_keys_fails_unless_the_first_is_gone_or_another_centres) {
    handle({received({.id = "a"}), received({.id = "b"}), received({.id = "c", .center = "charite"})});
    EXPECT_EQ(count("U-2"), "1/1/0");
    handle({received({.id = "x", .content = "new"}), retracted("x"), received({.id = "y", .content = "new"})});
    EXPECT_EQ(count("U-2"), "3/1/0");
    handle(
        {received({.id = "m", .content = "moved"}), received({.id = "m", .content = "other"}), received({.id = "n", .content = "moved"})});
    EXPECT_EQ(count("U-2"), "6/1/0");
}

TEST_F(CountersProjectionTest, one_content_under_two_keys_says_nothing_where_it_does_not_tell_studies_apart) {
    handle({received({.id = "a", .passed = {"C-2"}}), received({.id = "b", .passed = {"C-2"}})});
    EXPECT_EQ(count("U-2"), "0/0/2");
    handle({received({.id = "c", .content = "two"}), received({.id = "d", .content = "two"})});
    EXPECT_EQ(count("U-2"), "1/1/2");
}

TEST_F(CountersProjectionTest, quarantined_records_stay_at_the_desk_until_they_are_mended_or_taken_back) {
    handle({quarantined({.id = "a", .content = "1", .passed = {}, .failed = {"C-1", "C-2"}}),
            quarantined({.id = "b", .content = "2", .failed = {"C-2"}}), quarantined({.id = "a", .content = "1", .failed = {"C-2"}})});
    EXPECT_THAT(desk(), testing::ElementsAre("b", "a"));
    EXPECT_THAT(counters_->quarantined(st_mary, 0, 10)->back().reasons, testing::ElementsAre("C-2"))
        << "investigative checks are no reason";
    EXPECT_EQ(seen("a"), SeenStatus::quarantined);
    EXPECT_EQ(records(), 2U) << "they are judged, so they count";
    handle({received({.id = "a", .content = "mended"}), retracted("b")});
    EXPECT_THAT(desk(), testing::IsEmpty());
    EXPECT_EQ(seen("a"), SeenStatus::accepted);
    EXPECT_EQ(seen("b"), SeenStatus::retracted);
    handle(
        {quarantined({.id = "a", .content = "worse", .failed = {"C-2"}}), quarantined({.id = "a", .content = "worst", .failed = {"C-2"}})});
    EXPECT_THAT(desk(), testing::ElementsAre("a"));
}

TEST_F(CountersProjectionTest, what_another_rubric_lets_pass_leaves_the_desk_and_is_not_counted_twice) {
    handle({quarantined({.id = "a", .content = "1", .failed = {"C-2"}})});
    handle({received({.id = "a", .content = "1"})});
    EXPECT_THAT(desk(), testing::IsEmpty());
    EXPECT_EQ(seen("a"), SeenStatus::accepted);
    EXPECT_EQ(records(), 1U);
}

TEST_F(CountersProjectionTest, a_record_that_was_taken_back_counts_again_when_it_comes_again) {
    handle({received({}), retracted("a"), received({})});
    EXPECT_EQ(records(), 2U);
    EXPECT_EQ(seen("a"), SeenStatus::accepted);
    handle({retracted("never-sent")});
    EXPECT_EQ(seen("never-sent"), std::nullopt);
}

TEST_F(CountersProjectionTest, keeps_the_last_three_examples_of_a_check) {
    for (int i = 0; i < 5; ++i)
        handle({received({.id = "r" + std::to_string(i), .content = std::to_string(i), .passed = {}, .failed = {"C-1"}})});
    std::vector<std::string> ids;
    for (const auto& one : counters_->counts(st_mary, "test-1", 0)->examples) ids.push_back(one.record_id);
    EXPECT_THAT(ids, testing::UnorderedElementsAre("r2", "r3", "r4"));
}

TEST_F(CountersProjectionTest, verdicts_of_another_rubric_are_counted_under_its_name_only) {
    handle({received({.rubric = "old-0", .passed = {"C-1", "OLD"}})});
    EXPECT_EQ(count("OLD", "old-0"), "1/0/0");
    EXPECT_EQ(records(), 0U);
    EXPECT_EQ(window_records(), 0U);
    EXPECT_EQ(seen("a"), SeenStatus::accepted);
}

TEST_F(CountersProjectionTest, a_batch_that_was_rolled_back_counts_once) {
    handle({received({.id = "a", .content = "1"})});
    handle({received({.id = "b", .content = "2"})}, false);
    EXPECT_EQ(records(), 1U);
    handle({received({.id = "b", .content = "2"})});
    EXPECT_EQ(records(), 2U);
    EXPECT_EQ(window_records(), 2U);
}

TEST_F(CountersProjectionTest, the_window_slides_by_the_hour_and_is_the_same_after_a_restart) {
    handle({received({.id = "a", .content = "1"})});
    clock_.set(clock_.now() + 24h * 27);
    handle({received({.id = "b", .content = "2"})});
    EXPECT_EQ(window_records(), 2U);
    clock_.set(clock_.now() + 25h);
    handle({received({.id = "c", .content = "3"})});
    EXPECT_EQ(window_records(), 2U) << "the first has left";
    open();
    EXPECT_EQ(window_records(), 2U);
    clock_.set(clock_.now() + 24h * 60);
    handle({received({.id = "d", .content = "4", .center = "charite"})});
    EXPECT_EQ(window_records(), 0U) << "a new hour moves the windows of silent centres too";
}

TEST_F(CountersProjectionTest, the_window_survives_a_clock_that_jumps_ahead_and_comes_back) {
    handle({received({.id = "a", .content = "1"})});
    const auto now = clock_.now();
    clock_.set(now + 24h * 365);
    handle({received({.id = "b", .content = "2"})});
    EXPECT_EQ(window_records(), 1U);
    clock_.set(now + 2h);
    handle({received({.id = "c", .content = "3"})});
    EXPECT_EQ(window_records(), 3U) << "as after a restart";
    open();
    EXPECT_EQ(window_records(), 3U);
}

TEST_F(CountersProjectionTest, the_window_slides_when_nothing_comes) {
    handle({received({.id = "a", .content = "1"})});
    clock_.set(clock_.now() + 24h * 29);
    EXPECT_EQ(window_records(), 1U);
    projection_->idle();
    EXPECT_EQ(window_records(), 0U);
}

// A rebuild after a change of the rubric counts what was counted when the record came.
TEST_F(CountersProjectionTest, uniqueness_is_counted_under_the_rubric_that_judged_the_record) {
    handle({received({.id = "a", .rubric = "old-0", .passed = {"C-1", "OLD"}}),
            received({.id = "b", .rubric = "old-0", .passed = {"C-1", "OLD"}})});
    EXPECT_EQ(count("U-2", "old-0"), "1/1/0");
    EXPECT_EQ(count("U-1", "old-0"), "2/0/0");
    EXPECT_EQ(records(), 0U);
}

TEST_F(CountersProjectionTest, a_change_of_grade_is_an_event_of_the_centre) {
    ASSERT_TRUE(manage_.handle(st_mary, domain::RegisterDataCenter{st_mary, "St Mary"}));
    handle({received({.passed = {"C-2"}, .failed = {"C-1"}})});
    ASSERT_TRUE(grading_.grade_due());
    EXPECT_NE(cache_.find("st-mary")->grade, "-");
    EXPECT_EQ(cache_.find("st-mary")->version, 2U);
    ASSERT_TRUE(grading_.grade_due());
    EXPECT_EQ(cache_.find("st-mary")->version, 2U);
}

TEST_F(CountersProjectionTest, tells_what_is_indexed) {
    const auto key = application::record_key_of(application::data_id_of(st_mary, {"a"}));
    const application::SeenRecords::Claim claim{.key = key, .seen = {}, .indexed = {}};
    const application::SeenRecords::Written written{key, {}};
    const auto batch = *seen_.claim(std::span(&claim, 1));
    seen_.appended(batch.token, std::span(&written, 1), {.first = 1, .last = 1});
    EXPECT_EQ(seen_.recent_size(), 1U);
    handle({received({})});
    EXPECT_EQ(seen_.recent_size(), 0U);
}

TEST_F(CountersProjectionTest, a_message_that_cannot_be_read_is_a_fault) {
    kernel::Envelope poison;
    poison.type = "acopio.raw-data.received.v1";
    const auto done = projection_->handle({{.position = {1}, .appended_at = {}, .envelope = poison}});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, kernel::ErrorKind::fault);
}

TEST(patient_of, is_the_same_for_the_same_id_and_nothing_for_none) {
    const auto one = patient_of(R"({"record_id":"a","patient_id":"P-1","report":"x"})");
    EXPECT_NE(one, 0);
    EXPECT_EQ(patient_of(R"({"patient_id":"P-1"})"), one);
    EXPECT_EQ(patient_of(R"({"record_id":"quote\"d, \\","patient_id":"P-1"})"), one);
    EXPECT_NE(patient_of(R"({"patient_id":"P-2"})"), one);
    EXPECT_NE(patient_of(R"({"patient_id":7})"), 0);
    for (const auto* none : {"", "{", "{}", R"({"record_id":"a"})", R"({"record_id":"a)", R"({"patient_id":null})", R"({"patient_id":""})",
                             R"({"patient_id":"N/A"})", R"({"modality":"CT","patient_id":"P-1"})"})
        EXPECT_EQ(patient_of(none), 0) << none;
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::db
