// Channels: the producers of a log, one for each topic and name. Opened on a thread of their own when somebody appends.
#pragma once

#include "platform/pulsar/client/client.hpp"
#include "platform/runtime/blocking_call.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace platform::log::pulsar {

struct ChannelKey {
    std::string topic;
    std::string producer;  // empty: who appends names nobody
    friend auto operator<=>(const ChannelKey&, const ChannelKey&) = default;
};

struct Channel {
    std::unique_ptr<platform::pulsar::client::Producer> producer;
    std::atomic<std::uint64_t> stored = 0;  // of a named one: the highest sequence that the log surely has
    std::atomic<std::uint64_t> number = 0;  // of the messages' ids
};
using ChannelPtr = std::shared_ptr<Channel>;

class Channels {
public:
    // `open` makes one; on the thread of this class.
    explicit Channels(std::function<kernel::Result<ChannelPtr>(const ChannelKey&)> open);
    ~Channels() { stop(); }
    Channels(const Channels&) = delete;
    Channels& operator=(const Channels&) = delete;

    // The channel, opened if need be. Thread-safe.
    kernel::Task<ChannelPtr> get(ChannelKey key);
    // What became of the last messages is not known: what is pending is dropped, and the next one who asks gets a new channel, which finds
    // out.
    void give_up(const ChannelKey& key, const ChannelPtr& channel);
    // Whether all of them are, also those that were given up or could not be opened.
    bool are_connected() const;
    // Who waits gets interrupted "log-closed"; the producers close in the background. Idempotent.
    void stop();

private:
    void work(const std::stop_token& stop);

    std::function<kernel::Result<ChannelPtr>(const ChannelKey&)> open_;
    mutable std::mutex mutex_;
    std::condition_variable_any wanted_;
    bool stopped_ = false;
    std::map<ChannelKey, ChannelPtr> channels_;
    std::map<ChannelKey, std::vector<runtime::Bring<ChannelPtr>>> waiting_;
    std::set<ChannelKey> missing_;  // given up, or not to be opened
    std::jthread thread_;
};

}  // namespace platform::log::pulsar
