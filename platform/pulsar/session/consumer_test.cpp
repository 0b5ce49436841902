// Consumers and readers: subscribed, receiving, acknowledging, sought, lost and back, closed.
#include "platform/pulsar/session/fake_peer.hpp"

#include <chrono>

namespace platform::pulsar::session {
namespace {

using namespace std::chrono_literals;

wire::MessageId at(std::uint64_t entry, std::int32_t batch_index = -1, std::int32_t batch_size = 0) {
    return {.ledger = 1, .entry = entry, .batch_index = batch_index, .batch_size = batch_size};
}

struct Receiving : FakePeer {
    explicit Receiving(ConsumerOptions options = any_consumer()) : consumer(open(std::move(options))) { hear_all(last(), Type::FLOW); }
    ConsumerId consumer;

    void give(std::uint64_t entry, std::size_t batch = 0) {
        auto made = FakeEntry(consumer, 1, entry);
        if (batch == 0) made.single("m");
        else made.batch(batch);
        deliver(*this, last(), made);
    }
    std::string take(std::size_t count = 1000) {
        auto taken = session.take(consumer, count, now);
        if (!taken) return taken.error().code;
        std::string text;
        for (const auto& message : *taken) text += (text.empty() ? "" : " ") + wire::to_text(message.id);
        return text;
    }
    std::uint64_t permits() {
        std::uint64_t sum = 0;
        for (const auto& one : hear_all(last(), Type::FLOW)) sum += one.command.flow().messagepermits();
        return sum;
    }
    std::vector<proto::CommandAck> acks() {
        std::vector<proto::CommandAck> found;
        for (const auto& one : hear_all(last(), Type::ACK)) found.push_back(one.command.ack());
        return found;
    }
    proto::CommandSubscribe resubscribed() {  // the last SUBSCRIBE, which the test answers
        const auto asked = hear_all(last(), Type::SUBSCRIBE);
        EXPECT_EQ(asked.size(), 1U);
        return asked.empty() ? proto::CommandSubscribe() : asked.front().command.subscribe();
    }
    void reconnect() {
        cut(last());
        advance(150ms);
        ASSERT_TRUE(session.is_attached(consumer));
    }
};

ConsumerOptions subscribed_as(SubscriptionType type) {
    return consumer_with([&](auto& options) { options.type = type; });
}
ConsumerOptions reader_from(wire::MessageId start, bool inclusive = false) {
    return consumer_with([&](auto& options) {
        options.durable = false;
        options.start = start;
        options.start_inclusive = inclusive;
    });
}

// --- Subscribing

TEST(Consumer, subscribes_with_what_its_options_say) {
    FakePeer peer;
    peer.habits.lets_consumers = false;
    const auto id = peer.session.open_consumer(consumer_with([](auto& options) {
                                                   options.name = "worker-1";
                                                   options.type = SubscriptionType::key_shared;
                                                   options.sticky_ranges = {{0, 99}, {200, 300}};
                                                   options.priority = 2;
                                                   options.properties = {{"version", "1"}};
                                                   options.queue_messages_max = 50;
                                               }),
                                               peer.now);
    peer.drain();
    const auto asked = peer.hear(peer.last(), Type::SUBSCRIBE).command.subscribe();
    EXPECT_EQ(asked.topic(), test_topic);
    EXPECT_EQ(asked.subscription(), "projection");
    EXPECT_EQ(asked.subtype(), proto::CommandSubscribe::Key_Shared);
    EXPECT_EQ(asked.consumer_id(), static_cast<std::uint64_t>(id));
    EXPECT_EQ(asked.consumer_name(), "worker-1");
    EXPECT_EQ(asked.priority_level(), 2);
    EXPECT_TRUE(asked.durable());
    EXPECT_FALSE(asked.has_start_message_id());
    EXPECT_EQ(asked.initialposition(), proto::CommandSubscribe::Earliest);
    EXPECT_FALSE(asked.force_topic_creation());
    EXPECT_EQ(asked.keysharedmeta().keysharedmode(), proto::STICKY);
    ASSERT_EQ(asked.keysharedmeta().hashranges_size(), 2);
    EXPECT_EQ(asked.keysharedmeta().hashranges(1).end(), 300);
    EXPECT_EQ(asked.metadata(0).value(), "1");
    EXPECT_TRUE(peer.is_quiet(peer.last())) << "no permits before it is subscribed";
    peer.say(peer.last(), success(asked.request_id()));
    EXPECT_TRUE(peer.outcome<ConsumerOpened>().result);
    const auto flow = peer.hear(peer.last(), Type::FLOW).command.flow();
    EXPECT_EQ(flow.consumer_id(), static_cast<std::uint64_t>(id));
    EXPECT_EQ(flow.messagepermits(), 50U);
}

TEST(Consumer, a_busy_subscription_is_tried_for_ninety_seconds) {
    FakePeer peer;
    peer.habits.lets_consumers = false;
    peer.session.open_consumer(any_consumer(), peer.now);
    peer.drain();
    const auto begun = peer.now.steady;
    while (peer.has_no_outcome() && peer.now.steady - begun < 200s) {
        for (const auto& asked : peer.hear_all(peer.last(), Type::SUBSCRIBE))
            peer.say(peer.last(), error(asked.command.subscribe().request_id(), proto::ConsumerBusy));
        peer.advance(100ms);
    }
    EXPECT_EQ(peer.outcome<ConsumerOpened>().result.error().code, "pulsar-consumer-busy");
    EXPECT_GE(peer.now.steady - begun, 90s);
    EXPECT_LE(peer.now.steady - begun, 96s);
}

TEST(Consumer, a_subscription_that_is_not_answered_is_taken_back) {
    FakePeer peer;
    peer.habits.lets_consumers = peer.habits.closes = false;
    const auto id = peer.session.open_consumer(any_consumer(), peer.now);
    peer.advance(20s);
    peer.say(peer.last(), ping());
    peer.advance(10s);
    const auto closes = peer.hear_all(peer.last(), Type::CLOSE_CONSUMER);
    ASSERT_EQ(closes.size(), 1U);
    EXPECT_EQ(closes.front().command.close_consumer().consumer_id(), static_cast<std::uint64_t>(id));
    EXPECT_FALSE(peer.outcome<ConsumerOpened>().result);
}

// --- Receiving

TEST(Receiving, tells_once_that_there_is_something_to_take) {
    Receiving peer;
    EXPECT_EQ(peer.take(), "");
    peer.give(1);
    peer.give(2, 2);
    peer.outcome<Readable>();
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_EQ(peer.session.queued_messages(peer.consumer), 3U);
    EXPECT_EQ(peer.take(2), "1:1 1:2:0");
    peer.give(3);
    EXPECT_TRUE(peer.has_no_outcome()) << "it has not seen the end of what there is";
    EXPECT_EQ(peer.take(), "1:2:1 1:3");
    EXPECT_EQ(peer.take(), "");
    peer.give(4);
    peer.outcome<Readable>();
}

TEST(Receiving, allows_more_when_half_is_taken) {
    Receiving peer(consumer_with([](auto& options) { options.queue_messages_max = 4; }));
    for (std::uint64_t i = 0; i < 4; ++i) peer.give(i);
    EXPECT_EQ(peer.permits(), 0U);
    peer.take(1);
    EXPECT_EQ(peer.permits(), 0U);
    peer.take(1);
    EXPECT_EQ(peer.permits(), 2U);
}

TEST(Receiving, after_any_loss_the_whole_window_is_allowed_anew) {
    Receiving peer(consumer_with([](auto& options) { options.queue_messages_max = 4; }));
    for (std::uint64_t i = 0; i < 3; ++i) peer.give(i);
    peer.reconnect();
    EXPECT_EQ(peer.session.queued_messages(peer.consumer), 0U) << "it comes again";
    EXPECT_EQ(peer.permits(), 4U);
    peer.outcome<Readable>();
    peer.outcome<Reattached>();
    peer.give(0);
    peer.outcome<Readable>();
    peer.say(peer.last(), closes_consumer(peer.consumer));
    peer.advance(150ms);
    EXPECT_EQ(peer.permits(), 4U);
}

TEST(Receiving, what_comes_for_an_old_connection_is_not_counted) {
    Receiving peer(consumer_with([](auto& options) { options.queue_messages_max = 4; }));
    const auto first = peer.last();
    peer.say(first, closes_consumer(peer.consumer));
    deliver(peer, first, FakeEntry(peer.consumer, 1, 1).single("late"));
    EXPECT_EQ(peer.take(), "");
    peer.advance(150ms);
    EXPECT_EQ(peer.permits(), 4U);
}

TEST(Receiving, an_assigned_broker_is_gone_to_at_once) {
    Receiving peer;
    peer.habits.tells_lookups = false;
    peer.say(peer.last(), closes_consumer(peer.consumer, "pulsar://broker-9:6650"));
    EXPECT_EQ(peer.line_of(peer.last()).address, *address_from("pulsar://broker-9:6650"));
    EXPECT_TRUE(peer.session.is_attached(peer.consumer));
    peer.outcome<Reattached>();
}

TEST(Receiving, a_failover_consumer_hears_whether_it_is_the_active_one) {
    Receiving peer(subscribed_as(SubscriptionType::failover));
    auto change = of_type(Type::ACTIVE_CONSUMER_CHANGE);
    change.mutable_active_consumer_change()->set_consumer_id(static_cast<std::uint64_t>(peer.consumer));
    change.mutable_active_consumer_change()->set_is_active(true);
    peer.say(peer.last(), change);
    EXPECT_TRUE(peer.outcome<ActiveChanged>().active);
    peer.cut(peer.last());
    EXPECT_FALSE(peer.outcome<ActiveChanged>().active) << "who has no broker is not";
}

TEST(Receiving, the_end_of_a_terminated_topic_is_told) {
    Receiving peer;
    auto end = of_type(Type::REACHED_END_OF_TOPIC);
    end.mutable_reached_end_of_topic()->set_consumer_id(static_cast<std::uint64_t>(peer.consumer));
    peer.say(peer.last(), end);
    EXPECT_EQ(peer.outcome<EndOfTopic>().consumer, peer.consumer);
}

TEST(Receiving, a_broken_entry_ends_the_consumer_behind_everything_that_came_before) {
    for (const bool unsupported : {true, false}) {
        Receiving peer;
        peer.give(1);
        peer.give(2, 2);
        peer.outcome<Readable>();
        auto entry = FakeEntry(peer.consumer, 1, 3).batch(2);
        if (unsupported) entry.metadata.set_num_chunks_from_msg(2);
        else entry.payload.resize(entry.payload.size() - 1);
        peer.habits.closes = false;
        deliver(peer, peer.last(), entry);
        EXPECT_EQ(peer.hear_all(peer.last(), Type::CLOSE_CONSUMER).size(), 1U);
        peer.give(4);
        peer.outcome<Readable>();
        if (unsupported) {
            EXPECT_EQ(peer.take(), "1:1 1:2:0 1:2:1");
            EXPECT_EQ(peer.take(), "pulsar-unsupported");
        } else {
            EXPECT_EQ(peer.take(3), "1:1 1:2:0 1:2:1");
            peer.take();  // of the broken entry what lies before the break
            EXPECT_EQ(peer.take(), "pulsar-entry-broken");
        }
        peer.advance(1min);
        EXPECT_TRUE(peer.hear_all(peer.last(), Type::SUBSCRIBE).empty()) << "nothing is skipped";
        peer.session.last_message_id(peer.consumer, OperationId{1}, peer.now);
        EXPECT_FALSE(peer.outcome<LastMessage>().id);
        peer.session.close_consumer(peer.consumer, peer.now);
        EXPECT_TRUE(peer.outcome<ConsumerClosed>().result);
        EXPECT_EQ(peer.session.sizes().consumers, 0U);
    }
}

TEST(Receiving, the_end_of_a_topic_that_is_gone_ends_the_consumer) {
    Receiving peer;
    peer.habits.lets_consumers = false;
    peer.cut(peer.last());
    peer.advance(150ms);
    peer.say(peer.last(), error(peer.resubscribed().request_id(), proto::TopicTerminatedError));
    peer.outcome<Readable>();
    EXPECT_EQ(peer.take(), "pulsar-topic-terminated-error");
}

// --- Readers

TEST(Readers, subscribe_at_their_start) {
    const auto start_of = [](const ConsumerOptions& options) {
        FakePeer peer;
        peer.habits.lets_consumers = false;
        peer.session.open_consumer(options, peer.now);
        peer.drain();
        return peer.hear(peer.last(), Type::SUBSCRIBE).command.subscribe();
    };
    auto asked = start_of(reader_from(wire::earliest));
    EXPECT_FALSE(asked.durable());
    EXPECT_EQ(asked.start_message_id().ledgerid(), nowhere);
    EXPECT_EQ(asked.start_message_id().entryid(), nowhere);
    EXPECT_LT(asked.start_message_id().batch_index(), 0);
    asked = start_of(reader_from(wire::latest));
    EXPECT_EQ(asked.start_message_id().ledgerid(), static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    for (const auto index : {-1, 2}) {
        asked = start_of(reader_from(at(5, index, 3)));
        EXPECT_EQ(asked.start_message_id().entryid(), 5U);
        EXPECT_GE(asked.start_message_id().batch_index(), 0) << "else the broker begins behind the entry";
    }
    auto unnamed = reader_from(wire::earliest);
    unnamed.subscription.clear();
    EXPECT_FALSE(start_of(unnamed).subscription().empty());
}

TEST(Readers, go_on_behind_the_last_message_taken_after_a_loss) {
    Receiving peer(reader_from(wire::earliest));
    peer.give(1, 3);
    peer.give(2);
    EXPECT_EQ(peer.take(2), "1:1:0 1:1:1");
    peer.habits.lets_consumers = false;
    peer.cut(peer.last());
    peer.advance(150ms);
    const auto asked = peer.resubscribed();
    EXPECT_EQ(asked.start_message_id().entryid(), 1U);
    EXPECT_EQ(asked.start_message_id().batch_index(), 1);
    // What was received and is not gone yet may still be taken.
    EXPECT_EQ(peer.take(1), "1:1:2");
    peer.say(peer.last(), success(asked.request_id()));
    peer.give(1, 3);
    peer.give(2);
    EXPECT_EQ(peer.take(), "1:2");
}

// --- Acknowledging

TEST(Acknowledging, goes_together_after_the_delay) {
    Receiving peer(subscribed_as(SubscriptionType::shared));
    for (std::uint64_t i = 0; i < 5; ++i) peer.session.ack(peer.consumer, at(i), std::nullopt, peer.now);
    peer.advance(99ms);
    EXPECT_TRUE(peer.acks().empty());
    peer.session.ack(peer.consumer, at(9), std::nullopt, peer.now);
    peer.advance(1ms);
    const auto acks = peer.acks();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks.front().ack_type(), proto::CommandAck::Individual);
    EXPECT_EQ(acks.front().message_id_size(), 6);
    EXPECT_FALSE(acks.front().has_request_id());
    peer.advance(1s);
    EXPECT_TRUE(peer.acks().empty());
}

TEST(Acknowledging, a_thousand_do_not_wait) {
    Receiving peer;
    for (std::uint64_t i = 0; i < 2500; ++i) peer.session.ack(peer.consumer, at(i), std::nullopt, peer.now);
    auto acks = peer.acks();
    ASSERT_EQ(acks.size(), 2U);
    EXPECT_EQ(acks[0].message_id_size(), 1000);
    peer.advance(100ms);
    acks = peer.acks();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].message_id_size(), 500);
}

