// An event's attributes lie beside its data as "name=value" lines: they hold no line ends (ids, times and numbers).
#include "platform/event_store/event_store.hpp"

#include "platform/event_store/attributes.hpp"
#include "platform/event_store/common_event.hpp"

#include <tuple>

namespace platform::event_store {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t batch_max = 1000;  // messages read at once

constexpr std::string_view schema_1 = R"(
CREATE TABLE event (
    sequence INTEGER NOT NULL PRIMARY KEY,
    aggregate_id VARCHAR(64) NOT NULL,
    version BIGINT NOT NULL,
    stored_at BIGINT NOT NULL,
    message_key VARCHAR(64) NOT NULL,
    type VARCHAR(128) NOT NULL,
    attributes LONGBLOB NOT NULL,
    data LONGBLOB NOT NULL
);
CREATE UNIQUE INDEX event_aggregate ON event (aggregate_id, version);
)";

constexpr std::string_view columns = "SELECT sequence, message_key, type, attributes, data FROM event ";

Result<EventStore::Sequenced> event_of(const sql::Statement& row) {
    EventStore::Sequenced one;
    one.sequence = static_cast<std::uint64_t>(row.integer(0));
    one.event.key = row.text(1);
    one.event.type = row.text(2);
    auto attributes = attributes_from(row.text(3));
    if (!attributes) return std::move(attributes).error();
    one.event.attributes = std::move(*attributes);
    one.event.data = row.text(4);
    return one;
}

Result<std::vector<EventStore::Sequenced>> events_of(sql::Use rows, std::size_t bytes_max) {
    std::vector<EventStore::Sequenced> events;
    for (std::size_t bytes = 0; bytes <= bytes_max;) {
        auto row = rows->step();
        if (!row) return std::move(row).error();
        if (!*row) break;
        auto event = event_of(*rows);
        if (!event) return std::move(event).error();
        bytes += event->event.data.size();
        events.push_back(std::move(*event));
    }
    return events;
}

Result<std::uint64_t> next_sequence(sql::Connection& connection) {
    auto select = connection.prepare("SELECT COALESCE(MAX(sequence), 0) FROM event");
    if (!select) return std::move(select).error();
    auto row = (*select)->step();
    if (!row) return std::move(row).error();
    return static_cast<std::uint64_t>((*select)->integer(0)) + 1;
}

Result<std::uint64_t> next_version(sql::Connection& connection, std::string_view aggregate_id) {
    auto select = connection.prepare("SELECT COALESCE(MAX(version), 0) FROM event WHERE aggregate_id = ?");
    if (!select) return std::move(select).error();
    (*select)->bind(0, aggregate_id);
    auto row = (*select)->step();
    if (!row) return std::move(row).error();
    return static_cast<std::uint64_t>((*select)->integer(0)) + 1;
}

// One message of the topic as the event it was: with the sequence that it had, which is the next one.
Result<void> put_back(sql::Connection& connection, EventStore& store, log::Message message) {
    auto& event = message.envelope;
    const auto sequence = std::string(event.attribute("sequence").value_or(""));
    std::erase_if(event.attributes, [](const auto& attribute) { return attribute.first == "sequence"; });
    auto version = next_version(connection, event.key);
    if (!version) return std::move(version).error();
    auto given = store.append(event.key, *version, event, message.appended_at);
    if (!given) return std::move(given).error();
    if (std::to_string(*given) == sequence) return kernel::ok();
    return Error{ErrorKind::fault, "events-behind-log",
                 "the events of a topic do not follow those of the database; restore all files from one copy"};
}

}  // namespace

Result<void> create(sql::Connection& connection) {
    return sql::migrate(connection, "event_store", {{1, schema_1}});
}

Result<HeldMessages> HeldMessages::open(log::EventLog& log, const std::string& topic, log::Position after) {
    auto end = log.head(topic);
    if (!end) return std::move(end).error();
    auto subscription = log.subscribe(topic, {}, after);
    if (!subscription) return std::move(subscription).error();
    return HeldMessages(std::move(*subscription), after, *end);
}

Result<std::vector<log::Message>> HeldMessages::next(std::size_t messages_max) {
    if (reached_ >= end_) return std::vector<log::Message>();
    auto messages = subscription_->next(messages_max, log_read_wait, {});
    if (!messages) return messages;
    if (messages->empty()) return Error{ErrorKind::unavailable, "log-silent", "the log did not give a message that it holds"};
    reached_ = messages->back().position;
    return messages;
}

Result<std::optional<log::Message>> find_event(log::EventLog& log, const std::string& topic, std::uint64_t sequence) {
    const auto wanted = std::to_string(sequence);
    auto last = log.last(topic);
    if (!last) return last;
    if (!*last || (*last)->envelope.attribute("sequence") == wanted) return last;
    auto held = HeldMessages::open(log, topic, {});
    if (!held) return std::move(held).error();
    while (true) {
        auto messages = held->next(batch_max);
        if (!messages) return std::move(messages).error();
        if (messages->empty()) return std::optional<log::Message>();
        for (auto& message : *messages)
            if (message.envelope.attribute("sequence") == wanted) return std::optional(std::move(message));
    }
}

