// Keys of `seen` and `content` are 64-bit digests as signed integers, so that they are the row ids.
#include "data_center_classifier/infrastructure/db/schema.hpp"

#include "platform/event_store/event_store.hpp"
#include "platform/projection/projection.hpp"

namespace data_center_classifier::infrastructure::db {
namespace {

constexpr std::string_view schema_1 = R"sql(
CREATE TABLE counter (
  center TEXT NOT NULL, rubric TEXT NOT NULL, hour INTEGER NOT NULL, feed TEXT NOT NULL, check_id TEXT NOT NULL,
  pass INTEGER NOT NULL, fail INTEGER NOT NULL, skip INTEGER NOT NULL,
  PRIMARY KEY (center, rubric, hour, feed, check_id)) WITHOUT ROWID;
CREATE TABLE feed_hour (
  center TEXT NOT NULL, rubric TEXT NOT NULL, hour INTEGER NOT NULL, feed TEXT NOT NULL, records INTEGER NOT NULL,
  PRIMARY KEY (center, rubric, hour, feed)) WITHOUT ROWID;
CREATE TABLE example (
  center TEXT NOT NULL, check_id TEXT NOT NULL, slot INTEGER NOT NULL, record_id TEXT NOT NULL,
  PRIMARY KEY (center, check_id, slot)) WITHOUT ROWID;
CREATE TABLE seen (record_key INTEGER PRIMARY KEY, content BLOB NOT NULL, status INTEGER NOT NULL, patient INTEGER NOT NULL);
CREATE TABLE content (content_key INTEGER PRIMARY KEY, record_key INTEGER NOT NULL);
CREATE TABLE quarantine (
  position INTEGER PRIMARY KEY, record_key INTEGER NOT NULL, center TEXT NOT NULL, record_id TEXT NOT NULL, receipt_id TEXT NOT NULL,
  received_at INTEGER NOT NULL, reasons TEXT NOT NULL);
CREATE INDEX quarantine_by_center ON quarantine (center, position);
CREATE INDEX quarantine_by_record ON quarantine (record_key);
)sql";

}  // namespace

kernel::Result<void> migrate(platform::sql::Connection& connection) {
    if (auto done = platform::event_store::create(connection); !done) return done;
    if (auto done = platform::projection::create(connection); !done) return done;
    return platform::sql::migrate(connection, "data_center_classifier", {{1, schema_1}});
}

}  // namespace data_center_classifier::infrastructure::db
