// What of the log is durable: its topics and where they end, and what its producers stored. Kept by the writer, read by everybody.
#pragma once

#include "kernel/result.hpp"
#include "platform/sql/sql.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace platform::log::embedded {

using ProducerKey = std::pair<std::int64_t, std::string>;

struct Topic {
    std::int64_t id = 0;
    std::uint64_t head = 0;
    friend bool operator==(const Topic&, const Topic&) = default;
};

struct Durable {
    std::map<std::string, Topic, std::less<>> topics;
    std::map<ProducerKey, std::uint64_t> producers;
    friend bool operator==(const Durable&, const Durable&) = default;
};

struct Shared {
    std::mutex mutex;
    std::condition_variable_any changed;
    Durable durable;

    // Position of the last message of the topic, and its id (0: no such topic yet).
    Topic topic(std::string_view name) {
        const auto found = durable.topics.find(name);
        return found == durable.topics.end() ? Topic{} : found->second;
    }
};

std::string table_of(std::int64_t topic);

// Schema and identity.
kernel::Result<void> migrate(sql::Connection& connection);
kernel::Result<std::string> read_id(sql::Connection& connection);

kernel::Result<Durable> read_durable(sql::Connection& connection);

}  // namespace platform::log::embedded
