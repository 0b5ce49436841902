// What all engines share: transactions and migrations.
#include "platform/sql/sql.hpp"

#include <utility>

namespace platform::sql {
namespace {

kernel::Result<int> version_of(Connection& connection, std::string_view owner) {
    auto select = connection.prepare("SELECT version FROM schema_version WHERE owner = ?");
    if (!select) return std::move(select).error();
    (*select)->bind(0, owner);
    auto row = (*select)->step();
    if (!row) return std::move(row).error();
    return *row ? static_cast<int>((*select)->integer(0)) : 0;
}

kernel::Result<void> write_version(Connection& connection, std::string_view owner, int version) {
    auto statement = connection.prepare(version == 1 ? "INSERT INTO schema_version (version, owner) VALUES (?, ?)"
                                                     : "UPDATE schema_version SET version = ? WHERE owner = ?");
    if (!statement) return std::move(statement).error();
    (*statement)->bind(0, std::int64_t{version});
    (*statement)->bind(1, owner);
    auto changed = (*statement)->run();
    if (!changed) return std::move(changed).error();
    return kernel::ok();
}

// One step under the write lock; another process may have taken it meanwhile.
kernel::Result<void> apply(Connection& connection, std::string_view owner, const Migration& migration) {
    auto transaction = Transaction::begin(connection);
    if (!transaction) return std::move(transaction).error();
    auto version = version_of(connection, owner);
    if (!version) return std::move(version).error();
    if (*version >= migration.version) return kernel::ok();
    if (auto done = connection.execute(migration.sql); !done) return done;
    if (auto done = write_version(connection, owner, migration.version); !done) return done;
    return transaction->commit();
}

}  // namespace

kernel::Result<Transaction> Transaction::begin(Connection& connection) {
    if (auto begun = connection.begin(); !begun) return std::move(begun).error();
    return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
    if (connection_) connection_->rollback();
}

kernel::Result<void> Transaction::commit() {
    CHECK(connection_, "a transaction commits once");
    auto committed = connection_->commit();
    if (committed) connection_ = nullptr;  // otherwise the destructor rolls back
    return committed;
}

kernel::Result<Snapshot> Snapshot::begin(Connection& connection) {
    if (auto begun = connection.begin_read(); !begun) return std::move(begun).error();
    return Snapshot(connection);
}

kernel::Result<void> migrate(Connection& connection, std::string_view owner, std::initializer_list<Migration> migrations) {
    constexpr std::string_view table =
        "CREATE TABLE IF NOT EXISTS schema_version (owner VARCHAR(64) NOT NULL PRIMARY KEY, version INTEGER NOT NULL)";
    if (auto done = connection.execute(table); !done) return done;
    auto version = version_of(connection, owner);
    if (!version) return std::move(version).error();
    const int last = migrations.size() == 0 ? 0 : (migrations.end() - 1)->version;
    if (*version > last)
        return kernel::Error{kernel::ErrorKind::unsupported, "schema-newer",
                             "the database was written by another version of acopio (schema " + std::to_string(*version) + " of " +
                                 std::string(owner) + ", this program knows " + std::to_string(last) + "); use that version"};
    for (const auto& migration : migrations)
        if (migration.version > *version)
            if (auto done = apply(connection, owner, migration); !done) return done;
    return kernel::ok();
}

}  // namespace platform::sql