TEST(Acknowledging, of_messages_of_a_batch_goes_as_one) {
    Receiving peer;
    peer.give(1, 3);
    peer.take();
    peer.session.ack(peer.consumer, at(1, 0, 3), std::nullopt, peer.now);
    peer.session.ack(peer.consumer, at(1, 2, 3), std::nullopt, peer.now);
    peer.advance(100ms);
    auto acks = peer.acks();
    ASSERT_EQ(acks.size(), 1U);
    ASSERT_EQ(acks[0].message_id_size(), 1);
    ASSERT_EQ(acks[0].message_id(0).ack_set_size(), 1);
    EXPECT_EQ(acks[0].message_id(0).ack_set(0), 0b010);
    EXPECT_EQ(acks[0].message_id(0).batch_size(), 3);
    peer.session.ack(peer.consumer, at(1, 1, 3), std::nullopt, peer.now);
    peer.session.ack(peer.consumer, at(1, 0, 3), std::nullopt, peer.now);  // again, which takes nothing back
    peer.advance(100ms);
    acks = peer.acks();
    ASSERT_EQ(acks.size(), 1U);
    ASSERT_EQ(acks[0].message_id_size(), 1);
    EXPECT_EQ(acks[0].message_id(0).ack_set_size(), 0);
}

TEST(Acknowledging, with_a_receipt_goes_at_once_behind_what_waits) {
    Receiving peer;
    peer.session.ack(peer.consumer, at(1), std::nullopt, peer.now);
    peer.session.ack(peer.consumer, at(2), OperationId{5}, peer.now);
    const auto acks = peer.acks();
    ASSERT_EQ(acks.size(), 2U);
    EXPECT_EQ(acks[0].message_id(0).entryid(), 1U);
    EXPECT_TRUE(acks[1].has_request_id());
    EXPECT_TRUE(peer.has_no_outcome());
    auto answer = of_type(Type::ACK_RESPONSE);
    answer.mutable_ack_response()->set_consumer_id(static_cast<std::uint64_t>(peer.consumer));
    answer.mutable_ack_response()->set_request_id(acks[1].request_id());
    peer.say(peer.last(), answer);
    const auto done = peer.outcome<Done>();
    EXPECT_EQ(done.operation, OperationId{5});
    EXPECT_TRUE(done.result);
    EXPECT_EQ(peer.session.sizes().requests, 0U);
}

