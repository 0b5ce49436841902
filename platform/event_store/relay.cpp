// Reads the event table in order and appends it to the log; where it is comes from the log itself.
#include "platform/event_store/event_store.hpp"

#include "platform/event_store/common_event.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace platform::event_store {
namespace {

using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t batch_bytes_max = 8 * 1024 * 1024;
constexpr std::chrono::milliseconds idle_poll{250};
constexpr std::chrono::milliseconds retry_first{10};
constexpr std::chrono::milliseconds retry_last{2000};

}  // namespace

struct Relay::State {
    State(sql::Database& with_database, log::EventLog& with_log, Options with_options)
        : database(with_database), log(with_log), options(std::move(with_options)) {}

    sql::Database& database;
    log::EventLog& log;
    Options options;
    std::unique_ptr<sql::Connection> connection;
    std::optional<EventStore> store;
    std::optional<std::uint64_t> published;  // known highest sequence in the log
    std::uint64_t compared = 0;              // up to here table and log hold the same events
    std::optional<HeldMessages> held;        // what the log holds after that

    std::mutex mutex;
    std::condition_variable_any woken;
    bool wake = false;

    Result<void> connect() {
        if (store) return kernel::ok();
        auto opened = database.connect({.durability = sql::Durability::process, .read_only = true, .cache_kib = 1024});
        if (!opened) return std::move(opened).error();
        connection = std::move(*opened);
        auto events = EventStore::open(*connection);
        if (!events) return std::move(events).error();
        store.emplace(std::move(*events));
        return kernel::ok();
    }

    // Publishes one batch; the number published.
    Result<std::size_t> batch() {
        if (auto connected = connect(); !connected) return std::move(connected).error();
        if (!published) {
            auto last = log.last_sequence(options.topic, options.producer);
            if (!last) return std::move(last).error();
            auto stored = store->last_sequence();
            if (!stored) return std::move(stored).error();
            if (*stored < *last && !options.follow_from_log) return behind("the database is older than the log");
            compared = std::min(*stored, *last);
            // That one at least: a table of another history shows.
            if (options.follow_from_log) {
                compared -= std::min<std::uint64_t>(compared, 1);
            } else if (compared > 0) {
                auto same = check_common_event(*store, log, options.topic, compared);
                if (!same) return std::move(same).error();
            }
            held.reset();
            published = *last;
        }
        if (compared < *published) return compare();
        auto events = store->after(*published, options.batch_max, batch_bytes_max);
        if (!events) return std::move(events).error();
        if (events->empty()) return std::size_t{0};
        const auto first = events->front().sequence;
        const auto last = events->back().sequence;
        if (first != *published + 1 || last - first + 1 != events->size())
            return kernel::Error{ErrorKind::fault, "events-not-dense",
                                 "an event is missing in the table; restore all files of the directory from one copy"};
        std::vector<kernel::Envelope> envelopes;
        envelopes.reserve(events->size());
        for (auto& one : *events) {
            one.event.attributes.emplace_back("sequence", std::to_string(one.sequence));
            envelopes.push_back(std::move(one.event));
        }
        published.reset();  // unknown until the log has said so
        auto appended = runtime::run(log.append(options.topic, std::move(envelopes), log::Producer{options.producer, first}));
        if (!appended) return std::move(appended).error();
        published = compared = last;
        return static_cast<std::size_t>(last - first + 1);
    }

    static kernel::Error behind(const std::string& why) {
        return {ErrorKind::fault, "events-behind-log", why + "; restore all files of the directory from one copy"};
    }

    // One batch of events that the log held before the table had them again; how many.
    Result<std::size_t> compare() {
        auto events = store->after(compared, std::min<std::size_t>(options.batch_max, *published - compared), batch_bytes_max);
        if (!events) return std::move(events).error();
        if (events->empty()) return std::size_t{0};
        if (!held) {
            auto first = find_event(log, options.topic, compared + 1);
            if (!first) return std::move(first).error();
            if (!*first) return behind("the log holds other events than the database");
            auto from = HeldMessages::open(log, options.topic, log::Position{(*first)->position.value - 1});
            if (!from) return std::move(from).error();
            held.emplace(std::move(*from));
        }
        for (std::size_t done = 0; done < events->size();) {
            auto messages = held->next(events->size() - done);
            if (!messages) {
                held.reset();
                return std::move(messages).error();
            }
            if (messages->empty()) return behind("the log ends before the events that it counts");
            for (const auto& message : *messages) {
                const auto& [sequence, event] = (*events)[done++];
                if (message.envelope.attribute("sequence") != std::to_string(sequence) || message.envelope.key != event.key ||
                    message.envelope.type != event.type)
                    return behind("the log holds other events than the database");
            }
        }
        compared = events->back().sequence;
        if (compared == *published) held.reset();
        return events->size();
    }

    void wait(std::chrono::milliseconds time, const std::stop_token& stop) {
        std::unique_lock lock(mutex);
        woken.wait_for(lock, stop, time, [&] { return wake; });
        wake = false;
    }
};

Relay::Relay(sql::Database& database, log::EventLog& log, Options options)
    : state_(std::make_unique<State>(database, log, std::move(options))) {}
Relay::~Relay() = default;

Result<std::size_t> Relay::drain() {
    std::size_t all = 0;
    while (true) {
        auto count = state_->batch();
        if (!count) return count;
        if (*count == 0) return all;
        all += *count;
    }
}

Result<void> Relay::run(const std::stop_token& stop) {
    runtime::name_this_thread("relay " + state_->options.topic);
    auto pause = retry_first;
    while (!stop.stop_requested()) {
        auto count = runtime::guarded([&] { return state_->batch(); });
        if (count) {
            pause = retry_first;
            if (*count == 0) state_->wait(idle_poll, stop);
            continue;
        }
        const auto kind = count.error().kind;
        if (kind != ErrorKind::busy && kind != ErrorKind::unavailable && kind != ErrorKind::interrupted &&
            count.error().code != "out-of-memory")
            return std::move(count).error();
        runtime::log(runtime::Level::warn, "relay-retries",
                     {{"topic", std::string_view(state_->options.topic)}, {"code", std::string_view(count.error().code)}});
        state_->wait(pause, stop);
        pause = std::min(2 * pause, retry_last);
    }
    return kernel::ok();
}

void Relay::wake() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->wake = true;
    }
    state_->woken.notify_one();
}

}  // namespace platform::event_store
