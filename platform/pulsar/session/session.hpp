// Session: one application's conversation with a Pulsar cluster, without I/O: what the world did and what the application asks goes in,
// what is to be done comes out. Connections, lookups, producers, consumers and readers are state machines in here; sockets, clocks, DNS,
// TLS and threads are the driver's. Deterministic: the same calls give the same actions.
//
// Follows the Pulsar binary protocol (pulsar.apache.org/docs/developing-binary-protocol) as brokers of version 2.8 to 4.0 speak it.
// Received messages that are encrypted or in chunks are refused with unsupported "pulsar-unsupported"; there is no way to ask for
// transactions, chunked production or encryption.
//
// Not thread-safe: one strand. No call blocks, and none calls back: outcomes wait in next(). After each call (or a few) take all actions.
//
// Bounds: Options, ProducerOptions and ConsumerOptions name them. Memory is bounded by the pending messages of producers, the queues of
// consumers, one frame and `command_bytes_max` a connection, and the acknowledgements that the application has not given yet.
#pragma once

#include "platform/pulsar/session/types.hpp"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace platform::pulsar::session {

class Session {
public:
    Session(Options options, Now now);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // --- What the world did. Of a connection that was hung up or closed, nothing matters any more: ignored.

    void connected(ConnectionId connection, Now now);  // TCP, and TLS if asked, are up
    // Where to read into (at least `bytes_min`), then how many bytes came.
    std::span<char> prepare(ConnectionId connection, std::size_t bytes_min);
    void received(ConnectionId connection, std::size_t bytes, Now now);
    void written(ConnectionId connection, std::size_t bytes);                 // the socket took so many
    void closed(ConnectionId connection, const kernel::Error& why, Now now);  // could not be made, or ended
    void token(ConnectionId connection, kernel::Result<std::string> token, Now now);
    void tick(Now now);
    std::optional<Time> next_tick() const;  // when tick() has something to do

    // The oldest action that was not taken yet.
    std::optional<Action> next();

    // --- What the application asks.

    // Outcome Partitions. Topics are whole names: wire::topic_name().
    void partitions(OperationId operation, std::string topic, Now now);

    // Outcome ProducerOpened. On failure the producer is gone.
    ProducerId open_producer(ProducerOptions options, Now now);
    // Outcome Sent, in order. REQUIRES: the producer was opened. busy "pulsar-producer-full" before anything is done when a bound is
    // reached (then Room tells when to try again); incorrect "pulsar-message-too-large", "pulsar-sequence"; the reason of its end when the
    // producer has ended.
    kernel::Result<void> send(ProducerId producer, const OutgoingMessage& message, Now now);
    // The batch that is being built goes out now. Outcome Flushed when all that was sent before is acknowledged or has failed.
    void flush(ProducerId producer, OperationId operation, Now now);
    // Ends the batch that is being built, without waiting for its delay.
    void end_batch(ProducerId producer, Now now);
    // Waits for what is pending at most `operation_timeout`, then fails that (unavailable: it may be stored). Outcome ProducerClosed.
    void close_producer(ProducerId producer, Now now);
    // Closes it at once: what is pending fails now (interrupted: it may be stored) and is not sent again.
    void abandon_producer(ProducerId producer, Now now);
    std::size_t pending_messages(ProducerId producer) const;
    std::size_t pending_bytes(ProducerId producer) const;
    bool is_attached(ProducerId producer) const;  // registered at a broker now

    // Outcome ConsumerOpened. On failure the consumer is gone.
    ConsumerId open_consumer(ConsumerOptions options, Now now);
    // Up to `messages_max` messages that came, in order; empty when there are none: Readable tells. The reason of its end when the consumer
    // has ended (fault "pulsar-entry-broken" at a message that cannot be read: nothing is skipped).
    kernel::Result<std::vector<Message>> take(ConsumerId consumer, std::size_t messages_max, Now now);
    // Without an operation: sent together after `ack_delay`, no outcome. With one: at once, and Done when the broker has it. A cumulative
    // ack says that of all messages up to this one; Exclusive and Failover only.
    void ack(ConsumerId consumer, const wire::MessageId& id, std::optional<OperationId> operation, Now now);
    void ack_cumulative(ConsumerId consumer, const wire::MessageId& id, std::optional<OperationId> operation, Now now);
    // Delivered again after `nack_delay`. An entry comes again whole but for what was acknowledged of it. On Exclusive and Failover the
    // broker goes back to the first message that is not acknowledged, so that order holds.
    void nack(ConsumerId consumer, const wire::MessageId& id, Now now);
    void redeliver_all(ConsumerId consumer, Now now);
    // Outcome Done, when the consumer is subscribed again there.
    void seek(ConsumerId consumer, const wire::MessageId& id, OperationId operation, Now now);
    void last_message_id(ConsumerId consumer, OperationId operation, Now now);  // outcome LastMessage
    void unsubscribe(ConsumerId consumer, OperationId operation, Now now);      // outcome Done; then close it
    // Acks that wait are sent first. Outcome ConsumerClosed.
    void close_consumer(ConsumerId consumer, Now now);
    std::size_t queued_messages(ConsumerId consumer) const;
    bool is_attached(ConsumerId consumer) const;

    // Closes every producer and consumer, then the connections. Outcome SessionClosed, last of all.
    void close(Now now);

    // For tests and gauges: nothing of these grows with the number of messages that passed.
    struct Sizes {
        std::size_t connections = 0, producers = 0, consumers = 0, requests = 0, timers = 0, lookups = 0, actions = 0;
    };
    Sizes sizes() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace platform::pulsar::session
