// What the projection has counted, read for scorecards and the quarantine desk.
#pragma once

#include "data_center_classifier/application/port_counters.hpp"
#include "platform/sql/sql.hpp"

#include <memory>
#include <mutex>

namespace data_center_classifier::infrastructure::db {

// Thread-safe: one connection, one caller at a time.
class CountersSql final : public application::Counters {
public:
    // REQUIRES: the schema exists.
    static kernel::Result<std::unique_ptr<CountersSql>> open(platform::sql::Database& database);
    kernel::Result<application::CenterCounts> counts(const kernel::DataCenterId& center, std::string_view rubric,
                                                     application::Hour from) override;
    kernel::Result<std::vector<application::QuarantinedRecord>> quarantined(const kernel::DataCenterId& center, std::uint64_t before,
                                                                            std::size_t count_max) override;

private:
    CountersSql() = default;
    std::mutex mutex_;
    std::unique_ptr<platform::sql::Connection> connection_;
    std::unique_ptr<platform::sql::Statement> checks_, feeds_, examples_, quarantined_;
};

}  // namespace data_center_classifier::infrastructure::db
