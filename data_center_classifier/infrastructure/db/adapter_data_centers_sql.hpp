// The aggregate DataCenter over the event store.
#pragma once

#include "data_center_classifier/application/port_data_centers.hpp"
#include "platform/event_store/event_store.hpp"

#include <memory>

namespace data_center_classifier::infrastructure::db {

// One caller at a time; a connection of its own with Durability::full.
class DataCentersSql final : public application::DataCenters {
public:
    // REQUIRES: the schema exists.
    static kernel::Result<std::unique_ptr<DataCentersSql>> open(platform::sql::Database& database);
    kernel::Result<std::vector<domain::DataCenter>> load() override;
    kernel::Result<void> append(const kernel::DataCenterEvent& event, std::uint64_t version) override;

private:
    DataCentersSql(std::unique_ptr<platform::sql::Connection> connection, platform::event_store::EventStore store)
        : connection_(std::move(connection)), store_(std::move(store)) {}
    kernel::Result<void> append_in_transaction(const kernel::DataCenterEvent& event, std::uint64_t version);
    std::unique_ptr<platform::sql::Connection> connection_;
    platform::event_store::EventStore store_;
    bool doubtful_ = false;  // sequences must be read again before the next append
};

}  // namespace data_center_classifier::infrastructure::db
