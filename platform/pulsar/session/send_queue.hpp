// SendQueue: what a producer has sent and the broker has not acknowledged, as the frames that went out, in order. They are sent again as
// they are: the broker's deduplication goes by their sequence ids, so they are never cut anew or numbered anew.
#pragma once

#include "platform/pulsar/session/types.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace platform::pulsar::session {

// What a message counts against `pending_bytes_max`, and against the size of a batch: its bytes, and what is around them.
std::size_t counted_bytes(const OutgoingMessage& message);

class SendQueue {
public:
    SendQueue(ProducerOptions options, std::uint64_t producer_id);

    // Under which name, and what the broker has of it: up to there every message is an entry of its own, because a batch that mixes ids
    // which the broker has with new ones is dropped whole.
    void opened(const std::string& name, std::int64_t last_sequence);
    const std::string& name() const { return name_; }

    // Takes one message. Errors as Session::send(); nothing has changed then. `message_bytes_max`, `uncompressed_bytes_max` as the broker
    // and the options say.
    kernel::Result<void> add(const OutgoingMessage& message, Now now, std::size_t message_bytes_max, std::size_t uncompressed_bytes_max);
    // The batch that is being built becomes an entry.
    void end_batch(Now now);
    // When that is due; nothing if there is no batch.
    std::optional<Time> batch_due() const;

    // The next frame that did not go out on this connection.
    std::shared_ptr<const std::string> next_unsent();
    void resend_all() { unsent_ = 0; }

    // What a receipt or an error of the broker ends.
    struct Ended {
        std::uint32_t count;
        bool is_batch;  // one message alone may be a batch
    };
    enum class Match : std::uint8_t { oldest, before, beyond };  // the oldest entry; one that has ended already; one that was never sent
    Match match(std::uint64_t sequence) const;
    // Whether the oldest entry's frame is still what its checksum says.
    bool is_oldest_whole() const;
    // REQUIRES: not empty. The oldest entry ends.
    Ended pop();

    std::size_t entries() const { return pending_.size(); }
    bool empty() const { return pending_.empty() && batch_count_ == 0; }
    std::size_t messages() const { return messages_; }
    std::size_t bytes() const { return bytes_; }
    std::optional<Time> oldest_deadline() const;  // with a send timeout
    // Ends everything, the batch too: how many messages.
    std::uint32_t clear();
    std::uint64_t sent_ever() const { return sent_ever_; }    // messages taken by add()
    std::uint64_t ended_ever() const { return ended_ever_; }  // of these, ended

private:
    struct Pending {
        std::shared_ptr<const std::string> frame;
        std::uint64_t lowest, highest;
        std::uint32_t count;
        bool is_batch;
        std::size_t bytes;
        Time deadline;
    };
    kernel::Result<std::uint64_t> sequence_of(const OutgoingMessage& message) const;
    void append_to_batch(const OutgoingMessage& message, std::uint64_t sequence, Now now);
    kernel::Result<void> send_single(const OutgoingMessage& message, std::uint64_t sequence, Now now, std::size_t message_bytes_max);
    void push(Pending pending);

    ProducerOptions options_;
    std::uint64_t producer_id_;
    std::string name_;
    std::int64_t last_ = -1;  // highest sequence taken
    std::int64_t singles_until_ = -1;
    std::deque<Pending> pending_;
    std::size_t unsent_ = 0;  // index of the first that did not go out
    std::size_t messages_ = 0, bytes_ = 0;
    std::uint64_t sent_ever_ = 0, ended_ever_ = 0;

    // The batch that is being built.
    std::string batch_, compressed_;
    std::string batch_key_;
    std::uint32_t batch_count_ = 0;
    std::size_t batch_payload_bytes_ = 0;
    std::uint64_t batch_lowest_ = 0;
    Time batch_begun_, batch_deadline_;
    // Used again and again, so that they keep their memory.
    proto::SingleMessageMetadata single_;
    proto::MessageMetadata metadata_;
    proto::BaseCommand send_;
};

}  // namespace platform::pulsar::session
