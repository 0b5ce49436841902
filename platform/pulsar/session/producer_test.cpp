// Producers: registered, sending, acknowledged, lost and back, closed.
#include "platform/pulsar/session/fake_peer.hpp"

#include <chrono>
#include <numeric>

namespace platform::pulsar::session {
namespace {

using namespace std::chrono_literals;

ProducerOptions single_messages() {
    return producer_with([](auto& options) { options.batching = false; });
}

struct ByHand : FakePeer {
    explicit ByHand(Options options = test_options()) : FakePeer(std::move(options)) { habits.lets_producers = false; }
    proto::CommandProducer asked() { return hear(last(), Type::PRODUCER).command.producer(); }
};

// Its PRODUCER and SEND frames are looked at by the test; a connection that is cut comes back.
struct Sending : FakePeer {
    explicit Sending(ProducerOptions options = single_messages()) : producer(open(std::move(options))) {}
    ProducerId producer;
    std::vector<Heard> sends() { return hear_all(last(), Type::SEND); }
    void acknowledge(std::uint64_t sequence, std::uint64_t entry) { say(last(), receipt(producer, sequence, 7, entry)); }
    void reconnect() {
        cut(last());
        advance(150ms);
        ASSERT_TRUE(session.is_attached(producer));
    }
};

std::vector<std::uint64_t> sequences_of(const std::vector<Heard>& sends) {
    std::vector<std::uint64_t> found;
    for (const auto& one : sends) found.push_back(one.command.send().sequence_id());
    return found;
}
std::vector<std::string> frames_of(const std::vector<Heard>& sends) {
    std::vector<std::string> found;
    for (const auto& one : sends) found.push_back(one.frame);
    return found;
}

// --- Registration

TEST(Producer, with_a_name_registers_under_it) {
    ByHand peer;
    const auto id = peer.session.open_producer(producer_with([](auto& options) {
                                                   options.name = "outbox-clinic-0";
                                                   options.access = AccessMode::exclusive;
                                                   options.properties = {{"version", "1"}};
                                               }),
                                               peer.now);
    peer.drain();
    const auto asked = peer.asked();
    EXPECT_EQ(asked.topic(), test_topic);
    EXPECT_EQ(asked.producer_id(), static_cast<std::uint64_t>(id));
    EXPECT_EQ(asked.producer_name(), "outbox-clinic-0");
    EXPECT_TRUE(asked.user_provided_producer_name());
    EXPECT_EQ(asked.epoch(), 0U);
    EXPECT_FALSE(asked.has_topic_epoch());
    EXPECT_EQ(asked.producer_access_mode(), proto::Exclusive);
    ASSERT_EQ(asked.metadata_size(), 1);
    EXPECT_EQ(asked.metadata(0).key(), "version");
    EXPECT_FALSE(peer.session.is_attached(id));
    peer.say(peer.last(), producer_success(asked.request_id(), "outbox-clinic-0", 41));
    const auto facts = peer.outcome<ProducerOpened>().facts;
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->name, "outbox-clinic-0");
    EXPECT_EQ(facts->last_sequence, 41);
    EXPECT_TRUE(peer.session.is_attached(id));
}

TEST(Producer, registers_again_under_the_same_name_with_higher_epochs) {
    for (const std::string name : {"", "mine"}) {
        ByHand peer;
        const auto id = peer.session.open_producer(producer_with([&](auto& options) { options.name = name; }), peer.now);
        peer.drain();
        auto asked = peer.asked();
        EXPECT_EQ(asked.has_producer_name(), !name.empty());
        EXPECT_EQ(asked.user_provided_producer_name(), !name.empty());
        auto answer = producer_success(asked.request_id(), name.empty() ? "given" : name, -1);
        answer.mutable_producer_success()->set_topic_epoch(12);
        peer.say(peer.last(), answer);
        EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
        for (std::uint64_t epoch = 1; epoch < 4; ++epoch) {
            if (epoch == 2) peer.say(peer.last(), closes_producer(id));
            else peer.cut(peer.last());
            EXPECT_FALSE(peer.session.is_attached(id));
            peer.advance(150ms);
            asked = peer.asked();
            EXPECT_EQ(asked.producer_id(), static_cast<std::uint64_t>(id));
            EXPECT_EQ(asked.producer_name(), name.empty() ? "given" : name);
            EXPECT_EQ(asked.user_provided_producer_name(), !name.empty());
            EXPECT_EQ(asked.epoch(), epoch);
            EXPECT_EQ(asked.topic_epoch(), 12U);
            peer.say(peer.last(), producer_success(asked.request_id(), asked.producer_name(), -1));
            EXPECT_TRUE(peer.session.is_attached(id));
        }
        EXPECT_TRUE(peer.has_no_outcome()) << "it is opened once";
    }
}

TEST(Producer, one_that_waits_for_its_turn_waits_without_an_end) {
    ByHand peer;
    const auto id =
        peer.session.open_producer(producer_with([](auto& options) { options.access = AccessMode::wait_for_exclusive; }), peer.now);
    peer.drain();
    const auto line = peer.last();
    const auto asked = peer.asked();
    EXPECT_EQ(asked.producer_access_mode(), proto::WaitForExclusive);
    peer.say(line, producer_success(asked.request_id(), "a", -1, false));
    for (int i = 0; i < 60; ++i) {
        peer.advance(20s);
        peer.say(line, ping());
    }
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_FALSE(peer.session.is_attached(id));
    peer.say(line, producer_success(asked.request_id(), "a", 9, true));
    EXPECT_EQ(peer.outcome<ProducerOpened>().facts->last_sequence, 9);
    EXPECT_TRUE(peer.session.is_attached(id));
}

TEST(Producer, one_that_waits_for_its_turn_waits_at_another_broker_when_this_one_gives_the_topic_up) {
    for (const bool by_closing : {true, false}) {
        ByHand peer;
        const auto id =
            peer.session.open_producer(producer_with([](auto& options) { options.access = AccessMode::wait_for_exclusive; }), peer.now);
        peer.drain();
        peer.say(peer.last(), producer_success(peer.asked().request_id(), "a", -1, false));
        peer.advance(50s);  // longer than any operation
        peer.say(peer.last(), pong());
        if (by_closing) peer.say(peer.last(), closes_producer(id));
        else peer.cut(peer.last());
        peer.advance(150ms);
        EXPECT_TRUE(peer.has_no_outcome());
        auto asked = peer.hear_all(peer.last(), Type::PRODUCER);
        ASSERT_EQ(asked.size(), 1U);
        peer.say(peer.last(), producer_success(asked.front().command.producer().request_id(), "a", -1));
        EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
    }
}

TEST(Producer, a_busy_name_is_tried_for_ninety_seconds) {
    ByHand peer;
    peer.session.open_producer(any_producer(), peer.now);
    peer.drain();
    const auto begun = peer.now.steady;
    int tries = 0;
    while (peer.has_no_outcome() && tries < 1000) {
        for (const auto& asked : peer.hear_all(peer.last(), Type::PRODUCER)) {
            ++tries;
            peer.say(peer.last(), error(asked.command.producer().request_id(), proto::ProducerBusy));
        }
        peer.advance(100ms);
    }
    const auto opened = peer.outcome<ProducerOpened>();
    ASSERT_FALSE(opened.facts);
    EXPECT_EQ(opened.facts.error().code, "pulsar-producer-busy");
    EXPECT_GE(peer.now.steady - begun, 90s);
    EXPECT_LE(peer.now.steady - begun, 96s);
    EXPECT_GT(tries, 15);
}

TEST(Producer, a_registration_that_is_not_answered_is_taken_back) {
    ByHand peer;
    const auto id = peer.session.open_producer(any_producer(), peer.now);
    peer.drain();
    const auto request = peer.asked().request_id();
    peer.habits.closes = false;
    peer.advance(29s);
    peer.say(peer.last(), ping());
    peer.hear_all(peer.last(), Type::PONG);
    peer.advance(1s);
    EXPECT_EQ(peer.hear(peer.last(), Type::CLOSE_PRODUCER).command.close_producer().producer_id(), static_cast<std::uint64_t>(id));
    EXPECT_FALSE(peer.outcome<ProducerOpened>().facts);
    peer.say(peer.last(), producer_success(request, "late", -1));
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_EQ(peer.session.sizes().requests, 0U);
}

TEST(Producer, one_that_was_open_registers_again_after_a_registration_that_was_not_answered) {
    Sending peer;
    peer.habits.lets_producers = false;
    peer.say(peer.last(), closes_producer(peer.producer));
    peer.advance(150ms);
    EXPECT_EQ(peer.hear_all(peer.last(), Type::PRODUCER).size(), 1U);
    peer.advance(25s);
    peer.say(peer.last(), ping());
    peer.habits.lets_producers = true;
    peer.advance(6s);
    EXPECT_TRUE(peer.session.is_attached(peer.producer));
    EXPECT_TRUE(peer.has_no_outcome());
}

TEST(Producer, every_error_of_its_registration_does_what_the_table_says) {
    for (int number = proto::ServerError_MIN; number <= proto::ServerError_MAX; ++number) {
        const auto code = static_cast<proto::ServerError>(number);
        SCOPED_TRACE(proto::ServerError_Name(code));
        // Where it was open once, it is tried for ever, but for what ends it.
        Sending peer;
        EXPECT_TRUE(peer.send(peer.producer, "pending"));
        peer.habits.lets_producers = false;
        peer.cut(peer.last());
        peer.advance(150ms);
        const auto asked = peer.hear_all(peer.last(), Type::PRODUCER);
        ASSERT_EQ(asked.size(), 1U);
        peer.say(peer.last(), error(asked.front().command.producer().request_id(), code));
        if (code == proto::TopicTerminatedError || code == proto::ProducerFenced) {
            EXPECT_FALSE(peer.outcome<Sent>().id);
            EXPECT_FALSE(peer.outcome<ProducerClosed>().result);
            continue;
        }
        EXPECT_TRUE(peer.has_no_outcome());
        peer.advance(250ms);
        EXPECT_EQ(peer.hear_all(peer.last(), Type::PRODUCER).size(), 1U);
    }
}

// --- Receipts

TEST(Sending, outcomes_tell_where_messages_lie) {
    Sending peer;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    EXPECT_EQ(sequences_of(peer.sends()), (std::vector<std::uint64_t>{0, 1, 2}));
    EXPECT_EQ(peer.session.pending_messages(peer.producer), 3U);
    for (std::uint64_t i = 0; i < 3; ++i) {
        peer.acknowledge(i, 10 + i);
        const auto sent = peer.outcome<Sent>();
        EXPECT_EQ(sent.count, 1U);
        EXPECT_EQ(*sent.id, (wire::MessageId{.ledger = 7, .entry = 10 + i}));
        EXPECT_FALSE(sent.duplicate);
    }
    EXPECT_EQ(peer.session.pending_messages(peer.producer), 0U);
    EXPECT_EQ(peer.session.pending_bytes(peer.producer), 0U);
}

TEST(Sending, a_batch_is_ended_by_a_receipt_for_any_of_its_messages) {
    for (const std::uint64_t sequence : {0, 1, 2}) {
        Sending peer(any_producer());
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
        EXPECT_TRUE(peer.is_quiet(peer.last()));
        peer.advance(1ms);
        EXPECT_EQ(peer.sends().size(), 1U);
        peer.acknowledge(sequence, 10);
        const auto sent = peer.outcome<Sent>();
        EXPECT_EQ(sent.count, 3U);
        ASSERT_TRUE(sent.id);
        EXPECT_EQ(*sent.id, (wire::MessageId{.ledger = 7, .entry = 10, .batch_index = 0}));
        EXPECT_EQ(sent.id->batch_size, 3);
        EXPECT_TRUE(peer.has_no_outcome());
    }
}

TEST(Sending, a_batch_of_one_has_the_id_that_consumers_see) {
    Sending peer(any_producer());
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.advance(1ms);
    const auto sends = peer.sends();
    ASSERT_EQ(sends.size(), 1U);
    wire::MessageSection section;
    ASSERT_TRUE(wire::parse_message(sends.front().section, section));
    peer.acknowledge(0, 10);
    const auto id = *peer.outcome<Sent>().id;
    EXPECT_EQ(id.batch_index, section.metadata.has_num_messages_in_batch() ? 0 : -1);
}

TEST(Sending, a_receipt_without_a_place_is_of_what_was_stored_before) {
    Sending peer(any_producer());
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.advance(1ms);
    peer.say(peer.last(), receipt(peer.producer, 1, nowhere, nowhere));
    const auto sent = peer.outcome<Sent>();
    EXPECT_TRUE(sent.id);
    EXPECT_TRUE(sent.duplicate);
    EXPECT_EQ(sent.count, 2U);
}

TEST(Sending, a_receipt_of_what_has_ended_is_ignored) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "x", 5));
    EXPECT_TRUE(peer.send(peer.producer, "x", 6));
    peer.acknowledge(4, 1);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.acknowledge(5, 2);
    peer.outcome<Sent>();
    peer.acknowledge(5, 2);
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_TRUE(peer.is_open(peer.last()));
    EXPECT_EQ(peer.session.pending_messages(peer.producer), 1U);
}