TEST(Acknowledging, with_a_receipt_that_does_not_come_fails) {
    for (const auto how : {0, 1, 2}) {
        SCOPED_TRACE(how);
        Receiving peer;
        peer.session.ack(peer.consumer, at(2), OperationId{5}, peer.now);
        const auto acks = peer.acks();
        ASSERT_EQ(acks.size(), 1U);
        auto answer = of_type(Type::ACK_RESPONSE);
        answer.mutable_ack_response()->set_consumer_id(static_cast<std::uint64_t>(peer.consumer));
        answer.mutable_ack_response()->set_request_id(acks[0].request_id());
        answer.mutable_ack_response()->set_error(proto::MetadataError);
        if (how == 0) peer.say(peer.last(), answer);
        if (how == 1) peer.cut(peer.last());
        if (how == 2) peer.advance(25s), peer.say(peer.last(), ping()), peer.advance(5s);
        EXPECT_FALSE(peer.outcome<Done>().result);
        EXPECT_EQ(peer.session.sizes().requests, 0U);
    }
}

TEST(Acknowledging, without_a_broker_waits_for_the_next_or_says_so) {
    Receiving peer;
    peer.cut(peer.last());
    peer.session.ack(peer.consumer, at(1), std::nullopt, peer.now);
    peer.session.ack(peer.consumer, at(2), OperationId{5}, peer.now);
    const auto done = peer.outcome<Done>();
    EXPECT_EQ(done.result.error().kind, kernel::ErrorKind::unavailable);
    peer.advance(300ms);
    const auto acks = peer.acks();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].message_id(0).entryid(), 1U);
}

