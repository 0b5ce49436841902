// The inside of a Session, in one class over several files: connections.cpp (sockets, handshakes, requests), lookups.cpp (who serves a
// topic), handles.cpp (how producers and consumers come to their broker and stay there), producers.cpp, consumers.cpp.
#pragma once

#include "platform/pulsar/session/backoff.hpp"
#include "platform/pulsar/session/receive_queue.hpp"
#include "platform/pulsar/session/send_queue.hpp"
#include "platform/pulsar/session/session.hpp"
#include "platform/pulsar/session/timers.hpp"
#include "platform/pulsar/wire/error_code.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_map>

namespace platform::pulsar::session {

// Where a broker is, and through which address it is reached: the same, but for proxies.
struct Endpoint {
    Address physical;
    std::string behind_proxy;  // host:port of the broker that a proxy is to reach; empty: no proxy
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

struct Connection {
    enum class Stage : std::uint8_t { dialing, wants_token, handshaking, ready };
    Endpoint endpoint;
    Stage stage = Stage::dialing;
    wire::Splitter splitter;
    std::size_t message_bytes_max = wire::message_bytes_default;
    Time handshake_deadline;
    Time last_received;
    Time next_check;  // of the keep-alive
    bool ping_outstanding = false;
    // Not yet taken by the socket, oldest first: runs of commands and of SENDs.
    struct Run {
        bool is_send;
        std::size_t bytes;
    };
    std::deque<Run> unwritten;
    std::size_t unwritten_commands = 0;
};

struct Request {
    enum class Kind : std::uint8_t {
        partitions,
        lookup,
        register_producer,
        register_consumer,
        close_producer,
        close_consumer,
        ack,
        consumer_order,
    };
    Kind kind = Kind::lookup;
    std::uint64_t owner = 0;  // operation, lookup, producer or consumer
    std::uint64_t connection = 0;
    OperationId operation{};
};

struct PartitionQuery {
    OperationId operation{};
    std::string topic;
    std::uint64_t connection = 0;  // waits for it; 0: waits for its time
    std::uint64_t request = 0;
    Time deadline;
    Backoff backoff;
    std::optional<kernel::Error> cause = {};  // of the last try that failed
    std::size_t refusals = 0;
};

struct Lookup {
    std::string topic;
    std::uint64_t connection = 0;  // waits for it, or has asked there
    std::uint64_t request = 0;     // 0: not asked
    bool authoritative = false;
    int redirects = 0;
    std::vector<Owner> waiters;  // some may be gone
};

// What producers and consumers have in common: a topic, and the way to its broker.
struct Handle {
    enum class Stage : std::uint8_t { waiting, looking_up, connecting, registering, attached };
    std::string topic = {};
    Stage stage = Stage::waiting;
    std::optional<Time> retry_at = {};
    std::uint64_t connection = 0;
    std::uint64_t request = 0;             // that registers it
    std::optional<Address> assigned = {};  // where the broker that gave it up sends it
    Backoff backoff;
    Time first_try = {};
    bool opened = false;        // was attached once
    bool refused_once = false;  // credentials may have been renewed since
    bool waits_its_turn = false;
    bool closing = false;
    std::optional<Time> close_deadline = {};
    std::uint64_t close_request = 0;
};

struct Flush {
    OperationId operation{};
    std::uint64_t until = 0;  // messages ended ever
    bool failed = false;
};

struct ProducerState {
    Handle handle;
    ProducerOptions options;
    SendQueue queue;
    bool named_by_broker = false;
    std::uint64_t epoch = 0;
    std::optional<std::uint64_t> topic_epoch = {};
    std::size_t message_bytes_max = wire::message_bytes_default;
    bool refused = false;  // the broker did not take a message, and has taken none since
    bool wants_room = false;
    std::deque<Flush> flushes = {};
};

struct ConsumerOrder {
    enum class Kind : std::uint8_t { seek, unsubscribe, last_message };
    Kind kind = Kind::last_message;
    OperationId operation{};
    wire::MessageId id = {};
    Time deadline = {};
    std::uint64_t request = 0;  // 0: not sent
    Time retry_at = {};         // not before; the epoch: at once
};

struct ConsumerState {
    Handle handle;
    ConsumerOptions options;
    ReceiveQueue queue;
    std::uint64_t epoch = 0;
    bool readable_told = false;
    std::optional<kernel::Error> ended = {};
    std::map<std::pair<std::uint64_t, std::uint64_t>, ReceiveQueue::Ack> acks = {};  // by entry, not sent yet
    std::optional<ReceiveQueue::Ack> cumulative = {};
    std::optional<Time> acks_due = {};
    std::map<std::pair<std::uint64_t, std::uint64_t>, Time> nacks = {};
    std::optional<Time> nacks_due = {};
    std::deque<ConsumerOrder> orders = {};
    bool seeking = false;
    bool seek_answered = false;
    bool seek_sent_here = false;   // to the broker that it is attached to: what comes lies before the seek
    bool dropped_by_seek = false;  // such messages came
};

struct Session::State {
    State(Options with, Now now);

