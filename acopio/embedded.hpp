// The embedded whole: the three services over SQLite files of one directory, in one process, and their two HTTP servers. With event_log.*
// the only place that names engines.
//
//   DIR/log.db            the event log: the truth, kept for ever; when it is in Pulsar there is a DIR/log.json that names it, instead
//   DIR/db_classifier.db  data centres and counters
//   DIR/db_command.db     the write side
//   DIR/db_query.db       the read side
//   DIR/db_access.db      who may read: the one file beside the log that nothing could bring back
#pragma once

#include "acopio/address.hpp"
#include "kernel/result.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/sql/sql.hpp"

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

namespace acopio {

struct DataDirectory {
    std::filesystem::path path;
    std::filesystem::path log() const { return path / "log.db"; }
    std::filesystem::path classifier() const { return path / "db_classifier.db"; }
    std::filesystem::path command() const { return path / "db_command.db"; }
    std::filesystem::path query() const { return path / "db_query.db"; }
    std::filesystem::path access() const { return path / "db_access.db"; }
    std::filesystem::path operator_token() const { return path / "operator.token"; }
    std::filesystem::path addresses() const { return path / "addresses.json"; }
};

// Makes the directory (mode 700) if it is missing; checks that this process may write there. incorrect or forbidden, saying what to do.
kernel::Result<DataDirectory> make_data_directory(const std::filesystem::path& path);
// One that exists and has been served. not_found otherwise.
kernel::Result<DataDirectory> existing_data_directory(const std::filesystem::path& path);

// The operator token of the directory; made (mode 600) at the first call. `created` says whether this call made it.
struct OperatorToken {
    std::string token;
    bool created = false;
};
kernel::Result<OperatorToken> operator_token_of(const DataDirectory& directory);

// One of the directory's databases. Of a damaged one the error names the file and says what brings it back.
kernel::Result<std::unique_ptr<platform::sql::Database>> open_database(const std::filesystem::path& file);

class Embedded {
public:
    struct Options {
        DataDirectory directory;
        Address intake, query;
        bool open = false;                // no authentication
        std::string operator_token;       // empty only with `open`
        std::string rubric_json;          // "" for the built-in rubric
        std::string log_name = "log.db";  // for people
        std::stop_token stop = {};        // ends open() while it reads the log or waits for it: interrupted
    };
    // Opens everything and binds both addresses; nothing runs yet. Errors as the parts' own: "log-in-use", "port-taken", the rubric's.
    // Takes ownership of the log, so that the caller can lock the directory before it does anything else.
    static kernel::Result<std::unique_ptr<Embedded>> open(const Options& options, std::unique_ptr<platform::log::EventLog> log);
    virtual ~Embedded() = default;

    virtual std::uint16_t intake_port() const = 0;
    virtual std::uint16_t query_port() const = 0;
    virtual void start() = 0;
    // HTTP servers first (requests in flight end), then the services in the direction of the flow; a log that is away is not waited for.
    // Idempotent. The log closes on destruction.
    virtual void stop() = 0;
};

}  // namespace acopio
