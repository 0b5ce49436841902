// The group's Failover consumer decides who reads, and holds one message at most; the reader beside it reads.
#include "platform/log/pulsar/subscription.hpp"

#include "platform/log/pulsar/message.hpp"
#include "platform/log/pulsar/position.hpp"
#include "platform/runtime/coroutine.hpp"

#include <algorithm>
#include <utility>

namespace platform::log::pulsar {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t queue_bytes_max = 8 * 1024 * 1024;

// Until stopped, or the time is over.
void pause(std::chrono::milliseconds time, std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::move(stop), time, [] { return false; });
}

}  // namespace

void Turn::told(bool active) {
    {
        const std::lock_guard lock(mutex_);
        if (!active && active_) lost_ = true;
        active_ = active;
        was_active_ |= active;
    }
    changed_.notify_all();
}

bool Turn::wait(std::chrono::milliseconds wait_max, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::move(stop), wait_max, [this] { return active_; }) && active_;
}

bool Turn::was_lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
}

Result<std::vector<Message>> PulsarSubscription::next(std::size_t messages_max, std::chrono::milliseconds wait_max, std::stop_token stop) {
    if (turn_) {
        if (turn_->was_lost())
            return Error{ErrorKind::interrupted, "partition-moved", "another may have read here meanwhile: go on from your own position"};
        // What was given last has been stored by who asks for more. Lost with the connection: the position that counts is the reader's own.
        if (gave_ && guard_->ack_cumulative(given_id_)) gave_ = false;
        if (!turn_->wait(wait_max, stop)) return std::vector<Message>();
    }
    auto messages = read(messages_max, wait_max, stop);
    if (!messages) {
        reader_.reset();  // the next call tries the same place again
        if (messages.error().kind != ErrorKind::not_found) return messages;
        pause(wait_max, std::move(stop));  // there is no such topic yet
        return std::vector<Message>();
    }
    return messages;
}

Result<std::vector<Message>> PulsarSubscription::read(std::size_t messages_max, std::chrono::milliseconds wait_max,
                                                      const std::stop_token& stop) {
    if (!reader_) {
        const auto start = entry_after(given_);
        auto opened = runtime::run(client_->reader({.topic = topic_,
                                                    .start = start.value_or(platform::pulsar::client::earliest),
                                                    .start_inclusive = start.has_value(),
                                                    .queue_bytes_max = queue_bytes_max}));
        if (!opened) return std::move(opened).error();
        reader_ = std::move(*opened);
    }
    std::vector<Message> messages;
    const auto end = std::chrono::steady_clock::now() + wait_max;
    // An entry begins before the position when that lies within it.
    for (auto left = wait_max; messages.empty() && left.count() >= 0 && !stop.stop_requested();
         left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now())) {
        auto received = reader_->receive_blocking(messages_max, left, stop);
        if (!received) return std::move(received).error();
        if (received->empty()) break;
        for (auto& one : *received) {
            const auto index = one.index;
            auto id = one.id;
            id.partition = -1;  // the topic that is read is one partition by its own name
            auto message = from_message(std::move(one));
            if (!message) return std::move(message).error();
            if (message->position <= given_) continue;
            given_index_ = index;
            messages.push_back(std::move(*message));
            given_id_ = id;
        }
    }
    if (!messages.empty()) {
        given_ = messages.back().position;
        gave_ = true;
        if (given_index_) counted_(given_, *given_index_);
    }
    return messages;
}

}  // namespace platform::log::pulsar
