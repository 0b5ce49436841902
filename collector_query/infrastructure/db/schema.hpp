// Tables of db_query: all of them are projected, and can be made again from the log.
#pragma once

#include "platform/sql/sql.hpp"

namespace collector_query::infrastructure::db {

inline constexpr std::string_view collected_data_projection = "collected-data";
inline constexpr std::string_view receipts_projection = "receipts";

// Value of study_date (days since 1970) and age of a row without one: below every real one, so that such rows sort first.
inline constexpr std::int64_t no_day = -1'000'000;
inline constexpr double no_age = -1;

// Creates or migrates everything. Idempotent.
kernel::Result<void> migrate(platform::sql::Connection& connection);

}  // namespace collector_query::infrastructure::db
