// Composition root. Members stand in the order of need: what is declared later uses what is declared before it, and is destroyed first.
#include "acopio/embedded.hpp"

#include "acopio/files.hpp"
#include "collector_command/service.hpp"
#include "collector_query/service.hpp"
#include "data_center_classifier/service.hpp"
#include "kernel/clock.hpp"
#include "platform/http/descriptors.hpp"
#include "platform/http/http.hpp"
#include "platform/runtime/blocking_pool.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/runtime/metrics.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
namespace fs = std::filesystem;
namespace http = platform::http;

constexpr std::size_t token_random_bytes = 24;
constexpr std::size_t descriptors_min = 96;  // the databases, the log and both servers take about 70
constexpr std::size_t token_file_bytes_max = 1024;
constexpr std::chrono::milliseconds look_every{100};  // at the log, while it stops

// The intake is ready when the write side behind it is, too. Its own reason comes first: without a log the write side stands still as well.
kernel::Task<http::Response> ready_with_command(http::Handler inner, const collector_command::Service* command, http::Exchange* exchange) {
    auto own = co_await inner(*exchange);
    if (!own || own->status != 200 || command->healthy()) co_return own;
    co_return Error{ErrorKind::unavailable, "projection-stopped",
                    "the write side has stopped at a message or makes no progress. The log of the server says why"};
}

http::Routes with_ready(const http::Routes& routes, const collector_command::Service* command) {
    http::Routes out;
    for (const auto& entry : routes.entries()) {
        if (entry.pattern != "/ready") {
            out.add(entry.method, entry.pattern, entry.handler);
            continue;
        }
        out.add(entry.method, entry.pattern,
                [inner = entry.handler, command](http::Exchange& exchange) { return ready_with_command(inner, command, &exchange); });
    }
    return out;
}

// What brings a damaged database back.
std::string_view cure_of(const fs::path& database) {
    const auto name = database.filename();
    if (name == "db_query.db") return "`acopio rebuild` makes it again from the log";
    if (name == "db_access.db") return "put it back from a copy, or remove it and make new tokens with `acopio token add`";
    return "remove it (and its -wal and -shm): the next start makes it again from the log";
}

// Damage, and a log and a database that do not belong together, with the names of their files. `log` is "log.db", or names one elsewhere.
Error with_file(Error error, const fs::path& database, const std::string& log = "log.db") {
    if (error.code == "database-corrupt")
        error.message = database.string() + " is damaged (" + error.message + "): " + std::string(cure_of(database));
    if (error.code == "log-behind" || error.code == "log-rewound" || error.code == "log-foreign" || error.code == "events-behind-log")
        error.message =
            log + " does not go with " + database.filename().string() + " in " + database.parent_path().string() + ": " + error.message +
            (log == "log.db" ? " (log.db, db_classifier.db and db_command.db; `acopio rebuild` makes db_query.db again)"
                             : ". If it is another log, name the right one with --log; if the databases are of another copy, remove "
                               "db_classifier.db, db_command.db and db_query.db: they are made again from the log");
    return error;
}

