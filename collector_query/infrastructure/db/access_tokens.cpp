// A token is "acr_" + 16 hex digits (its id) + "_" + 48 hex digits (192 bits that are its secret).
#include "collector_query/infrastructure/db/access_tokens.hpp"

#include "platform/runtime/digest.hpp"

namespace collector_query::infrastructure::db {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t name_bytes_max = 128;

constexpr std::string_view schema = R"(
CREATE TABLE access_token (
    id VARCHAR(16) NOT NULL PRIMARY KEY,
    role VARCHAR(16) NOT NULL,
    name VARCHAR(128) NOT NULL,
    hash VARCHAR(64) NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
)";

Result<std::unique_ptr<platform::sql::Connection>> connect(platform::sql::Database& database) {
    auto connection = database.connect({.durability = platform::sql::Durability::full});
    if (!connection) return connection;
    if (auto migrated = platform::sql::migrate(**connection, "access_tokens", {{1, schema}}); !migrated) return std::move(migrated).error();
    return connection;
}

kernel::Timestamp time_of(std::int64_t milliseconds) {
    return kernel::Timestamp(std::chrono::milliseconds(milliseconds));
}

}  // namespace

Result<std::string> add_token(platform::sql::Database& database, std::string_view role, std::string_view name, kernel::Timestamp now) {
    if (role != "researcher" && role != "operator")
        return Error{ErrorKind::incorrect, "role-unknown", "the role is researcher or operator"};
    if (name.size() > name_bytes_max) return Error{ErrorKind::incorrect, "name-too-long", "the name has at most 128 bytes"};
    auto connection = connect(database);
    if (!connection) return std::move(connection).error();
    auto insert = (*connection)->prepare("INSERT INTO access_token (id, role, name, hash, created_at) VALUES (?, ?, ?, ?, ?)");
    if (!insert) return std::move(insert).error();
    const auto id = platform::runtime::random_hex(8);
    auto token = "acr_" + id + "_" + platform::runtime::random_hex(24);
    const auto hash = platform::runtime::hex(platform::runtime::sha256(token));
    (*insert)->bind(0, std::string_view(id));
    (*insert)->bind(1, role);
    (*insert)->bind(2, name);
    (*insert)->bind(3, std::string_view(hash));
    (*insert)->bind(4, static_cast<std::int64_t>(now.time_since_epoch().count()));
    if (auto inserted = (*insert)->run(); !inserted) return std::move(inserted).error();
    return token;
}

Result<std::vector<TokenRow>> list_tokens(platform::sql::Database& database) {
    auto connection = connect(database);
    if (!connection) return std::move(connection).error();
    auto select = (*connection)->prepare("SELECT id, role, name, created_at, revoked_at FROM access_token ORDER BY created_at, id");
    if (!select) return std::move(select).error();
    std::vector<TokenRow> rows;
    while (true) {
        auto row = (*select)->step();
        if (!row) return std::move(row).error();
        if (!*row) return rows;
        rows.push_back({.id = std::string((*select)->text(0)),
                        .role = std::string((*select)->text(1)),
                        .name = std::string((*select)->text(2)),
                        .created_at = time_of((*select)->integer(3)),
                        .revoked_at = (*select)->is_null(4) ? std::nullopt : std::optional(time_of((*select)->integer(4)))});
    }
}

Result<void> revoke_token(platform::sql::Database& database, std::string_view id, kernel::Timestamp now) {
    auto connection = connect(database);
    if (!connection) return std::move(connection).error();
    auto update = (*connection)->prepare("UPDATE access_token SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?");
    if (!update) return std::move(update).error();
    (*update)->bind(0, static_cast<std::int64_t>(now.time_since_epoch().count()));
    (*update)->bind(1, id);
    auto changed = (*update)->run();
    if (!changed) return std::move(changed).error();
    if (*changed == 0) return Error{ErrorKind::not_found, "no-such-token", "no access token has this id"};
    return kernel::ok();
}

Result<std::unique_ptr<AccessTokensSql>> AccessTokensSql::open(platform::sql::Database& database) {
    auto connection = connect(database);
    if (!connection) return std::move(connection).error();
    auto find = (*connection)->prepare("SELECT id, role, hash, revoked_at FROM access_token WHERE id = ?");
    if (!find) return std::move(find).error();
    std::unique_ptr<AccessTokensSql> tokens(new AccessTokensSql());
    tokens->connection_ = std::move(*connection);
    tokens->find_ = std::move(*find);
    return tokens;
}

Result<std::optional<application::AccessToken>> AccessTokensSql::find_token(std::string_view id) {
    const std::lock_guard lock(mutex_);
    const platform::sql::Use rows(*find_);
    rows->bind(0, id);
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return std::optional<application::AccessToken>();
    return std::optional(application::AccessToken{.id = std::string(rows->text(0)),
                                                  .role = std::string(rows->text(1)),
                                                  .hash = std::string(rows->text(2)),
                                                  .revoked = !rows->is_null(3)});
}

}  // namespace collector_query::infrastructure::db
