// FakePeer: the world around a Session in tests: brokers that say what the test scripts, a clock that stands still, and an application
// that keeps every outcome. Each connection's frames are decoded; what `Habits` name is answered by itself, the rest waits for the test.
#pragma once

#include "platform/pulsar/session/session.hpp"
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace kernel {

inline void PrintTo(const Error& error, std::ostream* out) {
    *out << error.code << ": " << error.message;
}

}  // namespace kernel

namespace platform::pulsar::session {

using Type = proto::BaseCommand;
using std::chrono::milliseconds;

inline constexpr std::string_view test_topic = "persistent://acopio/collection/raw-data";
inline constexpr std::string_view test_broker = "pulsar://broker-0:6650";

// What the peers do without being asked by the test.
struct Habits {
    bool connects = true;        // sockets come up, and CONNECT is answered
    bool tells_lookups = true;   // LOOKUP is answered with the broker that was asked
    bool lets_producers = true;  // PRODUCER is answered: ready
    bool lets_consumers = true;  // SUBSCRIBE is answered
    bool closes = true;          // CLOSE_* is answered
    bool gives_tokens = true;
};

// A command that the session wrote, and what followed it.
struct Heard {
    proto::BaseCommand command;
    std::string section;  // of a SEND
    std::string frame;    // whole
};

struct Line {
    Address address;
    bool is_open = true;
    std::string why;  // of the hanging up
    std::string unread;
    std::deque<Heard> heard;
};

inline Options test_options() {
    Options options;
    options.services = {*address_from(test_broker)};
    return options;
}

template <class Change>
ProducerOptions producer_with(Change change) {
    ProducerOptions options;
    options.topic = test_topic;
    change(options);
    return options;
}
template <class Change>
ConsumerOptions consumer_with(Change change) {
    ConsumerOptions options;
    options.topic = test_topic;
    options.subscription = "projection";
    options.queue_bytes_max = std::size_t{1} << 40U;  // so that the number of messages bounds
    change(options);
    return options;
}
inline ProducerOptions any_producer() {
    return producer_with([](auto&) {});
}
inline ConsumerOptions any_consumer() {
    return consumer_with([](auto&) {});
}

class FakePeer {
public:
    explicit FakePeer(Options options = test_options())
        : now{.steady = Time() + std::chrono::hours(1), .wall_ms = 1'700'000'000'000}, session(std::move(options), now) {}

    Now now;
    Session session;
    Habits habits;
    std::map<std::uint64_t, Line> lines;
    std::deque<ConnectionId> dialed;  // that the test has not answered
    std::deque<ConnectionId> token_wanted;
    std::deque<Action> outcomes;
    std::string token = "TOKEN";
    std::int32_t message_bytes_max = 5 * 1024 * 1024;
    std::int64_t last_sequence = -1;
    std::string name_given = "broker-0-1";

    // Does what the session wants done.
    void drain() {
        while (auto action = session.next()) {
            if (auto* dial = std::get_if<Dial>(&*action)) {
                lines[static_cast<std::uint64_t>(dial->connection)].address = dial->address;
                last_dialed = dial->connection;
                if (habits.connects) session.connected(dial->connection, now);
                else dialed.push_back(dial->connection);
            } else if (auto* write = std::get_if<Write>(&*action)) {
                auto& line = line_of(write->connection);
                EXPECT_TRUE(line.is_open) << "it writes on a connection that is gone";
                session.written(write->connection, write->bytes->size());
                line.unread += *write->bytes;
                read(write->connection);
            } else if (auto* hang_up = std::get_if<HangUp>(&*action)) {
                auto& line = line_of(hang_up->connection);
                EXPECT_TRUE(line.is_open) << "it hangs up twice";
                line.is_open = false;
                line.why = hang_up->why;
            } else if (auto* want = std::get_if<WantToken>(&*action)) {
                if (habits.gives_tokens) session.token(want->connection, token, now);
                else token_wanted.push_back(want->connection);
            } else {
                outcomes.push_back(std::move(*action));
            }
        }
    }

    // The clock moves, from timer to timer.
    void advance(milliseconds by) {
        const auto until = now.steady + by;
        drain();
        for (int i = 0; i < 100'000; ++i) {
            const auto next = session.next_tick();
            if (!next || *next > until) break;
            move_to(std::max(*next, now.steady));
            session.tick(now);
            drain();
        }
        move_to(until);
    }

    Line& line_of(ConnectionId connection) { return lines.at(static_cast<std::uint64_t>(connection)); }
    // The connection that was dialed last.
    ConnectionId last() const { return last_dialed; }
    bool is_open(ConnectionId connection) { return line_of(connection).is_open; }

