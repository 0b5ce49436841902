// One writer thread: takes all that is queued, writes it as blocks in one transaction, then answers. The next group gathers while this one
// is being committed, so the group's size follows the load by itself.
#include "platform/log/embedded/embedded_log.hpp"

#include "platform/log/embedded/block.hpp"
#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace platform::log::embedded {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t block_bytes_max = 256 * 1024;
constexpr std::size_t append_messages_max = 10'000;
constexpr std::size_t append_bytes_max = 64 * 1024 * 1024;
constexpr std::size_t batch_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t topics_max = 1000;
constexpr std::chrono::milliseconds probe_every{500};  // while the log cannot be written
constexpr int page_bytes = 16 * 1024;

constexpr std::string_view schema_1 = R"(
CREATE TABLE topic (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE producer (topic INTEGER NOT NULL, name TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (topic, name));
)";

constexpr std::string_view schema_2 = R"(
CREATE TABLE identity (id TEXT NOT NULL, probes INTEGER NOT NULL);
INSERT INTO identity VALUES (lower(hex(randomblob(16))), 0);
)";

std::string table_of(std::int64_t topic) {
    return "block_" + std::to_string(topic);
}

// What append() hands to the writer.
struct Request {
    std::string topic;
    std::string bytes;              // of all messages, encoded
    std::vector<std::size_t> ends;  // of each message in `bytes`
    std::optional<Producer> producer;
    runtime::Bring<Appended> bring;
};

using ProducerKey = std::pair<std::int64_t, std::string>;

struct Topic {
    std::int64_t id = 0;
    std::uint64_t head = 0;
    friend bool operator==(const Topic&, const Topic&) = default;
};

// What is durable: kept by the writer, read by everybody.
struct Durable {
    std::map<std::string, Topic, std::less<>> topics;
    std::map<ProducerKey, std::uint64_t> producers;
    friend bool operator==(const Durable&, const Durable&) = default;
};

struct Shared {
    std::mutex mutex;
    std::condition_variable_any changed;
    Durable durable;

    // Position of the last message of the topic, and its id (0: no such topic yet).
    Topic topic(std::string_view name) {
        const auto found = durable.topics.find(name);
        return found == durable.topics.end() ? Topic{} : found->second;
    }
};

Result<Durable> read_durable(sql::Connection& connection) {
    Durable durable;
    auto topics = connection.prepare("SELECT id, name FROM topic");
    if (!topics) return std::move(topics).error();
    while (true) {
        auto row = (*topics)->step();
        if (!row) return std::move(row).error();
        if (!*row) break;
        durable.topics.emplace((*topics)->text(1), Topic{.id = (*topics)->integer(0), .head = 0});
    }
    for (auto& [name, topic] : durable.topics) {
        auto head = connection.prepare("SELECT COALESCE(MAX(last), 0) FROM " + table_of(topic.id));
        if (!head) return std::move(head).error();
        auto row = (*head)->step();
        if (!row) return std::move(row).error();
        topic.head = static_cast<std::uint64_t>((*head)->integer(0));
    }
    auto producers = connection.prepare("SELECT topic, name, sequence FROM producer");
    if (!producers) return std::move(producers).error();
    while (true) {
        auto row = (*producers)->step();
        if (!row) return std::move(row).error();
        if (!*row) return durable;
        durable.producers[{(*producers)->integer(0), std::string((*producers)->text(1))}] =
            static_cast<std::uint64_t>((*producers)->integer(2));
    }
}

Result<std::string> read_id(sql::Connection& connection) {
    auto select = connection.prepare("SELECT id FROM identity");
    if (!select) return std::move(select).error();
    auto row = (*select)->step();
    if (!row) return std::move(row).error();
    if (!*row) return Error{ErrorKind::fault, "log-corrupt", "the log has no identity; restore all files of the directory from one copy"};
    return std::string((*select)->text(0));
}

// Writes groups of requests. One thread.
class Writer {
public:
    Writer(sql::Connection& connection, Durable durable) : connection_(connection), next_(std::move(durable)) {}

