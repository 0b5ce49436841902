// The rows behind the index of seen records, and which record of a centre has a content now: what the two uniqueness checks ask.
#pragma once

#include "data_center_classifier/application/port_seen_index.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/sql/sql.hpp"

#include <memory>
#include <optional>

namespace data_center_classifier::infrastructure::db {

// One thread: the projection's, in its transaction.
class SeenRows {
public:
    // What the index held of a record before a message.
    struct Before {
        application::Seen seen;
        std::int64_t patient = 0;
    };
    static kernel::Result<std::unique_ptr<SeenRows>> open(platform::sql::Connection& connection);

    // Writes what the record is now, and gives what it was.
    kernel::Result<std::optional<Before>> put(application::RecordKey key, const application::Seen& seen, std::int64_t patient);
    // Nothing for a record that was never seen.
    kernel::Result<void> retract(application::RecordKey key);
    // True when another record of the centre has this content now. Otherwise the content is this record's from here on.
    kernel::Result<bool> content_of_another(application::RecordKey key, const kernel::RawDataFacts& facts);

private:
    SeenRows() = default;
    kernel::Result<std::optional<Before>> find(application::RecordKey key);
    kernel::Result<std::optional<application::RecordKey>> record_of_content(std::int64_t content_key);

    std::unique_ptr<platform::sql::Statement> insert_seen_, find_seen_, update_seen_, retract_seen_;
    std::unique_ptr<platform::sql::Statement> insert_content_, find_content_, update_content_;
};

}  // namespace data_center_classifier::infrastructure::db
