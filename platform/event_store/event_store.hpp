// Event store of one service: the events of its aggregates, in the service's own database. Appending, the aggregate's state rows, and the
// position in the incoming log happen in one transaction of the caller. The event table is the outbox too: `sequence` is dense (assigned
// here, by the single writer), and the relay publishes in that order. Tables: "event", "relay".
//
// Unique (aggregate id, version): a second writer at the same version gets `conflict`, and its transaction rolls back.
#pragma once

#include "kernel/clock.hpp"
#include "kernel/envelope.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/sql/sql.hpp"

#include <cstddef>
#include <limits>
#include <stop_token>

namespace platform::event_store {

// Creates the tables.
kernel::Result<void> create(sql::Connection& connection);

// Not thread-safe; one per writing connection. REQUIRES: append() runs inside the caller's transaction on that connection.
class EventStore {
public:
    static kernel::Result<EventStore> open(sql::Connection& connection);

    // Appends one event as `version` (from 1) of the aggregate. conflict "version-exists". Gives its sequence.
    kernel::Result<std::uint64_t> append(std::string_view aggregate_id, std::uint64_t version, const kernel::Envelope& event,
                                         kernel::Timestamp at);

    // Highest sequence in the table; 0 if it is empty.
    kernel::Result<std::uint64_t> last_sequence();

    // The transaction around the last appends was rolled back: sequences given since the last commit are taken back.
    kernel::Result<void> rolled_back();

    // All events of an aggregate, oldest first. Unknown: empty.
    kernel::Result<std::vector<kernel::Envelope>> load(std::string_view aggregate_id);

    // Up to `count_max` events with sequence > `after`, in order, with their sequences. Fewer when their data passes `bytes_max`, but at
    // least one if there is one: only who gives no `bytes_max` may take a short answer for the last.
    struct Sequenced {
        std::uint64_t sequence;
        kernel::Envelope event;
    };
    kernel::Result<std::vector<Sequenced>> after(std::uint64_t after, std::size_t count_max,
                                                 std::size_t bytes_max = std::numeric_limits<std::size_t>::max());

private:
    EventStore(sql::Connection& connection, std::uint64_t next_sequence) : connection_(&connection), next_sequence_(next_sequence) {}
    sql::Connection* connection_;
    std::uint64_t next_sequence_;
    std::unique_ptr<sql::Statement> insert_, load_, after_;
};

// The database was lost, or is older than the log: the events that the log holds of `producer` and the table does not are put back from
// the topic. How many. REQUIRES: nobody else appends to the topic, and the key of each event is the id of its aggregate. Call it before
// EventStore::open(). fault "events-behind-log" if the log does not hold them in a row; "log-foreign" when the log holds another event in
// the place of the table's last one: nothing is put back from the log of another history.
kernel::Result<std::uint64_t> restore(sql::Connection& connection, log::EventLog& log, const std::string& topic,
                                      const std::string& producer);

// Publishes the store's events to `topic` in order, exactly once: the log drops repeats by (producer, sequence), and the relay's position
// is only a hint. Adds the attribute "sequence" to each. Blocking: run() loops until `stop`; wake() after a commit shortens the wait.
class Relay {
public:
    struct Options {
        std::string topic;
        std::string producer;          // unique per store
        std::size_t batch_max = 1000;  // events; a batch ends sooner at 8 MiB of data, far below what one append to the log takes
        // The events follow from another topic whose position is stored with them: a table that ends before the log does (the database was
        // lost, or is an older copy) is written anew, and what the log holds already is compared with it, not published.
        bool follow_from_log = false;
    };
    // `database` is opened by the relay's own connection, on its own thread.
    Relay(sql::Database& database, log::EventLog& log, Options options);
    ~Relay();
    // Publishes everything that is there now; the number published or compared. For tests and for start-up.
    kernel::Result<std::size_t> drain();
    // Until stopped. Errors of kind unavailable/busy/interrupted are retried with backoff; others end it with the error.
    // fault "events-not-dense" when an event is missing in the table: nothing after the gap is published. fault "events-behind-log" when
    // the table ends before what the log holds of the producer, or when the log holds another event in a place (the last common one is
    // compared at each start, with follow_from_log all that the table has again): the log would take a new event for a repeat, and drop it.
    kernel::Result<void> run(const std::stop_token& stop);
    void wake();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace platform::event_store
