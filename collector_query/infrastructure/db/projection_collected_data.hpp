// Projection of topic collected-data into "data" (each record as it is now) and "document" (every event of its history).
#pragma once

#include "collector_query/infrastructure/db/record_columns.hpp"
#include "kernel/clock.hpp"
#include "kernel/event_collected_data.hpp"
#include "platform/projection/projection.hpp"
#include "platform/runtime/metrics.hpp"
#include "platform/sql/sql.hpp"

#include <memory>
#include <vector>

namespace collector_query::infrastructure::db {

// One thread: the projection's. The attribute "sequence" must be dense: a repeat is dropped, a gap is a fault that stops the projection.
class CollectedDataProjection final : public platform::projection::Handler {
public:
    // REQUIRES: migrate() ran. `connection` outlives it.
    static kernel::Result<std::unique_ptr<CollectedDataProjection>> open(platform::sql::Connection& connection, const kernel::Clock& clock,
                                                                         platform::runtime::Metrics& metrics);

    kernel::Result<void> handle(const std::vector<platform::log::Message>& batch) override;
    void committed(platform::log::Position position) override;
    void rolled_back() override;

private:
    struct Place {
        std::int64_t id = 0, last_event = 0;
    };
    struct Counters {
        std::int64_t last_id = 0, last_sequence = 0;
    };

    CollectedDataProjection(platform::sql::Connection& connection, const kernel::Clock& clock, platform::runtime::Metrics& metrics);
    kernel::Result<void> prepare();
    kernel::Result<void> read_counters();
    kernel::Result<void> project(const platform::log::Message& message);
    kernel::Result<void> project_content(const kernel::CollectedDataFacts& facts, bool amended);
    kernel::Result<void> project_retraction(const kernel::RecordRetracted& event);
    kernel::Result<Place> place_of(std::string_view data_id);
    kernel::Result<void> write_data(platform::sql::Statement& statement, const kernel::CollectedDataFacts& facts,
                                    const RecordColumns& columns, std::int64_t id, std::string_view data_id);
    kernel::Result<void> write_document(const kernel::CollectedDataFacts& facts, int type, const Place& place, std::string_view receipt,
                                        std::string_view record);

    platform::sql::Connection& connection_;
    const kernel::Clock& clock_;
    RecordReader reader_;
    Counters now_;
    bool doubtful_ = true;  // the counters must be read again
    kernel::Timestamp queryable_at_;
    std::vector<kernel::Timestamp> received_;  // of what this batch makes visible
    std::unique_ptr<platform::sql::Statement> insert_data_, update_data_, retract_data_, find_data_, insert_document_;
    platform::runtime::Histogram visible_;
    platform::runtime::Counter projected_;
};

}  // namespace collector_query::infrastructure::db