TEST(Acknowledging, cumulative_says_the_highest_and_never_goes_back) {
    Receiving peer;
    peer.session.ack_cumulative(peer.consumer, at(7), std::nullopt, peer.now);
    peer.session.ack_cumulative(peer.consumer, at(9), std::nullopt, peer.now);
    peer.session.ack_cumulative(peer.consumer, at(3), std::nullopt, peer.now);
    peer.advance(100ms);
    const auto acks = peer.acks();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].ack_type(), proto::CommandAck::Cumulative);
    ASSERT_EQ(acks[0].message_id_size(), 1);
    EXPECT_EQ(acks[0].message_id(0).entryid(), 9U);
}

TEST(Acknowledging, cumulative_is_refused_where_order_does_not_hold) {
    for (const auto type : {SubscriptionType::shared, SubscriptionType::key_shared}) {
        Receiving peer(subscribed_as(type));
        peer.session.ack_cumulative(peer.consumer, at(7), OperationId{1}, peer.now);
        EXPECT_EQ(peer.outcome<Done>().result.error().code, "pulsar-cumulative-ack");
        peer.session.ack_cumulative(peer.consumer, at(7), std::nullopt, peer.now);
        peer.advance(1s);
        EXPECT_TRUE(peer.acks().empty());
    }
}

// --- Redelivery

