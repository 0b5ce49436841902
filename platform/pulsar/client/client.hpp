// Client, Producer and Consumer: the Pulsar client library. Sockets, TLS, names, clocks and threads around a session::Session.
//
// Threading: a Client owns one I/O thread, on which its session and all of its connections live; more cores are used by more clients. All
// methods of Client, Producer and Consumer may be called from any thread, several at once. A Task may be awaited on any executor and goes
// on there. Callbacks run on the I/O thread, never under a lock: they may call everything that does not block (close and destroy producers
// and consumers too, but not the Client), and hold up all of the client while they run.
//
// Lifetime: producers and consumers may outlive their client; then everything gives interrupted "pulsar-client-closed".
//
// Cancellation: what takes a std::stop_token ends soon after its stop with interrupted "pulsar-cancelled", but receive() with no messages;
// Asio's cancellation of the awaiting coroutine (terminal, which is what co_spawn lets through) does the same to every Task here that takes
// one.
//
// Errors: a broker's refusal has the kind and code of wire::to_error(). Beside it:
// - unavailable, and trying again may help: "pulsar-resolve", "pulsar-connect", "pulsar-connect-timeout" and "pulsar-tls-handshake" (there
//   is no connection), "pulsar-connection-lost", "pulsar-connection-stuck" (the broker reads nothing), "pulsar-protocol" (it says what
//   cannot be), "pulsar-not-connected", "pulsar-lookup" (brokers name each other, or none with TLS), "pulsar-timeout" (no answer),
//   "pulsar-token" (the supplier's file or variable; a supplier's own error stays as it is), "pulsar-send-failed" (flush()).
// - forbidden, trying again cannot help: "pulsar-tls-name" (the certificate is another host's), "pulsar-tls-unknown-ca",
//   "pulsar-tls-expired", "pulsar-tls-not-yet-valid", "pulsar-tls-certificate" (another fault of it), "pulsar-tls-refused" (the broker did
//   not like ours), "pulsar-authentication".
// - incorrect, a mistake of the caller: "pulsar-url", "pulsar-options", "pulsar-topic-name", "pulsar-partition", "pulsar-sequence",
//   "pulsar-message-too-large", "pulsar-cumulative-ack", "pulsar-tls-ca-file", "pulsar-tls-certificate-file", "pulsar-tls-key-file",
//   "pulsar-tls-host" (no name that TLS can verify).
// - busy "pulsar-producer-full"; interrupted "pulsar-cancelled", "pulsar-cancelled-unsent", "pulsar-producer-closed",
//   "pulsar-consumer-closed", "pulsar-client-closed", "pulsar-closed" (the client was closing).
// - fault "pulsar-entry-broken" (a message that cannot be read), "pulsar-checksum" (damaged in our memory), "pulsar-tls"; unsupported
//   "pulsar-unsupported" (below), "pulsar-compression".
// Opening a producer or consumer fails with a forbidden one at once, and with the last cause of another when `operation_timeout` is over;
// what was open once is tried again for ever.
//
// Not in it: transactions, encryption, sending in chunks, schemas. What is received encrypted or in chunks ends the consumer with
// unsupported "pulsar-unsupported"; payloads are bytes, whatever schema others gave them, and messages of transactions are delivered as the
// broker delivers them.
#pragma once

#include "kernel/result.hpp"
#include "kernel/task.hpp"
#include "platform/pulsar/session/session.hpp"
#include "platform/pulsar/session/types.hpp"
#include "platform/pulsar/wire/message_id.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace platform::pulsar::client {

using wire::earliest;
using wire::latest;
using wire::MessageId;

// Gives the token (a JWT, without "Bearer"): called anew when a connection needs one and when a broker asks for a fresh one, on a thread of
// its own, so that it may block; the client's end waits for it. One call at a time: what it gives goes to all connections that wait then.
using TokenSupplier = std::function<kernel::Result<std::string>()>;
TokenSupplier token_from_file(std::string path);             // without the white space at its ends; read each time
TokenSupplier token_from_environment(std::string variable);  // likewise

// Of pulsar+ssl services: TLS 1.2 or later, and the certificate must be valid for the name that is dialled. There is no way around that.
// The files are read again for each connection, so that they may be replaced.
struct TlsOptions {
    std::string ca_file{};           // PEM; empty: the system's store
    std::string certificate_file{};  // PEM chain of the client; empty: none
    std::string key_file{};          // PEM, not encrypted
};