TEST(Sending, a_receipt_that_skips_the_oldest_message_ends_the_connection_and_all_is_sent_again) {
    Sending peer;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    const auto before = frames_of(peer.sends());
    const auto line = peer.last();
    peer.acknowledge(2, 10);
    EXPECT_FALSE(peer.is_open(line));
    EXPECT_TRUE(peer.has_no_outcome());
    peer.advance(150ms);
    EXPECT_EQ(frames_of(peer.sends()), before);
}

// --- Errors

TEST(Sending, every_error_does_what_the_table_says) {
    for (int number = proto::ServerError_MIN; number <= proto::ServerError_MAX; ++number) {
        const auto code = static_cast<proto::ServerError>(number);
        SCOPED_TRACE(proto::ServerError_Name(code));
        Sending peer;
        const auto line = peer.last();
        EXPECT_TRUE(peer.send(peer.producer, "first"));
        EXPECT_TRUE(peer.send(peer.producer, "second"));
        const auto before = frames_of(peer.sends());
        peer.say(line, send_error(peer.producer, 0, code));
        if (code == proto::NotAllowedError) {
            const auto sent = peer.outcome<Sent>();
            EXPECT_EQ(sent.count, 1U);
            EXPECT_EQ(sent.id.error().code, "pulsar-not-allowed-error");
            EXPECT_TRUE(peer.is_open(line)) << "no reconnecting, which would come to the same end again and again";
            peer.acknowledge(1, 3);
            EXPECT_TRUE(peer.outcome<Sent>().id);
        } else if (code == proto::TopicTerminatedError || code == proto::ProducerFenced) {
            const auto sent = peer.outcome<Sent>();
            EXPECT_EQ(sent.count, 2U);
            EXPECT_FALSE(sent.id);
            const auto closed = peer.outcome<ProducerClosed>();
            EXPECT_EQ(closed.result.error().code,
                      code == proto::ProducerFenced ? "pulsar-producer-fenced" : "pulsar-topic-terminated-error");
            EXPECT_FALSE(peer.send(peer.producer, "third"));
            EXPECT_EQ(peer.session.sizes().producers, 0U);
            peer.advance(1min);
            EXPECT_TRUE(peer.hear_all(peer.last(), Type::PRODUCER).empty());
        } else {
            EXPECT_TRUE(peer.has_no_outcome());
            EXPECT_FALSE(peer.is_open(line));
            peer.advance(150ms);
            EXPECT_EQ(frames_of(peer.sends()), before);
        }
    }
}