    // connections.cpp
    std::uint64_t connection_to(const Endpoint& endpoint, Now now);
    std::uint64_t service_connection(Now now);
    bool is_ready(std::uint64_t connection) const;
    Connection* find(std::uint64_t connection);
    void write(std::uint64_t connection, const proto::BaseCommand& command, Now now);
    void write_send(std::uint64_t connection, std::shared_ptr<const std::string> frame);
    void connected(std::uint64_t id, Now now);
    void send_connect(std::uint64_t id, const std::string* token, Now now);
    void token(std::uint64_t id, kernel::Result<std::string> token, Now now);
    void received(std::uint64_t id, std::size_t bytes, Now now);
    void handle(std::uint64_t id, std::string_view rest, Now now);  // the command in `incoming`
    void handle_handshake(std::uint64_t id, Now now);
    void check_connection(std::uint64_t id, Now now);
    void hang_up(std::uint64_t id, const kernel::Error& why, Now now);
    void lost(std::uint64_t id, const kernel::Error& why, Now now);
    std::uint64_t new_request(Request request, std::optional<Time> deadline);
    // With a kind: only if it is of that kind, so that an answer of another kind leaves it to its deadline.
    std::optional<Request> end_request(std::uint64_t id, std::uint64_t connection, std::optional<Request::Kind> kind = std::nullopt);
    void forget_request(std::uint64_t id);  // its answer means nothing any more
    void request_failed(const Request& request, std::uint64_t id, const kernel::Error& error, wire::Reaction reaction, Now now);
    void server_error(std::uint64_t connection, std::uint64_t request, proto::ServerError code, const std::string& message, Now now);

    // lookups.cpp
    void start_query(std::uint64_t id, Now now);
    void send_query(std::uint64_t id, Now now);
    void query_failed(std::uint64_t id, const kernel::Error& error, bool retry, Now now);
    void end_query(std::uint64_t id, kernel::Result<std::uint32_t> result);
    void want_lookup(const Owner& owner, const std::string& topic, Now now);
    void start_lookups(Now now);
    void send_lookup(Lookup& lookup, Now now);
    void lookup_answered(std::uint64_t connection, const proto::CommandLookupTopicResponse& response, Now now);
    void lookup_failed(const std::string& topic, const kernel::Error& error, wire::Reaction reaction, Now now);
    void lookup_done(const std::string& topic, const Endpoint& endpoint, Now now);
    kernel::Result<Address> broker_address(const std::string& url, const std::string& url_tls, bool tls) const;

    // handles.cpp: `Owner` says whether the id is of a producer or a consumer.
    Handle* handle_of(const Owner& owner);
    void begin_attach(const Owner& owner, Now now);
    void connect_handle(const Owner& owner, const Endpoint& endpoint, Now now);
    void register_handle(const Owner& owner, Now now);
    void attach_failed(const Owner& owner, const kernel::Error& error, wire::Reaction reaction, Now now);
    void detach(const Owner& owner, std::optional<Address> assigned, Now now);  // lost its broker: comes back by itself
    void end_handle(const Owner& owner, const kernel::Error& error, Now now);
    void arm(const Owner& owner);
    void fire(const Owner& owner, Now now);
    void connection_ready(std::uint64_t connection, Now now);
    std::vector<Owner> handles_on(std::uint64_t connection) const;
    // CLOSE_PRODUCER or CLOSE_CONSUMER; whose answer nobody waits for when `request` is 0.
    void send_close(const Owner& owner, std::uint64_t connection, std::uint64_t request, Now now);
    void request_timed_out(std::uint64_t id, Now now);

