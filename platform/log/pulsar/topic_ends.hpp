// TopicEnds: where topics end, as the broker says, and how many messages lie in between.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/pulsar/client/client.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace platform::log::pulsar {

// Thread-safe. end() and last() ask the broker, so that a call may take as long as the client's operation timeout.
class TopicEnds {
public:
    TopicEnds(std::shared_ptr<platform::pulsar::client::Client> client, std::function<std::string(const std::string&)> full_name);
    ~TopicEnds() { stop(); }
    TopicEnds(const TopicEnds&) = delete;
    TopicEnds& operator=(const TopicEnds&) = delete;

    // Nothing: the topic is empty, or there is none.
    kernel::Result<std::optional<Position>> end(const std::string& topic);
    struct Last {
        Message message;
        std::optional<std::uint64_t> index;  // of it in the topic, where the broker counts
        std::string producer;
        std::uint64_t sequence = 0;
    };
    kernel::Result<std::optional<Last>> last(const std::string& topic);
    // Messages after that position; when they cannot be counted, as many as there are at least. From what is known, which a thread of this
    // class keeps fresh; asks only of a topic that nobody has looked at yet.
    kernel::Result<std::uint64_t> behind(const std::string& topic, Position after);
    // Ends the thread. Idempotent.
    void stop();

    // What others learned on their way.
    void appended(const std::string& topic, Position position);
    void counted(const std::string& topic, Position position, std::uint64_t index);

private:
    void refresh();
    struct Facts {
        std::mutex asking;                                          // one question at a time
        std::unique_ptr<platform::pulsar::client::Consumer> probe;  // under `asking`
        std::optional<Position> end;                                // the rest under `mutex_`
        bool looked_at = false;
        std::chrono::steady_clock::time_point wanted_at{};  // by behind()
        std::optional<Last> last;
        std::deque<std::pair<Position, std::uint64_t>> counts;  // index of messages that were read or appended lately
    };
    Facts& facts_of(const std::string& topic);
    kernel::Result<std::optional<platform::pulsar::client::MessageId>> ask(Facts& facts, const std::string& topic);
    kernel::Result<Last> read(const std::string& topic, const platform::pulsar::client::MessageId& id);
    std::optional<std::uint64_t> index_of(const Facts& facts, Position position) const;

    std::shared_ptr<platform::pulsar::client::Client> client_;
    std::function<std::string(const std::string&)> full_name_;
    std::mutex mutex_;
    std::map<std::string, Facts> facts_;
    std::jthread refreshing_;
};

}  // namespace platform::log::pulsar
