// The SQL port: connections, prepared statements, transactions, and the few differences between engines. Thin on purpose: rooms write
// SQL themselves, once, and it runs on every engine. Blocking: never call it on an I/O thread.
//
// Threading: a Connection and its Statements belong to one thread at a time. Durability: a commit that returns success is on disk when the
// connection was opened with Durability::full, and survives a crash of the process (not of the machine) with Durability::process.
#pragma once

#include "kernel/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace platform::sql {

enum class Engine { sqlite, mysql };

enum class Durability {
    full,     // on disk when commit returns: for what was promised to someone
    process,  // may lose the last commits in a power cut, stays consistent: only for what the log can rebuild
};

// A prepared statement. Parameters and columns count from 0.
// Bind all, then `run()` for writes, or step() for reads, under a Use that resets it. Text and bytes given to bind() must live until
// run()/reset(). Columns read are valid until the next step()/reset(). bind() to a statement that was left in the middle resets it first.
class Statement {
public:
    virtual ~Statement() = default;
    virtual void bind(int index, std::int64_t value) = 0;
    virtual void bind(int index, double value) = 0;
    virtual void bind(int index, std::string_view text) = 0;
    virtual void bind_bytes(int index, std::string_view bytes) = 0;
    virtual void bind_null(int index) = 0;

    // Executes a statement that returns no rows, and resets it. The number of rows changed.
    // conflict "sql-unique" when a unique constraint refuses; busy "sql-busy" when locked past the time-out;
    // unavailable when the disk, the memory or the moment is to blame; fault otherwise.
    virtual kernel::Result<std::int64_t> run() = 0;
    // The next row: true if there is one. Errors as run().
    virtual kernel::Result<bool> step() = 0;
    virtual void reset() = 0;

    virtual bool is_null(int column) const = 0;
    virtual std::int64_t integer(int column) const = 0;
    virtual double real(int column) const = 0;
    virtual std::string_view text(int column) const = 0;  // also for bytes
};

// A statement in use: reset when this goes, whatever is thrown. One that is left in the middle keeps its reading open, and what it holds of
// the WAL.
class Use {
public:
    explicit Use(Statement& statement) : statement_(&statement) {}
    Use(Use&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Use& operator=(Use&&) = delete;
    ~Use() {
        if (statement_) statement_->reset();
    }
    Statement& operator*() const { return *statement_; }
    Statement* operator->() const { return statement_; }

private:
    Statement* statement_;
};

class Connection {
public:
    virtual ~Connection() = default;
    virtual Engine engine() const = 0;
    virtual kernel::Result<std::unique_ptr<Statement>> prepare(std::string_view sql) = 0;
    // One or more statements separated by ";" without parameters: for schemas.
    virtual kernel::Result<void> execute(std::string_view sql) = 0;
    virtual kernel::Result<void> begin() = 0;       // takes the write lock at once
    virtual kernel::Result<void> begin_read() = 0;  // from the first read on, all reads see one state; ended by rollback()
    virtual kernel::Result<void> commit() = 0;
    virtual void rollback() = 0;
    // A statement that is still running then ends with busy "sql-too-long"; nothing: no such bound.
    virtual void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) = 0;
};

// Rolls back unless committed. No nesting.
class Transaction {
public:
    static kernel::Result<Transaction> begin(Connection& connection);
    Transaction(Transaction&& other) noexcept;
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    kernel::Result<void> commit();

private:
    explicit Transaction(Connection& connection) : connection_(&connection) {}
    Connection* connection_;
};

// What is read while it lives is of one state of the database. No nesting, and not inside a Transaction.
class Snapshot {
public:
    static kernel::Result<Snapshot> begin(Connection& connection);
    Snapshot(Snapshot&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    Snapshot& operator=(Snapshot&&) = delete;
    ~Snapshot() {
        if (connection_) connection_->rollback();
    }

private:
    explicit Snapshot(Connection& connection) : connection_(&connection) {}
    Connection* connection_;
};

struct OpenOptions {
    Durability durability = Durability::full;
    bool read_only = false;
    std::int64_t cache_kib = 8 * 1024;  // page cache of this connection
};

// A database that several threads open connections to.
class Database {
public:
    virtual ~Database() = default;
    virtual Engine engine() const = 0;
    virtual kernel::Result<std::unique_ptr<Connection>> connect(OpenOptions options = {}) = 0;
};

// One step of a schema. Versions count from 1 without gaps.
struct Migration {
    int version;
    std::string_view sql;  // several statements
};

// Applies what is missing, each step in a transaction, under a lock; table "schema_version". unsupported "schema-newer" if the database is
// newer than the last of `migrations`.
kernel::Result<void> migrate(Connection& connection, std::string_view owner, std::initializer_list<Migration> migrations);

}  // namespace platform::sql