Result<log::Position> check_common_event(EventStore& store, log::EventLog& log, const std::string& topic, std::uint64_t sequence) {
    auto stored = store.after(sequence - 1, 1);
    if (!stored) return std::move(stored).error();
    auto logged = find_event(log, topic, sequence);
    if (!logged) return std::move(logged).error();
    if (stored->size() == 1 && *logged) {
        auto event = std::move(stored->front().event);
        event.attributes.emplace_back("sequence", std::to_string(sequence));  // as the relay published it
        const auto& there = (*logged)->envelope;
        if (std::tie(there.key, there.type, there.attributes, there.data) == std::tie(event.key, event.type, event.attributes, event.data))
            return (*logged)->position;
    }
    return Error{ErrorKind::fault, "log-foreign",
                 "the log holds another event than the database in the place of its last one; put the log and all databases back from one "
                 "and the same copy"};
}

Result<std::uint64_t> restore(sql::Connection& connection, log::EventLog& log, const std::string& topic, const std::string& producer) {
    auto store = EventStore::open(connection);
    if (!store) return std::move(store).error();
    auto stored = store->last_sequence();
    if (!stored) return stored;
    auto last = log.last_sequence(topic, producer);
    if (!last || *last <= *stored) return last ? Result<std::uint64_t>(0) : last;
    log::Position from;
    if (*stored > 0) {
        auto common = check_common_event(*store, log, topic, *stored);
        if (!common) return std::move(common).error();
        from = *common;
    }
    auto held = HeldMessages::open(log, topic, from);
    if (!held) return std::move(held).error();
    auto transaction = sql::Transaction::begin(connection);
    if (!transaction) return std::move(transaction).error();
    for (auto reached = *stored; reached < *last;) {
        auto batch = held->next(batch_max);
        if (!batch) return std::move(batch).error();
        if (batch->empty())
            return Error{ErrorKind::fault, "events-behind-log", "a topic ends before its last event; restore all files from one copy"};
        reached += batch->size();
        for (auto& message : *batch)
            if (auto done = put_back(connection, *store, std::move(message)); !done) return std::move(done).error();
    }
    if (auto done = transaction->commit(); !done) return std::move(done).error();
    return *last - *stored;
}

Result<std::uint64_t> EventStore::last_sequence() {
    auto next = next_sequence(*connection_);
    if (!next) return next;
    return *next - 1;
}

Result<EventStore> EventStore::open(sql::Connection& connection) {
    auto next = next_sequence(connection);
    if (!next) return std::move(next).error();
    EventStore store(connection, *next);
    struct Wanted {
        std::unique_ptr<sql::Statement>* statement;
        std::string sql;
    };
    for (const auto& [statement, sql] :
         {Wanted{&store.insert_,
                 "INSERT INTO event (sequence, aggregate_id, version, stored_at, message_key, type, attributes, data) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
          Wanted{&store.load_, std::string(columns) + "WHERE aggregate_id = ? ORDER BY version"},
          Wanted{&store.after_, std::string(columns) + "WHERE sequence > ? ORDER BY sequence LIMIT ?"}}) {
        auto prepared = connection.prepare(sql);
        if (!prepared) return std::move(prepared).error();
        *statement = std::move(*prepared);
    }
    return store;
}

Result<std::uint64_t> EventStore::append(std::string_view aggregate_id, std::uint64_t version, const kernel::Envelope& event,
                                         kernel::Timestamp at) {
    const auto attributes = to_text(event.attributes);
    insert_->bind(0, static_cast<std::int64_t>(next_sequence_));
    insert_->bind(1, aggregate_id);
    insert_->bind(2, static_cast<std::int64_t>(version));
    insert_->bind(3, static_cast<std::int64_t>(at.time_since_epoch().count()));
    insert_->bind(4, std::string_view(event.key));
    insert_->bind(5, std::string_view(event.type));
    insert_->bind_bytes(6, attributes);
    insert_->bind_bytes(7, event.data);
    auto inserted = insert_->run();
    if (!inserted) {
        if (inserted.error().kind != ErrorKind::conflict) return std::move(inserted).error();
        return Error{ErrorKind::conflict, "version-exists", "this version of the aggregate was stored by somebody else"};
    }
    return next_sequence_++;
}

Result<void> EventStore::rolled_back() {
    auto next = next_sequence(*connection_);
    if (!next) return std::move(next).error();
    next_sequence_ = *next;
    return kernel::ok();
}

Result<std::vector<kernel::Envelope>> EventStore::load(std::string_view aggregate_id) {
    load_->bind(0, aggregate_id);
    auto events = events_of(sql::Use(*load_), std::numeric_limits<std::size_t>::max());
    if (!events) return std::move(events).error();
    std::vector<kernel::Envelope> envelopes;
    envelopes.reserve(events->size());
    for (auto& one : *events) envelopes.push_back(std::move(one.event));
    return envelopes;
}

Result<std::vector<EventStore::Sequenced>> EventStore::after(std::uint64_t after, std::size_t count_max, std::size_t bytes_max) {
    after_->bind(0, static_cast<std::int64_t>(after));
    after_->bind(1, static_cast<std::int64_t>(count_max));
    return events_of(sql::Use(*after_), bytes_max);
}

}  // namespace platform::event_store
