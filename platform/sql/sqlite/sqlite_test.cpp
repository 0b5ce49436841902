// SQLite against the contract of the SQL port, and what is its own.
#include "platform/sql/sqlite/sqlite.hpp"

#include "platform/sql/contract.hpp"

#include <sqlite3.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

namespace platform::sql::sqlite {
namespace {

class Directory {
public:
    Directory() {
        static std::atomic<int> number{0};
        path_ = std::filesystem::temp_directory_path() / ("acopio_sqlite_" + std::to_string(::getpid()) + "_" + std::to_string(number++));
        std::filesystem::create_directories(path_);
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

class SqliteFixture final : public contract::DatabaseFixture {
public:
    SqliteFixture() { reopen(); }
    Database& database() override { return *database_; }
    void reopen() override {
        database_.reset();
        database_ = *open(directory_ / "test.db");
    }

private:
    Directory directory_;
    std::unique_ptr<Database> database_;
};

}  // namespace

namespace contract_of_sqlite {
using contract::SqlContract;
INSTANTIATE_TEST_SUITE_P(Sqlite, SqlContract, testing::Values(std::pair("sqlite", [] { return std::make_unique<SqliteFixture>(); })));
}  // namespace contract_of_sqlite

namespace {

TEST(Sqlite, its_files_can_be_read_by_their_owner_only) {
    const Directory directory;
    auto database = open(directory / "test.db");
    ASSERT_TRUE(database);
    auto connection = *(*database)->connect();
    ASSERT_TRUE(connection->execute("CREATE TABLE a (x INTEGER)"));
    for (const char* name : {"test.db", "test.db-wal", "test.db-shm"}) {
        struct stat status{};
        ASSERT_EQ(::stat((directory / name).c_str(), &status), 0) << name;
        EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
    }
}

// In a process of its own: the bound on SQLite's memory cannot be lifted again.
TEST(SqliteDeathTest, too_little_memory_is_no_fault_but_passes) {
    const Directory directory;
    const auto attempt = [&] {
        auto database = *open(directory / "test.db");
        auto connection = *database->connect();
        if (!connection->execute("CREATE TABLE a (x TEXT); PRAGMA hard_heap_limit=400000")) ::_exit(1);
        const auto failed = connection->execute("INSERT INTO a VALUES (hex(zeroblob(1000000)))");
        ::_exit(!failed && failed.error().kind == kernel::ErrorKind::unavailable && failed.error().code == "out-of-memory" ? 0 : 2);
    };
    EXPECT_EXIT(attempt(), testing::ExitedWithCode(0), "");
}

TEST(Sqlite, a_directory_that_is_not_there_is_said) {
    const auto database = open("/does/not/exist/test.db");
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().kind, kernel::ErrorKind::unavailable);
}

// A SQLite without shared memory between connections, as on a file system that has none.
class WithoutSharedMemory {
public:
    WithoutSharedMemory() { sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1); }
    ~WithoutSharedMemory() { sqlite3_vfs_register(usual_, 1); }
    WithoutSharedMemory(const WithoutSharedMemory&) = delete;
    WithoutSharedMemory& operator=(const WithoutSharedMemory&) = delete;

private:
    sqlite3_vfs* usual_ = sqlite3_vfs_find(nullptr);
};

TEST(Sqlite, a_file_system_that_cannot_do_wal_is_refused_with_what_to_do) {
    const Directory directory;
    const WithoutSharedMemory here;
    const auto database = open(directory / "test.db");
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().code, "wal-refused");
    EXPECT_NE(database.error().message.find("local disk"), std::string::npos);
}

TEST(Sqlite, a_file_of_something_else_is_a_fault) {
    const Directory directory;
    {
        std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen((directory / "test.db").c_str(), "w"), &std::fclose);
        std::fputs(std::string(8192, 'x').c_str(), file.get());
    }
    const auto database = open(directory / "test.db");
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().code, "database-corrupt");
}

}  // namespace
}  // namespace platform::sql::sqlite
