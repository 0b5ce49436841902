// Writer: writes groups of requests, one transaction each.
#pragma once

#include "platform/log/embedded/durable.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/runtime/blocking_call.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace platform::log::embedded {

// What append() hands to the writer.
struct Request {
    std::string topic;
    std::string bytes;              // of all messages, encoded
    std::vector<std::size_t> ends;  // of each message in `bytes`
    std::optional<Producer> producer;
    runtime::Bring<Appended> bring;
};

// One thread.
class Writer {
public:
    Writer(sql::Connection& connection, Durable durable) : connection_(connection), next_(std::move(durable)) {}

    // All of them in one transaction; what each got. On failure nothing is promised until restore() has read what is on the disk.
    kernel::Result<std::vector<Appended>> write(const std::vector<Request>& group);
    // After a write that failed: what is durable is read from the disk.
    kernel::Result<void> restore();
    // Whether the disk takes a commit.
    kernel::Result<void> probe();
    // After a successful write or restore(): what is durable now.
    const Durable& durable() const { return next_; }

private:
    // Messages of one topic that are not in a row yet.
    struct Open {
        std::string bytes;
        std::uint64_t first = 0, last = 0;
    };
    using Moved = std::map<ProducerKey, std::uint64_t>;

    kernel::Result<std::vector<Appended>> write_in_transaction(const std::vector<Request>& group);
    kernel::Result<Appended> add(const Request& request, Moved& moved);
    std::size_t count_repeats(const Request& request, std::int64_t topic, Moved& moved);
    kernel::Result<Topic*> topic_named(const std::string& name);
    kernel::Result<void> flush(std::int64_t topic, Open& open);
    kernel::Result<void> write_producer(const ProducerKey& key, std::uint64_t sequence);

    sql::Connection& connection_;
    Durable next_;
    bool doubtful_ = false;
    kernel::Timestamp now_;
    std::map<std::int64_t, Open> open_;
    std::map<std::int64_t, std::unique_ptr<sql::Statement>> inserts_;
};

}  // namespace platform::log::embedded