TEST(Sending, an_error_names_a_batch_by_its_last_message) {
    Sending peer(any_producer());
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.advance(1ms);
    peer.say(peer.last(), send_error(peer.producer, 2, proto::NotAllowedError));
    const auto sent = peer.outcome<Sent>();
    EXPECT_EQ(sent.count, 3U);
    EXPECT_FALSE(sent.id);
}

// --- Lost and back

TEST(Reconnecting, sends_what_is_pending_again_byte_for_byte_and_in_order) {
    Sending peer(producer_with([](auto& options) {
        options.batch_messages_max = 3;
        options.compression = proto::ZSTD;
    }));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(peer.send(peer.producer, "message " + std::to_string(i)));
    peer.advance(1ms);
    auto before = frames_of(peer.sends());
    ASSERT_EQ(before.size(), 4U);
    peer.acknowledge(2, 10);
    before.erase(before.begin());
    for (int round = 0; round < 3; ++round) {
        peer.advance(1s);
        peer.reconnect();
        EXPECT_EQ(frames_of(peer.sends()), before);
    }
    EXPECT_EQ(peer.all<Sent>().size(), 1U);
}

TEST(Reconnecting, what_is_sent_meanwhile_goes_behind_what_is_pending) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "a"));
    EXPECT_TRUE(peer.send(peer.producer, "b"));
    peer.cut(peer.last());
    EXPECT_TRUE(peer.send(peer.producer, "c"));
    peer.advance(150ms);
    EXPECT_TRUE(peer.send(peer.producer, "d"));
    EXPECT_EQ(sequences_of(peer.sends()), (std::vector<std::uint64_t>{0, 1, 2, 3}));
}

