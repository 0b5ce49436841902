// Cluster: a model of Pulsar brokers that share what is durable: topics and their entries, what deduplication knows, cursors of
// subscriptions, topic epochs. It speaks the wire protocol over byte streams, as a broker of version 2.8 to 4.0 would, and complains to the
// Report when a client does what a real broker would punish or silently suffer from: broken frames, changed frames, more permits than the
// queue has room.
#pragma once

#include "platform/pulsar/simulation/network.hpp"
#include "platform/pulsar/wire/bit_set.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace platform::pulsar::simulation {

// Deliberate faults of the model, or of what it makes of the client's commands, that the invariants must find.
enum class Sabotage : std::uint8_t {
    none,
    receipt_without_storing,  // an entry is acknowledged and not stored
    stores_twice,
    swaps_entries,  // two neighbours of a producer are stored in the other order
    changes_a_payload,
    skips_an_entry,   // a consumer never sees one
    delivers_twice,   // an entry is sent to an exclusive consumer again, out of turn
    forgets_permits,  // FLOW is heard half: as if the client had lost permits
    forgets_ack_set,  // a batch that is partly acknowledged comes whole
    wrong_receipt_id,
    never_receipts,
    drops_acks,  // acks are answered and not done: as if the client had sent others
    seeks_elsewhere,
    count,
};

