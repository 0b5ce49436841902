// ConsumerCore: what a Consumer is made of. Lives on the I/O thread; those who receive wait there, in the order in which they came.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/client/client.hpp"
#include "platform/pulsar/session/session.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace platform::pulsar::client {

// One call of receive().
struct ReceiveCall {
    std::size_t messages_max = 0;
    std::chrono::milliseconds wait_max{0};
    std::optional<boost::asio::steady_timer> timer;
    std::move_only_function<void(kernel::Result<std::vector<Message>>)> done;  // empty when it was answered
    bool is_cancelled = false;
};

class ConsumerCore : public std::enable_shared_from_this<ConsumerCore> {
public:
    ConsumerCore(std::shared_ptr<Core> core, ConsumerOptions options, std::vector<MessageId> starts, ConsumerHooks hooks, std::string topic,
                 std::uint32_t partitions);

    // --- Any thread.
    const std::shared_ptr<Core>& core() const { return core_; }
    const std::string& topic() const { return topic_; }
    std::uint32_t partitions() const { return partitions_; }
    bool is_connected() const { return connected_.load(std::memory_order_relaxed); }
    kernel::Result<std::uint32_t> part_of(const MessageId& id) const;

    enum class Judgement : std::uint8_t { ack, ack_cumulative, nack };
    kernel::Result<void> judge(std::span<const MessageId> ids, Judgement judgement);

    // --- The I/O thread.
    void open(std::move_only_function<void(kernel::Result<std::unique_ptr<Consumer>>)> done);
    void receive(const std::shared_ptr<ReceiveCall>& call);
    void give_up(const std::shared_ptr<ReceiveCall>& call);
    void ack(const MessageId& id, bool cumulative, std::move_only_function<void(kernel::Result<void>)> done);
    void redeliver_all();
    void seek(const MessageId& id, std::move_only_function<void(kernel::Result<void>)> done);
    void last_message_id(std::uint32_t part, std::move_only_function<void(kernel::Result<std::optional<MessageId>>)> done);
    void unsubscribe(std::move_only_function<void(kernel::Result<void>)> done);
    void close(std::move_only_function<void(kernel::Result<void>)> done);
    void end(const kernel::Error& reason);
    void give_up_opening(const kernel::Error& why);  // unless it is open
    void look();                                     // whether it is connected
    void fail_everything(const kernel::Error& reason);

    void on_opened(std::uint32_t part, const kernel::Result<void>& result);
    void on_readable(std::uint32_t part);
    void on_event(ConsumerEvent::What what, std::uint32_t part);
    void on_closed(std::uint32_t part, const kernel::Result<void>& result);

private:
    struct Part {
        session::ConsumerId id{};
        bool is_readable = false;
        bool is_over = false;
    };

    std::int32_t partition_of(std::uint32_t part) const;
    bool is_cumulative() const { return options_.type == SubscriptionType::exclusive || options_.type == SubscriptionType::failover; }
    void serve();
    std::vector<Message> take(std::size_t messages_max);
    void answer(const std::shared_ptr<ReceiveCall>& call, kernel::Result<std::vector<Message>> result);
    std::optional<kernel::Error> refusal() const;
    void part_is_over(std::uint32_t part);

    const std::shared_ptr<Core> core_;
    const ConsumerOptions options_;
    const std::vector<MessageId> starts_;
    const ConsumerHooks hooks_;
    const std::string topic_;
    const std::uint32_t partitions_;
    const std::int32_t own_partition_;  // of a topic that is one partition: what its name says, or -1

    std::atomic<bool> connected_{false};
    std::vector<Part> parts_;
    std::size_t turn_ = 0;  // whose messages come first
    std::deque<std::shared_ptr<ReceiveCall>> receivers_;
    std::optional<kernel::Error> ended_;
    std::move_only_function<void(kernel::Result<std::unique_ptr<Consumer>>)> opening_;
    std::size_t to_open_ = 0, alive_ = 0;
    std::vector<std::move_only_function<void(kernel::Result<void>)>> closers_;
    std::optional<kernel::Error> close_error_;
    bool is_closing_ = false;
};

}  // namespace platform::pulsar::client