TEST(Reconnecting, sends_nothing_before_it_is_registered) {
    Sending peer;
    peer.habits.lets_producers = false;
    EXPECT_TRUE(peer.send(peer.producer, "a"));
    peer.cut(peer.last());
    peer.advance(150ms);
    EXPECT_TRUE(peer.send(peer.producer, "b"));
    const auto asked = peer.hear(peer.last(), Type::PRODUCER).command.producer();
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    // The highest that was pushed need not be stored: it ends nothing.
    peer.say(peer.last(), producer_success(asked.request_id(), asked.producer_name(), 1));
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_EQ(sequences_of(peer.sends()), (std::vector<std::uint64_t>{0, 1}));
}

TEST(Reconnecting, receipts_of_a_connection_that_is_gone_mean_nothing) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "a"));
    const auto first = peer.last();
    peer.reconnect();
    peer.say(first, receipt(peer.producer, 0, 7, 1));
    EXPECT_TRUE(peer.has_no_outcome());
}

TEST(Reconnecting, an_assigned_broker_is_gone_to_at_once_and_without_a_lookup) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "a"));
    const auto first = peer.last();
    peer.sends();
    peer.habits.tells_lookups = false;
    peer.say(first, closes_producer(peer.producer, "pulsar://broker-9:6650"));
    EXPECT_EQ(peer.line_of(peer.last()).address, *address_from("pulsar://broker-9:6650"));
    EXPECT_TRUE(peer.session.is_attached(peer.producer));
    EXPECT_EQ(peer.sends().size(), 1U);
    EXPECT_TRUE(peer.is_open(first));
    EXPECT_TRUE(peer.is_quiet(first));
}