    // producers.cpp
    void register_producer(std::uint64_t id, Now now);
    void producer_attached(std::uint64_t connection, const proto::CommandProducerSuccess& success, Now now);
    void send_unsent(ProducerState& producer);
    void receipt(std::uint64_t connection, const proto::CommandSendReceipt& receipt, Now now);
    void send_error(std::uint64_t connection, const proto::CommandSendError& error, Now now);
    void sent(std::uint64_t id, ProducerState& producer, kernel::Result<wire::MessageId> result, bool duplicate);
    void after_sent(std::uint64_t id, Now now);
    void fail_pending(std::uint64_t id, const kernel::Error& error);
    void producer_due(std::uint64_t id, Now now);
    void begin_close_producer(std::uint64_t id, Now now);
    void end_producer(std::uint64_t id, kernel::Result<void> result, Now now);

    // consumers.cpp
    void register_consumer(std::uint64_t id, Now now);
    void consumer_attached(std::uint64_t id, Now now);
    void message(std::uint64_t connection, const proto::CommandMessage& command, std::string_view section, Now now);
    void allow(std::uint64_t id, Now now);
    void tell_readable(std::uint64_t id);
    void add_ack(std::uint64_t id, std::optional<ReceiveQueue::Ack> ack, bool cumulative, std::optional<OperationId> operation, Now now);
    void keep_ack(std::uint64_t id, ConsumerState& consumer, const ReceiveQueue::Ack& ack, bool cumulative, Now now);
    void send_acks(std::uint64_t id, Now now);
    void send_ack(std::uint64_t id, const std::vector<ReceiveQueue::Ack>& acks, bool cumulative, std::optional<OperationId> operation,
                  Now now);
    void send_nacks(std::uint64_t id, Now now);
    void redeliver(std::uint64_t id, const std::vector<wire::MessageId>& ids, Now now);
    void add_order(std::uint64_t id, ConsumerOrder order, Now now);
    void send_orders(std::uint64_t id, Now now);
    void order_answered(std::uint64_t id, OperationId operation, kernel::Result<std::optional<wire::MessageId>> result, Now now);
    void finish_seek(std::uint64_t id, Now now);
    void broken(std::uint64_t id, const kernel::Error& error, Now now);
    void consumer_due(std::uint64_t id, Now now);
    void end_consumer(std::uint64_t id, const kernel::Result<void>& result, Now now);
    void begin_close_consumer(std::uint64_t id, Now now);

    void emit(Action action) { actions.push_back(std::move(action)); }
    void finish_closing(Now now);

    Options options;
    std::mt19937_64 random;
    std::deque<Action> actions;
    Timers timers;
    std::uint64_t next_id = 1;  // of connections, requests, producers, consumers, queries
    std::unordered_map<std::uint64_t, Connection> connections;
    std::map<Endpoint, std::uint64_t> by_endpoint;
    std::size_t service = 0;  // index of the service address in use
    std::map<std::uint64_t, Request> requests;
    std::unordered_map<std::uint64_t, PartitionQuery> queries;
    std::map<std::string, Lookup> lookups;    // in flight, by topic
    std::deque<std::string> lookups_waiting;  // in order; their waiters
    std::map<std::string, std::vector<Owner>> lookups_wanted;
    std::unordered_map<std::uint64_t, ProducerState> producers;
    std::unordered_map<std::uint64_t, ConsumerState> consumers;
    proto::BaseCommand incoming;
    ReceiveQueue::Ack ack_scratch;  // used again and again, for its memory
    bool closing = false, closed = false;
};

kernel::Error connection_lost(const std::string& why);

inline Owner producer_owner(std::uint64_t id) {
    return {Owner::producer, id};
}
inline Owner consumer_owner(std::uint64_t id) {
    return {Owner::consumer, id};
}

}  // namespace platform::pulsar::session
