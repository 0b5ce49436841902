// CollectorRepo over the SQL port: one state row an aggregate, events in the event store (which is the outbox).
#pragma once

#include "collector_command/application/port_collector_repo.hpp"
#include "platform/event_store/event_store.hpp"
#include "platform/sql/sql.hpp"

#include <memory>

namespace collector_command::infrastructure::db {

// Creates or migrates the tables of db_command: "collected_data", the event store's and the projection's position.
kernel::Result<void> migrate(platform::sql::Connection& connection);

// Uses `connection`, which outlives it, on the caller's thread.
class CollectorRepoSql final : public application::CollectorRepo {
public:
    // REQUIRES: migrate() ran.
    static kernel::Result<std::unique_ptr<CollectorRepoSql>> open(platform::sql::Connection& connection);

    kernel::Result<std::vector<domain::CollectedData>> load(const std::vector<kernel::DataId>& data_ids) override;
    kernel::Result<void> store(std::vector<kernel::CollectedDataEvent> events, const std::vector<application::NewState>& states,
                               kernel::Timestamp now) override;
    kernel::Result<void> rolled_back() override { return events_.rolled_back(); }

private:
    explicit CollectorRepoSql(platform::event_store::EventStore events) : events_(std::move(events)) {}
    kernel::Result<domain::CollectedData> load_one(std::string_view key);
    kernel::Result<void> store_one(const application::NewState& state);

    platform::event_store::EventStore events_;
    std::unique_ptr<platform::sql::Statement> select_, insert_, update_;
};

}  // namespace collector_command::infrastructure::db
