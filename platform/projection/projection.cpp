// One thread, one connection: begin, handle, store the position, commit.
#include "platform/projection/projection.hpp"

#include "platform/runtime/digest.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/runtime/priority.hpp"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>

namespace platform::projection {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::chrono::milliseconds retry_first{10};
constexpr std::chrono::milliseconds retry_last{2000};
constexpr int catch_up_attempts = 10;
constexpr std::size_t fingerprint_bytes = 16;

constexpr std::string_view schema_1 =
    "CREATE TABLE IF NOT EXISTS projection_position (name VARCHAR(64) NOT NULL PRIMARY KEY, position BIGINT NOT NULL)";
constexpr std::string_view schema_2 = R"(
ALTER TABLE projection_position ADD COLUMN log_id VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE projection_position ADD COLUMN fingerprint VARCHAR(64) NOT NULL DEFAULT '';
)";
constexpr std::chrono::seconds fingerprint_wait{5};

bool worth_retrying(const Error& error) {
    return error.kind == ErrorKind::busy || error.kind == ErrorKind::unavailable || error.kind == ErrorKind::interrupted ||
           error.code == "out-of-memory";
}

// Waits, unless stopped first.
void wait(std::chrono::milliseconds time, std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::move(stop), time, [] { return false; });
}

// Where a projection stands, and in which log. Rows of an older version have neither id nor fingerprint.
struct Place {
    log::Position position;
    std::string log_id, fingerprint;
};

std::string fingerprint_of(const log::Message& message) {
    std::string text = std::to_string(message.appended_at.time_since_epoch().count());
    for (const auto* part : {&message.envelope.key, &message.envelope.type, &message.envelope.data}) (text += '\n') += *part;
    return runtime::hex(runtime::sha256(text), fingerprint_bytes);
}

Result<void> store(sql::Connection& connection, std::string_view name, const Place& place) {
    for (const auto* sql : {"UPDATE projection_position SET position = ?, log_id = ?, fingerprint = ? WHERE name = ?",
                            "INSERT INTO projection_position (position, log_id, fingerprint, name) VALUES (?, ?, ?, ?)"}) {
        auto statement = connection.prepare(sql);
        if (!statement) return std::move(statement).error();
        (*statement)->bind(0, static_cast<std::int64_t>(place.position.value));
        (*statement)->bind(1, std::string_view(place.log_id));
        (*statement)->bind(2, std::string_view(place.fingerprint));
        (*statement)->bind(3, name);
        auto changed = (*statement)->run();
        if (!changed) return std::move(changed).error();
        if (*changed == 1) break;
    }
    return kernel::ok();
}

Result<Place> place_of(sql::Connection& connection, std::string_view name) {
    auto select = connection.prepare("SELECT position, log_id, fingerprint FROM projection_position WHERE name = ?");
    if (!select) return std::move(select).error();
    (*select)->bind(0, name);
    auto row = (*select)->step();
    if (!row) return std::move(row).error();
    if (!*row) return Place{};
    return Place{.position = {static_cast<std::uint64_t>((*select)->integer(0))},
                 .log_id = std::string((*select)->text(1)),
                 .fingerprint = std::string((*select)->text(2))};
}

// The sentence of all three: what is wrong, and what helps.
Error not_this_log(std::string code, std::string_view name, const std::string& what) {
    return {ErrorKind::fault, std::move(code),
            "projection '" + std::string(name) + "': " + what + "; put the log and all databases back from one and the same copy"};
}

}  // namespace

Result<void> create(sql::Connection& connection) {
    return sql::migrate(connection, "projection", {{1, schema_1}, {2, schema_2}});
}

Result<log::Position> position(sql::Connection& connection, std::string_view name) {
    auto place = place_of(connection, name);
    if (!place) return std::move(place).error();
    return place->position;
}

Result<void> check(sql::Connection& connection, log::EventLog& log, const std::string& name, const std::string& topic) {
    auto place = place_of(connection, name);
    if (!place) return std::move(place).error();
    const auto position = place->position.value;
    if (position == 0) return kernel::ok();
    if (!place->log_id.empty() && place->log_id != log.id())
        return not_this_log("log-foreign", name, "its position was reached in another log");
    auto head = log.head(topic);
    if (!head) return std::move(head).error();
    if (position > head->value)
        return not_this_log("log-behind", name,
                            "it stands at " + std::to_string(position) + ", and the log ends at " + std::to_string(head->value) +
                                ": the log is an older copy");
    if (place->fingerprint.empty()) return kernel::ok();
    auto subscription = log.subscribe(topic, {}, log::Position{position - 1});
    if (!subscription) return std::move(subscription).error();
    auto there = (*subscription)->next(1, fingerprint_wait, {});
    if (!there) return std::move(there).error();
    if (there->empty()) return Error{ErrorKind::unavailable, "log-silent", "the log did not give a message that it holds"};
    if (there->front().position != place->position || fingerprint_of(there->front()) != place->fingerprint)
        return not_this_log("log-rewound", name,
                            "another message stands at its position " + std::to_string(position) + " than it has read there");
    return kernel::ok();
}