int cores() {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

class Running final : public Embedded {
public:
    explicit Running(std::unique_ptr<platform::log::EventLog> log) : log_(std::move(log)) {}
    ~Running() override { stop(); }

    Result<void> open(const Options& options) {
        if (descriptors_ < descriptors_min)
            return Error{ErrorKind::unavailable, "descriptors-too-few",
                         "this process may have " + std::to_string(descriptors_) + " files and sockets open at once, and needs " +
                             std::to_string(descriptors_min) + " at least. Raise the bound (`ulimit -n`), then start again"};
        for (const auto& [database, file] :
             {std::pair{&classifier_database_, options.directory.classifier()}, std::pair{&command_database_, options.directory.command()},
              std::pair{&query_database_, options.directory.query()}, std::pair{&access_database_, options.directory.access()}}) {
            auto opened = open_database(file);
            if (!opened) return std::move(opened).error();
            *database = std::move(*opened);
        }
        if (auto opened = open_services(options); !opened) return opened;
        return listen(options);
    }

    std::uint16_t intake_port() const override { return intake_server_->port(); }
    std::uint16_t query_port() const override { return query_server_->port(); }

    void start() override {
        query_->start();
        command_->start();
        classifier_->start();
        query_server_->start();
        intake_server_->start();
    }

    void stop() override {
        const std::jthread not_waiting([this](const std::stop_token& stopped) { stop_a_log_that_is_away(stopped); });
        if (intake_server_) intake_server_->stop();
        if (query_server_) query_server_->stop();
        if (classifier_) classifier_->stop();
        if (command_) command_->stop();
        if (query_) query_->stop();
    }

private:
    // Until all is stopped: nothing of it waits for what may never come back.
    void stop_a_log_that_is_away(const std::stop_token& stopped) {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        while (!stopped.stop_requested()) {
            if (!log_->healthy()) return log_->stop();
            never.wait_for(lock, stopped, look_every, [] { return false; });
        }
    }

    // The classifier last: it may put centres back from the log, and that only when the log is known to be that of all the databases.
    Result<void> open_services(const Options& options) {
        auto command =
            collector_command::Service::open({.database = *command_database_, .log = *log_, .metrics = metrics_, .clock = clock_});
        if (!command) return with_file(command.error(), options.directory.command(), options.log_name);
        command_ = std::move(*command);
        auto query = collector_query::Service::open({.database = *query_database_,
                                                     .access = *access_database_,
                                                     .log = *log_,
                                                     .metrics = metrics_,
                                                     .pool = query_pool_,
                                                     .clock = clock_},
                                                    {.open = options.open, .operator_token = options.operator_token});
        if (!query) return with_file(query.error(), options.directory.query(), options.log_name);
        query_ = std::move(*query);
        auto classifier = data_center_classifier::Service::open(
            {.database = *classifier_database_, .log = *log_, .metrics = metrics_, .pool = intake_pool_, .clock = clock_},
            {.open = options.open,
             .operator_token = options.operator_token,
             .rubric_json = options.rubric_json,
             .limits = {},
             .stop = options.stop});
        if (!classifier) return with_file(classifier.error(), options.directory.classifier(), options.log_name);
        classifier_ = std::move(*classifier);
        return kernel::ok();
    }

    Result<void> listen(const Options& options) {
        const int threads = std::max(1, cores() / 2);
        http::Limits limits;
        limits.connections_max = std::min(limits.connections_max, http::connections_that_fit(descriptors_, 2));
        if (limits.connections_max < http::Limits{}.connections_max)
            platform::runtime::log(limits.connections_max < http::Limits{}.connections_max / 2 ? platform::runtime::Level::warn
                                                                                               : platform::runtime::Level::info,
                                   "few-descriptors",
                                   {{"descriptors", static_cast<std::int64_t>(descriptors_)},
                                    {"connections_max", static_cast<std::int64_t>(limits.connections_max)}});
        auto intake = http::Server::listen({.host = options.intake.host,
                                            .port = options.intake.port,
                                            .threads = threads,
                                            .name = "intake",
                                            .limits = limits,
                                            .port_option = "--intake",
                                            .local_only = options.open},
                                           with_ready(classifier_->routes(), command_.get()), metrics_);
        if (!intake) return std::move(intake).error();
        intake_server_ = std::move(*intake);
        auto query = http::Server::listen({.host = options.query.host,
                                           .port = options.query.port,
                                           .threads = threads,
                                           .name = "query",
                                           .limits = limits,
                                           .port_option = "--query",
                                           .local_only = options.open},
                                          query_->routes(), metrics_);
        if (!query) return std::move(query).error();
        query_server_ = std::move(*query);
        return kernel::ok();
    }

    const std::size_t descriptors_ = http::raise_descriptor_limit();
    kernel::SystemClock clock_;
    platform::runtime::Metrics metrics_;
    platform::runtime::BlockingPool intake_pool_{{.threads = 2, .queue_max = 4096, .name = "intake"}};
    platform::runtime::BlockingPool query_pool_{{.threads = std::max(2, cores()), .queue_max = 4096, .name = "query"}};
    std::unique_ptr<platform::log::EventLog> log_;
    std::unique_ptr<platform::sql::Database> classifier_database_, command_database_, query_database_, access_database_;
    std::unique_ptr<data_center_classifier::Service> classifier_;
    std::unique_ptr<collector_command::Service> command_;
    std::unique_ptr<collector_query::Service> query_;
    std::unique_ptr<http::Server> intake_server_, query_server_;
};

}  // namespace

