// Why these indexes: "data_walk_*" hold every column that a filter may ask for behind (equality, id), so a page in order of collection
// reads one index only; "data_combination" does the same for rare combinations, which are gathered and sorted; the others serve one
// selective filter or one sort.
#include "collector_query/infrastructure/db/schema.hpp"

#include "platform/projection/projection.hpp"

#include <string>

namespace collector_query::infrastructure::db {
namespace {

using kernel::Result;

// data.id is dense, in order of first collection. data.document is the row of its current content, data.last_event that of its last event;
// document.id is the event's sequence, and document.previous leads to the record's event before (0: none), so that a history needs no
// index.
constexpr std::string_view projected_schema = R"(
CREATE TABLE data (
    id INTEGER NOT NULL PRIMARY KEY,
    data_id BINARY(16) NOT NULL,
    centre VARCHAR(64) NOT NULL,
    record_id VARCHAR(128) NOT NULL,
    patient_id VARCHAR(256),
    version BIGINT NOT NULL,
    modality VARCHAR(64) NOT NULL,
    body_part VARCHAR(256) NOT NULL,
    sex CHAR(1) NOT NULL,
    age DOUBLE NOT NULL,
    study_date BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    collected_at BIGINT NOT NULL,
    code VARCHAR(256),
    score DOUBLE NOT NULL,
    grade SMALLINT NOT NULL,
    labels SMALLINT NOT NULL,
    retracted SMALLINT NOT NULL,
    interface VARCHAR(16) NOT NULL,
    document BIGINT NOT NULL,
    last_event BIGINT NOT NULL
);
CREATE UNIQUE INDEX data_data_id ON data (data_id);
CREATE INDEX data_record_id ON data (record_id);
CREATE INDEX data_patient_id ON data (patient_id);
CREATE INDEX data_code ON data (code);
CREATE INDEX data_study_date ON data (study_date);
CREATE INDEX data_age ON data (age);
CREATE INDEX data_score ON data (score);
CREATE INDEX data_received_at ON data (received_at);
CREATE INDEX data_combination ON data (modality, body_part, sex, age, study_date, score, grade, labels, retracted);
CREATE INDEX data_walk_centre ON data (centre, id, modality, body_part, sex, age, study_date, grade, labels, retracted);
CREATE INDEX data_walk_modality ON data (modality, id, body_part, sex, age, study_date, grade, labels, retracted);
CREATE INDEX data_walk_body_part ON data (body_part, id, modality, sex, age, study_date, grade, labels, retracted);
CREATE TABLE document (
    id INTEGER NOT NULL PRIMARY KEY,
    data BIGINT NOT NULL,
    previous BIGINT NOT NULL,
    version BIGINT NOT NULL,
    type SMALLINT NOT NULL,
    receipt_id BINARY(16),
    received_at BIGINT NOT NULL,
    collected_at BIGINT NOT NULL,
    queryable_at BIGINT NOT NULL,
    score DOUBLE NOT NULL,
    grade SMALLINT NOT NULL,
    interface VARCHAR(16) NOT NULL,
    rubric VARCHAR(64) NOT NULL,
    record LONGTEXT NOT NULL
);
CREATE TABLE receipt (
    receipt_id BINARY(16) NOT NULL,
    data_id BINARY(16) NOT NULL,
    centre VARCHAR(64) NOT NULL,
    record_id VARCHAR(128) NOT NULL,
    received_at BIGINT NOT NULL,
    quarantined SMALLINT NOT NULL
);
CREATE UNIQUE INDEX receipt_receipt_id ON receipt (receipt_id);
CREATE TABLE receipt_in_quarantine (
    data_id BINARY(16) NOT NULL,
    receipt_id BINARY(16) NOT NULL,
    PRIMARY KEY (data_id, receipt_id)
);
)";

}  // namespace

Result<void> migrate(platform::sql::Connection& connection) {
    if (auto done = platform::projection::create(connection); !done) return done;
    return platform::sql::migrate(connection, "collector_query", {{1, projected_schema}});
}

}  // namespace collector_query::infrastructure::db