struct ClientOptions {
    std::string service{};  // "pulsar://host:6650", "pulsar+ssl://a:6651,b:6651": each is tried
    TokenSupplier token{};  // empty: no authentication
    TlsOptions tls{};
    session::Options session{};                      // timeouts and bounds; `services`, `tokens` and `seed` are set by the client
    std::chrono::milliseconds close_timeout{5'000};  // how long the Client's destructor waits for the brokers; see there
};

// Of all its partitions together: `pending_messages_max` and `pending_bytes_max`; a message counts its payload, key and properties, 64
// bytes and 16 for each property. `topic` may be short ("raw-data") and partitioned. `batch_delay` 0: an entry holds what was sent until
// the I/O thread came by, and waits for nothing.
using ProducerOptions = session::ProducerOptions;

struct OutMessage {
    std::string payload{};
    std::string key{};  // empty: none. Decides the partition: Murmur3, as the other clients of Pulsar do when told to
    std::vector<std::pair<std::string, std::string>> properties{};
    std::uint64_t event_time_ms = 0;          // 0: none
    std::optional<std::uint64_t> sequence{};  // rises from message to message of a partition; nothing: one above the last
    bool null_value = false;                  // a tombstone for compaction
    std::int32_t partition = -1;              // -1: by the key; without a key one after the other, a batch in each
};

struct Receipt {
    MessageId id{};          // its partition is set when the topic is partitioned
    bool duplicate = false;  // the broker had it already, by the producer's name and sequence; the id is not known (0:0)
};
using OnSent = std::move_only_function<void(kernel::Result<Receipt>)>;

class Core;
class ProducerCore;
class ConsumerCore;

// Stored means: acknowledged by the broker, as durable as its configuration makes that. Order: messages of one partition are stored in the
// order in which they were sent. An error of kind unavailable or interrupted, "pulsar-cancelled-unsent" aside, leaves open whether the
// message is stored: to send it once, send it again by a new Producer of the same name, with `first_sequence` and the same sequences (this
// one refuses sequences that it had), in a namespace that has deduplication.
// Bounds: ProducerOptions. The destructor closes in the background: what is pending is still sent, and its callbacks still come.
class Producer {
public:
    explicit Producer(std::shared_ptr<ProducerCore> core) : core_(std::move(core)) {}
    ~Producer();
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    // Waits for room when a bound is reached, then until the message is stored. Cancelled while it waits for room: interrupted
    // "pulsar-cancelled-unsent", nothing was sent; later: interrupted "pulsar-cancelled", it may be stored. incorrect
    // "pulsar-message-too-large", "pulsar-sequence", "pulsar-partition"; the reason of the producer's end when it has ended.
    kernel::Task<Receipt> send(OutMessage message, std::stop_token stop = {});
    // Never waits: busy "pulsar-producer-full" when a bound is reached or others wait for room, and then `on_sent` is not called; else it
    // is called exactly once, on the I/O thread. It may be empty.
    kernel::Result<void> try_send(OutMessage message, OnSent on_sent);
    // All of them, neighbours: nobody's messages come between those of one partition. Waits for room in their midst if need be, while the
    // others wait. Without keys and partitions they all go to one partition. Results in the order of `messages`; cancelled as send(), and
    // then those that were not sent never are.
    kernel::Task<std::vector<kernel::Result<Receipt>>> send_all(std::vector<OutMessage> messages, std::stop_token stop = {});
    // Batches go out at once; ends when all that was sent before is stored. unavailable "pulsar-send-failed" when some of it is not: each
    // message's own result tells.
    kernel::Task<> flush();
    // Sends what is pending (at most `operation_timeout`; what is left then fails); what waits for room fails at once. Then it ends. A
    // second one gives the same.
    kernel::Task<> close();
    // Ends it at once: what is pending fails now (interrupted: it may be stored), and is not sent again.
    void abandon();

    const std::string& topic() const;
    const std::string& name() const;   // the broker's when the options had none; of a partitioned topic then one partition's
    std::uint32_t partitions() const;  // 0: the topic is not partitioned
    // When it was opened, the highest sequence that the broker had received under this name in that partition, which need not be stored;
    // -1: none. `partition` 0 of a topic without partitions.
    std::int64_t last_sequence(std::uint32_t partition = 0) const;
    std::size_t pending_messages() const;
    std::size_t pending_bytes() const;
    bool is_connected() const;                   // every partition, now
    std::optional<kernel::Error> ended() const;  // why it takes nothing any more: closed, fenced, topic gone

private:
    std::shared_ptr<ProducerCore> core_;
};

using SubscriptionType = session::SubscriptionType;
// `topic` may be short ("raw-data") and partitioned; then the bounds are each partition's, and `start` is every partition's.
using ConsumerOptions = session::ConsumerOptions;
using Message = session::Message;  // `id.partition` is set when the topic is partitioned: acks find their way by it

struct ConsumerEvent {
    enum class What : std::uint8_t {
        active,        // a Failover subscription gives this partition to us
        inactive,      // and to somebody else
        reattached,    // subscribed again after a loss: what was not acknowledged comes again
        end_of_topic,  // terminated, and everything was received
    };
    What what;
    std::int32_t partition = -1;
};
struct ConsumerHooks {
    std::function<void(const ConsumerEvent&)> on_event{};  // on the I/O thread
};

struct ReaderOptions {
    std::string topic{};
    MessageId start = earliest;
    bool start_inclusive = false;
    std::vector<MessageId> starts{};  // of a partitioned topic: each of the partition that it names; the others begin at `start`
    bool read_compacted = false;
    std::string name{};
    std::size_t queue_messages_max = 1000;           // of each partition
    std::size_t queue_bytes_max = 32 * 1024 * 1024;  // likewise
};

// A subscription's consumer, or a reader. Messages of one partition come in order; partitions come in turn.
// Bounds: ConsumerOptions. The destructor closes in the background.
class Consumer {
public:
    explicit Consumer(std::shared_ptr<ConsumerCore> core) : core_(std::move(core)) {}
    ~Consumer();
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    // Up to `messages_max` messages (at least one: incorrect "pulsar-options"), as soon as there is one; none when `wait_max` is over or
    // `stop` was asked for. One trip to the I/O thread for all of them. The end of one partition (fault "pulsar-entry-broken" at a message
    // that cannot be read: nothing is skipped) is the end of the consumer: its reason comes after the messages of that partition before it,
    // then always.
    kernel::Task<std::vector<Message>> receive(std::size_t messages_max, std::chrono::milliseconds wait_max, std::stop_token stop = {});
    // The same for a plain loop: blocks the thread. REQUIRES: not on the I/O thread.
    kernel::Result<std::vector<Message>> receive_blocking(std::size_t messages_max, std::chrono::milliseconds wait_max,
                                                          std::stop_token stop = {});

