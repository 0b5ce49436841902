// Reads one topic from a position on; a named group beside others of its name, one at a time.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/pulsar/client/client.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace platform::log::pulsar {

// Whether this process is the one of its group that reads. Told by the client's thread.
class Turn {
public:
    void told(bool active);
    // Waits until it is our turn; false when the time is over or it was stopped.
    bool wait(std::chrono::milliseconds wait_max, std::stop_token stop);
    bool was_lost() const;  // since the first time

private:
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    bool active_ = false, was_active_ = false, lost_ = false;
};

class PulsarSubscription final : public Subscription {
public:
    // Told how many messages lie before the last one of a batch, where the broker counts them.
    using Counted = std::function<void(Position position, std::uint64_t index)>;
    // `guard` is the group's consumer, which `turn` hears of; null: no group.
    PulsarSubscription(std::shared_ptr<platform::pulsar::client::Client> client, std::string topic, Position after,
                       std::unique_ptr<platform::pulsar::client::Consumer> guard, std::shared_ptr<Turn> turn, Counted counted)
        : client_(std::move(client)),
          topic_(std::move(topic)),
          given_(after),
          guard_(std::move(guard)),
          turn_(std::move(turn)),
          counted_(std::move(counted)) {}
    kernel::Result<std::vector<Message>> next(std::size_t messages_max, std::chrono::milliseconds wait_max, std::stop_token stop) override;

private:
    kernel::Result<std::vector<Message>> read(std::size_t messages_max, std::chrono::milliseconds wait_max, const std::stop_token& stop);

    std::shared_ptr<platform::pulsar::client::Client> client_;
    std::string topic_;
    Position given_;
    platform::pulsar::client::MessageId given_id_;
    std::optional<std::uint64_t> given_index_;
    bool gave_ = false;  // what the group's cursor has not heard of
    std::unique_ptr<platform::pulsar::client::Consumer> guard_;
    std::shared_ptr<Turn> turn_;
    std::unique_ptr<platform::pulsar::client::Consumer> reader_;
    Counted counted_;
};

}  // namespace platform::log::pulsar