TEST(Redelivery, on_a_shared_subscription_names_the_entries_after_the_delay) {
    Receiving peer(consumer_with([](auto& options) {
        options.type = SubscriptionType::shared;
        options.nack_delay = 10s;
    }));
    peer.give(1, 2);
    peer.give(2);
    peer.take();
    peer.session.nack(peer.consumer, at(1, 0, 2), peer.now);
    peer.session.nack(peer.consumer, at(1, 1, 2), peer.now);
    peer.session.ack(peer.consumer, at(1, 1, 2), std::nullopt, peer.now);
    peer.advance(2s);
    peer.session.nack(peer.consumer, at(2), peer.now);
    peer.hear_all(peer.last(), Type::ACK);
    peer.advance(7'999ms);
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    peer.advance(1ms);
    auto wanted = peer.hear_all(peer.last(), Type::REDELIVER_UNACKNOWLEDGED_MESSAGES);
    ASSERT_EQ(wanted.size(), 1U);
    ASSERT_EQ(wanted[0].command.redeliver_unacknowledged_messages().message_ids_size(), 1);
    EXPECT_EQ(wanted[0].command.redeliver_unacknowledged_messages().message_ids(0).entryid(), 1U);
    peer.advance(2s);
    wanted = peer.hear_all(peer.last(), Type::REDELIVER_UNACKNOWLEDGED_MESSAGES);
    ASSERT_EQ(wanted.size(), 1U);
    EXPECT_EQ(wanted[0].command.redeliver_unacknowledged_messages().message_ids(0).entryid(), 2U);
}

TEST(Redelivery, what_is_acknowledged_after_all_does_not_come_again) {
    Receiving peer(subscribed_as(SubscriptionType::shared));
    peer.give(1);
    peer.give(2);
    peer.take();
    peer.session.nack(peer.consumer, at(1), peer.now);
    peer.session.nack(peer.consumer, at(2), peer.now);
    peer.session.ack(peer.consumer, at(1), std::nullopt, peer.now);
    peer.advance(2min);
    const auto wanted = peer.hear_all(peer.last(), Type::REDELIVER_UNACKNOWLEDGED_MESSAGES);
    ASSERT_EQ(wanted.size(), 1U);
    ASSERT_EQ(wanted[0].command.redeliver_unacknowledged_messages().message_ids_size(), 1);
    EXPECT_EQ(wanted[0].command.redeliver_unacknowledged_messages().message_ids(0).entryid(), 2U);
}

TEST(Redelivery, on_an_ordered_subscription_goes_back_to_the_first_message) {
    for (const auto type : {SubscriptionType::exclusive, SubscriptionType::failover}) {
        Receiving peer(subscribed_as(type));
        for (std::uint64_t i = 1; i < 4; ++i) peer.give(i);
        peer.take(1);
        peer.session.nack(peer.consumer, at(1), peer.now);
        for (int i = 0; i < 3; ++i) {
            peer.advance(19'999ms);
            peer.say(peer.last(), pong());
        }
        peer.hear_all(peer.last(), Type::PING);
        peer.advance(3ms);
        const auto wanted = peer.hear_all(peer.last(), Type::REDELIVER_UNACKNOWLEDGED_MESSAGES);
        ASSERT_EQ(wanted.size(), 1U);
        EXPECT_EQ(wanted[0].command.redeliver_unacknowledged_messages().message_ids_size(), 0);
        EXPECT_EQ(wanted[0].command.redeliver_unacknowledged_messages().consumer_epoch(), 1U);
        EXPECT_EQ(peer.take(), "") << "what was queued comes again";
    }
}

TEST(Redelivery, of_everything_drops_what_the_broker_sent_before_it_knew) {
    Receiving peer(consumer_with([](auto& options) { options.queue_messages_max = 4; }));
    peer.give(1);
    peer.session.ack(peer.consumer, at(0), std::nullopt, peer.now);
    peer.session.redeliver_all(peer.consumer, peer.now);
    peer.drain();
    EXPECT_EQ(peer.hear(peer.last(), Type::ACK).command.ack().message_id(0).entryid(), 0U) << "what is acknowledged is not to come again";
    EXPECT_EQ(peer.hear(peer.last(), Type::REDELIVER_UNACKNOWLEDGED_MESSAGES).command.redeliver_unacknowledged_messages().consumer_epoch(),
              1U);
    auto old = FakeEntry(peer.consumer, 1, 2).single("old");
    old.command.set_consumer_epoch(0);
    deliver(peer, peer.last(), old);
    EXPECT_EQ(peer.take(), "");
    auto fresh = FakeEntry(peer.consumer, 1, 1).single("again");
    fresh.command.set_consumer_epoch(1);
    deliver(peer, peer.last(), fresh);
    EXPECT_EQ(peer.take(), "1:1");
    // The epoch is told to the next broker.
    peer.habits.lets_consumers = false;
    peer.cut(peer.last());
    peer.advance(150ms);
    EXPECT_EQ(peer.resubscribed().consumer_epoch(), 1U);
}

// --- Seeking

std::uint64_t sought(Receiving& peer) {
    const auto seeks = peer.hear_all(peer.last(), Type::SEEK);
    EXPECT_EQ(seeks.size(), 1U);
    return seeks.empty() ? 0 : seeks.front().command.seek().request_id();
}

TEST(Seeking, is_done_when_it_is_answered_and_subscribed_again_in_any_order) {
    for (const auto order : {"answer, close", "close, answer, subscribed", "close, subscribed, answer"}) {
        SCOPED_TRACE(order);
        Receiving peer(consumer_with([](auto& options) { options.queue_messages_max = 4; }));
        peer.habits.lets_consumers = false;
        for (std::uint64_t i = 1; i < 5; ++i) peer.give(i);
        peer.all<Readable>();
        peer.session.seek(peer.consumer, at(2), OperationId{9}, peer.now);
        EXPECT_EQ(peer.take(), "") << "what was queued is gone";
        const auto request = sought(peer);
        const std::string_view how = order;
        if (how == "answer, close") {
            peer.say(peer.last(), success(request));
            peer.say(peer.last(), closes_consumer(peer.consumer));
            peer.advance(150ms);
            peer.say(peer.last(), success(peer.resubscribed().request_id()));
        } else if (how == "close, answer, subscribed") {
            peer.say(peer.last(), closes_consumer(peer.consumer));
            peer.say(peer.last(), success(request));
            EXPECT_TRUE(peer.all<Done>().empty());
            peer.advance(150ms);
            peer.say(peer.last(), success(peer.resubscribed().request_id()));
        } else {
            peer.say(peer.last(), closes_consumer(peer.consumer));
            peer.advance(150ms);
            peer.say(peer.last(), success(peer.resubscribed().request_id()));
            EXPECT_TRUE(peer.all<Done>().empty());
            peer.say(peer.last(), success(request));
        }
        const auto done = peer.all<Done>();
        ASSERT_EQ(done.size(), 1U);
        EXPECT_EQ(done[0].operation, OperationId{9});
        EXPECT_TRUE(done[0].result);
        EXPECT_EQ(peer.permits(), 4U);
        peer.give(2);
        EXPECT_EQ(peer.take(), "1:2");
        EXPECT_EQ(peer.session.sizes().requests, 0U);
    }
}

TEST(Seeking, answered_without_a_new_subscription_still_allows_messages) {
    Receiving peer(consumer_with([](auto& options) { options.queue_messages_max = 4; }));
    for (std::uint64_t i = 1; i < 5; ++i) peer.give(i);
    peer.session.seek(peer.consumer, at(2), OperationId{9}, peer.now);
    peer.drain();
    std::uint64_t request = 0;
    std::uint64_t permits = 0;
    for (auto& heard : peer.line_of(peer.last()).heard) {
        if (heard.command.type() == Type::SEEK) request = heard.command.seek().request_id();
        if (heard.command.type() == Type::FLOW) permits += heard.command.flow().messagepermits();
    }
    peer.line_of(peer.last()).heard.clear();
    peer.say(peer.last(), success(request));
    EXPECT_TRUE(peer.all<Done>().front().result);
    EXPECT_EQ(permits + peer.permits(), 4U);
}

TEST(Seeking, what_was_on_its_way_is_dropped) {
    Receiving peer;
    peer.session.seek(peer.consumer, at(2), OperationId{9}, peer.now);
    const auto request = sought(peer);
    peer.give(8);
    EXPECT_EQ(peer.take(), "");
    peer.say(peer.last(), closes_consumer(peer.consumer));
    peer.say(peer.last(), success(request));
    peer.advance(150ms);
    peer.give(2);
    EXPECT_EQ(peer.take(), "1:2");
}

TEST(Seeking, an_ack_in_its_middle_does_not_move_the_cursor_away) {
    Receiving peer;
    for (std::uint64_t entry = 1; entry < 4; ++entry) peer.give(entry);
    peer.take();
    peer.session.ack_cumulative(peer.consumer, at(2), std::nullopt, peer.now);
    peer.session.seek(peer.consumer, wire::earliest, OperationId{9}, peer.now);
    EXPECT_EQ(peer.hear_all(peer.last(), Type::ACK).size(), 1U) << "what was acknowledged before is";
    peer.session.ack_cumulative(peer.consumer, at(3), std::nullopt, peer.now);
    peer.advance(1s);
    EXPECT_TRUE(peer.hear_all(peer.last(), Type::ACK).empty());
}

TEST(Seeking, is_asked_again_when_the_connection_is_lost_in_its_middle) {
    Receiving peer;
    peer.session.seek(peer.consumer, at(2), OperationId{9}, peer.now);
    sought(peer);
    peer.cut(peer.last());
    peer.advance(500ms);
    EXPECT_TRUE(peer.all<Done>().empty());
    const auto request = sought(peer);
    peer.say(peer.last(), closes_consumer(peer.consumer));
    peer.say(peer.last(), success(request));
    peer.advance(150ms);
    ASSERT_EQ(peer.all<Done>().size(), 1U);
    peer.give(2);
    EXPECT_EQ(peer.take(), "1:2");
}

TEST(Seeking, is_asked_again_after_an_error_that_passes) {
    Receiving peer;
    peer.session.seek(peer.consumer, at(2), OperationId{9}, peer.now);
    peer.say(peer.last(), error(sought(peer), proto::MetadataError));
    EXPECT_TRUE(peer.all<Done>().empty());
    peer.advance(150ms);
    peer.say(peer.last(), success(sought(peer)));
    EXPECT_EQ(peer.all<Done>().size(), 1U);
}

TEST(Seeking, that_is_refused_lets_nothing_be_missed) {
    Receiving peer(consumer_with([](auto& options) { options.queue_messages_max = 4; }));
    peer.give(1);
    peer.session.seek(peer.consumer, at(9), OperationId{9}, peer.now);
    const auto request = sought(peer);
    peer.give(2);  // dropped, because it lies before the seek
    peer.habits.lets_consumers = true;
    peer.say(peer.last(), error(request, proto::NotAllowedError));
    EXPECT_FALSE(peer.all<Done>().front().result);
    peer.advance(300ms);
    // One way or the other, the broker is asked for what was dropped here.
    bool asked = !peer.all<Reattached>().empty();
    for (const auto& heard : peer.line_of(peer.last()).heard) asked |= heard.command.type() == Type::REDELIVER_UNACKNOWLEDGED_MESSAGES;
    EXPECT_TRUE(asked);
}

TEST(Seeking, one_goes_after_the_other) {
    Receiving peer;
    peer.session.seek(peer.consumer, at(2), OperationId{1}, peer.now);
    peer.session.seek(peer.consumer, at(3), OperationId{2}, peer.now);
    peer.say(peer.last(), success(sought(peer)));
    EXPECT_EQ(peer.all<Done>().size(), 1U);
    peer.say(peer.last(), success(sought(peer)));
    EXPECT_EQ(peer.all<Done>().front().operation, OperationId{2});
}

TEST(Seeking, a_reader_subscribes_where_it_was_sent) {
    Receiving peer(reader_from(wire::earliest));
    peer.give(7);
    peer.take();
    peer.session.seek(peer.consumer, at(2), OperationId{1}, peer.now);
    const auto request = sought(peer);
    peer.habits.lets_consumers = false;
    peer.say(peer.last(), closes_consumer(peer.consumer));
    peer.say(peer.last(), success(request));
    peer.advance(150ms);
    const auto asked = peer.resubscribed();
    EXPECT_EQ(asked.start_message_id().entryid(), 2U);
    peer.say(peer.last(), success(asked.request_id()));
    peer.give(2);
    EXPECT_EQ(peer.take(), "1:2") << "the start of a seek is part of it";
}

TEST(Seeking, that_is_never_answered_fails_at_its_deadline) {
    Receiving peer;
    peer.session.seek(peer.consumer, at(2), OperationId{1}, peer.now);
    peer.advance(25s);
    peer.say(peer.last(), ping());
    peer.advance(5s);
    const auto done = peer.all<Done>();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].result.error().code, "pulsar-timeout");
    EXPECT_EQ(peer.session.sizes().requests, 0U);
    peer.give(8);
    EXPECT_EQ(peer.take(), "1:8") << "and messages come again";
}

