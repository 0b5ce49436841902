// Lookups and partition queries: redirects, proxies, errors, bounds, and the addresses where they begin.
#include "platform/pulsar/session/fake_peer.hpp"

#include <chrono>
#include <set>

namespace platform::pulsar::session {
namespace {

using namespace std::chrono_literals;

struct ByHand : FakePeer {
    explicit ByHand(Options options = test_options()) : FakePeer(std::move(options)) { habits.tells_lookups = false; }
    ProducerId want(const std::string& topic = std::string(test_topic)) {
        const auto id = session.open_producer(producer_with([&](auto& options) { options.topic = topic; }), now);
        drain();
        return id;
    }
    proto::CommandLookupTopic asked(ConnectionId line) { return hear(line, Type::LOOKUP).command.lookup(); }
};

TEST(Lookup, follows_redirects_with_their_authority) {
    auto options = test_options();
    options.listener_name = "internal";
    ByHand peer(options);
    peer.want();
    const auto first = peer.last();
    auto asked = peer.asked(first);
    EXPECT_EQ(asked.topic(), test_topic);
    EXPECT_FALSE(asked.authoritative());
    EXPECT_EQ(asked.advertised_listener_name(), "internal");
    peer.say(first, redirected(asked.request_id(), "pulsar://broker-1:6650", true));
    const auto second = peer.last();
    ASSERT_NE(second, first);
    EXPECT_EQ(peer.line_of(second).address, *address_from("pulsar://broker-1:6650"));
    asked = peer.asked(second);
    EXPECT_TRUE(asked.authoritative());
    peer.say(second, redirected(asked.request_id(), "pulsar://broker-2:6650", false));
    const auto third = peer.last();
    asked = peer.asked(third);
    EXPECT_FALSE(asked.authoritative());
    peer.say(third, located(asked.request_id(), std::string(test_broker)));
    EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
    EXPECT_EQ(peer.session.sizes().connections, 3U) << "the first is used again";
}

TEST(Lookup, a_circle_of_redirects_ends) {
    ByHand peer;
    peer.want();
    int hops = 0;
    ConnectionId line = peer.last();
    for (; hops < 1000 && !peer.is_quiet(line); ++hops) {
        peer.say(line,
                 redirected(peer.asked(line).request_id(), hops % 2 == 0 ? "pulsar://broker-1:6650" : std::string(test_broker), true));
        line = ConnectionId{};
        for (const auto& [id, one] : peer.lines)
            if (!one.heard.empty()) line = ConnectionId{id};
        if (line == ConnectionId{}) break;
    }
    EXPECT_EQ(hops, 20);
    EXPECT_EQ(peer.session.sizes().lookups, 0U);
    EXPECT_TRUE(peer.has_no_outcome()) << "it is tried again later";
    peer.advance(150ms);
    EXPECT_EQ(peer.session.sizes().lookups, 1U);
}

TEST(Lookup, another_broker_is_dialed) {
    ByHand peer;
    peer.want();
    const auto first = peer.last();
    peer.say(first, located(peer.asked(first).request_id(), "pulsar://broker-7:7000"));
    EXPECT_EQ(peer.line_of(peer.last()).address, *address_from("pulsar://broker-7:7000"));
    EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
}

TEST(Lookup, a_broker_behind_a_proxy_is_reached_through_it) {
    ByHand peer;
    peer.habits.connects = false;
    peer.want();
    const auto first = peer.last();
    peer.session.connected(first, peer.now);
    EXPECT_FALSE(peer.hear(first, Type::CONNECT).command.connect().has_proxy_to_broker_url());
    peer.say(first, connected_answer(1024 * 1024));
    auto answer = located(peer.asked(first).request_id(), "pulsar://broker-7:7000");
    answer.mutable_lookup_response()->set_proxy_through_service_url(true);
    peer.say(first, answer);
    const auto second = peer.last();
    ASSERT_NE(second, first);
    EXPECT_EQ(peer.line_of(second).address, *address_from(test_broker)) << "the proxy is dialed";
    peer.session.connected(second, peer.now);
    EXPECT_EQ(peer.hear(second, Type::CONNECT).command.connect().proxy_to_broker_url(), "broker-7:7000");
    peer.say(second, connected_answer(1024 * 1024));
    EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
}

TEST(Lookup, a_broker_that_is_its_own_proxy_is_spoken_to_where_it_is) {
    ByHand peer;
    peer.want();
    auto answer = located(peer.asked(peer.last()).request_id(), std::string(test_broker));
    answer.mutable_lookup_response()->set_proxy_through_service_url(true);
    peer.say(peer.last(), answer);
    EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
    EXPECT_EQ(peer.lines.size(), 1U);
}

TEST(Lookup, with_tls_goes_by_the_tls_addresses) {
    auto options = test_options();
    options.services = {*address_from("pulsar+ssl://broker-0")};
    ByHand peer(options);
    peer.want();
    const auto first = peer.last();
    auto answer = located(peer.asked(first).request_id(), "pulsar://broker-1:6650");
    peer.say(first, answer);
    EXPECT_EQ(peer.lines.size(), 1U) << "never without TLS where TLS was asked";
    EXPECT_TRUE(peer.has_no_outcome());
    peer.advance(150ms);
    answer = located(peer.asked(first).request_id(), "pulsar://broker-1:6650");
    answer.mutable_lookup_response()->set_brokerserviceurltls("pulsar://broker-1:6650");
    peer.say(first, answer);
    EXPECT_EQ(peer.lines.size(), 1U) << "not even if the broker calls it its TLS address";
    peer.advance(250ms);
    answer = located(peer.asked(first).request_id(), "pulsar://broker-1:6650");
    answer.mutable_lookup_response()->set_brokerserviceurltls("pulsar+ssl://broker-1:6651");
    peer.say(first, answer);
    EXPECT_EQ(peer.line_of(peer.last()).address, *address_from("pulsar+ssl://broker-1:6651"));
    EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
}

TEST(Lookup, an_address_that_is_none_is_asked_for_again) {
    ByHand peer;
    peer.want();
    peer.say(peer.last(), located(peer.asked(peer.last()).request_id(), "http://broker:8080"));
    EXPECT_TRUE(peer.has_no_outcome());
    peer.advance(150ms);
    peer.say(peer.last(), located(peer.asked(peer.last()).request_id(), std::string(test_broker)));
    EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
}

// The table of what errors do, for a handle that was never open.
enum class Expected : std::uint8_t { tried_again, tried_once_more, ended };
Expected expected_of(proto::ServerError code) {
    switch (code) {
        case proto::AuthenticationError:
        case proto::AuthorizationError: return Expected::tried_once_more;
        case proto::ChecksumError:
        case proto::UnsupportedVersionError:
        case proto::TopicNotFound:
        case proto::SubscriptionNotFound:
        case proto::TopicTerminatedError:
        case proto::InvalidTopicName:
        case proto::IncompatibleSchema:
        case proto::ConsumerAssignError:
        case proto::InvalidTxnStatus:
        case proto::NotAllowedError:
        case proto::TransactionConflict:
        case proto::TransactionNotFound:
        case proto::ProducerFenced: return Expected::ended;
        default: return Expected::tried_again;
    }
}

TEST(Lookup, every_error_does_what_the_table_says) {
    for (int number = proto::ServerError_MIN; number <= proto::ServerError_MAX; ++number) {
        const auto code = static_cast<proto::ServerError>(number);
        SCOPED_TRACE(proto::ServerError_Name(code));
        ByHand peer;
        peer.want();
        peer.say(peer.last(), lookup_refused(peer.asked(peer.last()).request_id(), code));
        const auto expected = expected_of(code);
        EXPECT_EQ(peer.has_no_outcome(), expected != Expected::ended);
        if (expected == Expected::ended) {
            EXPECT_FALSE(peer.outcome<ProducerOpened>().facts);
            EXPECT_EQ(peer.session.sizes().producers, 0U);
            continue;
        }
        peer.advance(150ms);
        peer.say(peer.last(), lookup_refused(peer.asked(peer.last()).request_id(), code));
        EXPECT_EQ(peer.has_no_outcome(), expected == Expected::tried_again);
    }
}

TEST(Lookup, what_fails_for_the_operation_timeout_has_failed) {
    ByHand peer;
    peer.want();
    int tries = 0;
    for (int i = 0; i < 400 && peer.has_no_outcome(); ++i) {
        for (const auto& heard : peer.hear_all(peer.last(), Type::LOOKUP)) {
            ++tries;
            peer.say(peer.last(), lookup_refused(heard.command.lookup().request_id(), proto::ServiceNotReady));
        }
        peer.advance(100ms);
    }
    const auto opened = peer.outcome<ProducerOpened>();
    ASSERT_FALSE(opened.facts);
    EXPECT_EQ(opened.facts.error().code, "pulsar-service-not-ready");
    EXPECT_GT(tries, 8);
    EXPECT_LT(tries, 20) << "with longer and longer waits between";
}

TEST(Lookup, that_is_never_answered_fails) {
    ByHand peer;
    peer.want();
    for (int i = 0; i < 40; ++i) {
        peer.advance(1s);
        peer.say(peer.last(), ping());
    }
    const auto opened = peer.outcome<ProducerOpened>();
    ASSERT_FALSE(opened.facts);
    EXPECT_EQ(opened.facts.error().code, "pulsar-timeout");
    EXPECT_EQ(peer.session.sizes().requests, 0U);
    EXPECT_EQ(peer.session.sizes().lookups, 0U);
}

TEST(Lookup, of_one_topic_is_asked_once_for_all_who_want_it) {
    ByHand peer;
    for (int i = 0; i < 5; ++i) peer.want();
    peer.session.open_consumer(any_consumer(), peer.now);
    const auto line = peer.last();
    const auto asked = peer.asked(line);
    EXPECT_TRUE(peer.is_quiet(line));
    peer.say(line, located(asked.request_id(), std::string(test_broker)));
    EXPECT_EQ(peer.all<ProducerOpened>().size(), 5U);
    EXPECT_EQ(peer.all<ConsumerOpened>().size(), 1U);
}

TEST(Lookup, no_more_are_in_flight_than_the_bound_says_and_all_come_to_their_end) {
    auto options = test_options();
    options.lookups_max = 3;
    ByHand peer(options);
    for (int i = 0; i < 50; ++i) peer.want("persistent://acopio/collection/topic-" + std::to_string(i));
    EXPECT_EQ(peer.session.sizes().lookups, 50U);
    const auto line = peer.last();
    std::set<std::string> topics;
    while (true) {
        const auto asked = peer.hear_all(line, Type::LOOKUP);
        if (asked.empty()) break;
        EXPECT_LE(asked.size(), 3U);
        for (const auto& one : asked) {
            topics.insert(one.command.lookup().topic());
            peer.say_bytes(line, wire::encode(located(one.command.lookup().request_id(), std::string(test_broker))));
        }
    }
    EXPECT_EQ(topics.size(), 50U);
    EXPECT_EQ(peer.all<ProducerOpened>().size(), 50U);
    EXPECT_EQ(peer.session.sizes().lookups, 0U);
}

TEST(Lookup, a_lost_connection_in_the_middle_is_begun_anew) {
    ByHand peer;
    peer.want();
    peer.asked(peer.last());
    const auto first = peer.last();
    peer.cut(first);
    peer.advance(150ms);
    ASSERT_NE(peer.last(), first);
    peer.say(peer.last(), located(peer.asked(peer.last()).request_id(), std::string(test_broker)));
    EXPECT_TRUE(peer.outcome<ProducerOpened>().facts);
}

TEST(Lookup, one_whose_producer_was_closed_meanwhile_does_no_harm) {
    ByHand peer;
    const auto producer = peer.want();
    const auto asked = peer.asked(peer.last());
    peer.session.close_producer(producer, peer.now);
    EXPECT_FALSE(peer.outcome<ProducerOpened>().facts);
    EXPECT_TRUE(peer.outcome<ProducerClosed>().result);
    peer.say(peer.last(), located(asked.request_id(), std::string(test_broker)));
    EXPECT_TRUE(peer.has_no_outcome());
    EXPECT_TRUE(peer.is_quiet(peer.last()));
}

TEST(Services, are_tried_in_turn_when_one_cannot_be_reached) {
    auto options = test_options();
    options.services = {*address_from("pulsar://a:1"), *address_from("pulsar://b:2"), *address_from("pulsar://c:3")};
    FakePeer peer(options);
    peer.habits.connects = false;
    peer.session.open_producer(any_producer(), peer.now);
    peer.drain();
    std::vector<std::string> hosts;
    for (int i = 0; i < 4; ++i) {
        hosts.push_back(peer.line_of(peer.last()).address.host);
        peer.cut(peer.last());
        peer.advance(900ms);
    }
    EXPECT_EQ(hosts, (std::vector<std::string>{"a", "b", "c", "a"}));
}

TEST(Services, one_that_was_reached_is_kept) {
    auto options = test_options();
    options.services = {*address_from("pulsar://a:1"), *address_from("pulsar://b:2")};
    FakePeer peer(options);
    peer.open(any_producer());
    peer.cut(peer.last());
    peer.advance(150ms);
    EXPECT_EQ(peer.line_of(peer.last()).address.host, "a");
}

// --- Partitions

struct Asking : FakePeer {
    explicit Asking(Options options = test_options()) : FakePeer(std::move(options)) {
        session.partitions(OperationId{1}, std::string(test_topic), now);
        drain();
    }
    std::uint64_t request() { return hear(last(), Type::PARTITIONED_METADATA).command.partitioned_metadata().request_id(); }
};

TEST(PartitionQuery, tells_the_count_and_creates_nothing) {
    Asking peer;
    const auto asked = peer.hear(peer.last(), Type::PARTITIONED_METADATA).command.partitioned_metadata();
    EXPECT_FALSE(asked.metadata_auto_creation_enabled());
    peer.say(peer.last(), partitioned(asked.request_id(), 16));
    const auto outcome = peer.outcome<Partitions>();
    EXPECT_EQ(outcome.operation, OperationId{1});
    EXPECT_EQ(*outcome.count, 16U);
    EXPECT_EQ(peer.session.sizes().requests, 0U);
}

TEST(PartitionQuery, a_topic_without_partitions_has_none) {
    Asking peer;
    peer.say(peer.last(), partitioned(peer.request(), 0));
    EXPECT_EQ(*peer.outcome<Partitions>().count, 0U);
}

TEST(PartitionQuery, every_error_ends_it_or_is_tried_again) {
    for (int number = proto::ServerError_MIN; number <= proto::ServerError_MAX; ++number) {
        const auto code = static_cast<proto::ServerError>(number);
        SCOPED_TRACE(proto::ServerError_Name(code));
        Asking peer;
        peer.say(peer.last(), partitions_refused(peer.request(), code));
        const bool is_end_of_handles = code == proto::TopicTerminatedError || code == proto::ProducerFenced;
        const bool again = expected_of(code) == Expected::tried_again || is_end_of_handles;
        EXPECT_EQ(peer.has_no_outcome(), again);
        if (!again) continue;
        peer.advance(150ms);
        peer.say(peer.last(), partitioned(peer.request(), 2));
        EXPECT_EQ(*peer.outcome<Partitions>().count, 2U);
    }
}

TEST(PartitionQuery, ends_at_its_deadline_whatever_it_waits_for) {
    for (const bool connects : {true, false}) {
        for (const bool first_fails : {true, false}) {
            SCOPED_TRACE(std::to_string(connects) + std::to_string(first_fails));
            auto options = test_options();
            options.connect_timeout = 25s;
            FakePeer peer(options);
            peer.habits.connects = connects;
            peer.session.partitions(OperationId{1}, std::string(test_topic), peer.now);
            peer.drain();
            if (first_fails) {
                peer.advance(20s);
                peer.cut(peer.last());
            }
            const auto begun = peer.now.steady - (first_fails ? 20s : 0s);
            peer.advance(29'999ms - (peer.now.steady - begun) / 1ms * 1ms);
            EXPECT_TRUE(peer.has_no_outcome());
            peer.advance(1ms);
            const auto outcome = peer.outcome<Partitions>();
            ASSERT_FALSE(outcome.count);
            EXPECT_EQ(outcome.count.error().kind, kernel::ErrorKind::unavailable);
            EXPECT_EQ(peer.session.sizes().requests, 0U);
        }
    }
}

}  // namespace
}  // namespace platform::pulsar::session