    // All of them in one transaction; what each got. On failure nothing is promised until restore() has read what is on the disk.
    Result<std::vector<Appended>> write(const std::vector<Request>& group) {
        if (auto restored = restore(); !restored) return std::move(restored).error();
        doubtful_ = true;
        auto written = write_in_transaction(group);
        if (written) doubtful_ = false;
        return written;
    }
    // After a write that failed: what is durable is read from the disk.
    Result<void> restore() {
        if (!doubtful_) return kernel::ok();
        inserts_.clear();
        auto durable = read_durable(connection_);
        if (!durable) return std::move(durable).error();
        next_ = std::move(*durable);
        doubtful_ = false;
        return kernel::ok();
    }
    // Whether the disk takes a commit.
    Result<void> probe() {
        auto transaction = sql::Transaction::begin(connection_);
        if (!transaction) return std::move(transaction).error();
        if (auto done = connection_.execute("UPDATE identity SET probes = probes + 1"); !done) return done;
        return transaction->commit();
    }
    // After a successful write or restore(): what is durable now.
    const Durable& durable() const { return next_; }

private:
    // Messages of one topic that are not in a row yet.
    struct Open {
        std::string bytes;
        std::uint64_t first = 0, last = 0;
    };

    Result<std::vector<Appended>> write_in_transaction(const std::vector<Request>& group) {
        auto transaction = sql::Transaction::begin(connection_);
        if (!transaction) return std::move(transaction).error();
        now_ = kernel::SystemClock().now();
        open_.clear();
        std::map<ProducerKey, std::uint64_t> moved;
        std::vector<Appended> appended;
        appended.reserve(group.size());
        for (const auto& request : group) {
            auto one = add(request, moved);
            if (!one) return std::move(one).error();
            appended.push_back(*one);
        }
        for (auto& [topic, open] : open_)
            if (auto done = flush(topic, open); !done) return std::move(done).error();
        for (const auto& [key, sequence] : moved)
            if (auto done = write_producer(key, sequence); !done) return std::move(done).error();
        if (auto done = transaction->commit(); !done) return std::move(done).error();
        return appended;
    }

    Result<Appended> add(const Request& request, std::map<ProducerKey, std::uint64_t>& moved) {
        auto topic = topic_named(request.topic);
        if (!topic) return std::move(topic).error();
        const auto repeats = count_repeats(request, (*topic)->id, moved);
        auto& head = (*topic)->head;
        const Appended appended{.first = Position{head + 1}, .last = Position{head + request.ends.size() - repeats}};
        auto& open = open_[(*topic)->id];
        for (std::size_t i = repeats; i < request.ends.size(); ++i) {
            const auto begin = i == 0 ? 0 : request.ends[i - 1];
            const auto size = request.ends[i] - begin;
            if (!open.bytes.empty() && open.bytes.size() + size > block_bytes_max)
                if (auto done = flush((*topic)->id, open); !done) return std::move(done).error();
            if (open.bytes.empty()) open.first = head + 1;
            open.bytes.append(request.bytes, begin, size);
            open.last = ++head;
        }
        return appended;
    }

    // How many messages at the front are in the log already.
    std::size_t count_repeats(const Request& request, std::int64_t topic, std::map<ProducerKey, std::uint64_t>& moved) {
        if (!request.producer) return 0;
        const ProducerKey key{topic, request.producer->name};
        auto& known = next_.producers[key];
        const auto first = request.producer->first_sequence;
        const auto last = first + request.ends.size() - 1;
        const auto repeats = known < first ? 0 : std::min<std::uint64_t>(known - first + 1, request.ends.size());
        if (last > known) known = moved[key] = last;
        return repeats;
    }

    Result<Topic*> topic_named(const std::string& name) {
        if (const auto found = next_.topics.find(name); found != next_.topics.end()) return &found->second;
        if (next_.topics.size() >= topics_max)
            return Error{ErrorKind::conflict, "too-many-topics", "the log has 1,000 topics, which is the bound"};
        const auto id = static_cast<std::int64_t>(next_.topics.size()) + 1;
        auto insert = connection_.prepare("INSERT INTO topic (id, name) VALUES (?, ?)");
        if (!insert) return std::move(insert).error();
        (*insert)->bind(0, id);
        (*insert)->bind(1, std::string_view(name));
        if (auto done = (*insert)->run(); !done) return std::move(done).error();
        auto created = connection_.execute(
            "CREATE TABLE " + table_of(id) +
            " (last INTEGER NOT NULL PRIMARY KEY, first INTEGER NOT NULL, appended_at INTEGER NOT NULL, payload BLOB NOT NULL)");
        if (!created) return std::move(created).error();
        return &next_.topics.emplace(name, Topic{.id = id, .head = 0}).first->second;
    }