TEST(Seeking, that_is_refused_brings_back_what_was_queued) {
    Receiving peer;
    peer.give(1);
    peer.session.seek(peer.consumer, at(9), OperationId{9}, peer.now);
    peer.say(peer.last(), error(sought(peer), proto::NotAllowedError));
    EXPECT_FALSE(peer.all<Done>().front().result);
    EXPECT_EQ(peer.hear_all(peer.last(), Type::REDELIVER_UNACKNOWLEDGED_MESSAGES).size(), 1U);
}

TEST(Seeking, of_a_reader_that_is_refused_leaves_it_where_it_was) {
    Receiving peer(reader_from(wire::earliest));
    peer.give(1);
    peer.give(2);
    EXPECT_EQ(peer.take(1), "1:1");
    peer.session.seek(peer.consumer, at(9), OperationId{9}, peer.now);
    peer.habits.lets_consumers = false;
    peer.say(peer.last(), error(sought(peer), proto::NotAllowedError));
    EXPECT_FALSE(peer.all<Done>().front().result);
    peer.advance(150ms);
    const auto asked = peer.resubscribed();
    EXPECT_EQ(asked.start_message_id().entryid(), 1U);
    peer.say(peer.last(), success(asked.request_id()));
    peer.give(1);
    peer.give(2);
    EXPECT_EQ(peer.take(), "1:2");
}

