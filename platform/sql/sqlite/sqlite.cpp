// Calls of the SQLite C interface. Error texts of SQLite name tables and columns, never values.
#include "platform/sql/sqlite/sqlite.hpp"

#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <optional>
#include <utility>

namespace platform::sql::sqlite {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr int busy_timeout_ms = 10'000;
// Size of the WAL at which a checkpoint starts. Where nothing waits for the disk a long WAL pays: a page that changes often is copied once.
constexpr int checkpoint_bytes_full = 8 * 1024 * 1024;
constexpr int checkpoint_bytes_process = 48 * 1024 * 1024;

Error error_of(sqlite3* db) {
    const int code = sqlite3_extended_errcode(db);
    const std::string message = sqlite3_errmsg(db);
    switch (code & 0xff) {
        case SQLITE_CONSTRAINT:
            if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID)
                return {ErrorKind::conflict, "sql-unique", message};
            return {ErrorKind::fault, "sql-constraint", message};
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return {ErrorKind::busy, "sql-busy", "the database was locked for longer than 10 s"};
        case SQLITE_FULL: return {ErrorKind::unavailable, "disk-full", "the disk is full; free some space"};
        case SQLITE_IOERR: return {ErrorKind::unavailable, "disk-error", "the disk failed: " + message};
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM: return {ErrorKind::unavailable, "database-not-writable", message};
        // These pass: memory comes back, a lock protocol race or an interrupted statement is over at the next attempt.
        case SQLITE_NOMEM: return {ErrorKind::unavailable, "out-of-memory", "the database had not enough memory"};
        case SQLITE_PROTOCOL:
        case SQLITE_INTERRUPT:
        case SQLITE_ABORT: return {ErrorKind::unavailable, "sql-interrupted", message};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return {ErrorKind::fault, "database-corrupt", message};
        default: return {ErrorKind::fault, "sql-failed", message};
    }
}

// Until when the statements of a connection may run.
struct Deadline {
    std::optional<std::chrono::steady_clock::time_point> at;
    bool passed = false;

    // Called by SQLite between the steps of its machine; not 0 interrupts the statement.
    static int ask(void* self) {
        auto& deadline = *static_cast<Deadline*>(self);
        deadline.passed = deadline.at && std::chrono::steady_clock::now() >= *deadline.at;
        return deadline.passed ? 1 : 0;
    }
};
constexpr int steps_between_looks_at_the_clock = 10'000;  // well below a millisecond

struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

class SqliteStatement final : public Statement {
public:
    SqliteStatement(sqlite3* db, sqlite3_stmt* statement, Deadline& deadline) : db_(db), statement_(statement), deadline_(deadline) {}
    ~SqliteStatement() override { sqlite3_finalize(statement_); }
    SqliteStatement(const SqliteStatement&) = delete;
    SqliteStatement& operator=(const SqliteStatement&) = delete;

    void bind(int index, std::int64_t value) override { bound(sqlite3_bind_int64(ready(), index + 1, value)); }
    void bind(int index, double value) override { bound(sqlite3_bind_double(ready(), index + 1, value)); }
    void bind(int index, std::string_view text) override {
        bound(sqlite3_bind_text64(ready(), index + 1, data_of(text), text.size(), SQLITE_STATIC, SQLITE_UTF8));
    }
    void bind_bytes(int index, std::string_view bytes) override {
        bound(sqlite3_bind_blob64(ready(), index + 1, data_of(bytes), bytes.size(), SQLITE_STATIC));
    }
    void bind_null(int index) override { bound(sqlite3_bind_null(ready(), index + 1)); }

    Result<std::int64_t> run() override {
        auto row = step();
        const auto changed = sqlite3_changes64(db_);
        reset();
        if (!row) return std::move(row).error();
        return changed;
    }
    Result<bool> step() override {
        if (not_bound_) {
            reset();
            return *std::exchange(not_bound_, std::nullopt);
        }
        stepped_ = true;
        deadline_.passed = false;
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        auto error = deadline_.passed ? Error{ErrorKind::busy, "sql-too-long", "the statement ran for longer than it may"} : error_of(db_);
        reset();
        return error;
    }
    void reset() override {
        sqlite3_reset(statement_);
        stepped_ = false;
    }

    bool is_null(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
    std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
    double real(int column) const override { return sqlite3_column_double(statement_, column); }
    std::string_view text(int column) const override {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        return {bytes, bytes ? static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)) : 0};
    }

private:
    // An empty view may have no address, which SQLite would take for NULL.
    static const char* data_of(std::string_view text) { return text.data() ? text.data() : ""; }
    // SQLite refuses to bind to a statement that was stepped and not reset.
    sqlite3_stmt* ready() {
        if (stepped_) reset();
        return statement_;
    }
    // Too little memory, or a text too large for SQLite, is told by the next step().
    void bound(int code) {
        CHECK(code != SQLITE_RANGE && code != SQLITE_MISUSE, "a parameter that the statement has was bound");
        if (code != SQLITE_OK && !not_bound_) not_bound_ = error_of(db_);
    }

    sqlite3* db_;
    sqlite3_stmt* statement_;
    Deadline& deadline_;
    bool stepped_ = false;
    std::optional<Error> not_bound_;
};

