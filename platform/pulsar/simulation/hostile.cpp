#include "platform/pulsar/simulation/hostile.hpp"

#include "kernel/check.hpp"
#include "platform/pulsar/session/session.hpp"
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace platform::pulsar::simulation {

namespace {

using Type = proto::BaseCommand;
using session::ConnectionId;
using session::ConsumerId;
using session::OperationId;
using session::ProducerId;
using std::chrono::milliseconds;

constexpr std::size_t queue_max = 20;
constexpr std::size_t pending_max = 10;

class Hostile {
public:
    explicit Hostile(std::span<const std::uint8_t> bytes) : bytes_(bytes), session_(make_session(bytes.empty() ? 0 : bytes[0]), now()) {}

    void run() {
        const auto state = byte();
        friendly_ = true;
        if (state % 8 != 0) open(state);
        friendly_ = false;
        while (!bytes_.empty() && steps_ < 2000 && !closed_) step();
        end();
    }

private:
    struct Peer {
        wire::Splitter heard;
        bool up = false;
    };

    static session::Options make_session(std::uint8_t first) {
        session::Options options;
        options.services = {{.host = "a", .port = 6650}, {.host = "b", .port = 6650}};
        options.tokens = (first & 0x80U) != 0;
        options.keep_alive = milliseconds(1'000);
        options.operation_timeout = milliseconds(2'000);
        options.busy_timeout = milliseconds(3'000);
        options.uncompressed_bytes_max = 100'000;
        options.lookups_max = 2;
        return options;
    }

    std::uint8_t byte() {
        if (bytes_.empty()) return 0;
        const auto first = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return first;
    }
    std::string text(std::size_t most) {
        const std::size_t count = std::min<std::size_t>(byte() % (most + 1), bytes_.size());
        std::string taken(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(count));
        bytes_ = bytes_.subspan(count);
        return taken;
    }
    // Most numbers are small or known ones; some are anything.
    std::uint64_t number() {
        const auto first = byte();
        if (first < 0xf0) return first;
        if (first == 0xf0) return ~std::uint64_t{0};
        if (first == 0xf1) return ~std::uint64_t{0} >> 1;
        std::uint64_t value = 0;
        for (int i = 0; i < 8; ++i) value = value << 8 | byte();
        return value;
    }
    std::uint64_t one_of(const std::vector<std::uint64_t>& known) {
        const auto first = byte();
        return known.empty() || first > 0xe0 ? number() : known[known.size() - 1 - first % known.size()];
    }
    session::Now now() const { return {.steady = time_, .wall_ms = 1'700'000'000'000}; }

    // --- the session's side

    void open(std::uint8_t state) {
        const auto kind = state % 8;
        session::ProducerOptions producer;
        producer.topic = "persistent://p/d/t";
        producer.name = (state & 8U) != 0 ? "p" : "";
        producer.access = static_cast<session::AccessMode>(state >> 4 & 3U);
        producer.pending_messages_max = pending_max;
        producer.pending_bytes_max = 10'000;
        producer.batch_messages_max = 3;
        session::ConsumerOptions consumer;
        consumer.topic = "persistent://p/d/t";
        consumer.subscription = "s";
        consumer.durable = (state & 8U) == 0;
        consumer.type = consumer.durable ? static_cast<session::SubscriptionType>(state >> 4 & 3U) : session::SubscriptionType::exclusive;
        consumer.queue_messages_max = queue_max;
        consumer.nack_delay = milliseconds(100);
        if (kind == 1 || kind == 2 || kind == 7) {
            producers_.push_back(static_cast<std::uint64_t>(session_.open_producer(producer, now())));
            drain();
        }
        if (kind == 2 || kind == 7) {
            for (int i = 0; i < 5; ++i) send();
        }
        if (kind >= 3) {
            consumers_.push_back(static_cast<std::uint64_t>(session_.open_consumer(consumer, now())));
            drain();
        }
        friendly_ = false;
        if (kind >= 3 && consumers_.empty()) return;
        if (kind == 4) session_.seek(ConsumerId{consumers_.back()}, {.ledger = 1, .entry = 2}, operation(), now());
        if (kind == 5) session_.last_message_id(ConsumerId{consumers_.back()}, operation(), now());
        if (kind == 6) session_.close_consumer(ConsumerId{consumers_.back()}, now());
        if (kind == 7) session_.partitions(operation(), "persistent://p/d/t", now());
        drain();
    }

    void send() {
        if (producers_.empty() || !opened_[producers_.back()]) return;
        const auto size = byte();
        const std::string payload(size, 'x');
        const session::OutgoingMessage message{.payload = payload, .key = (size & 1U) != 0 ? "k" : "", .properties = {}, .sequence = {}};
        (void)static_cast<bool>(session_.send(ProducerId{producers_.back()}, message, now()));
        drain();
    }

    OperationId operation() {
        outcomes_[++operations_] = 0;
        return OperationId{operations_};
    }
    void outcome(OperationId id) { CHECK(++outcomes_[static_cast<std::uint64_t>(id)] == 1, "an operation has one outcome"); }

    void drain() {
        while (const auto action = session_.next()) {
            CHECK(!closed_, "nothing comes after SessionClosed");
            if (const auto* dial = std::get_if<session::Dial>(&*action)) {
                peers_[static_cast<std::uint64_t>(dial->connection)];
                if (!friendly_) continue;
                up(static_cast<std::uint64_t>(dial->connection));
            } else if (const auto* write = std::get_if<session::Write>(&*action)) {
                hear(static_cast<std::uint64_t>(write->connection), *write->bytes);
            } else if (const auto* hang_up = std::get_if<session::HangUp>(&*action)) {
                peers_.erase(static_cast<std::uint64_t>(hang_up->connection));
            } else if (const auto* wants = std::get_if<session::WantToken>(&*action)) {
                if (friendly_) session_.token(wants->connection, std::string("token"), now());
            } else if (const auto* opened = std::get_if<session::ProducerOpened>(&*action)) {
                if (opened->facts) opened_[static_cast<std::uint64_t>(opened->producer)] = true;
                else std::erase(producers_, static_cast<std::uint64_t>(opened->producer));
            } else if (const auto* gone = std::get_if<session::ProducerClosed>(&*action)) {
                std::erase(producers_, static_cast<std::uint64_t>(gone->producer));
            } else if (const auto* failed = std::get_if<session::ConsumerOpened>(&*action)) {
                if (!failed->result) std::erase(consumers_, static_cast<std::uint64_t>(failed->consumer));
            } else if (const auto* over = std::get_if<session::ConsumerClosed>(&*action)) {
                std::erase(consumers_, static_cast<std::uint64_t>(over->consumer));
            } else if (const auto* partitions = std::get_if<session::Partitions>(&*action)) {
                outcome(partitions->operation);
            } else if (const auto* flushed = std::get_if<session::Flushed>(&*action)) {
                outcome(flushed->operation);
            } else if (const auto* done = std::get_if<session::Done>(&*action)) {
                outcome(done->operation);
            } else if (const auto* last = std::get_if<session::LastMessage>(&*action)) {
                outcome(last->operation);
            } else if (std::holds_alternative<session::SessionClosed>(*action)) {
                closed_ = true;
            }
        }
        const auto sizes = session_.sizes();
        CHECK(sizes.connections <= 70 && sizes.actions == 0 && sizes.requests <= operations_ + 20 && sizes.lookups <= 4,
              "a session keeps its bounds");
        CHECK(sizes.producers <= 30 && sizes.consumers <= 30, "a session keeps its bounds");
        for (const auto id : producers_) {
            CHECK(session_.pending_messages(ProducerId{id}) <= pending_max && session_.pending_bytes(ProducerId{id}) <= 11'000,
                  "a producer keeps its bounds");
        }
    }

    void up(std::uint64_t connection) {
        if (!peers_.contains(connection) || peers_[connection].up) return;
        peers_[connection].up = true;
        session_.connected(ConnectionId{connection}, now());
    }

    // What the session says: its request ids are good to know, and a friendly broker answers.
    void hear(std::uint64_t connection, const std::string& bytes) {
        session_.written(ConnectionId{connection}, bytes.size());
        const auto it = peers_.find(connection);
        if (it == peers_.end()) return;
        const auto room = it->second.heard.prepare(bytes.size());
        std::ranges::copy(bytes, room.begin());
        it->second.heard.commit(bytes.size());
        while (true) {
            const auto frame = it->second.heard.next();
            CHECK(frame, "a session writes frames");
            if (!*frame) return;
            Type command;
            CHECK(wire::parse_command(**frame, command) && command.has_type(), "a session writes commands");
            answer(connection, command);
            if (!peers_.contains(connection)) return;
        }
    }

    void answer(std::uint64_t connection, const Type& command) {
        Type reply;
        switch (command.type()) {
            case Type::CONNECT:
                reply.set_type(Type::CONNECTED);
                reply.mutable_connected()->set_server_version("h");
                break;
            case Type::LOOKUP:
                requests_.push_back(command.lookup().request_id());
                reply.set_type(Type::LOOKUP_RESPONSE);
                reply.mutable_lookup_response()->set_request_id(requests_.back());
                reply.mutable_lookup_response()->set_response(proto::CommandLookupTopicResponse::Connect);
                reply.mutable_lookup_response()->set_brokerserviceurl("pulsar://a:6650");
                break;
            case Type::PARTITIONED_METADATA: requests_.push_back(command.partitioned_metadata().request_id()); return;
            case Type::PRODUCER:
                requests_.push_back(command.producer().request_id());
                reply.set_type(Type::PRODUCER_SUCCESS);
                reply.mutable_producer_success()->set_request_id(requests_.back());
                reply.mutable_producer_success()->set_producer_name("p");
                break;
            case Type::SUBSCRIBE:
                requests_.push_back(command.subscribe().request_id());
                reply.set_type(Type::SUCCESS);
                reply.mutable_success()->set_request_id(requests_.back());
                break;
            case Type::SEEK: requests_.push_back(command.seek().request_id()); return;
            case Type::GET_LAST_MESSAGE_ID: requests_.push_back(command.get_last_message_id().request_id()); return;
            case Type::UNSUBSCRIBE: requests_.push_back(command.unsubscribe().request_id()); return;
            case Type::CLOSE_CONSUMER: requests_.push_back(command.close_consumer().request_id()); return;
            case Type::CLOSE_PRODUCER: requests_.push_back(command.close_producer().request_id()); return;
            case Type::ACK:
                if (command.ack().has_request_id()) requests_.push_back(command.ack().request_id());
                return;
            case Type::SEND: sequences_.push_back(command.send().sequence_id()); return;
            default: return;
        }
        if (friendly_) come(connection, wire::encode(reply));
    }

    void come(std::uint64_t connection, std::string_view bytes) {
        if (!peers_.contains(connection) || !peers_[connection].up) return;
        const auto room = session_.prepare(ConnectionId{connection}, bytes.size());
        if (room.size() < bytes.size()) return;  // of a connection that the session has given up, with its HangUp on the way
        std::ranges::copy(bytes, room.begin());
        session_.received(ConnectionId{connection}, bytes.size(), now());
    }

    // --- what is said

    Type say_something() {
        Type command;
        const auto type = byte() % 20;
        switch (type) {
            case 0:
                command.set_type(Type::CONNECTED);
                command.mutable_connected()->set_server_version("h");
                if (const auto size = number(); size != 0)
                    command.mutable_connected()->set_max_message_size(static_cast<std::int32_t>(size));
                break;
            case 1:
            case 2: {
                command.set_type(Type::SEND_RECEIPT);
                auto& receipt = *command.mutable_send_receipt();
                receipt.set_producer_id(one_of(producers_));
                receipt.set_sequence_id(one_of(sequences_));
                receipt.mutable_message_id()->set_ledgerid(number());
                receipt.mutable_message_id()->set_entryid(number());
                break;
            }
            case 3: {
                command.set_type(Type::SEND_ERROR);
                auto& error = *command.mutable_send_error();
                error.set_producer_id(one_of(producers_));
                error.set_sequence_id(one_of(sequences_));
                error.set_error(static_cast<proto::ServerError>(byte() % 26));
                error.set_message(text(20));
                break;
            }
            case 4: {
                command.set_type(Type::PRODUCER_SUCCESS);
                auto& success = *command.mutable_producer_success();
                success.set_request_id(one_of(requests_));
                success.set_producer_name(text(4));
                success.set_last_sequence_id(static_cast<std::int64_t>(number()));
                success.set_producer_ready((byte() & 1U) != 0);
                break;
            }
            case 5:
                command.set_type(Type::SUCCESS);
                command.mutable_success()->set_request_id(one_of(requests_));
                break;
            case 6:
                command.set_type(Type::ERROR);
                command.mutable_error()->set_request_id(one_of(requests_));
                command.mutable_error()->set_error(static_cast<proto::ServerError>(byte() % 26));
                command.mutable_error()->set_message(text(20));
                break;
            case 7:
                command.set_type(Type::CLOSE_PRODUCER);
                command.mutable_close_producer()->set_producer_id(one_of(producers_));
                command.mutable_close_producer()->set_request_id(number());
                if (byte() < 100) command.mutable_close_producer()->set_assignedbrokerserviceurl(url());
                break;
            case 8:
                command.set_type(Type::CLOSE_CONSUMER);
                command.mutable_close_consumer()->set_consumer_id(one_of(consumers_));
                command.mutable_close_consumer()->set_request_id(number());
                if (byte() < 100) command.mutable_close_consumer()->set_assignedbrokerserviceurl(url());
                break;
            case 9: {
                command.set_type(Type::LOOKUP_RESPONSE);
                auto& response = *command.mutable_lookup_response();
                response.set_request_id(one_of(requests_));
                response.set_response(static_cast<proto::CommandLookupTopicResponse::LookupType>(byte() % 3));
                response.set_brokerserviceurl(url());
                response.set_authoritative((byte() & 1U) != 0);
                response.set_proxy_through_service_url((byte() & 3U) == 0);
                break;
            }
            case 10: {
                command.set_type(Type::PARTITIONED_METADATA_RESPONSE);
                auto& response = *command.mutable_partitioned_metadata_response();
                response.set_request_id(one_of(requests_));
                response.set_partitions(static_cast<std::uint32_t>(number()));
                response.set_response(static_cast<proto::CommandPartitionedTopicMetadataResponse::LookupType>(byte() % 2));
                break;
            }
            case 11:
                command.set_type(Type::GET_LAST_MESSAGE_ID_RESPONSE);
                command.mutable_get_last_message_id_response()->set_request_id(one_of(requests_));
                command.mutable_get_last_message_id_response()->mutable_last_message_id()->set_ledgerid(number());
                command.mutable_get_last_message_id_response()->mutable_last_message_id()->set_entryid(number());
                command.mutable_get_last_message_id_response()->mutable_last_message_id()->set_batch_index(
                    static_cast<std::int32_t>(number()));
                break;
            case 12:
                command.set_type(Type::ACK_RESPONSE);
                command.mutable_ack_response()->set_consumer_id(one_of(consumers_));
                command.mutable_ack_response()->set_request_id(one_of(requests_));
                if (byte() < 100) command.mutable_ack_response()->set_error(proto::MetadataError);
                break;
            case 13: command.set_type(Type::AUTH_CHALLENGE); break;
            case 14:
                command.set_type(Type::PING);
                command.mutable_ping();
                break;
            case 15:
                command.set_type(Type::ACTIVE_CONSUMER_CHANGE);
                command.mutable_active_consumer_change()->set_consumer_id(one_of(consumers_));
                break;
            case 16:
                command.set_type(Type::REACHED_END_OF_TOPIC);
                command.mutable_reached_end_of_topic()->set_consumer_id(one_of(consumers_));
                break;
            default:  // without its content
                command.set_type(static_cast<Type::Type>(byte() % 39 + 2));
                break;
        }
        return command;
    }

    std::string url() {
        switch (byte() % 4) {
            case 0: return "pulsar://a:6650";
            case 1: return "pulsar://b:6650";
            case 2: return "pulsar://c" + std::to_string(byte() % 4) + ":1";
            default: return text(20);
        }
    }

    std::string message() {
        Type command;
        command.set_type(Type::MESSAGE);
        auto& said = *command.mutable_message();
        said.set_consumer_id(one_of(consumers_));
        said.mutable_message_id()->set_ledgerid(number() % 4);
        said.mutable_message_id()->set_entryid(number());
        const auto flags = byte();
        if ((flags & 1U) != 0) said.add_ack_set(static_cast<std::int64_t>(number()));
        if ((flags & 2U) != 0) said.set_consumer_epoch(number() % 4);
        proto::MessageMetadata metadata;
        metadata.set_producer_name("p");
        metadata.set_sequence_id(number());
        metadata.set_publish_time(1);
        std::string payload;
        if ((flags & 4U) != 0) {
            const int count = byte() % 5;
            proto::SingleMessageMetadata single;
            for (int i = 0; i < count; ++i) wire::add_to_batch(payload, single, text(10));
            metadata.set_num_messages_in_batch((flags & 8U) != 0 ? static_cast<std::int32_t>(number()) : count);
            if ((flags & 16U) != 0) metadata.add_compacted_batch_indexes(static_cast<std::int32_t>(number()));
        } else {
            payload = text(30);
        }
        if ((flags & 32U) != 0) {
            metadata.set_compression(static_cast<proto::CompressionType>(byte() % 5));
            metadata.set_uncompressed_size(static_cast<std::uint32_t>(number()));
        }
        if ((flags & 64U) != 0) {
            metadata.set_num_chunks_from_msg(static_cast<std::int32_t>(number()));
            if (byte() < 30) metadata.set_marker_type(1);
        }
        std::string frame = wire::encode_send(command, metadata, payload);
        if ((flags & 128U) != 0 && frame.size() > 10) frame[frame.size() - 1 - byte() % 10] ^= 4;
        return frame;
    }

    // --- one step of what happens

    void step() {
        ++steps_;
        const auto what = byte();
        const auto connection = any_connection();
        switch (what % 16) {
            case 0:  // anything
                come(connection, text(100));
                break;
            case 1: {  // a frame of anything
                const std::string inside = text(60);
                std::string frame;
                const auto u32 = [&](std::size_t value) {
                    for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(value >> shift & 0xffU);
                };
                u32(inside.size() + 4);
                u32(byte() < 200 ? inside.size() : number());
                come(connection, frame + inside);
                break;
            }
            case 2:
            case 3:
            case 4:
            case 5: {
                const Type command = say_something();
                if (command.IsInitialized()) come(connection, wire::encode(command));
                break;
            }
            case 6:
            case 7: come(connection, message()); break;
            case 8:
                if (byte() < 200) up(connection);
                else closed(connection);
                break;
            case 9: ask(); break;
            case 10: send(); break;
            case 11:
                time_ += milliseconds(byte() * byte());
                settle();
                break;
            case 12: take(); break;
            case 13:
                if (peers_.contains(connection)) {
                    if (byte() < 200) session_.token(ConnectionId{connection}, std::string("token"), now());
                    else session_.token(ConnectionId{connection}, kernel::Error{kernel::ErrorKind::unavailable, "none", "none"}, now());
                }
                break;
            case 14:  // for a while, a broker as it should be
                friendly_ = true;
                for (const auto& [id, peer] : std::map(peers_)) up(id);
                settle();
                friendly_ = false;
                break;
            default:
                if (byte() < 20) session_.close(now());
                else if (producers_.size() + consumers_.size() < 6) open(byte());
                break;
        }
        drain();
        settle();
    }

    std::uint64_t any_connection() {
        if (peers_.empty()) return 0;
        auto it = peers_.begin();
        std::advance(it, byte() % peers_.size());
        return it->first;
    }

    void closed(std::uint64_t connection) {
        if (peers_.erase(connection) == 0) return;
        session_.closed(ConnectionId{connection}, {kernel::ErrorKind::unavailable, "gone", "gone"}, now());
    }

    void take() {
        if (consumers_.empty()) return;
        const ConsumerId id{consumers_[byte() % consumers_.size()]};
        const auto taken = session_.take(id, byte() % 8, now());
        if (!taken) return;
        for (const auto& message : *taken) {
            ids_.push_back(message.id);
            CHECK(message.entry && message.payload.size() <= message.entry->payload.size(), "a payload lies in its entry");
        }
        if (ids_.size() > 50) ids_.erase(ids_.begin(), ids_.end() - 50);
    }

    void ask() {
        const auto what = byte();
        if (what % 4 == 0 && !producers_.empty()) {
            const ProducerId id{producers_.back()};
            if (what < 100) session_.flush(id, operation(), now());
            else if (what < 200) session_.end_batch(id, now());
            else session_.close_producer(id, now());
            return;
        }
        if (consumers_.empty()) return;
        const ConsumerId id{consumers_[byte() % consumers_.size()]};
        const wire::MessageId about =
            ids_.empty() || byte() > 200
                ? wire::MessageId{.ledger = number(), .entry = number(), .batch_index = byte() % 8 - 1, .batch_size = byte() % 8}
                : ids_[byte() % ids_.size()];
        switch (what % 10) {
            case 1: return session_.ack(id, about, std::nullopt, now());
            case 2: return session_.ack(id, about, operation(), now());
            case 3: return session_.ack_cumulative(id, about, (what & 64U) != 0 ? std::optional(operation()) : std::nullopt, now());
            case 4: return session_.nack(id, about, now());
            case 5: return session_.redeliver_all(id, now());
            case 6: return session_.seek(id, about, operation(), now());
            case 7: return session_.last_message_id(id, operation(), now());
            case 8: return session_.unsubscribe(id, operation(), now());
            case 9: return session_.close_consumer(id, now());
            default: return session_.partitions(operation(), "persistent://p/d/t", now());
        }
    }

    // All timers that are due; a session comes to rest.
    void settle() {
        drain();
        for (int rounds = 0;; ++rounds) {
            const auto due = session_.next_tick();
            if (!due || *due > time_) return;
            CHECK(rounds < 200, "a session comes to rest");
            session_.tick(now());
            drain();
        }
    }

    void end() {
        session_.close(now());
        settle();
        for (int rounds = 0; !closed_; ++rounds) {
            CHECK(rounds < 3000, "a session can be closed");
            for (const auto& [id, peer] : std::map(peers_)) closed(id);
            drain();
            if (const auto due = session_.next_tick()) time_ = std::max(time_, *due);
            settle();
        }
        for (const auto& [id, times] : outcomes_) CHECK(times == 1, "every operation has its outcome");
        const auto sizes = session_.sizes();
        CHECK(sizes.connections + sizes.producers + sizes.consumers + sizes.requests + sizes.timers + sizes.lookups == 0,
              "nothing is left");
        CHECK(!session_.next_tick(), "a closed session wants nothing");
    }

    std::span<const std::uint8_t> bytes_;
    session::Time time_ = session::Time(std::chrono::hours(1));
    session::Session session_;
    bool friendly_ = false, closed_ = false;
    int steps_ = 0;
    std::map<std::uint64_t, Peer> peers_;
    std::vector<std::uint64_t> requests_, sequences_, producers_, consumers_;
    std::map<std::uint64_t, bool> opened_;
    std::vector<wire::MessageId> ids_;
    std::uint64_t operations_ = 0;
    std::map<std::uint64_t, int> outcomes_;
};

}  // namespace

void run_hostile(std::span<const std::uint8_t> bytes) {
    Hostile(bytes).run();
}

}  // namespace platform::pulsar::simulation