TEST(Reconnecting, an_assigned_broker_that_cannot_be_reached_is_tried_once) {
    Sending peer;
    const auto first = peer.last();
    peer.habits.connects = false;
    peer.say(first, closes_producer(peer.producer, "pulsar://broker-9:6650"));
    const auto second = peer.last();
    ASSERT_NE(first, second);
    peer.cut(second);
    peer.advance(150ms);
    EXPECT_EQ(peer.last(), second) << "the topic is looked up over the connection that is there";
    EXPECT_TRUE(peer.session.is_attached(peer.producer));
}

TEST(Reconnecting, waits_longer_and_longer_and_for_ever) {
    Sending peer;
    peer.habits.connects = false;
    peer.cut(peer.last());
    std::vector<double> waits;
    auto before = peer.now.steady;
    for (int i = 0; i < 40; ++i) {
        const auto count = peer.lines.size();
        for (int ms = 0; peer.lines.size() == count && ms < 10'000; ++ms) peer.advance(1ms);
        ASSERT_GT(peer.lines.size(), count);
        waits.push_back(std::chrono::duration<double>(peer.now.steady - before).count());
        before = peer.now.steady;
        peer.cut(peer.last());
    }
    EXPECT_LE(waits.front(), 0.101);
    EXPECT_GE(waits.back(), 4.4);
    EXPECT_LE(*std::ranges::max_element(waits), 5.01);
    EXPECT_TRUE(peer.has_no_outcome());
}

// --- Bounds

TEST(Bounds, a_full_producer_is_busy_and_tells_when_there_is_room) {
    Sending peer(producer_with([](auto& options) {
        options.batching = false;
        options.pending_messages_max = 3;
    }));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    const auto refused = peer.send(peer.producer, "x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(refused.error().code, "pulsar-producer-full");
    EXPECT_FALSE(peer.send(peer.producer, "x"));
    EXPECT_EQ(peer.sends().size(), 3U);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.acknowledge(0, 1);
    peer.outcome<Sent>();
    peer.outcome<Room>();
    peer.acknowledge(1, 2);
    peer.outcome<Sent>();
    EXPECT_TRUE(peer.has_no_outcome()) << "once";
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    EXPECT_EQ(sequences_of(peer.sends()), (std::vector<std::uint64_t>{3}));
}

TEST(Bounds, bytes_count_too_and_what_is_in_the_batch) {
    Sending peer(producer_with([](auto& options) {
        options.pending_bytes_max = 1000;
        options.batch_delay = 1h;
    }));
    int taken = 0;
    while (peer.send(peer.producer, std::string(100, 'x')) && taken < 100) ++taken;
    EXPECT_GE(taken, 5);
    EXPECT_LE(taken, 10);
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    EXPECT_GE(peer.session.pending_bytes(peer.producer), 1000U);
    peer.session.end_batch(peer.producer, peer.now);
    EXPECT_EQ(peer.sends().size(), 1U);
    peer.acknowledge(0, 1);
    peer.outcome<Sent>();
    peer.outcome<Room>();
    EXPECT_EQ(peer.session.pending_bytes(peer.producer), 0U);
}

TEST(Bounds, a_full_producer_that_fails_its_messages_has_room) {
    Sending peer(producer_with([](auto& options) {
        options.pending_messages_max = 1;
        options.batching = false;
        options.send_timeout = 5s;
    }));
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    EXPECT_FALSE(peer.send(peer.producer, "x"));
    peer.advance(5s);
    EXPECT_FALSE(peer.outcome<Sent>().id);
    peer.outcome<Room>();
}

TEST(Bounds, a_batch_larger_than_the_bound_of_messages_still_goes_out) {
    Sending peer(producer_with([](auto& options) { options.pending_messages_max = 2; }));
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    EXPECT_FALSE(peer.send(peer.producer, "x"));
    peer.advance(1ms);
    EXPECT_EQ(peer.sends().size(), 1U);
}

// --- Time

TEST(Closing, an_abandoned_producer_sends_nothing_again) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "a"));
    EXPECT_TRUE(peer.send(peer.producer, "b"));
    peer.sends();
    peer.cut(peer.last());
    peer.session.abandon_producer(peer.producer, peer.now);
    const auto sent = peer.outcome<Sent>();
    EXPECT_EQ(sent.count, 2U);
    EXPECT_EQ(sent.id.error().kind, kernel::ErrorKind::interrupted);
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    peer.advance(1min);
    EXPECT_EQ(peer.session.sizes().producers, 0U);
    EXPECT_TRUE(peer.sends().empty());
}

