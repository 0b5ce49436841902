// Projection: the loop that turns a topic into rows. Each batch's rows and the position after it are written in one transaction, so a crash
// at any instruction neither loses nor repeats a message. Table "projection_position (name, position, log_id, fingerprint)": beside the
// position stand the log's id and a digest of the message there, so that a log that is another, or an older copy, is noticed.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/sql/sql.hpp"

#include <atomic>
#include <functional>
#include <stop_token>

namespace platform::projection {

// Turns messages into rows. Runs inside the loop's transaction: it must not begin or commit one.
class Handler {
public:
    virtual ~Handler() = default;
    // An error of kind busy, unavailable or interrupted, and too little memory, are retried with backoff; every other stops the projection
    // (a poison message is never skipped).
    virtual kernel::Result<void> handle(const std::vector<log::Message>& batch) = 0;
    // After the commit (positions up to `position` are durable): wake relays, drop caches. Default: nothing.
    virtual void committed(log::Position position) { (void)position; }
    // The batch's transaction was rolled back and will be tried again.
    virtual void rolled_back() {}
    // Nothing came for `wait_max`: for what follows the clock. Default: nothing.
    virtual void idle() {}
};

struct Options {
    std::string name;  // of the row that holds its position: "counters"
    std::string topic;
    std::size_t batch_max = 1000;
    std::chrono::milliseconds wait_max{250};  // idle poll; a commit to the log wakes it sooner
    int niceness = 0;                         // 0..19: a projection that must yield to intake asks for more
    std::chrono::milliseconds stuck_after{30'000};
};

// Creates the position table (idempotent).
kernel::Result<void> create(sql::Connection& connection);

// Position that the named projection has reached, as committed.
kernel::Result<log::Position> position(sql::Connection& connection, std::string_view name);

// Whether the position of the named projection is one of this log: fault "log-behind" when the log ends before it, "log-foreign" when it
// was reached in another log, "log-rewound" when another message stands there.
kernel::Result<void> check(sql::Connection& connection, log::EventLog& log, const std::string& name, const std::string& topic);

class Projection {
public:
    // `connection` is used by this projection's thread only and outlives it; `handler` writes through the same connection.
    Projection(Options options, sql::Connection& connection, log::EventLog& log, Handler& handler);

    // The above. Asked at each start of reading; for who opens a service, too.
    kernel::Result<void> check() { return projection::check(connection_, log_, options_.name, options_.topic); }
    // Handles everything that the log holds now, then returns: for start-up, rebuild and tests. A batch is tried ten times.
    kernel::Result<void> catch_up(const std::stop_token& stop = {});
    // Until stopped (success) or poisoned (the error). Trouble with reading the log is retried like a batch that fails.
    kernel::Result<void> run(const std::stop_token& stop);

    log::Position reached() const { return log::Position{reached_.load(std::memory_order_acquire)}; }  // thread-safe
    // Messages of the topic that it has not read yet; 0 when the log cannot say. Thread-safe.
    double lag();
    // True after run() ended with an error: /ready tells, an alarm rings. Thread-safe.
    bool poisoned() const { return poisoned_.load(std::memory_order_acquire); }
    // True while the same place has been tried in vain for longer than `stuck_after`. Thread-safe.
    bool stuck() const;

private:
    kernel::Result<std::unique_ptr<log::Subscription>> subscribe(const std::string& group);
    kernel::Result<void> follow(const std::stop_token& stop);
    kernel::Result<void> write(const std::vector<log::Message>& batch);
    static kernel::Result<void> tell(const std::function<void()>& what);  // what the handler keeps in memory is unknown if it throws
    kernel::Result<bool> one_batch(log::Subscription& subscription, int attempts_max, const std::stop_token& stop);
    void failing(bool failing);
    Options options_;
    sql::Connection& connection_;
    log::EventLog& log_;
    Handler& handler_;
    std::atomic<std::uint64_t> reached_{0};
    std::atomic<bool> poisoned_{false};
    std::atomic<std::chrono::steady_clock::rep> failing_since_{0};  // 0: it is not
};

}  // namespace platform::projection
