// A content is kept by the key of the record that had it last.
#include "data_center_classifier/infrastructure/db/seen_rows.hpp"

#include "data_center_classifier/infrastructure/db/row_codec.hpp"
#include "platform/runtime/digest.hpp"

namespace data_center_classifier::infrastructure::db {

using application::RecordKey;
using application::Seen;
using application::SeenStatus;
using kernel::ok;
using kernel::Result;

namespace {

Result<void> written(Result<std::int64_t> run) {
    if (!run) return std::move(run).error();
    return ok();
}

std::int64_t content_key_of(const kernel::RawDataFacts& facts) {
    const auto digest = platform::runtime::sha256(facts.data_center_id.value + '\n' + facts.content_hash.value);
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | digest[i];
    return to_row(key);
}

}  // namespace

Result<std::unique_ptr<SeenRows>> SeenRows::open(platform::sql::Connection& connection) {
    std::unique_ptr<SeenRows> rows(new SeenRows);
    const std::pair<std::unique_ptr<platform::sql::Statement>*, std::string_view> statements[] = {
        {&rows->insert_seen_, "INSERT INTO seen (record_key, content, status, patient) VALUES (?, ?, ?, ?)"},
        {&rows->find_seen_, "SELECT content, status, patient FROM seen WHERE record_key = ?"},
        {&rows->update_seen_, "UPDATE seen SET content = ?, status = ?, patient = ? WHERE record_key = ?"},
        {&rows->retract_seen_, "UPDATE seen SET status = ? WHERE record_key = ?"},
        {&rows->insert_content_, "INSERT INTO content (content_key, record_key) VALUES (?, ?)"},
        {&rows->find_content_, "SELECT record_key FROM content WHERE content_key = ?"},
        {&rows->update_content_, "UPDATE content SET record_key = ? WHERE content_key = ?"},
    };
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return std::move(prepared).error();
        *statement = std::move(*prepared);
    }
    return rows;
}

// New records are the rule: one statement for them, three for the others.
Result<std::optional<SeenRows::Before>> SeenRows::put(RecordKey key, const Seen& seen, std::int64_t patient) {
    const auto content = to_row(seen.content);
    const std::string_view bytes(content.data(), content.size());
    insert_seen_->bind(0, to_row(key));
    insert_seen_->bind_bytes(1, bytes);
    insert_seen_->bind(2, static_cast<std::int64_t>(seen.status));
    insert_seen_->bind(3, patient);
    auto inserted = insert_seen_->run();
    if (inserted) return std::optional<Before>();
    if (inserted.error().kind != kernel::ErrorKind::conflict) return std::move(inserted).error();
    auto before = find(key);
    if (!before || (*before && (*before)->seen == seen)) return before;
    update_seen_->bind_bytes(0, bytes);
    update_seen_->bind(1, static_cast<std::int64_t>(seen.status));
    update_seen_->bind(2, patient);
    update_seen_->bind(3, to_row(key));
    if (auto done = written(update_seen_->run()); !done) return std::move(done).error();
    return before;
}

Result<std::optional<SeenRows::Before>> SeenRows::find(RecordKey key) {
    const platform::sql::Use found(*find_seen_);
    found->bind(0, to_row(key));
    auto row = found->step();
    if (!row) return std::move(row).error();
    if (!*row) return std::optional<Before>();
    return std::optional(Before{.seen = {.content = content_from_row(found->text(0)), .status = status_from_row(found->integer(1))},
                                .patient = found->integer(2)});
}

Result<bool> SeenRows::content_of_another(RecordKey key, const kernel::RawDataFacts& facts) {
    const auto content_key = content_key_of(facts);
    insert_content_->bind(0, content_key);
    insert_content_->bind(1, to_row(key));
    auto inserted = insert_content_->run();
    if (inserted) return false;
    if (inserted.error().kind != kernel::ErrorKind::conflict) return std::move(inserted).error();

    auto other = record_of_content(content_key);
    if (!other) return std::move(other).error();
    if (!*other || **other == key) return false;
    auto theirs = find(**other);
    if (!theirs) return std::move(theirs).error();
    if (*theirs && (*theirs)->seen.status != SeenStatus::retracted &&
        (*theirs)->seen.content == application::content_prefix_of(facts.content_hash))
        return true;
    update_content_->bind(0, to_row(key));
    update_content_->bind(1, content_key);
    if (auto done = written(update_content_->run()); !done) return std::move(done).error();
    return false;
}

Result<std::optional<RecordKey>> SeenRows::record_of_content(std::int64_t content_key) {
    const platform::sql::Use found(*find_content_);
    found->bind(0, content_key);
    auto row = found->step();
    if (!row) return std::move(row).error();
    if (!*row) return std::optional<RecordKey>();
    return std::optional(key_from_row(found->integer(0)));
}

Result<void> SeenRows::retract(RecordKey key) {
    retract_seen_->bind(0, static_cast<std::int64_t>(SeenStatus::retracted));
    retract_seen_->bind(1, to_row(key));
    return written(retract_seen_->run());
}

}  // namespace data_center_classifier::infrastructure::db
