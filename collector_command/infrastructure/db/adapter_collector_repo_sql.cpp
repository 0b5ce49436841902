// Ids and hashes are stored as bytes: half of the hex text, and half of the index.
#include "collector_command/infrastructure/db/adapter_collector_repo_sql.hpp"

#include "kernel/hex.hpp"
#include "platform/projection/projection.hpp"

namespace collector_command::infrastructure::db {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t key_bytes = 16;
constexpr std::size_t hash_bytes = 32;

constexpr std::string_view schema_1 = R"(
CREATE TABLE collected_data (
    data_id BINARY(16) NOT NULL,
    version BIGINT NOT NULL,
    content_hash BINARY(32) NOT NULL,
    retracted SMALLINT NOT NULL
);
CREATE UNIQUE INDEX collected_data_id ON collected_data (data_id);
)";

Result<std::string> bytes_of(std::string_view hex, std::size_t size, std::string_view what) {
    if (auto bytes = kernel::bytes_from_hex(hex, size)) return std::move(*bytes);
    return Error{ErrorKind::incorrect, "data-id-broken",
                 std::string(what) + " is not " + std::to_string(2 * size) + " digits of lower-case hex"};
}

const kernel::DataId& data_id_of(const kernel::CollectedDataEvent& event) {
    return std::visit([](const auto& one) -> const kernel::DataId& { return one.data_id; }, event);
}
std::uint64_t version_of(const kernel::CollectedDataEvent& event) {
    return std::visit([](const auto& one) { return one.version; }, event);
}

}  // namespace

Result<void> migrate(platform::sql::Connection& connection) {
    if (auto done = platform::event_store::create(connection); !done) return done;
    if (auto done = platform::projection::create(connection); !done) return done;
    return platform::sql::migrate(connection, "collector_command", {{1, schema_1}});
}

Result<std::unique_ptr<CollectorRepoSql>> CollectorRepoSql::open(platform::sql::Connection& connection) {
    auto events = platform::event_store::EventStore::open(connection);
    if (!events) return std::move(events).error();
    auto select = connection.prepare("SELECT version, content_hash, retracted FROM collected_data WHERE data_id = ?");
    if (!select) return std::move(select).error();
    auto insert = connection.prepare("INSERT INTO collected_data (version, content_hash, retracted, data_id) VALUES (?, ?, ?, ?)");
    if (!insert) return std::move(insert).error();
    auto update = connection.prepare("UPDATE collected_data SET version = ?, content_hash = ?, retracted = ? WHERE data_id = ?");
    if (!update) return std::move(update).error();
    std::unique_ptr<CollectorRepoSql> repo(new CollectorRepoSql(std::move(*events)));
    repo->select_ = std::move(*select);
    repo->insert_ = std::move(*insert);
    repo->update_ = std::move(*update);
    return repo;
}

Result<std::vector<domain::CollectedData>> CollectorRepoSql::load(const std::vector<kernel::DataId>& data_ids) {
    std::vector<domain::CollectedData> states;
    states.reserve(data_ids.size());
    for (const auto& id : data_ids) {
        auto key = bytes_of(id.value, key_bytes, "data id");
        if (!key) return std::move(key).error();
        auto state = load_one(*key);
        if (!state) return std::move(state).error();
        states.push_back(std::move(*state));
    }
    return states;
}

Result<domain::CollectedData> CollectorRepoSql::load_one(std::string_view key) {
    const platform::sql::Use rows(*select_);
    rows->bind_bytes(0, key);
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return domain::CollectedData();
    return domain::CollectedData{.version = static_cast<std::uint64_t>(rows->integer(0)),
                                 .content_hash = {kernel::hex_of(rows->text(1))},
                                 .retracted = rows->integer(2) != 0};
}

Result<void> CollectorRepoSql::store(std::vector<kernel::CollectedDataEvent> events, const std::vector<application::NewState>& states,
                                     kernel::Timestamp now) {
    for (auto& event : events) {
        const auto data_id = data_id_of(event).value;
        const auto version = version_of(event);
        auto appended = events_.append(data_id, version, kernel::to_envelope(std::move(event)), now);
        if (!appended) return std::move(appended).error();
    }
    for (const auto& state : states)
        if (auto stored = store_one(state); !stored) return stored;
    return kernel::ok();
}

Result<void> CollectorRepoSql::store_one(const application::NewState& state) {
    auto key = bytes_of(state.data_id.value, key_bytes, "data id");
    if (!key) return std::move(key).error();
    auto hash = bytes_of(state.state.content_hash.value, hash_bytes, "content hash");
    if (!hash) return std::move(hash).error();
    auto& statement = state.is_new ? *insert_ : *update_;
    statement.bind(0, static_cast<std::int64_t>(state.state.version));
    statement.bind_bytes(1, *hash);
    statement.bind(2, std::int64_t{state.state.retracted});
    statement.bind_bytes(3, *key);
    auto changed = statement.run();
    if (!changed) return std::move(changed).error();
    if (*changed != 1) return Error{ErrorKind::conflict, "state-vanished", "the state row of an aggregate is not there"};
    return kernel::ok();
}

}  // namespace collector_command::infrastructure::db
