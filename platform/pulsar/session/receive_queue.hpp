// ReceiveQueue: what a consumer has received and nobody has taken yet, how many more the broker may send, and which messages of batches are
// acknowledged.
//
// Permits: the broker sends no more messages than it was allowed. They are not counted down one by one and given back, which leaks where
// one way out is forgotten: what the broker may still send is known, what is queued is known, and when both together fall below half of the
// window, the rest of the window is allowed. What is dropped on arrival is simply not queued.
#pragma once

#include "platform/pulsar/session/fifo.hpp"
#include "platform/pulsar/session/types.hpp"
#include "platform/pulsar/wire/bit_set.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace platform::pulsar::session {

class ReceiveQueue {
public:
    ReceiveQueue(const ConsumerOptions& options, std::size_t uncompressed_bytes_max);

    // Subscribed (again): what was queued is gone, and the broker may send nothing yet.
    void attached();
    // Everything queued is gone; what the broker may send stays.
    void drop_queued();
    // Where a reader goes on: after the last message taken, or at its start.
    wire::MessageId resume_at() const { return taken_ ? *taken_ : start_; }
    // A seek moves the start, until it is known whether it came to pass.
    void start_from(const wire::MessageId& id);
    void seek_ended(bool done);

    // A MESSAGE command with what follows it. `wanted`: whether its messages are to be queued (not in a seek, not of an older epoch).
    // Errors: fault "pulsar-entry-broken", unsupported "pulsar-unsupported" (encrypted, in chunks). Nothing is skipped: the consumer is at
    // its end then.
    kernel::Result<void> arrived(const proto::CommandMessage& command, std::string_view section, bool wanted);

    // How many more messages the broker is to be allowed now; it is taken as done.
    std::uint32_t to_allow();
    std::vector<Message> take(std::size_t messages_max);
    std::size_t size() const { return queue_.size(); }
    bool empty() const { return queue_.empty(); }

    // One acknowledgement as it goes to the broker. `ack_set` is empty for a whole entry.
    struct Ack {
        wire::MessageId id;
        std::vector<std::uint64_t> ack_set;
    };
    // Nothing: there is nothing to tell the broker yet (other messages of the batch are not acknowledged, and it does not do indexes).
    std::optional<Ack> ack(const wire::MessageId& id);
    bool ack(const wire::MessageId& id, Ack& out);  // likewise, for many: `out` keeps its memory. False: nothing to tell
    std::optional<Ack> ack_cumulative(const wire::MessageId& id);
    std::size_t open_batches() const { return batches_.size(); }

private:
    using EntryKey = std::pair<std::uint64_t, std::uint64_t>;
    std::size_t window() const;
    bool is_before_start(const wire::MessageId& id) const;
    kernel::Result<std::size_t> queue_entry(const proto::CommandMessage& command, bool wanted);
    kernel::Result<std::size_t> queue_batch(const std::shared_ptr<const Entry>& entry, wire::MessageId id,
                                            const proto::CommandMessage& command, bool wanted);
    void push(Message message);

    ConsumerOptions options_;
    std::size_t uncompressed_bytes_max_;
    wire::MessageId start_;
    bool start_inclusive_;
    std::optional<wire::MessageId> taken_;
    struct Position {
        wire::MessageId start;
        bool start_inclusive;
        std::optional<wire::MessageId> taken;
    };
    std::optional<Position> before_seek_;
    Fifo<Message> queue_;
    std::size_t queue_bytes_ = 0;
    std::int64_t allowed_ = 0;                  // messages that the broker may still send; below 0 when it sent more
    std::size_t window_max_;                    // grows with each grant: how large messages are shows only when they come
    std::size_t message_bytes_mean_ = 0;        // of what came
    std::map<EntryKey, wire::BitSet> batches_;  // with messages that are not acknowledged
    wire::MessageSection section_;
    proto::SingleMessageMetadata single_;
};

}  // namespace platform::pulsar::session