    Result<void> flush(std::int64_t topic, Open& open) {
        if (open.bytes.empty()) return kernel::ok();
        auto& insert = inserts_[topic];
        if (!insert) {
            auto prepared =
                connection_.prepare("INSERT INTO " + table_of(topic) + " (last, first, appended_at, payload) VALUES (?, ?, ?, ?)");
            if (!prepared) return std::move(prepared).error();
            insert = std::move(*prepared);
        }
        const auto block = to_block(open.bytes);
        insert->bind(0, static_cast<std::int64_t>(open.last));
        insert->bind(1, static_cast<std::int64_t>(open.first));
        insert->bind(2, static_cast<std::int64_t>(now_.time_since_epoch().count()));
        insert->bind_bytes(3, block);
        auto done = insert->run();
        if (!done) return std::move(done).error();
        open.bytes.clear();
        return kernel::ok();
    }

    Result<void> write_producer(const ProducerKey& key, std::uint64_t sequence) {
        auto upsert = connection_.prepare("INSERT OR REPLACE INTO producer (topic, name, sequence) VALUES (?, ?, ?)");
        if (!upsert) return std::move(upsert).error();
        (*upsert)->bind(0, key.first);
        (*upsert)->bind(1, std::string_view(key.second));
        (*upsert)->bind(2, static_cast<std::int64_t>(sequence));
        auto done = (*upsert)->run();
        if (!done) return std::move(done).error();
        return kernel::ok();
    }

    sql::Connection& connection_;
    Durable next_;
    bool doubtful_ = false;
    kernel::Timestamp now_;
    std::map<std::int64_t, Open> open_;
    std::map<std::int64_t, std::unique_ptr<sql::Statement>> inserts_;
};

class EmbeddedSubscription final : public Subscription {
public:
    EmbeddedSubscription(std::shared_ptr<Shared> shared, std::unique_ptr<sql::Connection> connection, std::string topic, Position after)
        : shared_(std::move(shared)), connection_(std::move(connection)), topic_(std::move(topic)), read_to_(after.value) {}

    Result<std::vector<Message>> next(std::size_t messages_max, std::chrono::milliseconds wait_max, std::stop_token stop) override {
        std::vector<Message> batch;
        std::size_t bytes = 0;
        if (block_.empty() && !wait(wait_max, std::move(stop))) return batch;
        while (batch.size() < messages_max && bytes < batch_bytes_max) {
            if (block_.empty()) {
                auto more = read_block();
                // What was read before the trouble is given first: the next call meets the trouble again.
                if (!more && batch.empty()) return std::move(more).error();
                if (!more || !*more) break;
            }
            bytes += block_.front().envelope.data.size();
            read_to_ = block_.front().position.value;
            batch.push_back(std::move(block_.front()));
            block_.pop_front();
        }
        return batch;
    }

private:
    // True once there is something after what was read.
    bool wait(std::chrono::milliseconds wait_max, std::stop_token stop) {
        std::unique_lock lock(shared_->mutex);
        return shared_->changed.wait_for(lock, std::move(stop), wait_max, [&] { return shared_->topic(topic_).head > read_to_; });
    }

    // Up to the published head only: a reader must not be ahead of what head() says, or its position would lie behind the log.
    Result<bool> read_block() {
        const auto topic = [&] {
            const std::lock_guard lock(shared_->mutex);
            return shared_->topic(topic_);
        }();
        if (topic.id == 0) return false;
        if (!select_) {
            auto prepared = connection_->prepare("SELECT last, first, appended_at, payload FROM " + table_of(topic.id) +
                                                 " WHERE last > ? AND last <= ? ORDER BY last LIMIT 1");
            if (!prepared) return std::move(prepared).error();
            select_ = std::move(*prepared);
        }
        const sql::Use row(*select_);
        row->bind(0, static_cast<std::int64_t>(read_to_));
        row->bind(1, static_cast<std::int64_t>(topic.head));
        auto there = row->step();
        if (!there || !*there) return there;
        if (auto done = decode(*row); !done) return std::move(done).error();
        return true;
    }

    Result<void> decode(const sql::Statement& row) {
        const auto last = static_cast<std::uint64_t>(row.integer(0));
        const auto first = static_cast<std::uint64_t>(row.integer(1));
        const kernel::Timestamp appended_at{std::chrono::milliseconds(row.integer(2))};
        auto envelopes = messages_from(row.text(3));
        if (!envelopes) return std::move(envelopes).error();
        if (envelopes->empty() || first + envelopes->size() - 1 != last || first > read_to_ + 1)
            return Error{ErrorKind::fault, "log-corrupt", "blocks of the log do not follow each other; restore all files from one copy"};
        auto position = first;
        for (auto& envelope : *envelopes) {
            if (position > read_to_) block_.push_back({Position{position}, appended_at, std::move(envelope)});
            ++position;
        }
        return kernel::ok();
    }