TEST(Seeking, one_that_waits_and_comes_to_its_deadline_does_not_disturb_the_other) {
    Receiving peer;
    peer.habits.lets_consumers = false;
    peer.session.seek(peer.consumer, at(2), OperationId{1}, peer.now);
    const auto first = sought(peer);
    peer.say(peer.last(), closes_consumer(peer.consumer));
    peer.advance(25s);
    peer.say(peer.last(), ping());
    peer.session.seek(peer.consumer, at(3), OperationId{2}, peer.now);
    peer.say(peer.last(), success(first));
    peer.advance(5s);  // the first is answered, but not subscribed again in time
    const auto done = peer.all<Done>();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].operation, OperationId{1});
    peer.say(peer.last(), ping());
    peer.habits.lets_consumers = true;
    peer.advance(10s);
    peer.say(peer.last(), success(sought(peer)));
    EXPECT_TRUE(peer.all<Done>().front().result);
}

// --- Last id, unsubscribe

TEST(LastId, is_told_and_an_empty_topic_has_none) {
    for (const bool is_empty : {true, false}) {
        Receiving peer;
        peer.session.last_message_id(peer.consumer, OperationId{1}, peer.now);
        peer.drain();
        auto answer = of_type(Type::GET_LAST_MESSAGE_ID_RESPONSE);
        auto& response = *answer.mutable_get_last_message_id_response();
        response.set_request_id(peer.hear(peer.last(), Type::GET_LAST_MESSAGE_ID).command.get_last_message_id().request_id());
        response.mutable_last_message_id()->set_ledgerid(4);
        response.mutable_last_message_id()->set_entryid(is_empty ? nowhere : 17);
        if (!is_empty) response.mutable_last_message_id()->set_batch_index(2);
        peer.say(peer.last(), answer);
        const auto last = peer.outcome<LastMessage>();
        ASSERT_TRUE(last.id);
        EXPECT_EQ(last.id->has_value(), !is_empty);
        if (!is_empty) EXPECT_EQ(**last.id, (wire::MessageId{.ledger = 4, .entry = 17, .batch_index = 2}));
    }
}

