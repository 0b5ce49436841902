// Intake's use cases over a collector in memory: what is written, and what is answered.
#include "data_center_classifier/application/service_raw_data.hpp"

#include "data_center_classifier/application/fake_collector.hpp"
#include "data_center_classifier/application/fake_seen_index.hpp"
#include "platform/runtime/coroutine.hpp"

#include <gmock/gmock.h>

#include <new>

namespace data_center_classifier::application {
namespace {

using domain::FieldId;
using domain::Kind;

class ReceivingRawData : public testing::Test {
protected:
    ReceivingRawData() {
        rubric_.version = "test-1";
        rubric_.dimension_weight = {1, 1, 1, 1, 1, 0};
        rubric_.lists.modalities = domain::CodeList({"CT", "MR"});
        rubric_.checks = {check("PATIENT", domain::Severity::investigative, "has_patient_id"),
                          check("MODALITY", domain::Severity::required, "has_modality")};
        receive_ = std::make_unique<ReceiveRawData>(
            ReceiveRawData::Ports{.seen = seen_, .index = index_, .collector = collector_, .pool = pool_, .clock = clock_}, rubric_);
    }

    static domain::Check check(std::string id, domain::Severity severity, std::string function) {
        domain::Check check{};
        check.id = std::move(id);
        check.dimension = domain::Dimension::completeness;
        check.severity = severity;
        check.run = domain::check_function(function);
        return check;
    }
    static Incoming incoming(const std::string& id, const std::string& report, const std::string& modality = "CT") {
        Incoming one{.sender = {.id = {"st-mary"}, .grade = "B"},
                     .record = {},
                     .content = "{\"modality\":\"" + modality + "\",\"report\":\"" + report + "\"}",
                     .interface = "json"};
        if (!id.empty()) one.record.set(FieldId::record_id, Kind::text, id);
        one.record.set(FieldId::modality, Kind::text, modality);
        one.record.set(FieldId::report, Kind::text, report);
        return one;
    }
    kernel::Result<std::vector<Outcome>> receive(std::vector<Incoming> items) {
        return platform::runtime::run(receive_->receive(std::make_shared<const std::vector<Incoming>>(std::move(items))));
    }
    std::vector<kernel::RawDataEvent> written() const { return collector_.written(); }
    // What the projection would have made of the log.
    void project() {
        LogPosition position = 0;
        std::size_t number = 0;
        for (const auto& event : written()) {
            position = collector_.position(number++);
            if (const auto* received = std::get_if<kernel::RawDataReceived>(&event))
                index_.rows[record_key_of(received->data_id)] = {content_prefix_of(received->content_hash), SeenStatus::accepted};
            if (const auto* retracted = std::get_if<kernel::RawDataRetracted>(&event))
                index_.rows[record_key_of(retracted->data_id)].status = SeenStatus::retracted;
        }
        seen_.projected(position);
    }