    std::shared_ptr<Shared> shared_;
    std::unique_ptr<sql::Connection> connection_;
    std::string topic_;
    std::uint64_t read_to_;
    std::unique_ptr<sql::Statement> select_;
    std::deque<Message> block_;
};

// Held for the life of the log: one process writes.
class FileLock {
public:
    static Result<FileLock> take(const std::filesystem::path& file) {
        const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return Error{ErrorKind::unavailable, "log-not-opened", "cannot write " + file.filename().string() + " in its directory"};
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            ::close(fd);
            return Error{ErrorKind::conflict, "log-in-use",
                         "another acopio process uses this data directory; stop it, or choose another directory"};
        }
        return FileLock(fd);
    }
    FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock() {
        if (fd_ >= 0) ::close(fd_);
    }

private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_;
};

class EmbeddedLog final : public EventLog {
public:
    EmbeddedLog(Options options, FileLock lock, std::unique_ptr<sql::Database> database, std::unique_ptr<sql::Connection> connection,
                Durable durable, std::string id)
        : options_(std::move(options)),
          lock_(std::move(lock)),
          database_(std::move(database)),
          connection_(std::move(connection)),
          id_(std::move(id)),
          shared_(std::make_shared<Shared>()) {
        shared_->durable = durable;
        thread_ = std::thread([this, start = std::move(durable)]() mutable { write_groups(Writer(*connection_, std::move(start))); });
    }
    ~EmbeddedLog() override {
        {
            const std::lock_guard guard(queue_mutex_);
            closing_ = true;
        }
        queued_.notify_one();
        thread_.join();
    }

    kernel::Task<Appended> append(std::string topic, std::vector<kernel::Envelope> messages, std::optional<Producer> producer) override {
        if (messages.empty()) co_return Error{ErrorKind::incorrect, "append-empty", "an append has at least one message"};
        Request request{.topic = std::move(topic), .bytes = {}, .ends = {}, .producer = std::move(producer), .bring = {}};
        request.ends.reserve(messages.size());
        for (const auto& message : messages) {
            encode(request.bytes, message);
            request.ends.push_back(request.bytes.size());
            if (request.bytes.size() > append_bytes_max) break;
        }
        if (messages.size() > append_messages_max || request.bytes.size() > append_bytes_max)
            co_return Error{ErrorKind::incorrect, "append-too-large", "an append has at most 10,000 messages and 64 MiB"};
        messages.clear();
        co_return co_await runtime::suspend_until<Appended>([this, queued = std::move(request)](runtime::Bring<Appended> bring) mutable {
            queued.bring = std::move(bring);
            enqueue(std::move(queued));
        });
    }

    Result<std::unique_ptr<Subscription>> subscribe(std::string topic, std::string, Position after) override {
        auto connection = database_->connect({.durability = sql::Durability::process, .read_only = true, .cache_kib = 1024});
        if (!connection) return std::move(connection).error();
        return std::unique_ptr<Subscription>(
            std::make_unique<EmbeddedSubscription>(shared_, std::move(*connection), std::move(topic), after));
    }

    Result<Position> head(std::string topic) override {
        const std::lock_guard guard(shared_->mutex);
        return Position{shared_->topic(topic).head};
    }

    Result<std::uint64_t> last_sequence(std::string topic, std::string producer) override {
        const std::lock_guard guard(shared_->mutex);
        const auto found = shared_->durable.producers.find({shared_->topic(topic).id, std::move(producer)});
        return found == shared_->durable.producers.end() ? 0 : found->second;
    }

    std::string id() override { return id_; }
    bool healthy() const override { return healthy_.load(std::memory_order_acquire); }

private:
    void enqueue(Request request) {
        const auto messages = request.ends.size();
        const auto bytes = request.bytes.size();
        std::unique_lock guard(queue_mutex_);
        // A request larger than the whole queue is still taken when the queue is empty.
        const bool full = !queue_.empty() &&
                          (queued_messages_ + messages > options_.queue_messages_max || queued_bytes_ + bytes > options_.queue_bytes_max);
        if (full || closing_) {
            guard.unlock();
            request.bring(full ? Error{ErrorKind::busy, "log-queue-full", "too much waits to be written; retry later"}
                               : Error{ErrorKind::interrupted, "log-closing", "the event log is being closed"});
            return;
        }
        queued_messages_ += messages;
        queued_bytes_ += bytes;
        queue_.push_back(std::move(request));
        guard.unlock();
        queued_.notify_one();
    }