TEST(Closing, one_that_waits_for_its_messages_can_be_abandoned) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "a"));
    peer.session.close_producer(peer.producer, peer.now);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.session.abandon_producer(peer.producer, peer.now);
    EXPECT_EQ(peer.outcome<Sent>().count, 1U);
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    EXPECT_EQ(peer.session.sizes().producers, 0U);
}

TEST(SendTimeout, fails_all_that_is_pending_in_one_go) {
    Sending peer(producer_with([](auto& options) {
        options.send_timeout = 10s;
        options.batch_messages_max = 2;
        options.batch_delay = 1h;
    }));
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.advance(4s);
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.session.flush(peer.producer, OperationId{3}, peer.now);
    peer.advance(5'999ms);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.advance(1ms);
    const auto sent = peer.outcome<Sent>();
    EXPECT_EQ(sent.count, 5U);
    EXPECT_EQ(sent.id.error().code, "pulsar-timeout");
    EXPECT_FALSE(peer.outcome<Flushed>().result);
    EXPECT_FALSE(peer.is_open(peer.last())) << "what failed lies in front of what comes";
    peer.advance(150ms);
    peer.acknowledge(1, 1);  // late
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.session.end_batch(peer.producer, peer.now);
    EXPECT_EQ(sequences_of(peer.sends()), (std::vector<std::uint64_t>{5}));
}

TEST(SendTimeout, runs_without_a_broker_too) {
    Sending peer(producer_with([](auto& options) {
        options.send_timeout = 10s;
        options.batching = false;
    }));
    peer.habits.connects = false;
    peer.cut(peer.last());
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.advance(9s);
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.advance(1s);
    EXPECT_EQ(peer.outcome<Sent>().count, 2U);
    peer.habits.connects = true;
    peer.advance(20s);
    EXPECT_TRUE(peer.session.is_attached(peer.producer));
    EXPECT_TRUE(peer.sends().empty());
}

TEST(SendTimeout, none_waits_for_ever) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    for (int i = 0; i < 100; ++i) {
        peer.advance(20s);
        peer.say(peer.last(), ping());
    }
    EXPECT_TRUE(peer.has_no_outcome());
    peer.acknowledge(0, 1);
    EXPECT_TRUE(peer.outcome<Sent>().id);
}

