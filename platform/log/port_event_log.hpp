// The EventLog port: named topics of ordered, durable messages that are kept for ever. Embedded: a SQLite file. At scale: Pulsar.
//
// Durability: append() returns success only when the messages are on disk (group commit inside).
// Order: positions rise from message to message of a topic; one append's messages keep their order and are neighbours.
// A success does not mean that any consumer has seen them. A failure of kind `unavailable` or `interrupted` does not mean that they
// are not stored: the caller retries with the same producer sequence (then nothing doubles) or lets the reader drop repeats. After every
// other kind nothing of them is stored: busy "log-write-failed" is a write that failed and is known to have left nothing.
#pragma once

#include "kernel/clock.hpp"
#include "kernel/envelope.hpp"
#include "kernel/task.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace platform::log {

// Place of a message in its topic: a later message has a greater one; 0 is "before the first". Below 2^62. An engine may leave gaps (the
// embedded one leaves none), so that a difference of two positions counts nothing: behind() does.
struct Position {
    std::uint64_t value = 0;
    friend auto operator<=>(const Position&, const Position&) = default;
};

// Names who appends, so that a repeat after a crash is dropped: the i-th message has sequence first_sequence + i, and the log keeps
// for each (topic, producer) the highest sequence stored; messages at or below it are dropped and count as appended.
struct Producer {
    std::string name;
    std::uint64_t first_sequence = 1;  // sequences rise; from 1
};

// Positions that an append got: of its first message that was written and of its last, with nothing of others in between; last < first
// when all were repeats and nothing was written.
struct Appended {
    Position first;
    Position last;
};

struct Message {
    Position position;
    kernel::Timestamp appended_at;
    kernel::Envelope envelope;
};

// Reads one topic from a position on. Not thread-safe: one thread per subscription.
class Subscription {
public:
    virtual ~Subscription() = default;
    // Up to `messages_max` next messages, waiting at most `wait_max` for the first (then an empty batch); stop wakes it (an empty batch).
    // Bytes of one batch are bounded by the engine (at most about 8 MiB beyond one message).
    // An error skips nothing: messages before it were given by earlier calls, and the next call tries the same place again.
    virtual kernel::Result<std::vector<Message>> next(std::size_t messages_max, std::chrono::milliseconds wait_max,
                                                      std::stop_token stop) = 0;
};

class EventLog {
public:
    virtual ~EventLog() = default;

    // Appends all of `messages`; on failure none, or a first part of them where the kind leaves that open (see above). Thread-safe.
    // At most 10,000 messages and 64 MiB at once (incorrect "append-too-large"). Empty `messages`: incorrect.
    // busy "log-queue-full" before anything is written when the queue's bound is reached.
    virtual kernel::Task<Appended> append(std::string topic, std::vector<kernel::Envelope> messages,
                                          std::optional<Producer> producer = {}) = 0;

    // Reads the messages of `topic` whose position is greater than `after`, which need not be the position of any. `group` names readers
    // that share the work, of which one reads at a time where the engine can say so (the embedded log is one process's); empty: reads
    // alone. When the turn has gone to another of the group, next() gives interrupted "partition-moved": subscribe again, from the position
    // in the reader's own database, which is the truth: there is nothing to acknowledge here.
    virtual kernel::Result<std::unique_ptr<Subscription>> subscribe(std::string topic, std::string group, Position after) = 0;

    // Position of the last durable message of the topic (0 if none). Thread-safe.
    virtual kernel::Result<Position> head(std::string topic) = 0;

    // The last durable message of the topic; nothing if there is none. Thread-safe.
    virtual kernel::Result<std::optional<Message>> last(std::string topic) = 0;

    // How many messages of the topic come after that position. 0 if and only if there is none; an engine that cannot count gives what it
    // knows to be there at least. Thread-safe; for gauges and progress.
    virtual kernel::Result<std::uint64_t> behind(std::string topic, Position after) = 0;

    // Highest sequence stored for that producer (0 if none): where a relay goes on after a crash.
    virtual kernel::Result<std::uint64_t> last_sequence(std::string topic, std::string producer) = 0;

    // Random, given when the log was made; a copy keeps it. A reader keeps it beside its position: a position in another log means nothing.
    virtual std::string id() = 0;

    // Ends what waits, so that a process can stop while the log cannot be reached: every call gives interrupted from then on, and what was
    // not confirmed may be stored. Thread-safe, idempotent; an engine whose calls never wait long does nothing.
    virtual void stop() {}

    // False from a write that failed until one succeeds; the log tries by itself, so that it becomes true without an append. Thread-safe.
    virtual bool healthy() const = 0;
};

}  // namespace platform::log