    // Empty when closing, and after a while when the log cannot be written.
    std::vector<Request> take_group() {
        std::unique_lock guard(queue_mutex_);
        const auto ready = [&] { return closing_ || !queue_.empty(); };
        if (healthy()) queued_.wait(guard, ready);
        else queued_.wait_for(guard, probe_every, ready);
        queued_messages_ = queued_bytes_ = 0;
        return std::exchange(queue_, {});
    }

    void write_groups(Writer writer) {
        const auto named = runtime::guarded([] {
            runtime::name_this_thread("log-writer");
            return kernel::ok();
        });
        (void)named;  // a thread without a name writes as well
        while (!closed()) {
            const auto done = runtime::guarded([&] {
                write_group(writer);
                return kernel::ok();
            });
            if (!done) healthy_.store(false, std::memory_order_release);  // until a probe or a write works
        }
    }

    void write_group(Writer& writer) {
        auto group = take_group();
        if (group.empty()) {
            if (!closed() && runtime::guarded([&] { return writer.probe(); })) write_works(true);
            return;
        }
        auto written = runtime::guarded([&] { return writer.write(group); });
        write_works(static_cast<bool>(written));
        if (!written) {
            const auto error = outcome_of(written.error(), writer);
            for (auto& request : group) bring(request, error);
            return;
        }
        // Without memory for it readers see this group with the next one.
        (void)runtime::guarded([&] { return publish(writer.durable()); });
        for (std::size_t i = 0; i < group.size(); ++i) bring(group[i], (*written)[i]);
    }

    // One that cannot be told for lack of memory keeps nothing from the others.
    static void bring(Request& request, const Result<Appended>& result) {
        (void)runtime::guarded([&] {
            request.bring(result);
            return kernel::ok();
        });
    }

    // What the senders of a group that was not committed are told: busy when it is known that nothing of it was written. After an error of
    // the disk that is not known: a commit whose flush failed may come back at the next start.
    Error outcome_of(const Error& failure, Writer& writer) {
        (void)runtime::guarded([&] {
            runtime::log(runtime::Level::error, "log-write-failed", {{"code", std::string_view(failure.code)}});
            return kernel::ok();
        });
        const auto restored = runtime::guarded([&] { return writer.restore(); });
        if (restored && failure.code != "disk-error" && writer.durable() == shared_->durable)  // only this thread changes it
            return {ErrorKind::busy, "log-write-failed", "the event log could not be written; nothing was stored; retry later"};
        return {ErrorKind::unavailable, "log-write-failed", "the event log could not be written; retry later"};
    }

    void write_works(bool works) {
        if (healthy_.exchange(works, std::memory_order_acq_rel) == works) return;
        if (!works) return;
        (void)runtime::guarded([] {
            runtime::log(runtime::Level::info, "log-writable-again");
            return kernel::ok();
        });
    }

    bool closed() {
        const std::lock_guard guard(queue_mutex_);
        return closing_ && queue_.empty();
    }

    Result<void> publish(Durable durable) {
        {
            const std::lock_guard guard(shared_->mutex);
            std::swap(shared_->durable, durable);
        }
        shared_->changed.notify_all();
        return kernel::ok();
    }

    Options options_;
    FileLock lock_;
    std::unique_ptr<sql::Database> database_;
    std::unique_ptr<sql::Connection> connection_;
    std::string id_;
    std::atomic<bool> healthy_{true};
    std::shared_ptr<Shared> shared_;

    std::mutex queue_mutex_;
    std::condition_variable queued_;
    std::vector<Request> queue_;
    std::size_t queued_messages_ = 0, queued_bytes_ = 0;
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<EventLog>> open(Options options) {
    auto lock = FileLock::take(options.file.string() + ".lock");
    if (!lock) return std::move(lock).error();
    auto database = sql::sqlite::open(options.file, page_bytes);
    if (!database) return std::move(database).error();
    auto connection = (*database)->connect({.durability = sql::Durability::full, .cache_kib = 2048});
    if (!connection) return std::move(connection).error();
    if (auto migrated = sql::migrate(**connection, "event_log", {{1, schema_1}, {2, schema_2}}); !migrated)
        return std::move(migrated).error();
    auto durable = read_durable(**connection);
    if (!durable) return std::move(durable).error();
    auto id = read_id(**connection);
    if (!id) return std::move(id).error();
    return std::unique_ptr<EventLog>(std::make_unique<EmbeddedLog>(std::move(options), std::move(*lock), std::move(*database),
                                                                   std::move(*connection), std::move(*durable), std::move(*id)));
}

}  // namespace platform::log::embedded