    // The next command that the session wrote there, which must be of this type. One without content if it is not.
    Heard hear(ConnectionId connection, Type::Type type) {
        drain();
        auto& heard = line_of(connection).heard;
        if (heard.empty()) {
            ADD_FAILURE() << "nothing was written where a command of type " << type << " was expected";
            return {};
        }
        auto one = std::move(heard.front());
        heard.pop_front();
        EXPECT_EQ(one.command.type(), type);
        return one;
    }
    bool is_quiet(ConnectionId connection) {
        drain();
        return line_of(connection).heard.empty();
    }
    // Commands of one type that wait; all others are left out.
    std::vector<Heard> hear_all(ConnectionId connection, Type::Type type) {
        drain();
        std::vector<Heard> found;
        for (auto& one : line_of(connection).heard)
            if (one.command.type() == type) found.push_back(std::move(one));
        line_of(connection).heard.clear();
        return found;
    }

    void say_bytes(ConnectionId connection, std::string_view bytes) {
        const auto room = session.prepare(connection, bytes.size());
        if (room.size() < bytes.size()) return;  // the connection is gone
        std::memcpy(room.data(), bytes.data(), bytes.size());
        session.received(connection, bytes.size(), now);
    }
    void say(ConnectionId connection, const proto::BaseCommand& command) {
        say_bytes(connection, wire::encode(command));
        drain();
    }
    void cut(ConnectionId connection) {
        line_of(connection).is_open = false;
        session.closed(connection, {kernel::ErrorKind::unavailable, "reset", "connection reset by peer"}, now);
        drain();
    }

    // The oldest outcome, which must be of this kind.
    template <class T>
    T outcome() {
        drain();
        if (outcomes.empty()) throw std::runtime_error("nothing came out");
        auto action = std::move(outcomes.front());
        outcomes.pop_front();
        auto* found = std::get_if<T>(&action);
        if (!found) throw std::runtime_error("another outcome came first: " + std::to_string(action.index()));
        return std::move(*found);
    }
    bool has_no_outcome() {
        drain();
        return outcomes.empty();
    }
    // All of one kind; others stay.
    template <class T>
    std::vector<T> all() {
        drain();
        std::vector<T> found;
        std::deque<Action> left;
        for (auto& action : outcomes) {
            if (auto* one = std::get_if<T>(&action)) found.push_back(std::move(*one));
            else left.push_back(std::move(action));
        }
        outcomes = std::move(left);
        return found;
    }

    // --- Handles that are open, without what they said on the way.

    ProducerId open(ProducerOptions options) {
        const auto id = session.open_producer(std::move(options), now);
        drain();
        const auto opened = outcome<ProducerOpened>();
        EXPECT_TRUE(opened.facts);
        return id;
    }
    ConsumerId open(ConsumerOptions options) {
        const auto id = session.open_consumer(std::move(options), now);
        drain();
        const auto opened = outcome<ConsumerOpened>();
        EXPECT_TRUE(opened.result);
        return id;
    }
    kernel::Result<void> send(ProducerId producer, std::string_view payload, std::optional<std::uint64_t> sequence = std::nullopt) {
        OutgoingMessage message;
        message.payload = payload;
        message.sequence = sequence;
        auto sent = session.send(producer, message, now);
        drain();
        return sent;
    }

private:
    void move_to(Time time) {
        now.wall_ms += static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(time - now.steady).count());
        now.steady = time;
    }
    void read(ConnectionId connection) {
        auto& line = line_of(connection);
        while (line.unread.size() >= 4) {
            std::size_t size = 0;
            for (int i = 0; i < 4; ++i) size = size << 8U | static_cast<unsigned char>(line.unread[static_cast<std::size_t>(i)]);
            if (line.unread.size() < 4 + size) return;
            Heard heard;
            heard.frame = line.unread.substr(0, 4 + size);
            line.unread.erase(0, 4 + size);
            const auto rest = wire::parse_command(std::string_view(heard.frame).substr(4), heard.command);
            EXPECT_TRUE(rest) << "it writes what is no command";
            if (!rest) continue;
            heard.section = *rest;
            if (!answer(connection, heard.command)) line.heard.push_back(std::move(heard));
        }
    }
    bool answer(ConnectionId connection, const proto::BaseCommand& command);

    ConnectionId last_dialed{};
};

// --- What brokers say

