// Tables of the classifier's database. Those of the projection can be rebuilt from topic raw-data; the event store's are the truth.
#pragma once

#include "platform/sql/sql.hpp"

namespace data_center_classifier::infrastructure::db {

// Event store, projection position, and the tables below. Idempotent.
kernel::Result<void> migrate(platform::sql::Connection& connection);

}  // namespace data_center_classifier::infrastructure::db
