// A token is "acr_" + 16 hex digits (its id) + "_" + 48 hex digits (192 bits that are its secret).
#include "collector_query/infrastructure/db/access_tokens.hpp"

#include "collector_query/infrastructure/db/schema.hpp"
#include "platform/runtime/digest.hpp"

namespace collector_query::infrastructure::db {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t name_bytes_max = 128;

Result<std::unique_ptr<platform::sql::Connection>> connect(platform::sql::Database& database) {
    auto connection = database.connect({.durability = platform::sql::Durability::full});
    if (!connection) return connection;
    if (auto migrated = migrate(**connection); !migrated) return std::move(migrated).error();
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

Result<void> copy_tokens(platform::sql::Database& from, platform::sql::Database& to) {
    auto source = connect(from);
    if (!source) return std::move(source).error();
    auto target = connect(to);
    if (!target) return std::move(target).error();
    auto select = (*source)->prepare("SELECT id, role, name, hash, created_at, revoked_at FROM access_token");
    if (!select) return std::move(select).error();
    auto insert = (*target)->prepare("INSERT INTO access_token (id, role, name, hash, created_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?)");
    if (!insert) return std::move(insert).error();
    auto transaction = platform::sql::Transaction::begin(**target);
    if (!transaction) return std::move(transaction).error();
    while (true) {
        auto row = (*select)->step();
        if (!row) return std::move(row).error();
        if (!*row) return transaction->commit();
        for (int column = 0; column < 4; ++column) (*insert)->bind(column, (*select)->text(column));
        (*insert)->bind(4, (*select)->integer(4));
        if ((*select)->is_null(5)) (*insert)->bind_null(5);
        else (*insert)->bind(5, (*select)->integer(5));
        if (auto inserted = (*insert)->run(); !inserted) return std::move(inserted).error();
    }
}

}  // namespace collector_query::infrastructure::db
