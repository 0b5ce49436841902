// The index of seen records over the table that projection_counters writes.
#pragma once

#include "data_center_classifier/application/port_seen_index.hpp"
#include "platform/sql/sql.hpp"

#include <memory>
#include <mutex>

namespace data_center_classifier::infrastructure::db {

// Thread-safe: one connection, one caller at a time.
class SeenIndexSql final : public application::SeenIndex {
public:
    // REQUIRES: the schema exists.
    static kernel::Result<std::unique_ptr<SeenIndexSql>> open(platform::sql::Database& database);
    kernel::Result<std::vector<std::optional<application::Seen>>> find(const std::vector<application::RecordKey>& keys) override;
    kernel::Result<void> each_key(const std::function<void(application::RecordKey)>& key) override;

private:
    SeenIndexSql() = default;
    std::mutex mutex_;
    std::unique_ptr<platform::sql::Connection> connection_;
    std::unique_ptr<platform::sql::Statement> find_, keys_;
};

}  // namespace data_center_classifier::infrastructure::db
