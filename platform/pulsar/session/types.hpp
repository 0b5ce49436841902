// What passes in and out of a Session: times, names of its parts, messages, options and what is to be done.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/wire/message_id.hpp"
#include "platform/pulsar/wire/pulsar.pb.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace platform::pulsar::session {

// The time of an event, given from outside: nothing in a session asks a clock.
struct Now {
    std::chrono::steady_clock::time_point steady;
    std::uint64_t wall_ms = 0;  // since 1970: the publish time of messages
};
using Time = std::chrono::steady_clock::time_point;

enum class ConnectionId : std::uint64_t {};
enum class ProducerId : std::uint64_t {};
enum class ConsumerId : std::uint64_t {};
enum class OperationId : std::uint64_t {};  // chosen by the application: it comes back in the outcome

struct Address {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
    friend auto operator<=>(const Address&, const Address&) = default;
};
std::string to_text(const Address& address);
// "pulsar://host[:6650]" or "pulsar+ssl://host[:6651]", IPv6 in brackets. incorrect "pulsar-url".
kernel::Result<Address> address_from(std::string_view url);

struct Options {
    std::vector<Address> services{};  // where lookups begin; the next one is tried when one cannot be reached
    bool tokens = false;              // authenticate with a token: asked for by WantToken each time
    std::uint64_t seed = 1;           // of jitter, and of names that readers need
    std::string client_version = "acopio-1";
    std::string listener_name{};  // advertised listener that lookups ask for; empty: the broker's default
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds operation_timeout{30'000};  // of a request; a handle that was open once is tried for ever
    std::chrono::milliseconds busy_timeout{90'000};       // a name in use may be a dying session of ours: tried so long
    std::chrono::milliseconds keep_alive{30'000};
    std::chrono::milliseconds backoff_first{100};
    std::chrono::milliseconds backoff_last{5'000};
    int redirects_max = 20;
    std::size_t lookups_max = 1000;                         // in flight at once; more wait
    std::size_t command_bytes_max = 16 * 1024 * 1024;       // unwritten commands of one connection; beyond it the connection is closed
    std::size_t uncompressed_bytes_max = 64 * 1024 * 1024;  // of one entry received
};

enum class AccessMode : std::uint8_t { shared, exclusive, wait_for_exclusive, exclusive_with_fencing };

struct ProducerOptions {
    std::string topic{};  // one partition, or a topic without partitions
    std::string name{};   // empty: the broker gives one. Deduplication goes by it
    AccessMode access = AccessMode::shared;
    std::vector<std::pair<std::string, std::string>> properties{};
    proto::CompressionType compression = proto::NONE;
    bool batching = true;
    bool batch_by_key = false;  // an entry holds one key only: for Key_Shared subscriptions. A batch ends where the key changes
    std::size_t batch_messages_max = 1000;
    std::size_t batch_bytes_max = 128 * 1024;
    std::chrono::milliseconds batch_delay{1};
    std::size_t pending_messages_max = 10'000;         // sent and not acknowledged, with the batch that is being built
    std::size_t pending_bytes_max = 64 * 1024 * 1024;  // likewise; a message is taken as long as there is any room
    std::chrono::milliseconds send_timeout{0};         // 0: none, which deduplication needs. Its end fails all that is pending
    std::optional<std::uint64_t> first_sequence{};     // nothing: one above what the broker has of that name
};

enum class SubscriptionType : std::uint8_t { exclusive, shared, failover, key_shared };

struct ConsumerOptions {
    std::string topic{};  // one partition, or a topic without partitions
    std::string subscription{};
    std::string name{};
    SubscriptionType type = SubscriptionType::exclusive;
    bool durable = true;  // false: a reader; the broker keeps nothing of it
    // A reader's start. Exclusive unless `start_inclusive`; a durable subscription that is new begins at `from_earliest`, or the end.
    wire::MessageId start = wire::earliest;
    bool start_inclusive = false;
    bool from_earliest = true;
    bool read_compacted = false;
    std::int32_t priority = 0;
    std::vector<std::pair<std::string, std::string>> properties{};
    std::size_t queue_messages_max = 1000;           // received and not taken, with those that the broker may send
    std::size_t queue_bytes_max = 32 * 1024 * 1024;  // likewise, by the size of those that came
    bool batch_index_acks = true;                    // the broker must have acknowledgmentAtBatchIndexLevelEnabled
    std::chrono::milliseconds ack_delay{100};        // acks without a receipt are sent together
    std::chrono::milliseconds nack_delay{60'000};
    std::vector<std::pair<std::int32_t, std::int32_t>> sticky_ranges{};  // Key_Shared with fixed hash ranges (of 0..65535, both ends in)
};

struct OutgoingMessage {
    std::string_view payload{};  // copied
    std::string_view key{};      // empty: none
    std::vector<std::pair<std::string_view, std::string_view>> properties{};
    std::uint64_t event_time_ms = 0;          // 0: none
    std::optional<std::uint64_t> sequence{};  // rises from message to message; nothing: one above the last
    bool null_value = false;                  // a tombstone for compaction
};

// What the messages of one entry share.
struct Entry {
    std::string producer_name{};
    std::uint64_t publish_time_ms = 0;
    std::uint32_t redelivery_count = 0;
    std::optional<std::uint64_t> broker_time_ms{};
    std::string schema_version{};
    std::string payload{};  // uncompressed; of a batch all of it
};

struct Message {
    wire::MessageId id{};
    std::shared_ptr<const Entry> entry{};
    std::string_view payload{};  // lies in the entry
    std::string key{};           // empty: none
    std::vector<std::pair<std::string, std::string>> properties{};
    std::uint64_t event_time_ms = 0;
    std::uint64_t sequence = 0;
    std::optional<std::uint64_t> index{};  // dense in its partition, when the broker tells it
    bool null_value = false;
};

// --- What the driver is to do, and what became of what the application asked. In this order, each once.

struct Dial {  // then connected() or closed()
    ConnectionId connection;
    Address address;
};
struct Write {
    ConnectionId connection;
    std::shared_ptr<const std::string> bytes;
};
struct HangUp {  // no closed() follows
    ConnectionId connection;
    std::string why;
};
struct WantToken {  // then token()
    ConnectionId connection;
};
struct Partitions {
    OperationId operation;
    kernel::Result<std::uint32_t> count;  // 0: not partitioned
};
struct ProducerFacts {
    std::string name;
    std::int64_t last_sequence = -1;  // the highest that was pushed under this name, which need not be stored
};
struct ProducerOpened {
    ProducerId producer;
    kernel::Result<ProducerFacts> facts;
};
// The next `count` messages of the producer, in the order of send(): where they lie, or why not.
struct Sent {
    ProducerId producer;
    std::uint32_t count;
    kernel::Result<wire::MessageId> id;  // of the first; the i-th of a batch has batch_index + i
    bool duplicate = false;              // the broker had them; the id is not known (0:0)
};
struct Room {  // after send() was busy
    ProducerId producer;
};
struct Flushed {
    ProducerId producer;
    OperationId operation;
    kernel::Result<void> result;
};
struct ProducerClosed {  // by close_producer(), or by itself with the reason: fenced, topic gone
    ProducerId producer;
    kernel::Result<void> result;
};
struct ConsumerOpened {
    ConsumerId consumer;
    kernel::Result<void> result;
};
struct Readable {  // take() has something: messages or the consumer's end
    ConsumerId consumer;
};
struct ActiveChanged {  // of a Failover subscription
    ConsumerId consumer;
    bool active;
};
struct Reattached {  // subscribed again after a loss: what was queued is gone, what was not acknowledged comes again
    ConsumerId consumer;
};
struct EndOfTopic {
    ConsumerId consumer;
};
struct Done {  // of ack, seek, unsubscribe
    ConsumerId consumer;
    OperationId operation;
    kernel::Result<void> result;
};
struct LastMessage {
    ConsumerId consumer;
    OperationId operation;
    kernel::Result<std::optional<wire::MessageId>> id;  // nothing: the topic is empty
};
struct ConsumerClosed {
    ConsumerId consumer;
    kernel::Result<void> result;
};
struct SessionClosed {};

using Action = std::variant<Dial, Write, HangUp, WantToken, Partitions, ProducerOpened, Sent, Room, Flushed, ProducerClosed, ConsumerOpened,
                            Readable, ActiveChanged, Reattached, EndOfTopic, Done, LastMessage, ConsumerClosed, SessionClosed>;

}  // namespace platform::pulsar::session
