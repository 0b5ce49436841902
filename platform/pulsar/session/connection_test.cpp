// Connections: the handshake, credentials, keep-alive, frames that cannot be, and the close of the whole session.
#include "platform/pulsar/session/fake_peer.hpp"

#include <chrono>

namespace platform::pulsar::session {
namespace {

using namespace std::chrono_literals;

constexpr auto operation = OperationId{7};

// A session that wants a connection, because it wants to know the partitions of a topic.
struct Asking : FakePeer {
    explicit Asking(Options options = test_options()) : FakePeer(std::move(options)) { ask(); }
    void ask() { session.partitions(operation, std::string(test_topic), now); }
};

struct ByHand : FakePeer {
    explicit ByHand(Options options = test_options()) : FakePeer(std::move(options)) {
        habits.connects = false;
        session.partitions(operation, std::string(test_topic), now);
        drain();
    }
};

Options with_tokens() {
    auto options = test_options();
    options.tokens = true;
    return options;
}

TEST(Connection, begins_with_a_handshake) {
    ByHand peer;
    ASSERT_EQ(peer.dialed.size(), 1U);
    EXPECT_EQ(peer.line_of(peer.last()).address, *address_from(test_broker));
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    peer.session.connected(peer.last(), peer.now);
    const auto connect = peer.hear(peer.last(), Type::CONNECT).command.connect();
    EXPECT_EQ(connect.auth_method_name(), "none");
    EXPECT_FALSE(connect.has_auth_data());
    EXPECT_FALSE(connect.has_proxy_to_broker_url());
    EXPECT_EQ(connect.protocol_version(), 19);
    EXPECT_TRUE(connect.feature_flags().supports_auth_refresh());
    EXPECT_TRUE(connect.feature_flags().supports_broker_entry_metadata());
    EXPECT_TRUE(peer.is_quiet(peer.last())) << "nothing is asked before CONNECTED";
    peer.say(peer.last(), connected_answer(5 * 1024 * 1024));
    EXPECT_EQ(peer.hear(peer.last(), Type::PARTITIONED_METADATA).command.partitioned_metadata().topic(), test_topic);
}

TEST(Connection, one_is_enough_for_everything_at_one_broker) {
    FakePeer peer;
    peer.open(any_producer());
    peer.open(any_consumer());
    peer.session.partitions(operation, std::string(test_topic), peer.now);
    peer.drain();
    EXPECT_EQ(peer.lines.size(), 1U);
    EXPECT_EQ(peer.session.sizes().connections, 1U);
}

TEST(Connection, that_does_not_come_up_is_given_up_after_the_connect_timeout) {
    ByHand peer;
    const auto first = peer.last();
    peer.advance(9999ms);
    EXPECT_TRUE(peer.is_open(first));
    peer.advance(1ms);
    EXPECT_FALSE(peer.is_open(first));
    peer.advance(200ms);
    EXPECT_NE(peer.last(), first) << "it is dialed anew";
}

TEST(Connection, whose_broker_never_answers_connect_is_given_up_after_the_connect_timeout) {
    ByHand peer;
    const auto first = peer.last();
    peer.advance(6s);
    peer.session.connected(first, peer.now);
    peer.advance(4s);
    EXPECT_FALSE(peer.is_open(first));
}

TEST(Connection, events_of_one_that_is_gone_mean_nothing) {
    Asking peer;
    peer.drain();
    const auto gone = peer.last();
    peer.hear(gone, Type::PARTITIONED_METADATA);
    peer.cut(gone);
    peer.session.connected(gone, peer.now);
    peer.session.token(gone, std::string("T"), peer.now);
    peer.session.written(gone, 100);
    peer.session.closed(gone, {kernel::ErrorKind::unavailable, "reset", ""}, peer.now);
    EXPECT_TRUE(peer.session.prepare(gone, 10).empty());
    peer.session.received(gone, 0, peer.now);
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_TRUE(peer.is_quiet(gone));
}

// --- Credentials

TEST(Credentials, the_token_is_asked_for_and_sent_as_it_is) {
    ByHand peer(with_tokens());
    peer.habits.gives_tokens = false;
    peer.session.connected(peer.last(), peer.now);
    EXPECT_TRUE(peer.is_quiet(peer.last()));
    ASSERT_EQ(peer.token_wanted.size(), 1U);
    peer.session.token(peer.last(), std::string("header.body.signature"), peer.now);
    const auto connect = peer.hear(peer.last(), Type::CONNECT).command.connect();
    EXPECT_EQ(connect.auth_method_name(), "token");
    EXPECT_EQ(connect.auth_data(), "header.body.signature");
}

TEST(Credentials, a_challenge_is_answered_with_a_new_token) {
    Asking peer(with_tokens());
    peer.drain();
    const auto line = peer.last();
    peer.hear(line, Type::PARTITIONED_METADATA);
    peer.token = "NEWER";
    auto challenge = of_type(Type::AUTH_CHALLENGE);
    challenge.mutable_auth_challenge()->mutable_challenge()->set_auth_method_name("token");
    peer.say(line, challenge);
    const auto response = peer.hear(line, Type::AUTH_RESPONSE).command.auth_response();
    EXPECT_EQ(response.response().auth_method_name(), "token");
    EXPECT_TRUE(response.response().has_auth_data());
    EXPECT_EQ(response.response().auth_data(), "NEWER");
    EXPECT_TRUE(peer.is_open(line));
}

TEST(Credentials, a_challenge_without_credentials_of_ours_ends_the_connection) {
    Asking peer;
    peer.drain();
    auto challenge = of_type(Type::AUTH_CHALLENGE);
    challenge.mutable_auth_challenge();
    for (int attempt = 0; attempt < 2; ++attempt) {  // who may have got some meanwhile is asked once more
        EXPECT_TRUE(peer.has_no_outcome());
        peer.say(peer.last(), challenge);
        EXPECT_FALSE(peer.is_open(peer.last()));
        peer.advance(150ms);
    }
    const auto outcome = peer.outcome<Partitions>();
    ASSERT_FALSE(outcome.count);
    EXPECT_EQ(outcome.count.error().kind, kernel::ErrorKind::forbidden);
}

TEST(Credentials, a_token_that_cannot_be_had_ends_the_connection_and_is_asked_for_again) {
    FakePeer peer(with_tokens());
    peer.habits.gives_tokens = false;
    peer.session.open_producer(any_producer(), peer.now);
    peer.drain();
    const auto first = peer.last();
    peer.session.token(first, kernel::Error{kernel::ErrorKind::unavailable, "token-file", "no such file"}, peer.now);
    peer.advance(200ms);
    EXPECT_FALSE(peer.is_open(first));
    EXPECT_EQ(peer.token_wanted.size(), 2U);
    EXPECT_TRUE(peer.has_no_outcome());
}

// As brokers say it: before CONNECTED, with the request id 2^64-1.
void refuse(FakePeer& peer, ConnectionId line) {
    peer.session.connected(line, peer.now);
    peer.hear(line, Type::CONNECT);
    peer.say(line, error(std::numeric_limits<std::uint64_t>::max(), proto::AuthenticationError));
    EXPECT_FALSE(peer.is_open(line));
}

TEST(Credentials, that_are_refused_twice_fail_what_was_never_open) {
    FakePeer peer(with_tokens());
    peer.habits.connects = false;
    peer.session.open_producer(any_producer(), peer.now);
    peer.drain();
    refuse(peer, peer.last());
    EXPECT_TRUE(peer.has_no_outcome()) << "the token may have been renewed since: one more try";
    peer.advance(200ms);
    ASSERT_EQ(peer.lines.size(), 2U);
    refuse(peer, peer.last());
    const auto opened = peer.outcome<ProducerOpened>();
    ASSERT_FALSE(opened.facts);
    EXPECT_EQ(opened.facts.error().kind, kernel::ErrorKind::forbidden);
    EXPECT_EQ(opened.facts.error().code, "pulsar-authentication-error");
    EXPECT_EQ(peer.session.sizes().producers, 0U);
}

TEST(Credentials, that_are_refused_do_not_end_what_was_open_once) {
    FakePeer peer(with_tokens());
    const auto producer = peer.open(any_producer());
    const auto consumer = peer.open(any_consumer());
    peer.habits.connects = false;
    peer.cut(peer.last());
    for (int i = 0; i < 10; ++i) {
        peer.advance(6s);
        if (peer.is_open(peer.last())) refuse(peer, peer.last());
    }
    EXPECT_TRUE(peer.all<ProducerClosed>().empty());
    peer.habits.connects = true;
    peer.advance(20s);
    EXPECT_TRUE(peer.session.is_attached(producer));
    EXPECT_TRUE(peer.session.is_attached(consumer));
}

// --- Keep-alive

TEST(KeepAlive, asks_after_thirty_silent_seconds_and_hangs_up_after_thirty_more) {
    Asking peer(test_options());
    peer.drain();
    const auto line = peer.last();
    peer.say(line, partitioned(peer.hear(line, Type::PARTITIONED_METADATA).command.partitioned_metadata().request_id(), 4));
    EXPECT_EQ(*peer.outcome<Partitions>().count, 4U);

    peer.advance(29'999ms);
    EXPECT_TRUE(peer.is_quiet(line));
    peer.advance(1ms);
    peer.hear(line, Type::PING);
    peer.advance(29'999ms);
    EXPECT_TRUE(peer.is_open(line));
    peer.advance(1ms);
    EXPECT_FALSE(peer.is_open(line));
}

TEST(KeepAlive, any_byte_is_life) {
    FakePeer peer;
    peer.open(any_producer());
    const auto line = peer.last();
    const auto bytes = wire::encode(ping());
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {  // one byte a time, never a whole frame
        peer.advance(29s);
        peer.say_bytes(line, bytes.substr(i, 1));
        EXPECT_TRUE(peer.hear_all(line, Type::PING).empty());
    }
    peer.advance(31s);
    EXPECT_EQ(peer.hear_all(line, Type::PING).size(), 1U);
    peer.say_bytes(line, bytes.substr(bytes.size() - 1));
    EXPECT_EQ(peer.hear_all(line, Type::PONG).size(), 1U);
    peer.advance(29'999ms);
    EXPECT_TRUE(peer.is_open(line));
}

TEST(KeepAlive, a_broker_that_answers_every_ping_is_kept_for_ever) {
    FakePeer peer;
    peer.open(any_producer());
    const auto line = peer.last();
    int pings = 0;
    for (int i = 0; i < 3600; ++i) {
        peer.advance(1s);
        for (std::size_t n = peer.hear_all(line, Type::PING).size(); n > 0; --n, ++pings) peer.say(line, pong());
    }
    EXPECT_TRUE(peer.is_open(line));
    EXPECT_NEAR(pings, 120, 2);
}

TEST(KeepAlive, a_ping_is_answered_in_every_state) {
    ByHand peer(with_tokens());
    peer.habits.gives_tokens = false;
    const auto line = peer.last();
    peer.session.connected(line, peer.now);
    peer.say(line, ping());
    peer.hear(line, Type::PONG);
    peer.session.token(line, std::string("T"), peer.now);
    peer.hear(line, Type::CONNECT);
    peer.say(line, ping());
    peer.hear(line, Type::PONG);
    peer.say(line, connected_answer(1024 * 1024));
    peer.hear(line, Type::PARTITIONED_METADATA);
    peer.say(line, ping());
    peer.hear(line, Type::PONG);
}

// --- Frames

TEST(Frames, a_command_before_connected_ends_the_connection) {
    for (const auto& early :
         {success(1), producer_success(1, "a", -1), located(1, std::string(test_broker)), closes_producer(ProducerId{1})}) {
        ByHand peer;
        const auto line = peer.last();
        peer.session.connected(line, peer.now);
        peer.hear(line, Type::CONNECT);
        peer.say(line, early);
        EXPECT_FALSE(peer.is_open(line));
        EXPECT_TRUE(peer.has_no_outcome());
    }
}

TEST(Frames, connected_before_connect_ends_the_connection) {
    ByHand peer(with_tokens());
    peer.habits.gives_tokens = false;
    peer.session.connected(peer.last(), peer.now);
    peer.say(peer.last(), connected_answer(1024 * 1024));
    EXPECT_FALSE(peer.is_open(peer.last()));
}

TEST(Frames, types_of_later_protocols_are_ignored) {
    ByHand peer;
    const auto line = peer.last();
    peer.session.connected(line, peer.now);
    peer.hear(line, Type::CONNECT);
    const std::string unknown("\0\0\0\7\0\0\0\3\x08\xe8\x07", 11);  // type 1000
    peer.say_bytes(line, unknown);
    peer.say(line, connected_answer(1024 * 1024));
    peer.say_bytes(line, unknown);
    peer.hear(line, Type::PARTITIONED_METADATA);
    EXPECT_TRUE(peer.is_open(line));
}

TEST(Frames, answers_to_what_nobody_asked_are_ignored) {
    FakePeer peer;
    const auto producer = peer.open(any_producer());
    const auto line = peer.last();
    auto last_id = of_type(Type::GET_LAST_MESSAGE_ID_RESPONSE);
    last_id.mutable_get_last_message_id_response()->set_request_id(999);
    last_id.mutable_get_last_message_id_response()->mutable_last_message_id()->set_ledgerid(1);
    last_id.mutable_get_last_message_id_response()->mutable_last_message_id()->set_entryid(1);
    auto ack_response = of_type(Type::ACK_RESPONSE);
    ack_response.mutable_ack_response()->set_consumer_id(999);
    auto partitions = of_type(Type::PARTITIONED_METADATA_RESPONSE);
    partitions.mutable_partitioned_metadata_response()->set_request_id(999);
    auto end = of_type(Type::REACHED_END_OF_TOPIC);
    end.mutable_reached_end_of_topic()->set_consumer_id(999);
    auto active = of_type(Type::ACTIVE_CONSUMER_CHANGE);
    active.mutable_active_consumer_change()->set_consumer_id(999);
    for (const auto& odd :
         {success(999), error(999, proto::UnknownError), producer_success(999, "x", 4), located(999, std::string(test_broker)),
          receipt(ProducerId{999}, 1, 1, 1), send_error(ProducerId{999}, 1, proto::PersistenceError), closes_producer(ProducerId{999}),
          closes_consumer(ConsumerId{999}), last_id, ack_response, partitions, end, active, connected_answer(5000), pong()})
        peer.say(line, odd);
    deliver(peer, line, FakeEntry(ConsumerId{999}, 1, 1).single("x"));
    EXPECT_TRUE(peer.is_open(line));
    EXPECT_TRUE(peer.session.is_attached(producer));
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_TRUE(peer.is_quiet(line));
}

TEST(Frames, that_cannot_be_end_the_connection) {
    const auto too_long = u32_bytes(1024 * 1024 + 10 * 1024 + 1) + "xxxx";
    for (const auto& bytes :
         {std::string("\0\0\0\0\0\0\0\0", 8), std::string("\xff\xff\xff\xff\0\0\0\0", 8), too_long, std::string("\0\0\0\5\0\0\0\6\x08", 9),
          std::string("\0\0\0\6\0\0\0\2\x08\x11", 10),  // PRODUCER_SUCCESS without its part
          std::string("\0\0\0\6\0\0\0\2\xff\xff", 10)}) {
        FakePeer peer;
        peer.message_bytes_max = 1024 * 1024;
        peer.open(any_producer());
        const auto line = peer.last();
        peer.say_bytes(line, bytes);
        peer.drain();
        EXPECT_FALSE(peer.is_open(line));
        peer.advance(1s);
        EXPECT_TRUE(peer.is_open(peer.last())) << "and it comes back over another";
    }
}

TEST(Frames, may_be_cut_anywhere_and_may_come_together) {
    const auto conversation = [](std::size_t cut_at, bool together) {
        FakePeer peer;
        const auto consumer = peer.open(any_consumer());
        const auto line = peer.last();
        const auto bytes = wire::encode(ping()) + FakeEntry(consumer, 1, 1).batch(3).frame() +
                           FakeEntry(consumer, 1, 2).single("last").frame() + wire::encode(ping());
        if (together) {
            peer.say_bytes(line, bytes);
        } else if (cut_at == 0) {
            for (const char c : bytes) peer.say_bytes(line, {&c, 1});
        } else {
            if (cut_at >= bytes.size()) return std::string("end");
            peer.say_bytes(line, std::string_view(bytes).substr(0, cut_at));
            peer.drain();
            peer.say_bytes(line, std::string_view(bytes).substr(cut_at));
        }
        const auto pongs = peer.hear_all(line, Type::PONG).size();
        std::string text = std::to_string(pongs) + " pongs";
        for (const auto& message : *peer.session.take(consumer, 100, peer.now)) text += " " + std::string(message.payload);
        return text;
    };
    const std::string expected = "2 pongs m0 m1 m2 last";
    EXPECT_EQ(conversation(0, true), expected);
    EXPECT_EQ(conversation(0, false), expected);
    for (std::size_t i = 1;; ++i) {
        const auto text = conversation(i, false);
        if (text == "end") break;
        ASSERT_EQ(text, expected) << "cut at byte " << i;
    }
}

TEST(Frames, a_broker_that_does_not_read_is_left) {
    auto options = test_options();
    options.command_bytes_max = 1000;
    FakePeer peer(options);
    const auto consumer = peer.open(any_consumer());
    const auto line = peer.last();
    bool hung_up = false;
    for (int i = 0; i < 200 && !hung_up; ++i) {
        peer.session.ack(consumer, {.ledger = 1, .entry = static_cast<std::uint64_t>(i)}, OperationId{static_cast<std::uint64_t>(i)},
                         peer.now);
        while (auto action = peer.session.next())  // taken, and never reported as written
            if (std::holds_alternative<HangUp>(*action)) hung_up = true;
        peer.session.tick(peer.now);
    }
    EXPECT_TRUE(hung_up);
    EXPECT_NE(peer.last(), ConnectionId{});
    EXPECT_TRUE(peer.is_open(line)) << "the fixture did not see it";
}

// --- The close of everything

TEST(SessionClose, of_an_idle_session_is_done_at_once) {
    FakePeer peer;
    peer.session.close(peer.now);
    peer.outcome<SessionClosed>();
    EXPECT_TRUE(peer.has_no_outcome());
    peer.session.close(peer.now);
    EXPECT_TRUE(peer.has_no_outcome()) << "once";
}

TEST(SessionClose, what_is_asked_afterwards_is_refused) {
    FakePeer peer;
    peer.session.close(peer.now);
    peer.outcome<SessionClosed>();
    const auto producer = peer.session.open_producer(any_producer(), peer.now);
    EXPECT_EQ(peer.outcome<ProducerOpened>().facts.error().kind, kernel::ErrorKind::interrupted);
    const auto consumer = peer.session.open_consumer(any_consumer(), peer.now);
    EXPECT_EQ(peer.outcome<ConsumerOpened>().result.error().kind, kernel::ErrorKind::interrupted);
    peer.session.partitions(operation, std::string(test_topic), peer.now);
    EXPECT_EQ(peer.outcome<Partitions>().count.error().kind, kernel::ErrorKind::interrupted);
    EXPECT_EQ(peer.send(producer, "x").error().kind, kernel::ErrorKind::interrupted);
    peer.session.flush(producer, operation, peer.now);
    EXPECT_FALSE(peer.outcome<Flushed>().result);
    peer.session.seek(consumer, wire::earliest, operation, peer.now);
    EXPECT_FALSE(peer.outcome<Done>().result);
    peer.session.ack(consumer, {.ledger = 1, .entry = 1}, operation, peer.now);
    EXPECT_FALSE(peer.outcome<Done>().result);
    peer.session.last_message_id(consumer, operation, peer.now);
    EXPECT_FALSE(peer.outcome<LastMessage>().id);
    EXPECT_FALSE(peer.session.take(consumer, 1, peer.now));
    peer.session.nack(consumer, {.ledger = 1, .entry = 1}, peer.now);
    peer.session.redeliver_all(consumer, peer.now);
    peer.session.close_producer(producer, peer.now);
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    peer.session.close_consumer(consumer, peer.now);
    EXPECT_TRUE(peer.outcome<ConsumerClosed>().result);
    EXPECT_TRUE(peer.lines.empty());
}

// What the application asked, and which answers it got.
struct Tally {
    int partitions = 0, producers_opened = 0, producers_closed = 0, consumers_opened = 0, consumers_closed = 0, messages_ended = 0,
        flushed = 0, done = 0, last_ids = 0, sessions_closed = 0;
};

void count(Tally& tally, const std::deque<Action>& outcomes) {
    for (const auto& action : outcomes) {
        if (std::holds_alternative<Partitions>(action)) ++tally.partitions;
        if (std::holds_alternative<ProducerOpened>(action)) ++tally.producers_opened;
        if (std::holds_alternative<ProducerClosed>(action)) ++tally.producers_closed;
        if (std::holds_alternative<ConsumerOpened>(action)) ++tally.consumers_opened;
        if (std::holds_alternative<ConsumerClosed>(action)) ++tally.consumers_closed;
        if (const auto* sent = std::get_if<Sent>(&action)) tally.messages_ended += static_cast<int>(sent->count);
        if (std::holds_alternative<Flushed>(action)) ++tally.flushed;
        if (std::holds_alternative<Done>(action)) ++tally.done;
        if (std::holds_alternative<LastMessage>(action)) ++tally.last_ids;
        if (std::holds_alternative<SessionClosed>(action)) ++tally.sessions_closed;
    }
}

// Everything in flight at once; the broker stops at `stop`, then the session is closed.
enum class Stop : std::uint8_t { dialing, handshaking, looking_up, registering, open, lost, seeking, never };

TEST(SessionClose, gives_every_outcome_once_in_every_state_and_the_sessions_own_last) {
    for (const auto stop :
         {Stop::dialing, Stop::handshaking, Stop::looking_up, Stop::registering, Stop::open, Stop::lost, Stop::seeking, Stop::never}) {
        SCOPED_TRACE(static_cast<int>(stop));
        FakePeer peer;
        peer.habits.connects = stop > Stop::handshaking;
        peer.habits.tells_lookups = stop > Stop::looking_up;
        peer.habits.lets_producers = peer.habits.lets_consumers = stop > Stop::registering;
        Tally asked{.partitions = 1,
                    .producers_opened = 1,
                    .producers_closed = 1,
                    .consumers_opened = 1,
                    .consumers_closed = 1,
                    .sessions_closed = 1};
        peer.session.partitions(operation, std::string(test_topic), peer.now);
        const auto producer = peer.session.open_producer(any_producer(), peer.now);
        const auto consumer = peer.session.open_consumer(any_consumer(), peer.now);
        peer.drain();
        if (stop == Stop::handshaking) peer.session.connected(peer.last(), peer.now);
        peer.advance(10ms);
        peer.habits.closes = stop == Stop::never;
        if (stop >= Stop::open) {
            for (int i = 0; i < 5; ++i) EXPECT_TRUE(peer.send(producer, "message"));
            asked.messages_ended = 5;
            peer.session.flush(producer, OperationId{1}, peer.now);
            asked.flushed = 1;
            EXPECT_TRUE(peer.send(producer, "in a batch"));
            ++asked.messages_ended;
            peer.session.ack(consumer, {.ledger = 1, .entry = 1}, OperationId{2}, peer.now);
            peer.session.ack(consumer, {.ledger = 1, .entry = 2}, std::nullopt, peer.now);
            peer.session.nack(consumer, {.ledger = 1, .entry = 3}, peer.now);
            peer.session.last_message_id(consumer, OperationId{3}, peer.now);
            asked.last_ids = 1;
            asked.done = 1;
            if (stop == Stop::seeking) {
                peer.session.seek(consumer, wire::earliest, OperationId{4}, peer.now);
                peer.session.seek(consumer, wire::earliest, OperationId{5}, peer.now);
                peer.session.unsubscribe(consumer, OperationId{6}, peer.now);
                asked.done = 4;
            }
            peer.drain();
        }
        if (stop == Stop::lost) {
            peer.habits.connects = false;
            peer.cut(peer.last());
        }
        peer.session.close(peer.now);
        peer.session.close(peer.now);
        peer.advance(2min);
        Tally got;
        count(got, peer.outcomes);
        EXPECT_EQ(got.partitions, asked.partitions);
        EXPECT_EQ(got.producers_opened, asked.producers_opened);
        EXPECT_EQ(got.producers_closed, asked.producers_closed);
        EXPECT_EQ(got.consumers_opened, asked.consumers_opened);
        EXPECT_EQ(got.consumers_closed, asked.consumers_closed);
        EXPECT_EQ(got.messages_ended, asked.messages_ended);
        EXPECT_EQ(got.flushed, asked.flushed);
        EXPECT_EQ(got.done, asked.done);
        EXPECT_EQ(got.last_ids, asked.last_ids);
        EXPECT_EQ(got.sessions_closed, asked.sessions_closed);
        EXPECT_TRUE(std::holds_alternative<SessionClosed>(peer.outcomes.back()));
        for (const auto& [id, line] : peer.lines) EXPECT_FALSE(line.is_open);
        const auto sizes = peer.session.sizes();
        EXPECT_EQ(sizes.connections + sizes.producers + sizes.consumers + sizes.requests + sizes.timers + sizes.lookups + sizes.actions,
                  0U);
        EXPECT_EQ(peer.session.next_tick(), std::nullopt);
    }
}

TEST(SessionClose, waits_for_what_producers_have_sent) {
    FakePeer peer;
    const auto producer = peer.open(producer_with([](auto& options) { options.batching = false; }));
    const auto line = peer.last();
    EXPECT_TRUE(peer.send(producer, "message"));
    peer.session.close(peer.now);
    EXPECT_TRUE(peer.has_no_outcome());
    peer.say(line, receipt(producer, 0, 3, 4));
    EXPECT_TRUE(peer.outcome<Sent>().id);
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    peer.outcome<SessionClosed>();
}

TEST(Sizes, go_back_when_handles_are_closed) {
    FakePeer peer;
    for (int round = 0; round < 20; ++round) {
        const auto producer = peer.open(any_producer());
        const auto consumer = peer.open(any_consumer());
        EXPECT_TRUE(peer.send(producer, "x"));
        peer.session.flush(producer, operation, peer.now);
        peer.drain();
        peer.say(peer.last(), receipt(producer, 0, 1, static_cast<std::uint64_t>(round)));
        peer.outcome<Sent>();
        peer.outcome<Flushed>();
        peer.session.close_producer(producer, peer.now);
        peer.outcome<ProducerClosed>();
        peer.session.close_consumer(consumer, peer.now);
        peer.outcome<ConsumerClosed>();
    }
    const auto sizes = peer.session.sizes();
    EXPECT_EQ(sizes.connections, 1U);
    EXPECT_EQ(sizes.timers, 1U) << "of the connection's keep-alive";
    EXPECT_EQ(sizes.producers + sizes.consumers + sizes.requests + sizes.lookups + sizes.actions, 0U);
}

}  // namespace
}  // namespace platform::pulsar::session
