// Keeping access tokens: for the command line, on the database directly. A server that runs on it sees each change with its next request.
#pragma once

#include "kernel/clock.hpp"
#include "platform/sql/sql.hpp"

#include <optional>
#include <string>
#include <vector>

namespace collector_query::infrastructure::db {

struct TokenRow {
    std::string id, role, name;
    kernel::Timestamp created_at;
    std::optional<kernel::Timestamp> revoked_at;
};

// Creates the tables if they are missing. incorrect "role-unknown", "name-too-long". The whole token; only its hash is stored.
kernel::Result<std::string> add_token(platform::sql::Database& database, std::string_view role, std::string_view name,
                                      kernel::Timestamp now);
kernel::Result<std::vector<TokenRow>> list_tokens(platform::sql::Database& database);  // by creation
// not_found "no-such-token". Revoking twice changes nothing.
kernel::Result<void> revoke_token(platform::sql::Database& database, std::string_view id, kernel::Timestamp now);
// All of them into a database that has none, in one transaction. `from` is only read, but for its tables when they are missing.
kernel::Result<void> copy_tokens(platform::sql::Database& from, platform::sql::Database& to);

}  // namespace collector_query::infrastructure::db