    kernel::FixedClock clock_{kernel::Timestamp{std::chrono::milliseconds{1'700'000'000'000}}};
    platform::runtime::BlockingPool pool_{{.threads = 1, .queue_max = 100, .name = "test"}};
    SeenRecords seen_;
    MapIndex index_;
    domain::Rubric rubric_;
    MemoryCollector collector_;
    std::unique_ptr<ReceiveRawData> receive_;
};

TEST_F(ReceivingRawData, an_accepted_record_lies_in_the_log_with_its_ids_and_verdicts) {
    const auto outcomes = receive({incoming("CT-1", "one")});
    ASSERT_TRUE(outcomes) << outcomes.error().message;
    const auto& outcome = outcomes->front();
    EXPECT_EQ(outcome.status, Status::accepted);
    EXPECT_FALSE(outcome.repeated);
    EXPECT_EQ(outcome.failed, std::vector<std::uint16_t>{0});
    const auto event = std::get<kernel::RawDataReceived>(written().at(0));
    EXPECT_EQ(event.record, R"({"record_id":"CT-1","modality":"CT","report":"one"})");
    EXPECT_EQ(event.receipt_id, outcome.receipt_id);
    EXPECT_EQ(event.data_id, outcome.data_id);
    EXPECT_EQ(event.grade, "B");
    EXPECT_EQ(event.modality, "CT");
    EXPECT_EQ(event.received_at, clock_.now());
    EXPECT_THAT(event.verdicts.passed.all(), testing::ElementsAre("MODALITY"));
    EXPECT_THAT(event.verdicts.failed.all(), testing::ElementsAre("PATIENT"));
}

TEST_F(ReceivingRawData, a_batch_is_answered_in_order_and_repeats_in_it_are_written_once) {
    const auto outcomes =
        *receive({incoming("a", "1"), incoming("b", "1"), incoming("a", "1"), incoming("a", "2"), incoming("q", "1", "")});
    std::vector<std::string> statuses;
    for (const auto& one : outcomes) statuses.emplace_back(to_text(one.status));
    EXPECT_THAT(statuses, testing::ElementsAre("accepted", "accepted", "duplicate", "accepted", "quarantined"));
    EXPECT_EQ(outcomes[2].receipt_id, outcomes[0].receipt_id);
    EXPECT_EQ(outcomes[3].data_id, outcomes[0].data_id);
    const auto events = written();
    ASSERT_EQ(events.size(), 4U);
    EXPECT_TRUE(std::holds_alternative<kernel::RawDataQuarantined>(events[3]));
}

TEST_F(ReceivingRawData, an_id_that_cannot_be_refuses_only_its_record) {
    const auto outcomes = *receive({incoming("a", "1"), incoming(std::string(129, 'x'), "1"), incoming("b", "1")});
    EXPECT_EQ(outcomes[1].status, Status::refused);
    EXPECT_EQ(outcomes[1].refusal->code, "record-id-invalid");
    EXPECT_EQ(written().size(), 2U);
    EXPECT_EQ((*receive({incoming("a\nb", "1")}))[0].status, Status::refused);
}

TEST_F(ReceivingRawData, a_record_without_id_gets_one_from_its_content_and_stays_as_it_was_sent) {
    const auto first = *receive({incoming("", "one")});
    EXPECT_TRUE(first[0].record_id_derived);
    EXPECT_TRUE((*receive({incoming("", "one")}))[0].repeated);
    EXPECT_NE((*receive({incoming("", "two")}))[0].record_id, first[0].record_id);
    EXPECT_EQ(std::get<kernel::RawDataReceived>(written().at(0)).record, R"({"modality":"CT","report":"one"})");
}

TEST_F(ReceivingRawData, a_retry_is_answered_from_memory_and_later_from_the_index) {
    const auto receipt = (*receive({incoming("a", "1")}))[0].receipt_id;
    auto again = *receive({incoming("a", "1")});
    EXPECT_EQ(again[0].status, Status::duplicate);
    EXPECT_EQ(index_.asked, 0) << "no look-up for what is new or in memory";
    project();
    again = *receive({incoming("a", "1")});
    EXPECT_EQ(again[0].status, Status::duplicate);
    EXPECT_EQ(again[0].receipt_id, receipt);
    EXPECT_EQ(index_.asked, 1);
    EXPECT_EQ((*receive({incoming("a", "2")}))[0].status, Status::accepted);
    EXPECT_EQ(written().size(), 2U);
}

TEST_F(ReceivingRawData, a_full_log_refuses_the_batch_and_the_same_items_can_be_tried_again) {
    collector_.before = kernel::Error{kernel::ErrorKind::busy, "log-queue-full", ""};
    const auto items = std::make_shared<const std::vector<Incoming>>(std::vector<Incoming>{incoming("a", "1"), incoming("", "2")});
    EXPECT_EQ(platform::runtime::run(receive_->receive(items)).error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(seen_.recent_size(), 0U);
    collector_.before.reset();
    const auto outcomes = platform::runtime::run(receive_->receive(items));
    ASSERT_TRUE(outcomes);
    EXPECT_EQ((*outcomes)[0].status, Status::accepted);
    EXPECT_EQ(written().size(), 2U);
}

TEST_F(ReceivingRawData, after_an_append_whose_end_is_unknown_a_retry_is_written_again_under_the_same_receipt) {
    collector_.after = kernel::Error{kernel::ErrorKind::unavailable, "log-gone", ""};
    EXPECT_FALSE(receive({incoming("a", "1")}));
    collector_.after.reset();
    EXPECT_TRUE(receive({incoming("a", "1")}));
    const auto events = written();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(std::get<kernel::RawDataReceived>(events[0]).receipt_id, std::get<kernel::RawDataReceived>(events[1]).receipt_id);
}

TEST_F(ReceivingRawData, a_record_is_taken_back_once_and_may_come_again) {
    const Sender sender{.id = {"st-mary"}, .grade = "B"};
    const auto retract = [&](const std::string& id) { return platform::runtime::run(receive_->retract(sender, {id})); };
    EXPECT_EQ(retract("a").error().code, "record-unknown");
    const auto data_id = (*receive({incoming("a", "1")}))[0].data_id;
    EXPECT_EQ(*retract("a"), data_id);
    EXPECT_EQ(retract("a").error().code, "record-unknown");
    EXPECT_EQ((*receive({incoming("a", "1")}))[0].status, Status::accepted);
    project();
    EXPECT_EQ(*retract("a"), data_id) << "known from the index";
    EXPECT_EQ(retract(std::string(500, 'x')).error().code, "record-unknown");
    EXPECT_TRUE(std::holds_alternative<kernel::RawDataRetracted>(written().at(1)));
}

TEST_F(ReceivingRawData, a_retraction_whose_append_failed_is_written_when_it_comes_again) {
    const Sender sender{.id = {"st-mary"}, .grade = "B"};
    const auto retract = [&](const std::string& id) { return platform::runtime::run(receive_->retract(sender, {id})); };
    const kernel::Error gone{kernel::ErrorKind::unavailable, "log-gone", ""};
    for (const auto* id : {"a", "b"}) ASSERT_TRUE(receive({incoming(id, "1")}));
    collector_.before = gone;
    EXPECT_EQ(retract("a").error().code, "log-gone");
    EXPECT_EQ(retract("a").error().code, "log-gone");
    EXPECT_EQ(retract("b").error().code, "log-gone");
    collector_.before.reset();
    project();
    EXPECT_TRUE(retract("a")) << "not written at first";
    EXPECT_EQ(retract("a").error().code, "record-unknown") << "and now it is durable";
    collector_.after = gone;
    EXPECT_EQ(retract("b").error().code, "log-gone");
    collector_.after.reset();
    EXPECT_TRUE(retract("b")) << "nobody was told that it is written";
    std::size_t retractions = 0;
    for (const auto& event : written())
        if (std::holds_alternative<kernel::RawDataRetracted>(event)) ++retractions;
    EXPECT_EQ(retractions, 3U);
    collector_.before = kernel::Error{kernel::ErrorKind::busy, "log-queue-full", ""};
    ASSERT_EQ(seen_.doubts_size(), 0U);
    EXPECT_EQ(receive({incoming("c", "1")}).error().kind, kernel::ErrorKind::busy);
    collector_.before.reset();
    ASSERT_TRUE(receive({incoming("c", "1")}));
    collector_.before = kernel::Error{kernel::ErrorKind::busy, "log-queue-full", ""};
    EXPECT_EQ(retract("c").error().kind, kernel::ErrorKind::busy);
    collector_.before.reset();
    EXPECT_TRUE(retract("c"));
}

TEST_F(ReceivingRawData, what_a_new_rubric_lets_pass_leaves_quarantine_when_it_is_sent_again) {
    EXPECT_EQ((*receive({incoming("q", "1", "")}))[0].status, Status::quarantined);
    EXPECT_EQ((*receive({incoming("q", "1", "")}))[0].status, Status::quarantined);
    auto milder = rubric_;
    milder.version = "test-2";
    milder.checks.pop_back();
    ReceiveRawData with_milder({.seen = seen_, .index = index_, .collector = collector_, .pool = pool_, .clock = clock_}, milder);
    const auto items = std::make_shared<const std::vector<Incoming>>(std::vector<Incoming>{incoming("q", "1", "")});
    EXPECT_EQ((*platform::runtime::run(with_milder.receive(items)))[0].status, Status::accepted);
    EXPECT_EQ((*platform::runtime::run(with_milder.receive(items)))[0].status, Status::duplicate);
    const auto events = written();
    ASSERT_EQ(events.size(), 2U);
    ASSERT_TRUE(std::holds_alternative<kernel::RawDataReceived>(events[1]));
    EXPECT_EQ(std::get<kernel::RawDataQuarantined>(events[0]).receipt_id, std::get<kernel::RawDataReceived>(events[1]).receipt_id);
}

TEST_F(ReceivingRawData, two_centres_may_use_the_same_record_id) {
    auto theirs = incoming("a", "1");
    theirs.sender.id = {"charite"};
    const auto outcomes = *receive({incoming("a", "1"), theirs});
    EXPECT_EQ(outcomes[1].status, Status::accepted);
    EXPECT_NE(outcomes[0].data_id, outcomes[1].data_id);
    EXPECT_NE(outcomes[0].receipt_id, outcomes[1].receipt_id);
}

// Finds no memory, before or after the write.
class ThrowingCollector final : public Collector {
public:
    explicit ThrowingCollector(Collector& collector) : collector_(collector) {}
    kernel::Task<Appended> append(std::vector<kernel::RawDataEvent> events) override {
        if (written) EXPECT_TRUE(co_await collector_.append(std::move(events)));
        throw std::bad_alloc();
    }
    bool written = false;

private:
    Collector& collector_;
};

TEST_F(ReceivingRawData, what_is_thrown_leaves_nothing_in_flight_and_a_retry_is_written) {
    ThrowingCollector throwing(collector_);
    ReceiveRawData with_thrown({.seen = seen_, .index = index_, .collector = throwing, .pool = pool_, .clock = clock_}, rubric_);
    const auto attempt = [&](const std::string& id) {
        const auto items = std::make_shared<const std::vector<Incoming>>(std::vector<Incoming>{incoming(id, "1")});
        EXPECT_THROW((void)platform::runtime::run(with_thrown.receive(items)), std::bad_alloc);
    };
    attempt("a");
    throwing.written = true;
    attempt("b");
    EXPECT_THROW((void)platform::runtime::run(with_thrown.retract({.id = {"st-mary"}, .grade = "B"}, {"b"})), std::bad_alloc);
    EXPECT_EQ(seen_.doubts_size(), 2U) << "nobody knows whether it was written";
    EXPECT_EQ((*receive({incoming("a", "1")}))[0].status, Status::accepted);
    ASSERT_EQ(seen_.doubts_size(), 0U);
    project();
    EXPECT_EQ(seen_.recent_size(), 0U) << "what stays in flight is never forgotten";
}

}  // namespace
}  // namespace data_center_classifier::application