TEST(LastId, waits_for_a_broker_but_not_for_ever) {
    Receiving peer;
    peer.habits.connects = false;
    peer.cut(peer.last());
    peer.session.last_message_id(peer.consumer, OperationId{1}, peer.now);
    peer.advance(29'999ms);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.advance(1ms);
    EXPECT_EQ(peer.outcome<LastMessage>().id.error().code, "pulsar-timeout");
    peer.session.last_message_id(peer.consumer, OperationId{2}, peer.now);
    peer.habits.connects = true;
    peer.advance(20s);
    EXPECT_EQ(peer.hear_all(peer.last(), Type::GET_LAST_MESSAGE_ID).size(), 1U);
}

TEST(Unsubscribing, is_done_when_the_broker_says_so) {
    for (const bool refused : {true, false}) {
        Receiving peer;
        peer.session.ack(peer.consumer, at(1), std::nullopt, peer.now);
        peer.session.unsubscribe(peer.consumer, OperationId{1}, peer.now);
        peer.hear(peer.last(), Type::ACK);
        const auto request = peer.hear(peer.last(), Type::UNSUBSCRIBE).command.unsubscribe().request_id();
        peer.say(peer.last(), refused ? error(request, proto::NotAllowedError) : success(request));
        EXPECT_EQ(static_cast<bool>(peer.outcome<Done>().result), !refused);
        peer.session.close_consumer(peer.consumer, peer.now);
        EXPECT_TRUE(peer.outcome<ConsumerClosed>().result);
    }
}

// --- The end

TEST(ConsumerClose, sends_acks_that_wait_first) {
    Receiving peer;
    peer.habits.closes = false;
    peer.session.ack(peer.consumer, at(1), std::nullopt, peer.now);
    peer.session.close_consumer(peer.consumer, peer.now);
    peer.session.close_consumer(peer.consumer, peer.now);
    peer.hear(peer.last(), Type::ACK);
    const auto close = peer.hear(peer.last(), Type::CLOSE_CONSUMER).command.close_consumer();
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    EXPECT_TRUE(peer.has_no_outcome());
    peer.say(peer.last(), success(close.request_id()));
    EXPECT_TRUE(peer.outcome<ConsumerClosed>().result);
    EXPECT_FALSE(peer.session.take(peer.consumer, 1, peer.now));
}

TEST(ConsumerClose, that_the_broker_does_not_answer_ends_all_the_same) {
    for (const auto how : {0, 1, 2, 3}) {
        SCOPED_TRACE(how);
        Receiving peer;
        peer.habits.closes = false;
        peer.session.close_consumer(peer.consumer, peer.now);
        const auto close = peer.hear(peer.last(), Type::CLOSE_CONSUMER).command.close_consumer();
        switch (how) {
            case 0: peer.cut(peer.last()); break;
            case 1: peer.say(peer.last(), error(close.request_id(), proto::UnknownError)); break;
            case 2: peer.say(peer.last(), closes_consumer(peer.consumer, "pulsar://broker-9:6650")); break;
            default: peer.advance(25s), peer.say(peer.last(), ping()), peer.advance(5s);
        }
        EXPECT_TRUE(peer.outcome<ConsumerClosed>().result);
        peer.advance(10s);
        EXPECT_TRUE(peer.has_no_outcome());
        EXPECT_TRUE(peer.hear_all(peer.last(), Type::SUBSCRIBE).empty()) << "it does not come back";
        EXPECT_EQ(peer.session.sizes().requests, 0U);
    }
}

TEST(ConsumerClose, ends_what_was_asked_of_it) {
    Receiving peer;
    peer.habits.closes = true;
    peer.session.last_message_id(peer.consumer, OperationId{1}, peer.now);
    peer.session.seek(peer.consumer, at(1), OperationId{2}, peer.now);
    peer.session.unsubscribe(peer.consumer, OperationId{3}, peer.now);
    peer.session.ack(peer.consumer, at(1), OperationId{4}, peer.now);
    peer.session.close_consumer(peer.consumer, peer.now);
    EXPECT_EQ(peer.all<LastMessage>().size(), 1U);
    EXPECT_EQ(peer.all<Done>().size(), 3U);
    EXPECT_TRUE(peer.outcome<ConsumerClosed>().result);
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_EQ(peer.session.sizes().requests, 0U);
}

}  // namespace
}  // namespace platform::pulsar::session