TEST(Batching, the_delay_is_of_the_first_message) {
    Sending peer(producer_with([](auto& options) { options.batch_delay = 10ms; }));
    EXPECT_TRUE(peer.send(peer.producer, "a"));
    peer.advance(9ms);
    EXPECT_TRUE(peer.send(peer.producer, "b"));
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    peer.advance(1ms);
    EXPECT_EQ(peer.sends().size(), 1U);
    EXPECT_TRUE(peer.send(peer.producer, "c"));
    peer.advance(9ms);
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    peer.advance(1ms);
    EXPECT_EQ(peer.sends().size(), 1U);
}

TEST(Batching, goes_on_after_batches_that_ended_by_themselves) {
    Sending peer(producer_with([](auto& options) {
        options.batch_delay = 10ms;
        options.batch_messages_max = 2;
    }));
    for (int i = 0; i < 7; ++i) {
        EXPECT_TRUE(peer.send(peer.producer, "x"));
        peer.advance(4ms);
    }
    peer.advance(10ms);
    std::size_t messages = 0;
    for (const auto& one : peer.sends()) messages += static_cast<std::size_t>(one.command.send().num_messages());
    EXPECT_EQ(messages, 7U);
}

// --- Flush

TEST(Flushing, ends_the_batch_and_waits_for_what_was_sent_before_only) {
    Sending peer(any_producer());
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.session.flush(peer.producer, OperationId{1}, peer.now);
    EXPECT_EQ(peer.sends().size(), 1U);
    EXPECT_TRUE(peer.send(peer.producer, "later"));
    peer.session.flush(peer.producer, OperationId{2}, peer.now);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.acknowledge(1, 1);
    peer.outcome<Sent>();
    const auto flushed = peer.outcome<Flushed>();
    EXPECT_EQ(flushed.operation, OperationId{1});
    EXPECT_TRUE(flushed.result);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.acknowledge(2, 2);
    peer.outcome<Sent>();
    EXPECT_EQ(peer.outcome<Flushed>().operation, OperationId{2});
}

TEST(Flushing, with_nothing_pending_is_done_at_once) {
    Sending peer;
    peer.session.flush(peer.producer, OperationId{1}, peer.now);
    EXPECT_TRUE(peer.outcome<Flushed>().result);
}

TEST(Flushing, fails_with_one_of_its_messages) {
    Sending peer;
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.session.flush(peer.producer, OperationId{1}, peer.now);
    peer.say(peer.last(), send_error(peer.producer, 0, proto::NotAllowedError));
    EXPECT_FALSE(peer.outcome<Sent>().id);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.session.flush(peer.producer, OperationId{2}, peer.now);
    peer.acknowledge(1, 1);
    EXPECT_TRUE(peer.outcome<Sent>().id);
    EXPECT_FALSE(peer.outcome<Flushed>().result);
    EXPECT_TRUE(peer.outcome<Flushed>().result) << "the second had no message that failed";
}

