// Access tokens, in a database of their own (db_access): no log could bring them back, so nothing that is made anew lies beside them. The
// command line writes there directly; a server that runs on it sees each change with its next request.
#pragma once

#include "collector_query/application/port_collector_query.hpp"
#include "kernel/clock.hpp"
#include "platform/sql/sql.hpp"

#include <memory>
#include <mutex>
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

// The port over one connection: a look-up is a few microseconds. Thread-safe.
class AccessTokensSql final : public application::AccessTokens {
public:
    // Creates the tables if they are missing. `database` outlives it.
    static kernel::Result<std::unique_ptr<AccessTokensSql>> open(platform::sql::Database& database);
    kernel::Result<std::optional<application::AccessToken>> find_token(std::string_view id) override;

private:
    AccessTokensSql() = default;
    std::mutex mutex_;
    std::unique_ptr<platform::sql::Connection> connection_;
    std::unique_ptr<platform::sql::Statement> find_;
};

}  // namespace collector_query::infrastructure::db
