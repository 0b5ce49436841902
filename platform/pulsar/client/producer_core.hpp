// ProducerCore: what a Producer is made of. Senders of all threads take room under its lock and leave their messages; the I/O thread takes
// them all at once, gives them to the session and matches what it says of them with who waits.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/client/client.hpp"
#include "platform/pulsar/session/fifo.hpp"
#include "platform/pulsar/session/session.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace platform::pulsar::client {

// One call of send(), send_all() or flush().
struct SendCall {
    std::vector<OutMessage> messages;
    std::size_t next = 0;  // the first that has no room yet; under the producer's lock
    bool is_flush = false;
    // The rest belongs to the I/O thread once the call was submitted.
    std::vector<std::optional<kernel::Result<Receipt>>> results;
    std::size_t left = 0;
    std::int32_t partition = -1;  // of its messages without a key
    bool is_over = false;         // answered, or cancelled: what comes later is dropped
    std::move_only_function<void(kernel::Result<std::vector<kernel::Result<Receipt>>>)> done;

    void set(std::size_t index, kernel::Result<Receipt> result);
    void finish();  // with what there is
    void fail(const kernel::Error& reason);
};

class ProducerCore : public std::enable_shared_from_this<ProducerCore> {
public:
    ProducerCore(std::shared_ptr<Core> core, ProducerOptions options, std::string topic, std::uint32_t partitions);

    // --- Any thread.
    kernel::Result<void> try_send(OutMessage message, OnSent on_sent);
    void submit(const std::shared_ptr<SendCall>& call);
    const std::shared_ptr<Core>& core() const { return core_; }
    const std::string& topic() const { return topic_; }
    const std::string& name() const { return name_; }
    std::uint32_t partitions() const { return partitions_; }
    std::int64_t last_sequence(std::uint32_t partition) const;
    std::size_t pending_messages() const;
    std::size_t pending_bytes() const;
    bool is_connected() const { return connected_.load(std::memory_order_relaxed); }
    std::optional<kernel::Error> ended() const;

    // --- The I/O thread.
    void open(std::move_only_function<void(kernel::Result<std::unique_ptr<Producer>>)> done);
    void pump();
    void cancel(const std::shared_ptr<SendCall>& call);
    void close(std::move_only_function<void(kernel::Result<void>)> done);
    void abandon();
    void end(const kernel::Error& reason);           // nothing is taken any more
    void give_up_opening(const kernel::Error& why);  // unless it is open
    void look();                                     // whether it is connected
    void fail_everything(const kernel::Error& reason);

    void on_opened(std::uint32_t part, kernel::Result<session::ProducerFacts> facts);
    void on_sent(std::uint32_t part, const session::Sent& sent);
    void on_closed(std::uint32_t part, const kernel::Result<void>& result);

private:
    // Who hears of a message.
    struct Waiting {
        OnSent on_sent;                  // of try_send()
        std::shared_ptr<SendCall> call;  // of the others
        std::uint32_t index = 0;
        std::size_t bytes = 0;
    };
    struct Outgoing {
        OutMessage message;
        Waiting waiting;
    };
    struct Part {
        session::ProducerId id{};
        std::int64_t last_sequence = -1;
        bool is_over = false;
        bool has_unended_batch = false;
        session::Fifo<Waiting> unanswered;
    };

    static std::size_t bytes_of(const OutMessage& message);
    bool has_room() const { return pending_messages_ < options_.pending_messages_max && pending_bytes_ < options_.pending_bytes_max; }
    bool must_list();  // under the lock
    void admit();      // under the lock
    void release(std::size_t messages, std::size_t bytes);
    void hand_over(Outgoing& item);
    kernel::Result<std::uint32_t> route(const OutMessage& message, SendCall* call);
    std::uint32_t next_partition(std::size_t bytes);
    void flush(const std::shared_ptr<SendCall>& call);
    void end_batches();
    void answer(Waiting waiting, kernel::Result<Receipt> result);
    static void tell(Waiting& waiting, kernel::Result<Receipt> result);
    void fail_unsent(const std::shared_ptr<SendCall>& call, const kernel::Error& reason);
    void part_is_over(std::uint32_t part);

    const std::shared_ptr<Core> core_;
    ProducerOptions options_;
    const std::string topic_;
    const std::uint32_t partitions_;
    const std::int32_t own_partition_;  // of a topic that is one partition: what its name says, or -1
    bool natural_batches_ = false;      // an entry is what was there at once
    std::string name_;                  // set before it is open, then constant

    mutable std::mutex mutex_;
    std::size_t pending_messages_ = 0, pending_bytes_ = 0;
    std::vector<Outgoing> ready_;                     // have room
    std::deque<std::shared_ptr<SendCall>> for_room_;  // wait for it, in order
    std::optional<kernel::Error> ended_;
    bool is_listed_ = false;

    std::atomic<bool> connected_{false};
    std::vector<Part> parts_;
    std::vector<Outgoing> taken_;
    session::OutgoingMessage scratch_;
    std::uint32_t sticky_ = 0;
    std::size_t sticky_messages_ = 0, sticky_bytes_ = 0;
    session::Time sticky_until_{};
    std::move_only_function<void(kernel::Result<std::unique_ptr<Producer>>)> opening_;
    std::size_t to_open_ = 0, alive_ = 0;
    std::vector<std::move_only_function<void(kernel::Result<void>)>> closers_;
    std::optional<kernel::Error> close_error_;
    std::optional<kernel::Error> refusal_;  // the session takes nothing any more
    bool is_closing_ = false;
};

}  // namespace platform::pulsar::client
