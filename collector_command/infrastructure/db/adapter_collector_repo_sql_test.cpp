// The SQL repository on SQLite, through the port's contract suite.
#include "collector_command/infrastructure/db/adapter_collector_repo_sql.hpp"

#include "collector_command/application/port_collector_repo_contract.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <unistd.h>

#include <filesystem>

namespace collector_command::infrastructure::db {
namespace {

namespace contract = application::contract;

class SqliteFixture final : public contract::RepoFixture {
public:
    SqliteFixture() {
        static int count = 0;
        directory_ =
            std::filesystem::temp_directory_path() / ("acopio-command-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::create_directories(directory_);
        reopen();
    }
    ~SqliteFixture() override {
        close();
        std::filesystem::remove_all(directory_);
    }
    application::CollectorRepo& repo() override { return *repo_; }
    void begin() override { EXPECT_TRUE(connection_->begin()); }
    void commit() override { EXPECT_TRUE(connection_->commit()); }
    void roll_back() override {
        connection_->rollback();
        EXPECT_TRUE(repo_->rolled_back());
    }
    void reopen() override {
        close();
        database_ = std::move(*platform::sql::sqlite::open(directory_ / "command.db"));
        connection_ = std::move(*database_->connect());
        const auto migrated = migrate(*connection_);
        ASSERT_TRUE(migrated) << migrated.error().message;
        repo_ = std::move(*CollectorRepoSql::open(*connection_));
    }
    std::vector<std::uint64_t> published_versions() override {
        auto store = platform::event_store::EventStore::open(*connection_);
        auto events = store->after(0, 100);
        std::vector<std::uint64_t> versions;
        for (const auto& one : *events) {
            EXPECT_EQ(one.sequence, versions.size() + 1);
            auto event = kernel::collected_data_event_from(one.event);
            versions.push_back(std::visit([](const auto& any) { return any.version; }, *event));
        }
        return versions;
    }

private:
    void close() {
        repo_.reset();
        connection_.reset();
        database_.reset();
    }
    std::filesystem::path directory_;
    std::unique_ptr<platform::sql::Database> database_;
    std::unique_ptr<platform::sql::Connection> connection_;
    std::unique_ptr<CollectorRepoSql> repo_;
};

const contract::MakeFixture make_sqlite = [] { return std::make_unique<SqliteFixture>(); };

}  // namespace
}  // namespace collector_command::infrastructure::db

namespace collector_command::application::contract {
INSTANTIATE_TEST_SUITE_P(sqlite, CollectorRepoContract, testing::Values(std::pair{std::string("sqlite"), infrastructure::db::make_sqlite}));
}  // namespace collector_command::application::contract