    // Without a receipt: sent together after `ack_delay`; lost with the connection, so that the message may come again. With one: stored by
    // the broker. Cumulative: all messages of that partition up to this one; Exclusive and Failover only, else incorrect
    // "pulsar-cumulative-ack". incorrect "pulsar-partition" for an id of no partition of this consumer. An ack of a message that came
    // before a loss of the connection is harmless.
    kernel::Result<void> ack(const MessageId& id);
    kernel::Result<void> ack(std::span<const MessageId> ids);
    kernel::Result<void> ack_cumulative(const MessageId& id);
    kernel::Task<> ack_with_receipt(MessageId id);
    kernel::Task<> ack_cumulative_with_receipt(MessageId id);
    // Delivered again after `nack_delay`.
    kernel::Result<void> nack(const MessageId& id);
    kernel::Result<void> redeliver_all();  // everything that is not acknowledged, now

    // Of a partitioned topic: `earliest` and `latest` go everywhere, others to the partition that they name.
    kernel::Task<> seek(MessageId id);
    // The last message of the topic; nothing when it is empty. Of a partitioned topic one a partition, in their order.
    kernel::Task<std::optional<MessageId>> last_message_id(std::uint32_t partition = 0);
    kernel::Task<std::vector<std::optional<MessageId>>> last_message_ids();
    kernel::Task<> unsubscribe();  // the broker forgets the subscription; the consumer ends
    kernel::Task<> close();        // acks that wait are sent first. A second one gives the same

    const std::string& topic() const;
    std::uint32_t partitions() const;  // 0: the topic is not partitioned
    bool is_connected() const;         // every partition, now

private:
    std::shared_ptr<ConsumerCore> core_;
};

class Client {
public:
    // Connects nothing yet. incorrect "pulsar-url"; incorrect "pulsar-tls-ca-file", "pulsar-tls-certificate-file", "pulsar-tls-key-file"
    // for files that cannot be used.
    static kernel::Result<std::unique_ptr<Client>> open(ClientOptions options);
    explicit Client(std::shared_ptr<Core> core);
    // As close(), but waits for the brokers at most `close_timeout`; what is pending then fails with interrupted "pulsar-client-closed". A
    // look-up of a name that hangs (in getaddrinfo) and a token's supplier that blocks are waited for beyond that, until they return.
    // REQUIRES: not on the I/O thread.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // incorrect "pulsar-options" for a bound of 0. Without a stop, a producer that waits to be the exclusive one waits for ever.
    kernel::Task<std::unique_ptr<Producer>> producer(ProducerOptions options, std::stop_token stop = {});
    kernel::Task<std::unique_ptr<Consumer>> consumer(ConsumerOptions options, ConsumerHooks hooks = {}, std::stop_token stop = {});
    kernel::Task<std::unique_ptr<Consumer>> reader(ReaderOptions options, ConsumerHooks hooks = {}, std::stop_token stop = {});
    kernel::Task<std::uint32_t> partitions(std::string topic);  // 0: not partitioned. not_found when there is no such topic
    // Closes every producer and consumer, then the connections. A second one gives the same.
    kernel::Task<> close();
    // As the destructor, which does nothing then: whatever waits has ended when it returns, and everything gives interrupted from then on.
    // Not on the I/O thread; one thread at a time.
    void stop();

    // What the session holds now: for gauges and tests.
    kernel::Task<session::Session::Sizes> sizes();

private:
    std::shared_ptr<Core> core_;
};

}  // namespace platform::pulsar::client