Result<DataDirectory> make_data_directory(const fs::path& path) {
    std::error_code failed;
    const bool existed = fs::exists(path, failed);
    if (existed && !fs::is_directory(path, failed))
        return Error{ErrorKind::incorrect, "data-no-directory", path.string() + " is no directory. Choose another with --data"};
    if (!existed) {
        fs::create_directories(path, failed);
        if (failed)
            return Error{failed == std::errc::permission_denied ? ErrorKind::forbidden : ErrorKind::incorrect, "data-not-writable",
                         "cannot make the data directory " + path.string() + ": " + failed.message() + ". Choose another with --data"};
        fs::permissions(path, fs::perms::owner_all, failed);
    }
    if (access(path.c_str(), R_OK | W_OK | X_OK) != 0)
        return Error{
            ErrorKind::forbidden, "data-not-writable",
            "this user may not write in the data directory " + path.string() + ". Change its owner, or choose another with --data"};
    return DataDirectory{path};
}

Result<DataDirectory> existing_data_directory(const fs::path& path) {
    DataDirectory directory{path};
    std::error_code failed;
    bool there = false;
    for (const auto& file : {directory.log(), directory.access(), directory.classifier()}) there = there || fs::exists(file, failed);
    if (failed)
        return Error{ErrorKind::incorrect, "data-directory-unreadable",
                     path.string() + " may not be read by this user: " + failed.message() + ". Run it as the owner"};
    if (!there)
        return Error{ErrorKind::not_found, "data-unknown",
                     path.string() + " holds no data of acopio. Name the directory that `acopio serve` uses with --data"};
    return directory;
}

Result<OperatorToken> operator_token_of(const DataDirectory& directory) {
    std::error_code failed;
    if (fs::exists(directory.operator_token(), failed)) {
        auto token = read_secret_file(directory.operator_token(), token_file_bytes_max);
        if (!token) return std::move(token).error();
        return OperatorToken{.token = std::move(*token), .created = false};
    }
    std::string token = "aco_" + platform::runtime::random_hex(token_random_bytes);
    if (auto written = write_secret_file(directory.operator_token(), token + "\n"); !written) return std::move(written).error();
    return OperatorToken{.token = std::move(token), .created = true};
}

Result<std::unique_ptr<platform::sql::Database>> open_database(const fs::path& file) {
    auto database = platform::sql::sqlite::open(file);
    if (!database) return with_file(database.error(), file);
    return database;
}

Result<std::unique_ptr<Embedded>> Embedded::open(const Options& options, std::unique_ptr<platform::log::EventLog> log) {
    auto& opening = *log;
    auto running = std::make_unique<Running>(std::move(log));
    const std::stop_callback give_up(options.stop, [&opening] { opening.stop(); });
    if (auto opened = running->open(options); !opened) return std::move(opened).error();
    if (options.stop.stop_requested()) return Error{ErrorKind::interrupted, "stopped", "stopped while it opened the log"};
    return std::unique_ptr<Embedded>(std::move(running));
}

}  // namespace acopio
