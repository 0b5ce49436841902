// The read side as a whole, without its engines.
#pragma once

#include "kernel/clock.hpp"
#include "platform/http/http.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/runtime/blocking_pool.hpp"
#include "platform/runtime/metrics.hpp"
#include "platform/sql/sql.hpp"

#include <memory>
#include <string>
#include <vector>

namespace collector_query {

struct Dependencies {
    platform::sql::Database& database;  // db_query: projected, can be made again from the log
    platform::sql::Database& access;    // db_access: the tokens, which no log could bring back
    platform::log::EventLog& log;
    platform::runtime::Metrics& metrics;
    platform::runtime::BlockingPool& pool;
    const kernel::Clock& clock;
};

struct Options {
    bool open = false;           // no authentication
    std::string operator_token;  // reads too
};

class Service {
public:
    // A log that is not the one the database was written with is refused: fault "log-behind", "log-rewound" or "log-foreign".
    static kernel::Result<std::unique_ptr<Service>> open(Dependencies dependencies, const Options& options);
    virtual ~Service() = default;
    virtual platform::http::Routes routes() = 0;  // of :8001
    virtual void start() = 0;
    virtual void stop() = 0;
    virtual bool healthy() const = 0;  // false once a poison message or a fault stopped a projection, and while one is stuck
};

// Access tokens for reading, in db_access; also used by the command line on that database directly.
struct TokenInfo {
    std::string id, role, name, created_at, revoked_at;
};
kernel::Result<std::string> add_token(platform::sql::Database& access, std::string_view role, std::string_view name,
                                      kernel::Timestamp now);  // the token, shown once
kernel::Result<std::vector<TokenInfo>> list_tokens(platform::sql::Database& access);
kernel::Result<void> revoke_token(platform::sql::Database& access, std::string_view id, kernel::Timestamp now);

// Projects the whole log into `fresh`, an empty database that the caller then puts in the place of db_query, which may be damaged or gone.
kernel::Result<void> rebuild(platform::sql::Database& fresh, platform::log::EventLog& log, platform::runtime::Metrics& metrics,
                             const kernel::Clock& clock);

}  // namespace collector_query
