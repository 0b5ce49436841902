// Reads one topic block by block, over a connection of its own. Woken by each commit.
#pragma once

#include "platform/log/embedded/durable.hpp"
#include "platform/log/port_event_log.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace platform::log::embedded {

class EmbeddedSubscription final : public Subscription {
public:
    EmbeddedSubscription(std::shared_ptr<Shared> shared, std::unique_ptr<sql::Connection> connection, std::string topic, Position after)
        : shared_(std::move(shared)), connection_(std::move(connection)), topic_(std::move(topic)), read_to_(after.value) {}
    kernel::Result<std::vector<Message>> next(std::size_t messages_max, std::chrono::milliseconds wait_max, std::stop_token stop) override;

private:
    bool wait(std::chrono::milliseconds wait_max, std::stop_token stop);
    kernel::Result<bool> read_block();
    kernel::Result<void> decode(const sql::Statement& row);

    std::shared_ptr<Shared> shared_;
    std::unique_ptr<sql::Connection> connection_;
    std::string topic_;
    std::uint64_t read_to_;
    std::unique_ptr<sql::Statement> select_;
    std::deque<Message> block_;
};

}  // namespace platform::log::embedded
