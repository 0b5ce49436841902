// Projection: the loop that turns a topic into rows. Each batch's rows and the position after it are written in one transaction, so a crash
// at any instruction neither loses nor repeats a message. Table "projection_position (name, position)".
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
    // An error of kind fault or incorrect stops the projection (a poison message is never skipped); others are retried with backoff.
    virtual kernel::Result<void> handle(const std::vector<log::Message>& batch) = 0;
    // After the commit (positions up to `position` are durable): wake relays, drop caches. Default: nothing.
    virtual void committed(log::Position position) { (void)position; }
    // The batch's transaction was rolled back and will be tried again.
    virtual void rolled_back() {}
};

struct Options {
    std::string name;  // of the row that holds its position: "counters"
    std::string topic;
    std::size_t batch_max = 1000;
    std::chrono::milliseconds wait_max{250};  // idle poll; a commit to the log wakes it sooner
    int niceness = 0;                         // 0..19: a projection that must yield to intake asks for more
};

// Creates the position table (idempotent).
kernel::Result<void> create(sql::Connection& connection);

// Position that the named projection has reached, as committed.
kernel::Result<log::Position> position(sql::Connection& connection, std::string_view name);

class Projection {
public:
    // `connection` is used by this projection's thread only and outlives it; `handler` writes through the same connection.
    Projection(Options options, sql::Connection& connection, log::EventLog& log, Handler& handler);

    // Handles everything that the log holds now, then returns: for start-up, rebuild and tests.
    kernel::Result<void> catch_up(const std::stop_token& stop = {});
    // Until stopped (success) or poisoned (the error). Trouble with reading the log is retried like a batch that fails.
    kernel::Result<void> run(const std::stop_token& stop);

    log::Position reached() const { return log::Position{reached_.load(std::memory_order_acquire)}; }  // thread-safe
    // True after run() ended with an error: /ready tells, an alarm rings. Thread-safe.
    bool poisoned() const { return poisoned_.load(std::memory_order_acquire); }

private:
    kernel::Result<std::unique_ptr<log::Subscription>> subscribe();
    kernel::Result<void> follow(const std::stop_token& stop);
    kernel::Result<void> write(const std::vector<log::Message>& batch);
    kernel::Result<bool> one_batch(log::Subscription& subscription, std::chrono::milliseconds wait_max, const std::stop_token& stop);
    Options options_;
    sql::Connection& connection_;
    log::EventLog& log_;
    Handler& handler_;
    std::atomic<std::uint64_t> reached_{0};
    std::atomic<bool> poisoned_{false};
};

}  // namespace platform::projection
