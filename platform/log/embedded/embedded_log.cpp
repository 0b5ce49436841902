// One writer thread: takes all that is queued, writes it as blocks in one transaction, then answers. The next group gathers while this one
// is being committed, so the group's size follows the load by itself.
#include "platform/log/embedded/embedded_log.hpp"

#include "platform/log/embedded/block.hpp"
#include "platform/log/embedded/file_lock.hpp"
#include "platform/log/embedded/subscription.hpp"
#include "platform/log/embedded/writer.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace platform::log::embedded {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t append_messages_max = 10'000;
constexpr std::size_t append_bytes_max = 64 * 1024 * 1024;
constexpr std::chrono::milliseconds probe_every{500};  // while the log cannot be written
constexpr int page_bytes = 16 * 1024;

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

    Result<std::optional<Message>> last(std::string topic) override {
        auto end = head(topic);
        if (!end) return std::move(end).error();
        if (end->value == 0) return std::optional<Message>();
        auto subscription = subscribe(std::move(topic), "last", Position{end->value - 1});
        if (!subscription) return std::move(subscription).error();
        auto there = (*subscription)->next(1, std::chrono::milliseconds(0), {});
        if (!there) return std::move(there).error();
        if (there->empty())
            return Error{ErrorKind::fault, "log-corrupt", "the log's last block is missing; restore all files from one copy"};
        return std::optional(std::move(there->front()));
    }

    // Exact: positions are dense here.
    Result<std::uint64_t> behind(std::string topic, Position after) override {
        auto end = head(std::move(topic));
        if (!end) return std::move(end).error();
        return end->value > after.value ? end->value - after.value : 0;
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
    if (auto migrated = migrate(**connection); !migrated) return std::move(migrated).error();
    auto durable = read_durable(**connection);
    if (!durable) return std::move(durable).error();
    auto id = read_id(**connection);
    if (!id) return std::move(id).error();
    return std::unique_ptr<EventLog>(std::make_unique<EmbeddedLog>(std::move(options), std::move(*lock), std::move(*database),
                                                                   std::move(*connection), std::move(*durable), std::move(*id)));
}

}  // namespace platform::log::embedded