inline proto::BaseCommand of_type(Type::Type type) {
    proto::BaseCommand command;
    command.set_type(type);
    return command;
}
inline proto::BaseCommand ping() {
    auto command = of_type(Type::PING);
    command.mutable_ping();
    return command;
}
inline proto::BaseCommand pong() {
    auto command = of_type(Type::PONG);
    command.mutable_pong();
    return command;
}
inline proto::BaseCommand connected_answer(std::int32_t message_bytes_max) {
    auto command = of_type(Type::CONNECTED);
    command.mutable_connected()->set_server_version("Pulsar Server 4.0.8");
    command.mutable_connected()->set_protocol_version(20);
    command.mutable_connected()->set_max_message_size(message_bytes_max);
    return command;
}
inline proto::BaseCommand success(std::uint64_t request) {
    auto command = of_type(Type::SUCCESS);
    command.mutable_success()->set_request_id(request);
    return command;
}
inline proto::BaseCommand error(std::uint64_t request, proto::ServerError code) {
    auto command = of_type(Type::ERROR);
    command.mutable_error()->set_request_id(request);
    command.mutable_error()->set_error(code);
    command.mutable_error()->set_message("as the test says");
    return command;
}
inline proto::BaseCommand partitioned(std::uint64_t request, std::uint32_t count) {
    auto command = of_type(Type::PARTITIONED_METADATA_RESPONSE);
    auto& answer = *command.mutable_partitioned_metadata_response();
    answer.set_request_id(request);
    answer.set_response(proto::CommandPartitionedTopicMetadataResponse::Success);
    answer.set_partitions(count);
    return command;
}
inline proto::BaseCommand partitions_refused(std::uint64_t request, proto::ServerError code) {
    auto command = of_type(Type::PARTITIONED_METADATA_RESPONSE);
    auto& answer = *command.mutable_partitioned_metadata_response();
    answer.set_request_id(request);
    answer.set_response(proto::CommandPartitionedTopicMetadataResponse::Failed);
    answer.set_error(code);
    answer.set_message("as the test says");
    return command;
}
inline proto::BaseCommand located(std::uint64_t request, const std::string& url) {
    auto command = of_type(Type::LOOKUP_RESPONSE);
    auto& response = *command.mutable_lookup_response();
    response.set_request_id(request);
    response.set_response(proto::CommandLookupTopicResponse::Connect);
    response.set_brokerserviceurl(url);
    response.set_authoritative(true);
    return command;
}
inline proto::BaseCommand redirected(std::uint64_t request, const std::string& url, bool authoritative) {
    auto command = located(request, url);
    command.mutable_lookup_response()->set_response(proto::CommandLookupTopicResponse::Redirect);
    command.mutable_lookup_response()->set_authoritative(authoritative);
    return command;
}
inline proto::BaseCommand lookup_refused(std::uint64_t request, proto::ServerError code) {
    auto command = of_type(Type::LOOKUP_RESPONSE);
    auto& response = *command.mutable_lookup_response();
    response.set_request_id(request);
    response.set_response(proto::CommandLookupTopicResponse::Failed);
    response.set_error(code);
    response.set_message("as the test says");
    return command;
}
inline proto::BaseCommand producer_success(std::uint64_t request, const std::string& name, std::int64_t last_sequence, bool ready = true) {
    auto command = of_type(Type::PRODUCER_SUCCESS);
    auto& answer = *command.mutable_producer_success();
    answer.set_request_id(request);
    answer.set_producer_name(name);
    answer.set_last_sequence_id(last_sequence);
    answer.set_producer_ready(ready);
    return command;
}
inline constexpr std::uint64_t nowhere = std::numeric_limits<std::uint64_t>::max();  // -1: of a receipt for what was stored before
inline proto::BaseCommand receipt(ProducerId producer, std::uint64_t sequence, std::uint64_t ledger, std::uint64_t entry) {
    auto command = of_type(Type::SEND_RECEIPT);
    auto& answer = *command.mutable_send_receipt();
    answer.set_producer_id(static_cast<std::uint64_t>(producer));
    answer.set_sequence_id(sequence);
    answer.mutable_message_id()->set_ledgerid(ledger);
    answer.mutable_message_id()->set_entryid(entry);
    return command;
}
inline proto::BaseCommand send_error(ProducerId producer, std::uint64_t sequence, proto::ServerError code) {
    auto command = of_type(Type::SEND_ERROR);
    auto& answer = *command.mutable_send_error();
    answer.set_producer_id(static_cast<std::uint64_t>(producer));
    answer.set_sequence_id(sequence);
    answer.set_error(code);
    answer.set_message("as the test says");
    return command;
}
inline proto::BaseCommand closes_producer(ProducerId producer, const std::string& assigned = {}) {
    auto command = of_type(Type::CLOSE_PRODUCER);
    command.mutable_close_producer()->set_producer_id(static_cast<std::uint64_t>(producer));
    command.mutable_close_producer()->set_request_id(nowhere);
    if (!assigned.empty()) command.mutable_close_producer()->set_assignedbrokerserviceurl(assigned);
    return command;
}
inline proto::BaseCommand closes_consumer(ConsumerId consumer, const std::string& assigned = {}) {
    auto command = of_type(Type::CLOSE_CONSUMER);
    command.mutable_close_consumer()->set_consumer_id(static_cast<std::uint64_t>(consumer));
    command.mutable_close_consumer()->set_request_id(nowhere);
    if (!assigned.empty()) command.mutable_close_consumer()->set_assignedbrokerserviceurl(assigned);
    return command;
}

