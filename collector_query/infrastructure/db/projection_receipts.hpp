// Projection of topic raw-data into "receipt", so that a receipt is known as soon as its record is received. What became of it later is
// read from the record's history; of what was only ever in quarantine there is none, so that its being taken back is kept here.
#pragma once

#include "kernel/event_raw_data.hpp"
#include "platform/projection/projection.hpp"
#include "platform/sql/sql.hpp"

#include <memory>

namespace collector_query::infrastructure::db {

// One thread: the projection's.
class ReceiptsProjection final : public platform::projection::Handler {
public:
    // REQUIRES: migrate() ran. `connection` outlives it.
    static kernel::Result<std::unique_ptr<ReceiptsProjection>> open(platform::sql::Connection& connection);
    kernel::Result<void> handle(const std::vector<platform::log::Message>& batch) override;

private:
    ReceiptsProjection() = default;
    kernel::Result<void> write(const kernel::RawDataFacts& facts, bool quarantined);
    kernel::Result<void> retract(const kernel::RawDataRetracted& event);
    std::unique_ptr<platform::sql::Statement> insert_, update_, insert_quarantined_, retract_, delete_quarantined_;
};

}  // namespace collector_query::infrastructure::db