class SqliteConnection final : public Connection {
public:
    explicit SqliteConnection(Handle db) : db_(std::move(db)) {}

    Engine engine() const override { return Engine::sqlite; }
    Result<std::unique_ptr<Statement>> prepare(std::string_view sql) override {
        CHECK(sql.size() < std::numeric_limits<int>::max(), "an SQL text is short");
        sqlite3_stmt* statement = nullptr;
        const int code =
            sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        if (code != SQLITE_OK) return error_of(db_.get());
        return std::unique_ptr<Statement>(std::make_unique<SqliteStatement>(db_.get(), statement, *deadline_));
    }
    Result<void> execute(std::string_view sql) override {
        if (sqlite3_exec(db_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error_of(db_.get());
        return kernel::ok();
    }
    Result<void> begin() override { return execute("BEGIN IMMEDIATE"); }
    Result<void> begin_read() override { return execute("BEGIN"); }
    Result<void> commit() override { return execute("COMMIT"); }
    void rollback() override {
        // SQLite may have rolled back by itself already (disk full): then there is nothing to do.
        if (sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }

    void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) override {
        deadline_->at = deadline;
        sqlite3_progress_handler(db_.get(), deadline ? steps_between_looks_at_the_clock : 0, deadline ? &Deadline::ask : nullptr,
                                 deadline_.get());
    }

private:
    std::unique_ptr<Deadline> deadline_ = std::make_unique<Deadline>();
    Handle db_;
};

class SqliteDatabase final : public Database {
public:
    SqliteDatabase(std::filesystem::path file, int page_bytes) : file_(std::move(file)), page_bytes_(page_bytes) {}

    Engine engine() const override { return Engine::sqlite; }
    Result<std::unique_ptr<Connection>> connect(OpenOptions options) override {
        sqlite3* raw = nullptr;
        const int access = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
        const int code = sqlite3_open_v2(file_.c_str(), &raw, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
        Handle db(raw);
        if (code != SQLITE_OK)
            return db ? error_of(db.get()) : Error{ErrorKind::unavailable, "database-not-opened", "no memory for SQLite"};
        sqlite3_busy_timeout(db.get(), busy_timeout_ms);
        auto connection = std::make_unique<SqliteConnection>(std::move(db));
        if (!options.read_only)
            if (auto done = use_wal(*connection); !done) return std::move(done).error();
        if (auto done = connection->execute(settings(options)); !done) return std::move(done).error();
        return std::unique_ptr<Connection>(std::move(connection));
    }

private:
    // The page size counts only for a file that is still empty; WAL is a property of the file and stays. Where WAL cannot be had SQLite
    // keeps what it has and says so in a row, not as an error.
    Result<void> use_wal(Connection& connection) const {
        if (auto done = connection.execute("PRAGMA page_size=" + std::to_string(page_bytes_)); !done) return done;
        auto pragma = connection.prepare("PRAGMA journal_mode=WAL");
        if (!pragma) return std::move(pragma).error();
        auto row = (*pragma)->step();
        if (!row) return std::move(row).error();
        if (*row && (*pragma)->text(0) == "wal") return kernel::ok();
        return Error{ErrorKind::unsupported, "wal-refused",
                     "the file system of " + file_.filename().string() +
                         " cannot hold a database in SQLite's WAL mode, as those of a network; choose a directory on a local disk"};
    }
    std::string settings(const OpenOptions& options) const {
        std::string sql = "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" + std::to_string(options.cache_kib) + ";";
        if (options.read_only) return sql;
        const bool full = options.durability == Durability::full;
        return sql + "PRAGMA synchronous=" + (full ? "FULL" : "NORMAL") +
               "; PRAGMA wal_autocheckpoint=" + std::to_string((full ? checkpoint_bytes_full : checkpoint_bytes_process) / page_bytes_) +
               "; PRAGMA journal_size_limit=67108864;";
    }

    std::filesystem::path file_;
    int page_bytes_;
};

}  // namespace

Result<std::unique_ptr<Database>> open(std::filesystem::path file, int page_bytes) {
    // Made by us, so that nobody else can read it at any time; SQLite gives its -wal and -shm the same mode.
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return Error{ErrorKind::unavailable, "database-not-opened",
                     "cannot open " + file.filename().string() + " for writing in its directory"};
    ::close(fd);
    auto database = std::make_unique<SqliteDatabase>(std::move(file), page_bytes);
    auto connection = database->connect({});  // switches to WAL before anybody reads
    if (!connection) return std::move(connection).error();
    return std::unique_ptr<Database>(std::move(database));
}

}  // namespace platform::sql::sqlite