class Cluster : public Server {
public:
    struct Options {
        int brokers = 1;
        std::vector<std::string> topics;
        bool deduplication = true;
        bool tls = false;
        bool proxy = false;
        bool tokens = false;
        std::chrono::milliseconds keep_alive{30'000};
        bool checks_liveness = true;  // pings who holds a name when another asks for it
        bool entry_metadata = true;   // broker time and index
        std::int32_t message_bytes_max = 5 * 1024 * 1024;
        bool loses_acks = false;  // a kill forgets acknowledgements that were not snapshot
        Duration persist_min{200}, persist_max{5'000};
        Sabotage sabotage = Sabotage::none;
    };
    // Per mille of what is asked.
    struct Faults {
        unsigned lookup_errors = 0, redirects = 0, endless_redirects = 0;
        unsigned register_errors = 0;  // of PRODUCER and SUBSCRIBE
        unsigned request_errors = 0;   // of the rest
        unsigned unanswered = 0;
        unsigned persist_failures = 0;
        unsigned unknown_commands = 0;
        unsigned odd_receipts = 0;       // a receipt for what was acknowledged already
        unsigned first_id_receipts = 0;  // receipts name the first id, or the last one of a batch
        unsigned pings = 0;
        unsigned challenges = 0;
    };
    struct Entry {
        std::uint64_t ledger = 0, entry = 0;
        std::string bytes;  // what followed the command of its SEND
        std::string producer;
        std::uint64_t lowest = 0, highest = 0;
        int messages = 1;
        bool is_batch = false;
        std::string key;
        std::uint64_t first_index = 0;  // messages in the topic before it
    };

    Cluster(Options options, Scheduler& scheduler, Network& network, Random random, Report& report);

    Faults& faults() { return faults_; }
    static int broker_of(const session::Address& address);  // -1: there is none
    session::Address address_of(int broker) const;

    // Strikes.
    void kill(int broker, Duration back_after);
    void unload(const std::string& topic);
    void terminate(const std::string& topic);
    void close_one_connection();
    void calm();

    // For checks and the world.
    void expect_queue(const std::string& consumer_name, std::size_t messages_max) { queue_limits_[consumer_name] = messages_max; }
    std::function<void(const std::string& topic, const Entry& entry, std::size_t position)> on_stored;
    const std::vector<Entry>& log(const std::string& topic) const { return topics_.at(topic).log; }
    // Position in the log, or -1.
    std::int64_t position(const std::string& topic, std::uint64_t ledger, std::uint64_t entry) const;
    // Entries that are not acknowledged; -1: no such subscription.
    std::int64_t backlog(const std::string& topic, const std::string& subscription) const;
    bool lost_acks(const std::string& topic, const std::string& subscription) const;
    std::uint64_t last_sent(const std::string& topic, const std::string& subscription, std::size_t position) const;  // in which step
    std::string describe(const std::string& topic, const std::string& subscription) const;
    bool is_quiet() const;  // nothing waits to be stored

    bool is_alive(int broker) const override { return alive_[static_cast<std::size_t>(broker)]; }
    void accepted(LinkId link, int broker, std::uint64_t incarnation) override;
    void bytes_came(LinkId link, std::string_view bytes) override;
    void ended(LinkId link) override;

private:
    struct Peer;
    struct Topic;
    struct Subscription;
    struct Producer {
        Peer* peer = nullptr;
        Topic* topic = nullptr;
        std::uint64_t id = 0;
        std::string name;
        std::uint64_t epoch = 0;
        proto::ProducerAccessMode access = proto::Shared;
        std::optional<std::uint64_t> topic_epoch;
        std::uint64_t request = 0;
        bool waiting = false;  // for exclusive access
        std::size_t pushed = 0;
        std::uint64_t close_request = 0;  // waits for what is pushed
        bool any = false;
        std::uint64_t last_highest = 0;
    };
    struct Consumer {
        Peer* peer = nullptr;
        Topic* topic = nullptr;
        Subscription* subscription = nullptr;
        std::uint64_t id = 0;
        std::string name;
        std::int32_t priority = 0;
        std::int64_t permits = 0;
        std::optional<std::uint64_t> epoch;
        std::map<std::size_t, int> pending;  // Shared and Key_Shared: position -> messages
        std::vector<std::pair<int, int>> ranges;
        bool told_end = false;
    };
    struct Subscription {
        std::string name;
        proto::CommandSubscribe::SubType type = proto::CommandSubscribe::Exclusive;
        bool durable = true;
        std::size_t mark = 0;  // all before it is acknowledged
        std::set<std::size_t> acked;
        std::map<std::size_t, wire::BitSet> partly;
        // As last snapshot: what a kill leaves.
        std::size_t kept_mark = 0;
        std::set<std::size_t> kept_acked;
        std::map<std::size_t, wire::BitSet> kept_partly;
        bool lost = false;
        std::size_t read = 0;
        std::vector<Consumer*> consumers;
        Consumer* active = nullptr;
        std::size_t turn = 0;
        std::map<std::size_t, std::uint32_t> redeliver;  // positions that wait to be sent again
        std::map<std::size_t, std::uint32_t> redeliveries;
        std::map<std::size_t, std::uint64_t> sent;  // position -> step
        bool dispatching = false;
        bool skipped = false, doubled = false;  // sabotage, once
    };
    struct Pushed {
        Entry entry;
        LinkId link{};
        std::uint64_t producer_id = 0;
        std::string producer_name;
        bool mute = false;  // its producer is gone
        std::uint64_t number = 0;
    };
    struct Known {
        std::int64_t pushed = -1, persisted = -1;
    };
    struct Topic {
        std::string name;
        int owner = -1;
        std::uint64_t generation = 0;  // of being loaded: what was begun in an older one is over
        std::uint64_t ledger = 10;
        std::uint64_t next_entry = 0;
        std::uint64_t next_index = 0;
        std::vector<Entry> log;
        std::deque<Pushed> pushed;
        Time last_persist;
        std::map<std::string, Known> known;
        std::map<std::string, Subscription> subscriptions;
        std::vector<Producer*> producers;
        std::deque<Producer*> waiting;
        bool exclusive = false;
        std::string exclusive_name;
        std::uint64_t epoch = 0;
        bool has_epoch = false;
        bool terminated = false;
        bool sabotaged = false;
    };
    struct Peer {
        LinkId link{};
        int broker = 0;
        std::uint64_t incarnation = 0;
        wire::Splitter splitter;
        bool is_connected = false;
        bool through_proxy = false;
        bool wants_entry_metadata = false;
        Time last_came;
        bool ping_out = false;
        std::uint64_t pings = 0;
        std::uint64_t challenge = 0;  // waits for its answer
        std::map<std::uint64_t, Producer> producers;
        std::map<std::uint64_t, Consumer> consumers;
        std::set<std::uint64_t> creating_producers, creating_consumers;
        std::set<std::uint64_t> closed_producers, closed_consumers;  // lately
    };

    Peer* find(LinkId link);
    Topic* find_topic(const std::string& name);
    void write(Peer& peer, const proto::BaseCommand& command);
    void fail(Peer& peer, std::uint64_t request, proto::ServerError error, const std::string& message);
    void succeed(Peer& peer, std::uint64_t request);
    void close(LinkId link);
    void forget(LinkId link);
    void later(LinkId link, std::function<void(Peer&)> what);
    void check_alive(LinkId link);
    void challenge(Peer& peer);
    void suspect(Peer& peer);
    bool is_token_good(const std::string& token) const;

    void handle(Peer& peer, const proto::BaseCommand& command, std::string_view rest);
    void connect(Peer& peer, const proto::CommandConnect& command);
    void partitions(Peer& peer, const proto::CommandPartitionedTopicMetadata& command);
    void lookup(Peer& peer, const proto::CommandLookupTopic& command);
    void open_producer(LinkId link, const proto::CommandProducer& command);
    void add_producer(Peer& peer, Topic& topic, Producer producer);
    void producer_ready(Producer& producer);
    void push(Peer& peer, const proto::CommandSend& command, std::string_view rest);
    void persist_next(const std::string& topic, std::uint64_t generation);
    void store(Topic& topic, Entry entry);
    void receipt(const Pushed& pushed, std::uint64_t ledger, std::uint64_t entry);
    void send_error(Peer& peer, std::uint64_t producer, std::uint64_t sequence, proto::ServerError error);
    void fail_pushed(Topic& topic);
    void close_producer(Peer& peer, const proto::CommandCloseProducer& command);
    void remove_producer(Producer& producer);
    void disconnect_producer(Producer& producer, std::optional<int> assigned);

    void subscribe(LinkId link, const proto::CommandSubscribe& command);
    void flow(Peer& peer, const proto::CommandFlow& command);
    void choose_active(Topic& topic, Subscription& subscription);
    void unsubscribe(Peer& peer, const proto::CommandUnsubscribe& command);
    void close_consumer(Peer& peer, const proto::CommandCloseConsumer& command);
    void remove_consumer(Consumer& consumer);
    void disconnect_consumer(Consumer& consumer, std::optional<int> assigned);
    void dispatch_later(Topic& topic, Subscription& subscription);
    void dispatch(Topic& topic, Subscription& subscription);
    void dispatch_single(Topic& topic, Subscription& subscription);
    void dispatch_shared(Topic& topic, Subscription& subscription);
    Consumer* consumer_for(Topic& topic, Subscription& subscription, std::size_t position, std::set<std::string>& blocked);
    void deliver(Topic& topic, Subscription& subscription, Consumer& consumer, std::size_t position, std::uint32_t redeliveries);
    void ack(Peer& peer, const proto::CommandAck& command);
    void mark(Subscription& subscription, std::size_t position, const proto::MessageIdData& id, const Entry& entry);
    void settle(Subscription& subscription);
    void redeliver(Peer& peer, const proto::CommandRedeliverUnacknowledgedMessages& command);
    void seek(Peer& peer, const proto::CommandSeek& command);
    void last_message_id(Peer& peer, const proto::CommandGetLastMessageId& command);
    std::size_t start_position(const Topic& topic, const proto::MessageIdData& id) const;

    int choose_owner();
    std::string url_of(int broker, bool tls) const;

    Options options_;
    Scheduler& scheduler_;
    Network& network_;
    Random random_;
    Report& report_;
    Faults faults_;
    std::vector<bool> alive_;
    std::map<std::string, Topic> topics_;
    std::map<LinkId, Peer> peers_;
    std::uint64_t numbers_ = 0;
    std::map<std::string, std::size_t> queue_limits_;
    // Frames as they were first sent, by (incarnation, producer id, lowest sequence).
    std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, std::size_t> frames_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> epochs_;  // of producers, by (link, producer id)
};

}  // namespace platform::pulsar::simulation