// --- The end

TEST(ProducerClose, waits_for_what_is_pending) {
    Sending peer(any_producer());
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.habits.closes = false;
    peer.session.close_producer(peer.producer, peer.now);
    peer.session.close_producer(peer.producer, peer.now);
    EXPECT_FALSE(peer.send(peer.producer, "later"));
    peer.hear(peer.last(), Type::SEND);
    EXPECT_TRUE(peer.is_quiet(peer.last())) << "closed when the messages are there";
    peer.acknowledge(1, 1);
    EXPECT_TRUE(peer.outcome<Sent>().id);
    const auto close = peer.hear(peer.last(), Type::CLOSE_PRODUCER).command.close_producer();
    EXPECT_TRUE(peer.has_no_outcome());
    peer.say(peer.last(), success(close.request_id()));
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    EXPECT_TRUE(peer.has_no_outcome());
}

TEST(ProducerClose, of_messages_that_are_never_acknowledged_fails_them_at_its_deadline) {
    for (const bool has_broker : {true, false}) {
        Sending peer;
        EXPECT_TRUE(peer.send(peer.producer, "x"));
        if (!has_broker) {
            peer.habits.connects = false;
            peer.cut(peer.last());
        }
        peer.session.close_producer(peer.producer, peer.now);
        peer.advance(20s);
        if (has_broker) peer.say(peer.last(), ping());
        peer.advance(9'999ms);
        EXPECT_TRUE(peer.has_no_outcome());
        peer.advance(1ms);
        const auto sent = peer.outcome<Sent>();
        ASSERT_FALSE(sent.id);
        EXPECT_EQ(sent.id.error().kind, kernel::ErrorKind::unavailable);
        EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    }
}

TEST(ProducerClose, brings_what_is_pending_to_the_next_broker_first) {
    Sending peer;
    EXPECT_TRUE(peer.send(peer.producer, "x"));
    peer.session.close_producer(peer.producer, peer.now);
    peer.cut(peer.last());
    peer.advance(150ms);
    EXPECT_EQ(peer.sends().size(), 1U);
    peer.acknowledge(0, 1);
    EXPECT_TRUE(peer.outcome<Sent>().id);
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
}

TEST(ProducerClose, that_the_broker_does_not_answer_ends_all_the_same) {
    for (const auto how : {0, 1, 2, 3}) {
        SCOPED_TRACE(how);
        Sending peer;
        peer.habits.closes = false;
        peer.session.close_producer(peer.producer, peer.now);
        const auto close = peer.hear(peer.last(), Type::CLOSE_PRODUCER).command.close_producer();
        switch (how) {
            case 0: peer.cut(peer.last()); break;
            case 1: peer.say(peer.last(), error(close.request_id(), proto::UnknownError)); break;
            case 2: peer.say(peer.last(), closes_producer(peer.producer, "pulsar://broker-9:6650")); break;
            default: peer.advance(25s), peer.say(peer.last(), ping()), peer.advance(5s);
        }
        EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
        EXPECT_TRUE(peer.has_no_outcome());
        peer.advance(10s);
        EXPECT_TRUE(peer.hear_all(peer.last(), Type::PRODUCER).empty()) << "it does not come back";
        EXPECT_EQ(peer.session.sizes().producers, 0U);
        EXPECT_EQ(peer.session.sizes().requests, 0U);
    }
}

TEST(ProducerClose, in_the_middle_of_its_registration_takes_it_back) {
    ByHand peer;
    const auto id = peer.session.open_producer(any_producer(), peer.now);
    peer.drain();
    const auto asked = peer.asked();
    peer.habits.closes = false;
    peer.session.close_producer(id, peer.now);
    peer.hear(peer.last(), Type::CLOSE_PRODUCER);
    EXPECT_FALSE(peer.outcome<ProducerOpened>().facts);
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    peer.say(peer.last(), producer_success(asked.request_id(), "late", -1));
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_EQ(peer.session.sizes().requests, 0U);
}

}  // namespace
}  // namespace platform::pulsar::session