inline std::string u32_bytes(std::size_t value) {
    return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U), static_cast<char>(value)};
}

// An entry as a broker delivers it: to be changed, then made into a frame.
struct FakeEntry {
    ConsumerId consumer{};
    proto::CommandMessage command;
    proto::MessageMetadata metadata;
    std::optional<proto::BrokerEntryMetadata> broker_entry;
    std::string payload;

    FakeEntry(ConsumerId of, std::uint64_t ledger, std::uint64_t entry) : consumer(of) {
        command.set_consumer_id(static_cast<std::uint64_t>(of));
        command.mutable_message_id()->set_ledgerid(ledger);
        command.mutable_message_id()->set_entryid(entry);
        metadata.set_producer_name("relay");
        metadata.set_sequence_id(entry);
        metadata.set_publish_time(1'700'000'000'000);
    }
    FakeEntry& single(std::string_view bytes) {
        payload = bytes;
        return *this;
    }
    FakeEntry& batch(std::size_t count) {
        payload.clear();
        for (std::size_t i = 0; i < count; ++i) add("m" + std::to_string(i), metadata.sequence_id() + i);
        metadata.set_num_messages_in_batch(static_cast<std::int32_t>(count));
        return *this;
    }
    void add(std::string_view bytes, std::uint64_t sequence, bool compacted_out = false, bool null_value = false) {
        proto::SingleMessageMetadata single;
        single.set_sequence_id(sequence);
        if (compacted_out) single.set_compacted_out(true);
        if (null_value) single.set_null_value(true);
        wire::add_to_batch(payload, single, bytes);
    }
    // Bit i of the first word: message i is wanted.
    FakeEntry& ack_set(std::int64_t word) {
        command.add_ack_set(word);
        return *this;
    }
    std::string section() const {
        auto described = u32_bytes(metadata.ByteSizeLong()) + metadata.SerializeAsString() + payload;
        described = std::string("\x0e\x01", 2) + u32_bytes(wire::crc32c(described)) + described;
        if (broker_entry)
            described =
                std::string("\x0e\x02", 2) + u32_bytes(broker_entry->ByteSizeLong()) + broker_entry->SerializeAsString() + described;
        return described;
    }
    std::string frame() const {
        proto::BaseCommand whole;
        whole.set_type(Type::MESSAGE);
        *whole.mutable_message() = command;
        const auto bytes = whole.SerializeAsString();
        const auto behind = section();
        return u32_bytes(4 + bytes.size() + behind.size()) + u32_bytes(bytes.size()) + bytes + behind;
    }
};

inline void deliver(FakePeer& peer, ConnectionId connection, const FakeEntry& entry) {
    peer.say_bytes(connection, entry.frame());
    peer.drain();
}

inline bool FakePeer::answer(ConnectionId connection, const proto::BaseCommand& command) {
    const auto say_it = [&](const proto::BaseCommand& answer) {
        say_bytes(connection, wire::encode(answer));
        return true;
    };
    switch (command.type()) {
        case Type::CONNECT: return habits.connects && say_it(connected_answer(message_bytes_max));
        case Type::LOOKUP:
            return habits.tells_lookups &&
                   say_it(located(command.lookup().request_id(), "pulsar://" + to_text(line_of(connection).address)));
        case Type::PRODUCER: {
            const auto& asked = command.producer();
            return habits.lets_producers &&
                   say_it(
                       producer_success(asked.request_id(), asked.has_producer_name() ? asked.producer_name() : name_given, last_sequence));
        }
        case Type::SUBSCRIBE: return habits.lets_consumers && say_it(success(command.subscribe().request_id()));
        case Type::CLOSE_PRODUCER: return habits.closes && say_it(success(command.close_producer().request_id()));
        case Type::CLOSE_CONSUMER: return habits.closes && say_it(success(command.close_consumer().request_id()));
        default: return false;
    }
}

}  // namespace platform::pulsar::session
