// CollectedDataView over the SQL port, with a bounded set of read-only connections.
#pragma once

#include "collector_query/application/port_collector_query.hpp"
#include "collector_query/infrastructure/db/query_plan.hpp"
#include "platform/sql/sql.hpp"

#include <chrono>
#include <memory>

namespace collector_query::infrastructure::db {

struct ReaderOptions {
    int connections_max = 4;                           // callers beyond it wait for one
    std::chrono::milliseconds wait_max{5'000};         // that long; then busy "readers-busy"
    std::chrono::milliseconds query_time_max{10'000};  // busy "query-too-long" beyond it
    std::int64_t cache_kib = 16 * 1024;                // page cache of each
    GatherLimits gather = {};
};

// Thread-safe. REQUIRES: migrate() ran. Connections are opened when they are first needed.
class CollectorQuerySql final : public application::CollectedDataView {
public:
    // `database` outlives it.
    explicit CollectorQuerySql(platform::sql::Database& database, ReaderOptions options = {});
    ~CollectorQuerySql() override;

    kernel::Result<application::DataPage> find(const domain::DataQuery& query) override;
    kernel::Result<std::optional<application::DataItem>> get(const kernel::DataId& data_id) override;
    kernel::Result<std::vector<application::DataVersion>> history(const kernel::DataId& data_id) override;
    kernel::Result<std::optional<application::Receipt>> receipt(const kernel::ReceiptId& receipt_id) override;

private:
    class Readers;
    std::unique_ptr<Readers> pages_, look_ups_;  // apart, so that one record never waits for long queries
};

}  // namespace collector_query::infrastructure::db
