// Load and Follow: threads that send and receive on their own and say every acknowledgement as it comes.
#pragma once

#include "platform/pulsar/client/client.hpp"
#include "platform/pulsar/probe/output.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace platform::pulsar::probe {

struct LoadOptions {
    std::string name;  // of what is said: {"acked": name, "sequence", "id", "duplicate"} or {"failed": name, "sequence", "error"}
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::uint64_t keys = 1;  // message n has the key "<name>-<n % keys>", and the payload "<name>:<n>:" and what `size` still wants
    std::size_t size = 0;
    std::size_t window = 500;           // sent and not acknowledged at once
    std::chrono::microseconds pause{};  // before each message
};

// Sends the messages first .. first + count - 1, whose sequences these numbers are, until one fails or finish() comes. When all of them
// have an end: {"loaded": name, "acked", "failed"}.
class Load {
public:
    Load(std::shared_ptr<client::Producer> producer, LoadOptions options, Output& output);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    // No message begins any more; what was sent is waited for, by the load.
    void finish();

private:
    // Outlives the load: callbacks may come later.
    struct Progress {
        std::mutex mutex;
        std::condition_variable_any changed;
        std::size_t pending = 0;
        std::uint64_t acked = 0;
        bool failed = false;
        bool finish = false;
    };
    void run(const std::stop_token& stop);

    const std::shared_ptr<client::Producer> producer_;
    const LoadOptions options_;
    Output& output_;
    const std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
    std::jthread thread_;
};

struct FollowOptions {
    std::string name;  // of what is said: {"got": name, "message"}, then {"took": name, "id"} when it is acknowledged
    std::string ack;   // "", "single", "receipt", "cumulative"
    bool digest = false;
};

// Receives until it is stopped or the consumer ends: then {"followed": name, "error"}.
class Follow {
public:
    Follow(std::shared_ptr<client::Consumer> consumer, FollowOptions options, Output& output);
    ~Follow();
    Follow(const Follow&) = delete;
    Follow& operator=(const Follow&) = delete;
    void stop();

private:
    void run(const std::stop_token& stop);

    const std::shared_ptr<client::Consumer> consumer_;
    const FollowOptions options_;
    Output& output_;
    std::jthread thread_;
};

}  // namespace platform::pulsar::probe
