#include "platform/pulsar/simulation/world.hpp"

#include "platform/pulsar/session/session.hpp"
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/compression.hpp"

#include <algorithm>
#include <set>

namespace platform::pulsar::simulation {

namespace {

using session::ConnectionId;
using session::ConsumerId;
using session::OperationId;
using session::ProducerId;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What an application wants to have in a topic, in this order: message n is made from n alone.
struct Outbox {
    std::size_t index = 0;
    std::string topic;
    std::string name;   // of its producers; empty: the broker gives one
    bool exact = true;  // named, and the broker drops duplicates
    int total = 0;
    int confirmed = 0;  // the first that is not known to be stored
    int watermark = 0;  // the same, as the application has written it down: what survives it
    std::uint64_t base = 0, step = 1;
    std::vector<int> stored;
    int highest = -1;
    session::ProducerOptions options;

    std::uint64_t sequence(int n) const { return base + static_cast<std::uint64_t>(n) * step; }
    std::uint64_t chance(int n) const { return Random(index * 7919 + static_cast<std::uint64_t>(n)).next(); }
    std::string key(int n) const { return chance(n) % 5 == 0 ? std::string() : say("k{}", chance(n) / 8 % 4); }
    std::string property(int n) const { return chance(n) % 7 < 2 ? std::to_string(n) : std::string(); }
    std::uint64_t event_time(int n) const { return chance(n) % 11 < 3 ? 1'600'000'000'000U + static_cast<std::uint64_t>(n) : 0; }
    std::string payload(int n) const {
        const auto filler = chance(n) / 64 % (chance(n) / 4096 % 16 == 0 ? 900 : 20);
        return say("{}:{}:", index, n) + std::string(filler, static_cast<char>('a' + n % 26));
    }
};

struct Stored {
    std::size_t outbox = 0;
    int n = 0;
    std::uint64_t sequence = 0;
};

struct TopicLog {
    std::vector<Stored> messages;      // by ordinal: as they lie in the topic
    std::vector<std::size_t> ordinal;  // of the first message, by entry
};

// A producer of one process.
struct Sender {
    enum class Stage : std::uint8_t { closed, opening, open, closing };
    std::size_t outbox = 0;
    std::size_t process = 0;
    bool retires = false;  // fights for a name that is another's: not any more in the calm
    Stage stage = Stage::closed;
    ProducerId id{};
    int next = 0;
    std::vector<int> in_flight{};
    bool full = false;
    bool failed = false;
    std::map<OperationId, int> flushes{};  // how many sends ended before it may
    int ended = 0, sent = 0;
};

struct Group {
    std::string topic, subscription;
    session::SubscriptionType type = session::SubscriptionType::exclusive;
    bool durable = true;
    bool index_acks = true;
    bool gone = false;                   // unsubscribed
    std::size_t base = 0;                // what lies before is not wanted any more
    std::vector<bool> acked;             // the application has said so
    std::vector<std::uint64_t> receipt;  // in which step the broker's word came; 0: not
    std::size_t members = 0;
    std::size_t seeks = 0;  // begun: what was acknowledged before one says nothing after it

    void grow(std::size_t count) {
        if (acked.size() < count) acked.resize(count), receipt.resize(count);
    }
    bool all_acked(std::size_t from, std::size_t to) const {
        for (std::size_t i = std::max(from, base); i < to; ++i) {
            if (i >= acked.size() || !acked[i]) return false;
        }
        return true;
    }
};

struct Subscriber {
    enum class Stage : std::uint8_t { closed, opening, open, closing };
    std::size_t group = 0;
    std::size_t process = 0;
    session::ConsumerOptions options;
    Stage stage = Stage::closed;
    ConsumerId id{};
    bool fresh = true;    // what comes next may lie anywhere before what is not acknowledged
    int may_go_back = 0;  // how often the broker may go back to what is not acknowledged
    std::size_t cursor = 0;
    std::vector<std::pair<wire::MessageId, std::size_t>> held;  // taken, not acknowledged, with their ordinals
    std::optional<OperationId> seeking;
    std::size_t seek_base = 0;
    bool seek_failed = false;
    bool unsubscribing = false;
    // Of a reader.
    std::optional<std::size_t> expected;
    std::optional<wire::MessageId> last;
};

struct Operation {
    enum class Kind : std::uint8_t { partitions, flush, ack, seek, last, unsubscribe };
    Kind kind = Kind::partitions;
    std::size_t owner = 0;                // subscriber or sender
    std::vector<std::size_t> ordinals{};  // acknowledged by it
    std::size_t seeks = 0;                // of its group, when it began
};

class World;

class Process : public Client {
public:
    Process(World& world, std::size_t index) : world_(world), index_(index) {}
    void connected(ConnectionId connection) override;
    void bytes_came(ConnectionId connection, std::string_view bytes) override;
    void took(ConnectionId connection, std::size_t bytes) override;
    void ended(ConnectionId connection, const kernel::Error& why) override;

    World& world_;
    std::size_t index_;
    std::uint64_t incarnation_ = 0;
    std::unique_ptr<session::Session> session_;
    std::map<OperationId, Operation> operations_;
    std::map<ProducerId, std::size_t> senders_;
    std::map<ConsumerId, std::size_t> subscribers_;
    Time armed_{};
    bool closing_ = false, closed_ = false;
    std::uint64_t idle_ticks_ = 0;
};

class World {
public:
    World(std::uint64_t seed, Sabotage sabotage, bool tracing)
        : report_(tracing), random_(seed), network_(scheduler_, random_.fork(), report_), sabotage_(sabotage) {}
    Outcome run();

private:
    friend class Process;
    void build();
    void add_outbox(const std::string& topic, std::size_t index);
    void add_group(const std::string& topic, std::size_t index);
    void strike();
    void act();
    void calm_act();
    bool settled() const;
    std::string unsettled() const;
    void close(Process& process);
    void check_closed(Process& process);

    void start(Process& process);
    void restart(Process& process);
    bool is_closing(Process& process);
    void pump(Process& process);
    void drain(Process& process);
    void arm(Process& process);
    void check_bounds(Process& process);
    OperationId operation(Process& process, Operation operation);

    void act(Sender& sender);
    void open(Sender& sender);
    void send(Sender& sender, int count);
    void act(Subscriber& subscriber);
    void open(Subscriber& subscriber);
    void take(Subscriber& subscriber, std::size_t count);
    void taken(Subscriber& subscriber, const session::Message& message);
    void ack_some(Subscriber& subscriber);
    void seek_somewhere(Subscriber& subscriber);
    void stored(const std::string& topic, const Cluster::Entry& entry, std::size_t position);

    void on(Process& process, const session::Dial& action);
    void on(Process& process, const session::Write& action);
    void on(Process& process, const session::HangUp& action);
    void on(Process& process, const session::WantToken& action);
    void on(Process& process, const session::Partitions& action);
    void on(Process& process, const session::ProducerOpened& action);
    void on(Process& process, const session::Sent& action);
    void on(Process& process, const session::Room& action);
    void on(Process& process, const session::Flushed& action);
    void on(Process& process, const session::ProducerClosed& action);
    void on(Process& process, const session::ConsumerOpened& action);
    void on(Process& process, const session::Readable& action);
    void on(Process& process, const session::ActiveChanged& action);
    void on(Process& process, const session::Reattached& action);
    void on(Process& process, const session::EndOfTopic& action);
    void on(Process& process, const session::Done& action);
    void on(Process& process, const session::LastMessage& action);
    void on(Process& process, const session::ConsumerClosed& action);
    void on(Process& process, const session::SessionClosed& action);

    void trace(const std::string& what) { report_.trace(scheduler_.clock() + " " + what); }
    Sender* sender_of(Process& process, ProducerId id, std::string_view of);
    Subscriber* subscriber_of(Process& process, ConsumerId id, std::string_view of);
    bool is_single(const Group& group) const {
        return group.type == session::SubscriptionType::exclusive || group.type == session::SubscriptionType::failover;
    }
    void sender_over(Sender& sender, std::string_view why);

