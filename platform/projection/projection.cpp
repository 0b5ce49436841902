// One thread, one connection: begin, handle, store the position, commit.
#include "platform/projection/projection.hpp"

#include "platform/runtime/logging.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace platform::projection {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::chrono::milliseconds retry_first{10};
constexpr std::chrono::milliseconds retry_last{2000};

bool worth_retrying(const Error& error) {
    return error.kind == ErrorKind::busy || error.kind == ErrorKind::unavailable || error.kind == ErrorKind::interrupted ||
           error.kind == ErrorKind::conflict;
}

// Waits, unless stopped first.
void wait(std::chrono::milliseconds time, std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::move(stop), time, [] { return false; });
}

void yield_to_others(int niceness) {
    if (niceness > 0) setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness);
}

Result<void> store(sql::Connection& connection, std::string_view name, log::Position position) {
    auto update = connection.prepare("UPDATE projection_position SET position = ? WHERE name = ?");
    if (!update) return std::move(update).error();
    (*update)->bind(0, static_cast<std::int64_t>(position.value));
    (*update)->bind(1, name);
    auto changed = (*update)->run();
    if (!changed) return std::move(changed).error();
    if (*changed == 1) return kernel::ok();
    auto insert = connection.prepare("INSERT INTO projection_position (position, name) VALUES (?, ?)");
    if (!insert) return std::move(insert).error();
    (*insert)->bind(0, static_cast<std::int64_t>(position.value));
    (*insert)->bind(1, name);
    auto inserted = (*insert)->run();
    if (!inserted) return std::move(inserted).error();
    return kernel::ok();
}

}  // namespace

Result<void> create(sql::Connection& connection) {
    return connection.execute(
        "CREATE TABLE IF NOT EXISTS projection_position (name VARCHAR(64) NOT NULL PRIMARY KEY, position BIGINT NOT NULL)");
}

Result<log::Position> position(sql::Connection& connection, std::string_view name) {
    auto select = connection.prepare("SELECT position FROM projection_position WHERE name = ?");
    if (!select) return std::move(select).error();
    (*select)->bind(0, name);
    auto row = (*select)->step();
    if (!row) return std::move(row).error();
    return log::Position{*row ? static_cast<std::uint64_t>((*select)->integer(0)) : 0};
}

Projection::Projection(Options options, sql::Connection& connection, log::EventLog& log, Handler& handler)
    : options_(std::move(options)), connection_(connection), log_(log), handler_(handler) {}

Result<std::unique_ptr<log::Subscription>> Projection::subscribe() {
    auto from = position(connection_, options_.name);
    if (!from) return std::move(from).error();
    reached_.store(from->value, std::memory_order_release);
    return log_.subscribe(options_.topic, options_.name, *from);
}

Result<void> Projection::write(const std::vector<log::Message>& batch) {
    auto transaction = sql::Transaction::begin(connection_);
    if (!transaction) return std::move(transaction).error();
    if (auto handled = handler_.handle(batch); !handled) return handled;
    if (auto stored = store(connection_, options_.name, batch.back().position); !stored) return stored;
    return transaction->commit();
}

Result<bool> Projection::one_batch(log::Subscription& subscription, std::chrono::milliseconds wait_max, const std::stop_token& stop) {
    auto batch = subscription.next(options_.batch_max, wait_max, stop);
    if (!batch) return std::move(batch).error();
    if (batch->empty()) return false;
    for (auto pause = retry_first;; pause = std::min(2 * pause, retry_last)) {
        auto written = write(*batch);
        if (written) break;
        handler_.rolled_back();
        if (!worth_retrying(written.error())) return std::move(written).error();
        runtime::log(runtime::Level::warn, "projection-retries",
                     {{"projection", std::string_view(options_.name)}, {"code", std::string_view(written.error().code)}});
        wait(pause, stop);
        if (stop.stop_requested()) return Error{ErrorKind::interrupted, "stopped", "stopped before the batch was written"};
    }
    reached_.store(batch->back().position.value, std::memory_order_release);
    handler_.committed(batch->back().position);
    return true;
}

Result<void> Projection::catch_up(const std::stop_token& stop) {
    auto head = log_.head(options_.topic);
    if (!head) return std::move(head).error();
    auto subscription = subscribe();
    if (!subscription) return std::move(subscription).error();
    while (reached() < *head && !stop.stop_requested()) {
        auto done = one_batch(**subscription, options_.wait_max, stop);
        if (!done) return std::move(done).error();
    }
    return kernel::ok();
}

Result<void> Projection::run(const std::stop_token& stop) {
    yield_to_others(options_.niceness);
    auto ended = kernel::ok();
    while (!stop.stop_requested()) {
        ended = follow(stop);
        if (ended || !worth_retrying(ended.error()) || stop.stop_requested()) break;
        runtime::log(runtime::Level::warn, "projection-resubscribes",
                     {{"projection", std::string_view(options_.name)}, {"code", std::string_view(ended.error().code)}});
        wait(retry_last, stop);
    }
    if (stop.stop_requested() || ended) return kernel::ok();
    poisoned_.store(true, std::memory_order_release);
    runtime::log(runtime::Level::error, "projection-poisoned",
                 {{"projection", std::string_view(options_.name)},
                  {"after_position", static_cast<std::int64_t>(reached().value)},
                  {"code", std::string_view(ended.error().code)}});
    return ended;
}

Result<void> Projection::follow(const std::stop_token& stop) {
    auto subscription = subscribe();
    if (!subscription) return std::move(subscription).error();
    while (!stop.stop_requested()) {
        auto done = one_batch(**subscription, options_.wait_max, stop);
        if (!done) return std::move(done).error();
    }
    return kernel::ok();
}

}  // namespace platform::projection