Projection::Projection(Options options, sql::Connection& connection, log::EventLog& log, Handler& handler)
    : options_(std::move(options)), connection_(connection), log_(log), handler_(handler) {
    if (auto from = position(connection_, options_.name)) reached_.store(from->value, std::memory_order_release);
}

Result<std::unique_ptr<log::Subscription>> Projection::subscribe(const std::string& group) {
    if (auto checked = check(); !checked) return std::move(checked).error();
    auto from = position(connection_, options_.name);
    if (!from) return std::move(from).error();
    reached_.store(from->value, std::memory_order_release);
    return log_.subscribe(options_.topic, group, *from);
}

Result<void> Projection::write(const std::vector<log::Message>& batch) {
    auto transaction = sql::Transaction::begin(connection_);
    if (!transaction) return std::move(transaction).error();
    if (auto handled = handler_.handle(batch); !handled) return handled;
    const Place place{.position = batch.back().position, .log_id = log_.id(), .fingerprint = fingerprint_of(batch.back())};
    if (auto stored = store(connection_, options_.name, place); !stored) return stored;
    return transaction->commit();
}

Result<void> Projection::tell(const std::function<void()>& what) {
    auto told = runtime::guarded([&] {
        what();
        return kernel::ok();
    });
    if (!told) return Error{ErrorKind::fault, "handler-threw", std::move(told).error().message};
    return kernel::ok();
}

Result<bool> Projection::one_batch(log::Subscription& subscription, int attempts_max, const std::stop_token& stop) {
    auto batch = runtime::guarded([&] { return subscription.next(options_.batch_max, options_.wait_max, stop); });
    if (!batch) return std::move(batch).error();
    failing(false);
    if (batch->empty()) {
        if (auto told = tell([&] { handler_.idle(); }); !told) return std::move(told).error();
        return false;
    }
    auto pause = retry_first;
    for (int attempt = 1;; ++attempt, pause = std::min(2 * pause, retry_last)) {
        auto written = runtime::guarded([&] { return write(*batch); });
        if (written) break;
        failing(true);
        handler_.rolled_back();
        if (!worth_retrying(written.error()) || attempt >= attempts_max) return std::move(written).error();
        runtime::log(runtime::Level::warn, "projection-retries",
                     {{"projection", std::string_view(options_.name)}, {"code", std::string_view(written.error().code)}});
        wait(pause, stop);
        if (stop.stop_requested()) return Error{ErrorKind::interrupted, "stopped", "stopped before the batch was written"};
    }
    failing(false);
    reached_.store(batch->back().position.value, std::memory_order_release);
    if (auto told = tell([&] { handler_.committed(batch->back().position); }); !told) return std::move(told).error();
    return true;
}

Result<void> Projection::catch_up(const std::stop_token& stop) {
    auto head = log_.head(options_.topic);
    if (!head) return std::move(head).error();
    auto subscription = subscribe({});  // what the log holds now, whoever else reads it
    if (!subscription) return std::move(subscription).error();
    while (reached() < *head && !stop.stop_requested()) {
        auto done = one_batch(**subscription, catch_up_attempts, stop);
        if (!done) return std::move(done).error();
    }
    return kernel::ok();
}

double Projection::lag() {
    const auto behind = log_.behind(options_.topic, reached());
    return behind ? static_cast<double>(*behind) : 0;
}

void Projection::failing(bool failing) {
    if (!failing) {
        failing_since_.store(0, std::memory_order_release);
        return;
    }
    std::chrono::steady_clock::rep since = 0;
    failing_since_.compare_exchange_strong(since, std::chrono::steady_clock::now().time_since_epoch().count(), std::memory_order_acq_rel);
}

bool Projection::stuck() const {
    const auto since = failing_since_.load(std::memory_order_acquire);
    if (since == 0) return false;
    return std::chrono::steady_clock::now().time_since_epoch() - std::chrono::steady_clock::duration(since) > options_.stuck_after;
}

Result<void> Projection::run(const std::stop_token& stop) {
    runtime::name_this_thread(options_.name);
    runtime::set_niceness(options_.niceness);
    auto ended = kernel::ok();
    while (!stop.stop_requested()) {
        ended = runtime::guarded([&] { return follow(stop); });
        if (ended || !worth_retrying(ended.error()) || stop.stop_requested()) break;
        failing(true);
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
    while (!stop.stop_requested()) {
        auto subscription = subscribe(options_.name);
        if (!subscription) return std::move(subscription).error();
        auto done = Result<bool>(true);
        while (done && !stop.stop_requested()) done = one_batch(**subscription, std::numeric_limits<int>::max(), stop);
        if (!done && done.error().code != "partition-moved") return std::move(done).error();
    }
    return kernel::ok();
}

}  // namespace platform::projection