    Report report_;
    Random random_;
    Scheduler scheduler_;
    Network network_;
    Sabotage sabotage_;
    std::unique_ptr<Cluster> cluster_;
    Cluster::Options cluster_options_;
    session::Options session_options_;
    Duration token_life_{};
    std::vector<Outbox> outboxes_;
    std::vector<Sender> senders_;
    std::vector<Group> groups_;
    std::vector<Subscriber> subscribers_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::map<std::string, TopicLog> logs_;
    std::uint64_t incarnations_ = 0, operations_ = 0;
    std::size_t batch_max_ = 1;
    bool calm_ = false;
    bool nacks_ = false, seeks_ = false;
    bool terminates_ = false;
    std::set<std::string> terminated_;
};

void Process::connected(ConnectionId connection) {
    session_->connected(connection, world_.scheduler_.both());
    world_.pump(*this);
}

void Process::bytes_came(ConnectionId connection, std::string_view bytes) {
    const auto room = session_->prepare(connection, bytes.size());
    if (room.size() < bytes.size()) return world_.report_.violation("prepare() gave less than asked");
    std::copy(bytes.begin(), bytes.end(), room.begin());
    session_->received(connection, bytes.size(), world_.scheduler_.both());
    world_.pump(*this);
}

void Process::took(ConnectionId connection, std::size_t bytes) {
    session_->written(connection, bytes);
    world_.pump(*this);
}

void Process::ended(ConnectionId connection, const kernel::Error& why) {
    session_->closed(connection, why, world_.scheduler_.both());
    world_.pump(*this);
}

// ---- what there is

void World::build() {
    auto& options = cluster_options_;
    options.brokers = static_cast<int>(random_.between(1, 3));
    options.deduplication = !random_.chance(100);
    options.tls = random_.chance(200);
    options.proxy = random_.chance(120);
    options.tokens = random_.chance(250);
    options.keep_alive = milliseconds(random_.one_of({2'000, 10'000, 30'000}));
    options.checks_liveness = random_.chance(600);
    options.entry_metadata = random_.chance(700);
    options.loses_acks = random_.chance(300);
    options.persist_max = Duration(random_.one_of({1'000, 5'000, 40'000, 400'000}));
    options.sabotage = sabotage_;
    options.message_bytes_max = random_.one_of<std::int32_t>({5 * 1024 * 1024, 5 * 1024 * 1024, 2048});
    token_life_ = Duration(random_.one_of({300'000, 3'000'000, 600'000'000}));
    const auto topics = random_.between(1, 2);
    for (int i = 0; i < topics; ++i) options.topics.push_back(say("persistent://public/default/t-partition-{}", i));
    cluster_ = std::make_unique<Cluster>(options, scheduler_, network_, random_.fork(), report_);
    network_.serve(*cluster_);
    cluster_->on_stored = [this](const std::string& topic, const Cluster::Entry& entry, std::size_t position) {
        stored(topic, entry, position);
    };
    for (const auto& topic : options.topics) logs_[topic];

    auto& session = session_options_;
    if (options.proxy) {
        session.services = {cluster_->address_of(options.brokers)};
    } else {
        for (int i = 0; i < options.brokers; ++i) session.services.push_back(cluster_->address_of(i));
        if (random_.chance(200)) {
            session.services.insert(session.services.begin(), {.host = "nowhere", .port = session.services[0].port, .tls = options.tls});
        }
    }
    session.tokens = options.tokens;
    session.connect_timeout = milliseconds(random_.one_of({500, 3'000, 10'000}));
    session.operation_timeout = milliseconds(random_.one_of({1'000, 5'000, 30'000}));
    session.busy_timeout = milliseconds(random_.one_of({2'000, 20'000, 90'000}));
    session.keep_alive = milliseconds(random_.one_of({1'000, 5'000, 30'000}));
    session.backoff_first = milliseconds(random_.one_of({10, 100}));
    session.backoff_last = milliseconds(random_.one_of({500, 5'000}));
    session.lookups_max = random_.one_of<std::size_t>({1, 1000});

    const auto processes = random_.between(1, 3);
    for (std::size_t i = 0; i < static_cast<std::size_t>(processes); ++i) processes_.push_back(std::make_unique<Process>(*this, i));
    nacks_ = random_.chance(400);
    seeks_ = random_.chance(300);
    terminates_ = random_.chance(60);
    const auto outboxes = random_.between(1, 2);
    for (std::size_t i = 0; i < static_cast<std::size_t>(outboxes); ++i) {
        add_outbox(options.topics[random_.below(options.topics.size())], i);
    }
    const auto groups = random_.between(1, 3);
    for (std::size_t i = 0; i < static_cast<std::size_t>(groups); ++i) add_group(options.topics[random_.below(options.topics.size())], i);
    for (const auto& process : processes_) start(*process);
}

void World::add_outbox(const std::string& topic, std::size_t index) {
    Outbox outbox;
    outbox.index = index;
    outbox.topic = topic;
    if (!random_.chance(150)) outbox.name = say("outbox-{}", index);
    outbox.exact = cluster_options_.deduplication && !outbox.name.empty();
    outbox.total = static_cast<int>(random_.between(5, 50));
    outbox.base = random_.below(3) * 10;
    outbox.step = random_.one_of<std::uint64_t>({1, 1, 3});
    outbox.stored.resize(static_cast<std::size_t>(outbox.total));
    auto& options = outbox.options;
    options.topic = topic;
    options.name = outbox.name;
    // Another's exclusive access would keep a second outbox of the topic out for ever.
    const bool alone = std::ranges::none_of(outboxes_, [&](const Outbox& other) { return other.topic == topic; });
    if (alone && index + 1 == 1 && random_.chance(350)) {
        options.access = random_.one_of(
            {session::AccessMode::exclusive, session::AccessMode::wait_for_exclusive, session::AccessMode::exclusive_with_fencing});
    }
    for (const Outbox& other : outboxes_) {
        if (other.topic == topic && other.options.access != session::AccessMode::shared) {
            outbox.topic = options.topic =
                cluster_options_.topics[topic == cluster_options_.topics[0] ? cluster_options_.topics.size() - 1 : 0];
            if (outbox.topic == topic) return;
        }
    }
    options.compression = random_.one_of({proto::NONE, proto::NONE, proto::LZ4, proto::ZSTD, proto::ZLIB, proto::SNAPPY});
    const bool fights = processes_.size() > 1 && !outbox.name.empty() && random_.chance(250);
    // Two that cut batches differently lose messages at deduplication, by the protocol.
    options.batching = random_.chance(700) && !(fights && options.access == session::AccessMode::shared);
    options.batch_by_key = random_.chance(200);
    options.batch_messages_max = static_cast<std::size_t>(random_.between(2, 8));
    options.batch_bytes_max = random_.one_of<std::size_t>({100, 1000, 100'000});
    options.batch_delay = milliseconds(random_.one_of({1, 1, 10, 200}));
    options.pending_messages_max = random_.one_of<std::size_t>({1, 8, 20, 1000});
    options.pending_bytes_max = random_.one_of<std::size_t>({300, 5000, 1'000'000});
    options.send_timeout = milliseconds(random_.one_of({0, 0, 0, 300, 5'000}));
    if (options.batching) batch_max_ = std::max(batch_max_, options.batch_messages_max);
    const auto process = random_.below(processes_.size());
    senders_.push_back({.outbox = outboxes_.size(), .process = process, .retires = false});
    if (fights) senders_.push_back({.outbox = outboxes_.size(), .process = (process + 1) % processes_.size(), .retires = true});
    outbox.index = outboxes_.size();
    outboxes_.push_back(std::move(outbox));
}

void World::add_group(const std::string& topic, std::size_t index) {
    using session::SubscriptionType;
    Group group;
    group.topic = topic;
    group.subscription = say("s{}", index);
    group.durable = !random_.chance(300);
    if (group.durable) {
        group.type = random_.one_of({SubscriptionType::exclusive, SubscriptionType::exclusive, SubscriptionType::failover,
                                     SubscriptionType::shared, SubscriptionType::key_shared});
    }
    group.index_acks = random_.chance(700);
    group.members = group.type == SubscriptionType::exclusive ? 1 : static_cast<std::size_t>(random_.between(1, 3));
    session::ConsumerOptions options;
    options.topic = topic;
    options.subscription = group.durable ? group.subscription : std::string();
    options.type = group.type;
    options.durable = group.durable;
    options.batch_index_acks = group.index_acks;
    options.queue_messages_max = random_.one_of<std::size_t>({1, 2, 7, 30, 1000});
    options.queue_bytes_max = random_.one_of<std::size_t>({500, 1'000'000});
    options.ack_delay = milliseconds(random_.one_of({1, 100}));
    options.nack_delay = milliseconds(random_.one_of({10, 500, 5'000}));
    if (!group.durable && random_.chance(150)) options.start = wire::latest;
    const bool sticky = group.type == SubscriptionType::key_shared && random_.chance(300);
    for (std::size_t i = 0; i < group.members; ++i) {
        Subscriber subscriber;
        subscriber.group = groups_.size();
        subscriber.process = random_.below(processes_.size());
        subscriber.options = options;
        subscriber.options.name = say("c{}-{}", index, i);
        if (sticky) {
            const auto width = 65536 / static_cast<int>(group.members);
            const auto first = static_cast<int>(i) * width;
            subscriber.options.sticky_ranges = {{first, i + 1 == group.members ? 65535 : first + width - 1}};
        }
        if (!group.durable && options.start == wire::earliest) subscriber.expected = 0;
        cluster_->expect_queue(subscriber.options.name, options.queue_messages_max);
        subscribers_.push_back(std::move(subscriber));
    }
    groups_.push_back(std::move(group));
}

// ---- processes

void World::start(Process& process) {
    process.incarnation_ = ++incarnations_;
    process.closing_ = process.closed_ = false;
    auto options = session_options_;
    options.seed = random_.next();
    process.session_ = std::make_unique<session::Session>(options, scheduler_.both());
    process.operations_.clear();
    process.senders_.clear();
    process.subscribers_.clear();
    process.armed_ = {};
}

// The process dies: nothing of it remains but what the application wrote down.
void World::restart(Process& process) {
    report_.count("process restarted");
    trace(say("process {} restarts", process.index_));
    network_.leave(process.incarnation_);
    for (auto& sender : senders_) {
        if (sender.process != process.index_) continue;
        sender.stage = Sender::Stage::closed;
        sender.in_flight.clear();
        sender.flushes.clear();
    }
    for (auto& subscriber : subscribers_) {
        if (subscriber.process != process.index_) continue;
        subscriber.stage = Subscriber::Stage::closed;
        subscriber.held.clear();
        if (subscriber.seeking) subscriber.seek_failed = true;
        subscriber.seeking.reset();
    }
    start(process);
}

// A session that is closed makes room for another.
bool World::is_closing(Process& process) {
    if (!process.closing_ || !process.closed_) return process.closing_;
    check_closed(process);
    start(process);
    return report_.broken();
}

void World::arm(Process& process) {
    const auto due = process.session_->next_tick();
    if (!due || (process.armed_ != Time{} && process.armed_ <= *due && process.armed_ > scheduler_.now())) return;
    process.armed_ = *due;
    scheduler_.at(*due, [this, &process, incarnation = process.incarnation_, when = *due] {
        if (process.incarnation_ != incarnation || process.armed_ != when) return;
        process.armed_ = {};
        const auto before = process.session_->next_tick();
        process.session_->tick(scheduler_.both());
        const auto after = process.session_->next_tick();
        // A tick for which there was nothing to do, and the next one at once: a session that spins.
        const bool is_idle = process.session_->sizes().actions == 0 && before && after && *after - scheduler_.now() < Duration(500);
        process.idle_ticks_ = is_idle ? process.idle_ticks_ + 1 : 0;
        if (process.idle_ticks_ > 200) report_.violation("the session spins: ticks follow each other and nothing is done");
        pump(process);
    });
}

void World::pump(Process& process) {
    drain(process);
    for (int rounds = 0;; ++rounds) {
        const auto due = process.session_->next_tick();
        if (!due || *due > scheduler_.now()) break;
        if (rounds == 30) return report_.violation("a tick is due again and again at the same time");
        process.session_->tick(scheduler_.both());
        drain(process);
    }
    check_bounds(process);
    arm(process);
}

void World::drain(Process& process) {
    while (auto action = process.session_->next()) {
        if (process.closed_) return report_.violation("an action after SessionClosed");
        report_.fold(action->index());
        std::visit([&](const auto& what) { on(process, what); }, *action);
    }
}

void World::check_bounds(Process& process) {
    const auto sizes = process.session_->sizes();
    const auto handles = senders_.size() + subscribers_.size();
    if (sizes.actions != 0) report_.violation("actions are left");
    if (sizes.connections > session_options_.services.size() + static_cast<std::size_t>(cluster_options_.brokers) * 2)
        report_.violation("too many connections");
    if (sizes.producers > senders_.size() || sizes.consumers > subscribers_.size()) {
        report_.violation(say("{} producers and {} consumers are left", sizes.producers, sizes.consumers));
    }
    if (sizes.requests > process.operations_.size() + handles * 3 + 4) report_.violation(say("{} requests", sizes.requests));
    if (sizes.lookups > handles) report_.violation(say("{} lookups", sizes.lookups));
    if (sizes.timers >
        sizes.connections + sizes.producers + sizes.consumers + sizes.requests + sizes.lookups + process.operations_.size() + 4) {
        report_.violation(say("{} timers", sizes.timers));
    }
    for (const auto& [id, index] : process.senders_) {
        const Sender& sender = senders_[index];
        if (sender.stage == Sender::Stage::closed || sender.id != id) continue;
        const auto& options = outboxes_[sender.outbox].options;
        const auto messages = process.session_->pending_messages(id);
        if (messages != sender.in_flight.size())
            report_.violation(say("{} messages are pending, {} were sent", messages, sender.in_flight.size()));
        if (messages > options.pending_messages_max) report_.violation(say("{} messages are pending", messages));
        if (process.session_->pending_bytes(id) > options.pending_bytes_max + 2000) {
            report_.violation(say("{} bytes are pending", process.session_->pending_bytes(id)));
        }
    }
    for (const auto& [id, index] : process.subscribers_) {
        const auto& subscriber = subscribers_[index];
        if (subscriber.stage == Subscriber::Stage::closed || subscriber.id != id) continue;
        const auto queued = process.session_->queued_messages(id);
        if (queued > subscriber.options.queue_messages_max + batch_max_ - 1) {
            report_.violation(say("{} messages are queued, the bound is {}", queued, subscriber.options.queue_messages_max));
        }
    }
}

OperationId World::operation(Process& process, Operation operation) {
    const OperationId id{++operations_};
    process.operations_.emplace(id, std::move(operation));
    return id;
}

// ---- what the driver does

void World::on(Process& process, const session::Dial& action) {
    const int broker = Cluster::broker_of(action.address);
    if (broker >= 0 && action.address.tls != cluster_options_.tls)
        report_.violation("dialled with TLS and told without, or the other way round");
    std::optional<int> there;
    if (broker == 1000) there = cluster_options_.brokers;
    else if (broker >= 0) there = broker;
    if (cluster_options_.proxy && broker != 1000) report_.violation("dialled past the proxy: " + action.address.host);
    trace(say("process {} dials {}: connection {}", process.index_, action.address.host, static_cast<std::uint64_t>(action.connection)));
    network_.dial(process, process.incarnation_, action.connection, there);
}

void World::on(Process& process, const session::Write& action) {
    network_.write(process.incarnation_, action.connection, action.bytes);
}

void World::on(Process& process, const session::HangUp& action) {
    report_.count("hung up");
    trace(say("process {} hangs up connection {}: {}", process.index_, static_cast<std::uint64_t>(action.connection), action.why));
    network_.hang_up(process.incarnation_, action.connection);
}

void World::on(Process& process, const session::WantToken& action) {
    scheduler_.after(random_.duration(Duration(0), Duration(20'000)),
                     [this, &process, incarnation = process.incarnation_, connection = action.connection] {
                         if (process.incarnation_ != incarnation) return;
                         kernel::Result<std::string> token =
                             say("good:{}", scheduler_.wall_ms() + static_cast<std::uint64_t>(token_life_.count()) / 1000 + 1);
                         if (!calm_ && random_.chance(40)) {
                             report_.count("no token");
                             token = kernel::Error{kernel::ErrorKind::unavailable, "simulated", "no token"};
                         } else if (!calm_ && random_.chance(40)) {
                             report_.count("bad token");
                             token = std::string("bad");
                         }
                         process.session_->token(connection, std::move(token), scheduler_.both());
                         pump(process);
                     });
}

// ---- what became of it

Sender* World::sender_of(Process& process, ProducerId id, std::string_view of) {
    const auto it = process.senders_.find(id);
    if (it != process.senders_.end() && senders_[it->second].id == id && senders_[it->second].stage != Sender::Stage::closed)
        return &senders_[it->second];
    report_.violation(say("{} of a producer that is over", of));
    return nullptr;
}

Subscriber* World::subscriber_of(Process& process, ConsumerId id, std::string_view of) {
    const auto it = process.subscribers_.find(id);
    if (it != process.subscribers_.end() && subscribers_[it->second].id == id &&
        subscribers_[it->second].stage != Subscriber::Stage::closed) {
        return &subscribers_[it->second];
    }
    report_.violation(say("{} of a consumer that is over", of));
    return nullptr;
}

void World::on(Process& process, const session::Partitions& action) {
    if (process.operations_.erase(action.operation) == 0) return report_.violation("Partitions that nobody waits for");
    if (action.count && *action.count != cluster_options_.topics.size()) report_.violation("another number of partitions");
    if (!action.count) report_.count("partitions failed");
}

void World::on(Process& process, const session::ProducerOpened& action) {
    Sender* sender = sender_of(process, action.producer, "ProducerOpened");
    if (sender == nullptr) return;
    if (sender->stage == Sender::Stage::open) return report_.violation("ProducerOpened twice");
    if (!action.facts) {
        trace(say("producer {} failed to open: {} {}", static_cast<std::uint64_t>(action.producer), action.facts.error().code,
                  action.facts.error().message));
        report_.count("producer failed to open");
        // Closed before it was open: both calls have their outcome.
        if (sender->stage == Sender::Stage::closing) return;
        return sender_over(*sender, "a failed opening");
    }
    const Outbox& outbox = outboxes_[sender->outbox];
    trace(say("producer {} is open as {}, last sequence {}", static_cast<std::uint64_t>(action.producer), action.facts->name,
              action.facts->last_sequence));
    if (!outbox.name.empty() && action.facts->name != outbox.name) report_.violation("opened under another name");
    if (action.facts->name.empty()) report_.violation("opened under no name");
    if (sender->stage == Sender::Stage::opening) sender->stage = Sender::Stage::open;
}

void World::sender_over(Sender& sender, std::string_view why) {
    if (!sender.in_flight.empty()) report_.violation(say("messages without an outcome at {}", why));
    if (!sender.flushes.empty()) report_.violation(say("a flush without an outcome at {}", why));
    sender.stage = Sender::Stage::closed;
    sender.in_flight.clear();
    sender.flushes.clear();
}

void World::on(Process& process, const session::Sent& action) {
    Sender* sender = sender_of(process, action.producer, "Sent");
    if (sender == nullptr) return;
    if (action.count == 0 || action.count > sender->in_flight.size()) return report_.violation("Sent of more than was sent");
    Outbox& outbox = outboxes_[sender->outbox];
    trace(say("Sent {}..{} of outbox {}: {}{}", sender->in_flight.front(), sender->in_flight[action.count - 1], outbox.index,
              action.id ? wire::to_text(*action.id) : action.id.error().code, action.duplicate ? " (duplicate)" : ""));
    for (std::uint32_t i = 0; i < action.count; ++i) {
        const int n = sender->in_flight[i];
        if (!action.id) {
            report_.count("send failed");
            sender->failed = true;
            continue;
        }
        report_.count("sent");
        if (outbox.stored[static_cast<std::size_t>(n)] == 0)
            report_.violation(say("message {} of outbox {} is acknowledged and not stored", n, outbox.index));
        if (!action.duplicate) {
            const auto position = cluster_->position(outbox.topic, action.id->ledger, action.id->entry);
            if (position < 0) {
                report_.violation("acknowledged at a place where nothing is: " + wire::to_text(*action.id));
            } else {
                const auto& log = logs_.at(outbox.topic);
                const auto first = static_cast<std::size_t>(std::max(action.id->batch_index, 0)) + i;
                const auto ordinal = log.ordinal[static_cast<std::size_t>(position)] + first;
                if (ordinal >= log.messages.size() || log.messages[ordinal].outbox != outbox.index || log.messages[ordinal].n != n) {
                    report_.violation(say("message {} is not where its acknowledgement says: {}", n, wire::to_text(*action.id)));
                }
            }
        }
        // Only what was stored without a gap may be written down.
        if (!sender->failed) outbox.confirmed = std::max(outbox.confirmed, n + 1);
    }
    sender->in_flight.erase(sender->in_flight.begin(), sender->in_flight.begin() + action.count);
    sender->ended += static_cast<int>(action.count);
    if (calm_ || random_.chance(700)) outbox.watermark = outbox.confirmed;
}

void World::on(Process& process, const session::Room& action) {
    Sender* sender = sender_of(process, action.producer, "Room");
    if (sender == nullptr) return;
    if (!sender->full) report_.violation("Room that nobody waits for");
    sender->full = false;
}

void World::on(Process& process, const session::Flushed& action) {
    Sender* sender = sender_of(process, action.producer, "Flushed");
    if (process.operations_.erase(action.operation) == 0) return report_.violation("Flushed that nobody waits for");
    if (sender == nullptr) return;
    const auto it = sender->flushes.find(action.operation);
    if (it == sender->flushes.end()) return report_.violation("Flushed of another producer");
    if (sender->ended < it->second) report_.violation("Flushed before what was sent before it");
    sender->flushes.erase(it);
    report_.count(action.result ? "flushed" : "flush failed");
}

void World::on(Process& process, const session::ProducerClosed& action) {
    Sender* sender = sender_of(process, action.producer, "ProducerClosed");
    if (sender == nullptr) return;
    trace(say("producer {} is closed: {}", static_cast<std::uint64_t>(action.producer),
              action.result ? "as asked" : action.result.error().code));
    if (sender->stage != Sender::Stage::closing) {
        report_.count("producer ended by itself");
        if (action.result) report_.violation("a producer ended by itself without a reason");
        else if (action.result.error().code != "pulsar-producer-fenced" && action.result.error().code != "pulsar-topic-terminated") {
            report_.count("producer ended by itself, otherwise");
            trace("reason: " + action.result.error().code);
        }
    }
    sender_over(*sender, "ProducerClosed");
}

void World::on(Process& process, const session::ConsumerOpened& action) {
    Subscriber* subscriber = subscriber_of(process, action.consumer, "ConsumerOpened");
    if (subscriber == nullptr) return;
    if (subscriber->stage == Subscriber::Stage::open) return report_.violation("ConsumerOpened twice");
    if (!action.result) {
        trace(say("consumer {} failed to open: {}", subscriber->options.name, action.result.error().code));
        report_.count("consumer failed to open");
        if (subscriber->stage != Subscriber::Stage::closing) subscriber->stage = Subscriber::Stage::closed;
        return;
    }
    trace(say("consumer {} is open", subscriber->options.name));
    if (subscriber->stage == Subscriber::Stage::opening) subscriber->stage = Subscriber::Stage::open;
}

void World::on(Process& process, const session::Readable& action) {
    (void)subscriber_of(process, action.consumer, "Readable");
}

void World::on(Process& process, const session::ActiveChanged& action) {
    Subscriber* subscriber = subscriber_of(process, action.consumer, "ActiveChanged");
    if (subscriber != nullptr) ++subscriber->may_go_back;
}

void World::on(Process& process, const session::Reattached& action) {
    Subscriber* subscriber = subscriber_of(process, action.consumer, "Reattached");
    if (subscriber == nullptr) return;
    report_.count("reattached");
    trace(say("consumer {} is attached again", subscriber->options.name));
    subscriber->fresh = true;
    if (random_.chance(500)) subscriber->held.clear();
}

void World::on(Process& process, const session::EndOfTopic& action) {
    (void)subscriber_of(process, action.consumer, "EndOfTopic");
}

void World::on(Process& process, const session::Done& action) {
    const auto it = process.operations_.find(action.operation);
    if (it == process.operations_.end()) return report_.violation("Done that nobody waits for");
    const Operation operation = std::move(it->second);
    process.operations_.erase(it);
    Subscriber& subscriber = subscribers_[operation.owner];
    if (subscriber.id != action.consumer) return report_.violation("Done of another consumer");
    if (subscriber.stage == Subscriber::Stage::closed) return report_.violation("Done of a consumer that is over");
    Group& group = groups_[subscriber.group];
    switch (operation.kind) {
        case Operation::Kind::ack:
            report_.count(action.result ? "acknowledged with a receipt" : "ack failed");
            if (!action.result || operation.seeks != group.seeks) return;
            for (const auto ordinal : operation.ordinals) group.receipt[ordinal] = scheduler_.steps();
            return;
        case Operation::Kind::seek: {
            subscriber.seeking.reset();
            trace(say("seek of {}: {}", subscriber.options.name, action.result ? "done" : action.result.error().code));
            if (!action.result) {
                report_.count("seek failed");
                subscriber.seek_failed = true;
                return;
            }
            report_.count("sought");
            subscriber.seek_failed = false;
            group.base = group.durable ? subscriber.seek_base : 0;
            for (std::size_t i = group.base; i < group.acked.size(); ++i) group.acked[i] = false, group.receipt[i] = 0;
            if (!group.durable) subscriber.expected = subscriber.seek_base;
            subscriber.fresh = true;
            subscriber.held.clear();
            return;
        }
        case Operation::Kind::unsubscribe:
            report_.count(action.result ? "unsubscribed" : "unsubscribe failed");
            subscriber.unsubscribing = false;
            return;
        default: return report_.violation("Done of another operation");
    }
}

void World::on(Process& process, const session::LastMessage& action) {
    const auto it = process.operations_.find(action.operation);
    if (it == process.operations_.end()) return report_.violation("LastMessage that nobody waits for");
    const auto& topic = groups_[subscribers_[it->second.owner].group].topic;
    process.operations_.erase(it);
    report_.count(action.id ? "last message asked" : "last message failed");
    if (!action.id || !*action.id) return;
    const auto position = cluster_->position(topic, (*action.id)->ledger, (*action.id)->entry);
    if (position < 0) return report_.violation("the last message is nowhere");
    const auto& entry = cluster_->log(topic)[static_cast<std::size_t>(position)];
    if ((*action.id)->batch_index != (entry.is_batch ? entry.messages - 1 : -1))
        report_.violation("the last message is another of its batch");
}

void World::on(Process& process, const session::ConsumerClosed& action) {
    Subscriber* subscriber = subscriber_of(process, action.consumer, "ConsumerClosed");
    if (subscriber == nullptr) return;
    trace(say("consumer {} is closed", subscriber->options.name));
    if (subscriber->stage != Subscriber::Stage::closing) {
        report_.violation("a consumer ended by itself: " + (action.result ? std::string("without a reason") : action.result.error().code));
    }
    for (const auto& [id, operation] : process.operations_) {
        const bool is_consumers = operation.kind != Operation::Kind::partitions && operation.kind != Operation::Kind::flush;
        if (is_consumers && &subscribers_[operation.owner] == subscriber)
            report_.violation("an operation of a consumer without an outcome at its end");
    }
    subscriber->stage = Subscriber::Stage::closed;
    subscriber->held.clear();
}

void World::on(Process& process, const session::SessionClosed&) {
    if (!process.closing_) report_.violation("SessionClosed that nobody asked for");
    process.closed_ = true;
}

// ---- what the brokers store

void World::stored(const std::string& topic, const Cluster::Entry& entry, std::size_t position) {
    TopicLog& log = logs_.at(topic);
    if (log.ordinal.size() != position) return report_.violation("the model is broken");
    log.ordinal.push_back(log.messages.size());
    static thread_local wire::MessageSection section;
    static thread_local std::string payload;
    static thread_local proto::SingleMessageMetadata single;
    if (auto parsed = wire::parse_message(entry.bytes, section); !parsed)
        return report_.violation("an entry cannot be read: " + parsed.error().message);
    const auto& metadata = section.metadata;
    const auto size = metadata.compression() == proto::NONE ? section.payload.size() : metadata.uncompressed_size();
    if (auto done = wire::decompress(metadata.compression(), section.payload, size, 1'000'000, payload); !done) {
        return report_.violation("an entry cannot be decompressed: " + done.error().message);
    }
    const auto one = [&](std::string_view text, const std::string& key, std::uint64_t sequence) {
        std::size_t index = 0;
        int n = 0;
        const auto colon = text.find(':');
        if (colon == std::string_view::npos) return report_.violation("stored what nobody sent");
        index = static_cast<std::size_t>(std::atoi(std::string(text.substr(0, colon)).c_str()));
        n = std::atoi(std::string(text.substr(colon + 1, 10)).c_str());
        if (index >= outboxes_.size()) return report_.violation("stored what nobody sent");
        Outbox& outbox = outboxes_[index];
        if (n < 0 || n >= outbox.total || text != outbox.payload(n) || topic != outbox.topic)
            return report_.violation("stored what nobody sent");
        if (key != outbox.key(n)) report_.violation("stored under another key");
        if (sequence != outbox.sequence(n)) report_.violation(say("stored with sequence {} instead of {}", sequence, outbox.sequence(n)));
        if (outbox.exact ? n != outbox.highest + 1 : n > outbox.highest + 1) {
            report_.violation(say("outbox {}: message {} is stored after {}", index, n, outbox.highest));
        }
        outbox.highest = std::max(outbox.highest, n);
        ++outbox.stored[static_cast<std::size_t>(n)];
        log.messages.push_back({.outbox = index, .n = n, .sequence = sequence});
    };
    report_.fold(entry.lowest * 1000 + static_cast<std::uint64_t>(entry.messages));
    if (!metadata.has_num_messages_in_batch()) {
        one(payload, metadata.partition_key(), metadata.sequence_id());
    } else {
        report_.count("batch stored");
        auto reader = wire::BatchReader::open(payload, metadata.num_messages_in_batch());
        if (!reader) return report_.violation("a batch cannot be read: " + reader.error().message);
        while (!reader->at_end()) {
            const auto text = reader->next(single);
            if (!text) return report_.violation("a batch cannot be read: " + text.error().message);
            one(*text, single.partition_key(), single.sequence_id());
        }
    }
    if (log.messages.size() != log.ordinal.back() + static_cast<std::size_t>(entry.messages))
        report_.violation("an entry of another size than it says");
}

// ---- what the application does

void World::open(Sender& sender) {
    Outbox& outbox = outboxes_[sender.outbox];
    Process& process = *processes_[sender.process];
    sender.stage = Sender::Stage::opening;
    sender.next = outbox.watermark;
    sender.in_flight.clear();
    sender.full = sender.failed = false;
    sender.ended = sender.sent = 0;
    auto options = outbox.options;
    options.first_sequence = outbox.sequence(sender.next);
    sender.id = process.session_->open_producer(std::move(options), scheduler_.both());
    process.senders_[sender.id] = static_cast<std::size_t>(&sender - senders_.data());
    trace(say("process {} opens producer {} of outbox {} at {}", process.index_, static_cast<std::uint64_t>(sender.id), outbox.index,
              sender.next));
    pump(process);
}

void World::send(Sender& sender, int count) {
    const Outbox& outbox = outboxes_[sender.outbox];
    Process& process = *processes_[sender.process];
    for (; count > 0 && sender.next < outbox.total && sender.stage == Sender::Stage::open && !sender.full; --count) {
        const int n = sender.next;
        const std::string payload = outbox.payload(n);
        const std::string key = outbox.key(n);
        const std::string property = outbox.property(n);
        session::OutgoingMessage message{.payload = payload, .key = key, .properties = {}, .sequence = outbox.sequence(n)};
        if (!property.empty()) message.properties = {{"n", property}, {"", "empty"}};
        message.event_time_ms = outbox.event_time(n);
        if (cluster_options_.message_bytes_max < 10'000 && outbox.options.compression == proto::NONE && random_.chance(20)) {
            const std::string huge(cluster_options_.message_bytes_max + 20'000, 'h');
            auto too_large = message;
            too_large.payload = huge;
            const auto refused = process.session_->send(sender.id, too_large, scheduler_.both());
            if (refused || (refused.error().code != "pulsar-message-too-large" && refused.error().code != "pulsar-producer-full" &&
                            refused.error().kind == kernel::ErrorKind::incorrect)) {
                report_.violation("a message that is too large was taken");
            } else if (refused.error().code == "pulsar-message-too-large") {
                report_.count("message too large");
            } else if (refused.error().code == "pulsar-producer-full") {
                sender.full = true;
                break;
            }
        }
        const auto result = process.session_->send(sender.id, message, scheduler_.both());
        if (!result) {
            if (result.error().code == "pulsar-producer-full") {
                report_.count("producer full");
                sender.full = true;
            } else {
                trace(say("send failed: {} {}", result.error().code, result.error().message));
                // Its end may be on the way, but only that.
                if (result.error().kind == kernel::ErrorKind::incorrect)
                    report_.violation("a good message was refused: " + result.error().code);
            }
            break;
        }
        sender.in_flight.push_back(n);
        ++sender.next;
        ++sender.sent;
    }
    pump(process);
}

void World::act(Sender& sender) {
    Outbox& outbox = outboxes_[sender.outbox];
    Process& process = *processes_[sender.process];
    if (is_closing(process)) return;
    if (sender.stage == Sender::Stage::closed) {
        if (sender.retires && calm_) return;
        if (outbox.watermark < outbox.total && !(calm_ && terminated_.contains(outbox.topic)) && (calm_ || random_.chance(300)))
            open(sender);
        return;
    }
    if (sender.stage != Sender::Stage::open) return;
    if (sender.failed || (calm_ && terminated_.contains(outbox.topic)) || (calm_ && sender.retires) || (!calm_ && random_.chance(25))) {
        sender.stage = Sender::Stage::closing;
        process.session_->close_producer(sender.id, scheduler_.both());
        return pump(process);
    }
    if (random_.chance(80)) {
        const auto id = operation(process, {.kind = Operation::Kind::flush, .owner = static_cast<std::size_t>(&sender - senders_.data())});
        sender.flushes[id] = sender.sent;
        process.session_->flush(sender.id, id, scheduler_.both());
        return pump(process);
    }
    if (random_.chance(80)) {
        process.session_->end_batch(sender.id, scheduler_.both());
        return pump(process);
    }
    send(sender, static_cast<int>(random_.between(1, calm_ ? 20 : 6)));
}

void World::open(Subscriber& subscriber) {
    Group& group = groups_[subscriber.group];
    Process& process = *processes_[subscriber.process];
    auto options = subscriber.options;
    if (!group.durable) {
        if (subscriber.seek_failed) {  // it begins where it wanted to be
            subscriber.seek_failed = false;
            subscriber.expected = subscriber.seek_base;
        } else if (subscriber.last) {
            options.start = *subscriber.last;
            options.start_inclusive = false;
        } else if (subscriber.expected && *subscriber.expected == 0 && !logs_.at(group.topic).messages.empty() && random_.chance(300)) {
            // At a message in the middle.
            const auto& log = logs_.at(group.topic);
            const auto ordinal = random_.below(log.messages.size());
            const auto position = static_cast<std::size_t>(std::ranges::upper_bound(log.ordinal, ordinal) - log.ordinal.begin() - 1);
            const auto& entry = cluster_->log(group.topic)[position];
            options.start = {.ledger = entry.ledger, .entry = entry.entry};
            if (entry.is_batch) {
                options.start.batch_index = static_cast<std::int32_t>(ordinal - log.ordinal[position]);
                options.start.batch_size = entry.messages;
            }
            options.start_inclusive = random_.chance(500);
            subscriber.expected = options.start_inclusive ? ordinal : ordinal + 1;
            subscriber.options.start = options.start;
            subscriber.options.start_inclusive = options.start_inclusive;
        }
    }
    subscriber.stage = Subscriber::Stage::opening;
    subscriber.fresh = true;
    subscriber.held.clear();
    subscriber.seeking.reset();
    subscriber.id = process.session_->open_consumer(options, scheduler_.both());
    process.subscribers_[subscriber.id] = static_cast<std::size_t>(&subscriber - subscribers_.data());
    trace(say("process {} opens consumer {} ({})", process.index_, subscriber.options.name, static_cast<std::uint64_t>(subscriber.id)));
    pump(process);
}

void World::taken(Subscriber& subscriber, const session::Message& message) {
    Group& group = groups_[subscriber.group];
    const TopicLog& log = logs_.at(group.topic);
    group.grow(log.messages.size());
    const auto wrong = [&](const std::string& what) {
        report_.violation(say("{} got {}: {}", subscriber.options.name, wire::to_text(message.id), what));
    };
    const auto position = cluster_->position(group.topic, message.id.ledger, message.id.entry);
    if (position < 0) return wrong("which was never stored");
    const auto& entry = cluster_->log(group.topic)[static_cast<std::size_t>(position)];
    if (entry.is_batch != (message.id.batch_index >= 0)) return wrong("which is (not) of a batch");
    if (entry.is_batch && (message.id.batch_index >= entry.messages || message.id.batch_size != entry.messages))
        return wrong("of another batch");
    const auto ordinal = log.ordinal[static_cast<std::size_t>(position)] + static_cast<std::size_t>(std::max(message.id.batch_index, 0));
    const Stored& expected = log.messages[ordinal];
    const Outbox& outbox = outboxes_[expected.outbox];
    trace(say("{} takes {} (ordinal {})", subscriber.options.name, wire::to_text(message.id), ordinal));
    report_.count("message taken");
    if (message.payload != outbox.payload(expected.n) || message.key != outbox.key(expected.n)) wrong("with another content");
    if (message.sequence != expected.sequence) wrong("with another sequence");
    const auto property = outbox.property(expected.n);
    if (message.properties.size() != (property.empty() ? 0U : 2U)) wrong("with other properties");
    else if (!property.empty() && (message.properties[0].second != property || !message.properties[1].first.empty()))
        wrong("with other properties");
    if (message.event_time_ms != outbox.event_time(expected.n)) wrong("with another event time");
    if (message.entry->producer_name != entry.producer) wrong("of another producer");
    if (cluster_options_.entry_metadata != message.index.has_value()) wrong("with(out) an index");
    if (message.index && *message.index != ordinal) wrong("with another index");

    if (!group.durable) {
        if (subscriber.seek_failed) return;  // where the broker stands is not known
        if (!subscriber.expected) subscriber.expected = ordinal;
        if (*subscriber.expected != ordinal) wrong(say("ordinal {}, expected was {}", ordinal, *subscriber.expected));
        subscriber.expected = ordinal + 1;
        subscriber.last = message.id;
        return;
    }
    if (subscriber.seek_failed) {  // where the broker stands is not known
        subscriber.fresh = true;
        subscriber.held.emplace_back(message.id, ordinal);
        return;
    }
    if (is_single(group)) {
        if (ordinal < group.base) wrong(say("ordinal {}, which lies before {}, where it sought", ordinal, group.base));
        if (!subscriber.fresh && ordinal < subscriber.cursor) {
            if (subscriber.may_go_back == 0) wrong(say("ordinal {}, behind {}, and nothing was lost", ordinal, subscriber.cursor));
            subscriber.fresh = true;
            subscriber.may_go_back = std::max(0, subscriber.may_go_back - 1);
        }
        if (!group.all_acked(subscriber.fresh ? 0 : subscriber.cursor, ordinal)) {
            wrong(say("ordinal {}, and one before it was skipped (at {})", ordinal, subscriber.fresh ? 0 : subscriber.cursor));
        }
        subscriber.fresh = false;
        subscriber.cursor = ordinal + 1;
    }
    // With a receipt, never again: but what was on its way when the broker heard of it.
    if (group.type == session::SubscriptionType::exclusive && group.index_acks && group.receipt[ordinal] != 0 &&
        !cluster_->lost_acks(group.topic, group.subscription)) {
        const auto sent = cluster_->last_sent(group.topic, group.subscription, static_cast<std::size_t>(position));
        if (group.receipt[ordinal] < sent) wrong("which was acknowledged with a receipt");
    }
    subscriber.held.emplace_back(message.id, ordinal);
}

void World::take(Subscriber& subscriber, std::size_t count) {
    Process& process = *processes_[subscriber.process];
    if (subscriber.seeking) {  // what lies before the seek and what after it: the application waits
        return;
    }
    const auto messages = process.session_->take(subscriber.id, count, scheduler_.both());
    if (!messages) {
        report_.violation("take() failed: " + messages.error().code + " " + messages.error().message);
        return;
    }
    if (messages->size() > count) report_.violation("take() gave more than asked");
    for (const auto& message : *messages) taken(subscriber, message);
    pump(process);
}

void World::ack_some(Subscriber& subscriber) {
    if (subscriber.held.empty() || subscriber.seeking || subscriber.seek_failed) return;
    Group& group = groups_[subscriber.group];
    Process& process = *processes_[subscriber.process];
    const auto owner = static_cast<std::size_t>(&subscriber - subscribers_.data());
    const bool with_receipt = random_.chance(400);
    const auto now = scheduler_.both();
    if (is_single(group) && random_.chance(400)) {
        // Everything up to one of those that are held, in the order of the topic.
        const auto [id, upto] = subscriber.held[calm_ ? subscriber.held.size() - 1 : random_.below(subscriber.held.size())];
        Operation done{.kind = Operation::Kind::ack, .owner = owner, .seeks = group.seeks};
        // It says so of all before it, of which the application must have seen each.
        std::set<std::size_t> held;
        for (const auto& [its, ordinal] : subscriber.held) held.insert(ordinal);
        for (std::size_t i = group.base; i <= upto; ++i) {
            if (!group.acked[i] && !held.contains(i)) return;
        }
        for (std::size_t i = group.base; i <= upto; ++i) {
            group.acked[i] = true;
            done.ordinals.push_back(i);
        }
        trace(say("{} acks all up to {} (ordinal {}){}", subscriber.options.name, wire::to_text(id), upto,
                  with_receipt ? " with a receipt" : ""));
        const wire::MessageId acked = id;
        std::erase_if(subscriber.held, [&](const auto& held) { return held.second <= upto; });
        std::optional<OperationId> operation_id;
        if (with_receipt) operation_id = operation(process, std::move(done));
        process.session_->ack_cumulative(subscriber.id, acked, operation_id, now);
        return pump(process);
    }
    const auto count = calm_ ? subscriber.held.size() : random_.below(subscriber.held.size()) + 1;
    for (std::size_t i = 0; i < count && !subscriber.held.empty(); ++i) {
        const auto chosen = random_.below(subscriber.held.size());
        const auto [id, ordinal] = subscriber.held[chosen];
        subscriber.held.erase(subscriber.held.begin() + static_cast<std::ptrdiff_t>(chosen));
        group.acked[ordinal] = true;
        std::optional<OperationId> operation_id;
        if (with_receipt)
            operation_id = operation(process, {.kind = Operation::Kind::ack, .owner = owner, .ordinals = {ordinal}, .seeks = group.seeks});
        trace(say("{} acks {} (ordinal {}){}", subscriber.options.name, wire::to_text(id), ordinal, with_receipt ? " with a receipt" : ""));
        process.session_->ack(subscriber.id, id, operation_id, now);
        pump(process);
    }
}

void World::seek_somewhere(Subscriber& subscriber) {
    Group& group = groups_[subscriber.group];
    Process& process = *processes_[subscriber.process];
    const TopicLog& log = logs_.at(group.topic);
    group.grow(log.messages.size());
    wire::MessageId id = wire::earliest;
    subscriber.seek_base = 0;
    if (!log.ordinal.empty() && random_.chance(700)) {
        const auto position = random_.below(log.ordinal.size());
        const auto& entry = cluster_->log(group.topic)[position];
        id = {.ledger = entry.ledger, .entry = entry.entry};
        if (entry.is_batch) {
            id.batch_index = static_cast<std::int32_t>(random_.below(static_cast<std::uint64_t>(entry.messages)));
            id.batch_size = entry.messages;
        }
        subscriber.seek_base = log.ordinal[position] + static_cast<std::size_t>(std::max(id.batch_index, 0));
    }
    ++group.seeks;
    const auto operation_id =
        operation(process, {.kind = Operation::Kind::seek, .owner = static_cast<std::size_t>(&subscriber - subscribers_.data())});
    subscriber.seeking = operation_id;
    subscriber.held.clear();
    subscriber.last.reset();
    subscriber.options.start = id;
    subscriber.options.start_inclusive = true;
    trace(say("{} seeks {} (ordinal {})", subscriber.options.name, id == wire::earliest ? "earliest" : wire::to_text(id),
              subscriber.seek_base));
    process.session_->seek(subscriber.id, id, operation_id, scheduler_.both());
    pump(process);
}

void World::act(Subscriber& subscriber) {
    Group& group = groups_[subscriber.group];
    Process& process = *processes_[subscriber.process];
    if (is_closing(process)) return;
    const auto owner = static_cast<std::size_t>(&subscriber - subscribers_.data());
    const auto now = scheduler_.both();
    if (group.gone) {  // unsubscribed: all that is left is to close
        if (subscriber.stage != Subscriber::Stage::open || subscriber.unsubscribing) return;
        subscriber.stage = Subscriber::Stage::closing;
        process.session_->close_consumer(subscriber.id, now);
        return pump(process);
    }
    if (subscriber.stage == Subscriber::Stage::closed) {
        if ((calm_ || random_.chance(300))) open(subscriber);
        return;
    }
    if (subscriber.stage != Subscriber::Stage::open || subscriber.unsubscribing) return;
    // What a seek that failed left behind is made good by another.
    if (subscriber.seek_failed && !subscriber.seeking && (calm_ || random_.chance(200))) return seek_somewhere(subscriber);
    if (calm_) {
        if (subscriber.seeking) return;
        take(subscriber, 1000);
        if (group.durable) ack_some(subscriber);
        return;
    }
    const auto dice = random_.below(1000);
    if (dice < 550) return take(subscriber, random_.below(8) + 1);
    if (dice < 800) return group.durable ? ack_some(subscriber) : take(subscriber, 1);
    if (dice < 830 && nacks_ && group.durable && !subscriber.held.empty() && !subscriber.seeking) {
        const auto chosen = random_.below(subscriber.held.size());
        trace(say("{} nacks {}", subscriber.options.name, wire::to_text(subscriber.held[chosen].first)));
        report_.count("nack");
        process.session_->nack(subscriber.id, subscriber.held[chosen].first, now);
        subscriber.held.erase(subscriber.held.begin() + static_cast<std::ptrdiff_t>(chosen));
        ++subscriber.may_go_back;
        return pump(process);
    }
    if (dice < 840 && nacks_ && group.durable && !subscriber.seeking) {
        trace(say("{} wants everything again", subscriber.options.name));
        process.session_->redeliver_all(subscriber.id, now);
        subscriber.fresh = true;
        subscriber.held.clear();
        return pump(process);
    }
    if (dice < 855 && seeks_ && group.members == 1 && !subscriber.seeking && is_single(group)) return seek_somewhere(subscriber);
    if (dice < 880) {
        process.session_->last_message_id(subscriber.id, operation(process, {.kind = Operation::Kind::last, .owner = owner}), now);
        return pump(process);
    }
    if (dice < 890) {
        trace(say("{} closes", subscriber.options.name));
        if (subscriber.seeking) subscriber.seek_failed = true;
        subscriber.stage = Subscriber::Stage::closing;
        process.session_->close_consumer(subscriber.id, now);
        return pump(process);
    }
    if (dice < 892 && group.durable && group.members == 1 && !subscriber.seeking) {
        subscriber.unsubscribing = true;
        group.gone = true;
        trace(say("{} unsubscribes", subscriber.options.name));
        process.session_->unsubscribe(subscriber.id, operation(process, {.kind = Operation::Kind::unsubscribe, .owner = owner}), now);
        return pump(process);
    }
    if (dice < 900) {
        process.session_->partitions(operation(process, {.kind = Operation::Kind::partitions}), "persistent://public/default/t", now);
        return pump(process);
    }
}

void World::act() {
    const auto choices = senders_.size() + subscribers_.size();
    const auto chosen = random_.below(choices);
    if (chosen < senders_.size()) act(senders_[chosen]);
    else act(subscribers_[chosen - senders_.size()]);
}

void World::calm_act() {
    for (auto& sender : senders_) act(sender);
    for (auto& subscriber : subscribers_) act(subscriber);
}

// A blow from outside.
void World::strike() {
    if (terminates_ && random_.chance(100)) {
        const auto& topic = cluster_options_.topics[random_.below(cluster_options_.topics.size())];
        terminated_.insert(topic);
        return cluster_->terminate(topic);
    }
    switch (random_.below(9)) {
        case 0:
            return cluster_->kill(static_cast<int>(random_.below(static_cast<std::uint64_t>(cluster_options_.brokers))),
                                  random_.duration(milliseconds(5), seconds(4)));
        case 1:
        case 2: return cluster_->unload(cluster_options_.topics[random_.below(cluster_options_.topics.size())]);
        case 3: return network_.hole_one();
        case 4:
        case 5: return network_.cut_one();
        case 6: return cluster_->close_one_connection();
        case 7: {
            Process& process = *processes_[random_.below(processes_.size())];
            if (process.closing_ || !random_.chance(400)) return;
            report_.count("session closed in the middle");
            return close(process);
        }
        default: return restart(*processes_[random_.below(processes_.size())]);
    }
}

// ---- how it ends

bool World::settled() const {
    return unsettled().empty();
}

std::string World::unsettled() const {
    for (const auto& outbox : outboxes_) {
        if (outbox.watermark < outbox.total && !terminated_.contains(outbox.topic))
            return say("outbox {} stands at {} of {}", outbox.index, outbox.watermark, outbox.total);
    }
    for (const auto& sender : senders_) {
        if (!sender.in_flight.empty()) return "messages are in flight";
    }
    for (const auto& process : processes_) {
        if (!process->operations_.empty()) {
            return say("{} operations have no outcome (the first is of kind {})", process->operations_.size(),
                       static_cast<int>(process->operations_.begin()->second.kind));
        }
    }
    for (const auto& subscriber : subscribers_) {
        const Group& group = groups_[subscriber.group];
        const auto count = logs_.at(group.topic).messages.size();
        if (group.gone) continue;
        if (!group.durable) {
            if (subscriber.expected && *subscriber.expected < count) {
                return say("reader {} stands at {} of {}", subscriber.options.name, *subscriber.expected, count);
            }
            continue;
        }
        if (subscriber.seek_failed) return subscriber.options.name + " has not sought again";
        if (!group.all_acked(0, count) || cluster_->backlog(group.topic, group.subscription) != 0) {
            return say("{} has not got and acknowledged everything: {}", subscriber.options.name,
                       cluster_->describe(group.topic, group.subscription));
        }
    }
    return {};
}

void World::close(Process& process) {
    trace(say("process {} closes its session", process.index_));
    process.closing_ = true;
    for (auto& sender : senders_) {
        if (sender.process == process.index_ && sender.stage != Sender::Stage::closed) sender.stage = Sender::Stage::closing;
    }
    for (auto& subscriber : subscribers_) {
        if (subscriber.process != process.index_ || subscriber.stage == Subscriber::Stage::closed) continue;
        if (subscriber.seeking) subscriber.seek_failed = true;
        subscriber.stage = Subscriber::Stage::closing;
    }
    process.session_->close(scheduler_.both());
    pump(process);
}

void World::check_closed(Process& process) {
    const auto sizes = process.session_->sizes();
    if (sizes.connections + sizes.producers + sizes.consumers + sizes.requests + sizes.timers + sizes.lookups + sizes.actions != 0) {
        report_.violation("something is left of a closed session");
    }
    if (process.session_->next_tick()) report_.violation("a closed session wants a tick");
    if (!process.operations_.empty()) report_.violation("an operation without an outcome at the end of the session");
    for (const auto& sender : senders_) {
        if (sender.process == process.index_ && sender.stage != Sender::Stage::closed) report_.violation("a producer without its end");
    }
    for (const auto& subscriber : subscribers_) {
        if (subscriber.process == process.index_ && subscriber.stage != Subscriber::Stage::closed)
            report_.violation("a consumer without its end");
    }
}

Outcome World::run() {
    build();
    // The weather of this world.
    auto& network = network_.faults();
    auto& broker = cluster_->faults();
    const auto some = [&](unsigned per_mille, unsigned most) {
        return random_.chance(per_mille) ? static_cast<unsigned>(random_.below(most) + 1) : 0U;
    };
    network.delay_max = Duration(random_.one_of({500, 2'000, 30'000, 200'000}));
    network.refuses = some(300, 200);
    network.never_connects = some(200, 100);
    network.cuts = some(300, 400);
    network.holes = some(300, 200);
    network.half_closes = some(200, 200);
    network.chunks = some(700, 500);
    network.stalls = some(200, 20);
    network.stall = Duration(random_.one_of({100'000, 3'000'000, 40'000'000}));
    broker.lookup_errors = some(300, 300);
    broker.redirects = some(500, 800);
    broker.endless_redirects = some(100, 400);
    broker.register_errors = some(300, 300);
    broker.request_errors = some(300, 300);
    broker.unanswered = some(250, 80);
    broker.persist_failures = some(250, 60);
    broker.unknown_commands = some(300, 50);
    broker.odd_receipts = some(250, 200);
    broker.first_id_receipts = some(500, 1000);
    broker.pings = some(200, 50);
    broker.challenges = some(300, 50);
    const auto steps = random_.between(40, 500);
    const Duration pause(random_.one_of({500, 5'000, 20'000, 200'000}));
    const unsigned strikes = some(850, 100);
    const Duration strike_after = random_.duration(Duration(0), pause * 40);
    const Time peaceful_until = scheduler_.now() + strike_after;

    const auto run_until = [&](Time until) {
        bool reached = false;
        scheduler_.at(until, [&] { reached = true; });
        while (!reached && !report_.broken() && scheduler_.step()) {
        }
    };
    for (std::int64_t i = 0; i < steps && !report_.broken(); ++i) {
        run_until(scheduler_.now() + random_.duration(Duration(0), pause));
        if (scheduler_.now() >= peaceful_until && random_.chance(strikes)) strike();
        else act();
    }
    trace("calm");
    calm_ = true;
    network = {};
    network.chunks = 20;
    network_.calm();
    cluster_->calm();
    for (auto& outbox : outboxes_) outbox.watermark = outbox.confirmed;
    const Time deadline = scheduler_.now() + std::chrono::minutes(40);
    Duration between = milliseconds(5);
    while (!report_.broken() && !settled()) {
        if (scheduler_.now() > deadline) {
            report_.violation("it does not come to its end: " + unsettled());
            break;
        }
        run_until(scheduler_.now() + between);
        between = std::min<Duration>(between * 5 / 4, seconds(3));
        calm_act();
    }
    if (!report_.broken()) {
        for (const auto& process : processes_) {
            if (!process->closing_) close(*process);
        }
        const Time closed_by = scheduler_.now() + std::chrono::minutes(5);
        const auto all_closed = [&] { return std::ranges::all_of(processes_, [](const auto& process) { return process->closed_; }); };
        while (!report_.broken() && !all_closed() && scheduler_.now() < closed_by && scheduler_.step()) {
        }
        for (const auto& process : processes_) {
            if (!report_.broken() && !process->closed_) report_.violation("SessionClosed does not come");
            if (!report_.broken()) check_closed(*process);
        }
        for (const auto& outbox : outboxes_) {
            for (int n = 0; n < outbox.total && !report_.broken(); ++n) {
                const int times = outbox.stored[static_cast<std::size_t>(n)];
                if (times == 0 && terminated_.contains(outbox.topic) && n >= outbox.confirmed) continue;
                if (times == 0 || (outbox.exact && times != 1)) report_.violation("a message is not in its topic exactly once");
            }
        }
    }
    return {.violations = report_.violations(),
            .counts = report_.counts(),
            .fingerprint = report_.fingerprint(),
            .steps = scheduler_.steps(),
            .trace = report_.lines()};
}

}  // namespace

Outcome run_world(std::uint64_t seed, Sabotage sabotage, bool tracing) {
    return World(seed, sabotage, tracing).run();
}

}  // namespace platform::pulsar::simulation
