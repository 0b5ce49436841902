// Contract suite of the SQL port: instantiate it for every engine with a factory of empty databases.
#pragma once

#include "platform/sql/sql.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <string>

namespace platform::sql::contract {

// An empty database, and what opens it again as a restart of the process would.
class DatabaseFixture {
public:
    virtual ~DatabaseFixture() = default;
    virtual Database& database() = 0;
    virtual void reopen() = 0;
};
using MakeFixture = std::function<std::unique_ptr<DatabaseFixture>()>;

class SqlContract : public testing::TestWithParam<std::pair<std::string, MakeFixture>> {
protected:
    void SetUp() override {
        fixture_ = GetParam().second();
        connection_ = connect();
        ASSERT_TRUE(
            connection_->execute("CREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(64), weight DOUBLE, bytes BLOB)"));
    }
    std::unique_ptr<Connection> connect(OpenOptions options = {}) {
        auto connection = fixture_->database().connect(options);
        EXPECT_TRUE(connection) << connection.error().message;
        return *std::move(connection);
    }
    static std::unique_ptr<Statement> prepare(Connection& connection, std::string_view sql) {
        auto statement = connection.prepare(sql);
        EXPECT_TRUE(statement) << statement.error().message;
        return *std::move(statement);
    }
    static kernel::Result<std::int64_t> insert(Connection& connection, std::int64_t id) {
        auto statement = prepare(connection, "INSERT INTO thing (id) VALUES (?)");
        statement->bind(0, id);
        return statement->run();
    }
    static std::int64_t count(Connection& connection) {
        auto statement = prepare(connection, "SELECT COUNT(*) FROM thing");
        EXPECT_TRUE(*statement->step());
        return statement->integer(0);
    }

    std::unique_ptr<DatabaseFixture> fixture_;
    std::unique_ptr<Connection> connection_;
};

TEST_P(SqlContract, reads_back_every_kind_of_value) {
    auto insert = prepare(*connection_, "INSERT INTO thing (id, name, weight, bytes) VALUES (?, ?, ?, ?)");
    const std::string bytes("\0\xff\n'", 4);
    insert->bind(0, std::int64_t{-9'000'000'000'000'000'000});
    insert->bind(1, std::string_view("añ'o"));
    insert->bind(2, 0.1);
    insert->bind_bytes(3, bytes);
    EXPECT_EQ(*insert->run(), 1);
    insert->bind(0, std::int64_t{2});
    insert->bind(1, std::string_view());
    insert->bind_null(2);
    insert->bind_null(3);
    EXPECT_EQ(*insert->run(), 1);

    auto select = prepare(*connection_, "SELECT id, name, weight, bytes FROM thing ORDER BY id");
    ASSERT_TRUE(*select->step());
    EXPECT_EQ(select->integer(0), -9'000'000'000'000'000'000);
    EXPECT_EQ(select->text(1), "añ'o");
    EXPECT_EQ(select->real(2), 0.1);
    EXPECT_EQ(select->text(3), bytes);
    ASSERT_TRUE(*select->step());
    EXPECT_FALSE(select->is_null(1)) << "an empty text is not NULL";
    EXPECT_EQ(select->text(1), "");
    EXPECT_TRUE(select->is_null(2));
    EXPECT_TRUE(select->is_null(3));
    EXPECT_FALSE(*select->step());
}

TEST_P(SqlContract, a_unique_constraint_is_a_conflict_and_the_statement_can_be_used_again) {
    auto statement = prepare(*connection_, "INSERT INTO thing (id) VALUES (?)");
    statement->bind(0, std::int64_t{1});
    EXPECT_TRUE(statement->run());
    statement->bind(0, std::int64_t{1});
    const auto again = statement->run();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, kernel::ErrorKind::conflict);
    EXPECT_EQ(again.error().code, "sql-unique");
    statement->bind(0, std::int64_t{2});
    EXPECT_TRUE(statement->run());
    EXPECT_EQ(count(*connection_), 2);
}

TEST_P(SqlContract, a_statement_that_was_left_in_the_middle_can_be_bound_again) {
    for (const std::int64_t id : {1, 2, 3}) ASSERT_TRUE(insert(*connection_, id));
    auto select = prepare(*connection_, "SELECT id FROM thing WHERE id >= ? ORDER BY id");
    select->bind(0, std::int64_t{1});
    ASSERT_TRUE(*select->step());  // and something is thrown
    select->bind(0, std::int64_t{3});
    ASSERT_TRUE(*select->step());
    EXPECT_EQ(select->integer(0), 3);
    ASSERT_FALSE(*select->step());  // read to its end, and not reset
    select->bind(0, std::int64_t{2});
    ASSERT_TRUE(*select->step());
    EXPECT_EQ(select->integer(0), 2);
}

TEST_P(SqlContract, a_statement_in_use_is_reset_when_something_is_thrown) {
    ASSERT_TRUE(insert(*connection_, 1));
    auto other = connect();
    auto select = prepare(*connection_, "SELECT id FROM thing");
    EXPECT_THROW(
        {
            const Use row(*select);
            ASSERT_TRUE(*row->step());
            throw std::bad_alloc();
        },
        std::bad_alloc);
    ASSERT_TRUE(insert(*other, 2));
    EXPECT_EQ(count(*connection_), 2) << "its reading is over: it would still see one";
}

TEST_P(SqlContract, a_snapshot_sees_one_state) {
    ASSERT_TRUE(insert(*connection_, 1));
    auto reader = connect({.read_only = true});
    {
        const auto snapshot = Snapshot::begin(*reader);
        ASSERT_TRUE(snapshot);
        EXPECT_EQ(count(*reader), 1);
        ASSERT_TRUE(insert(*connection_, 2));
        EXPECT_EQ(count(*reader), 1);
    }
    EXPECT_EQ(count(*reader), 2);
}

TEST_P(SqlContract, a_statement_beyond_its_deadline_is_busy_and_the_connection_serves_on) {
    auto endless = prepare(
        *connection_, "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT COUNT(*) FROM number WHERE n < ?");
    endless->bind(0, std::int64_t{0});
    connection_->set_deadline(std::chrono::steady_clock::now());
    const auto row = endless->step();
    ASSERT_FALSE(row);
    EXPECT_EQ(row.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(row.error().code, "sql-too-long");
    connection_->set_deadline(std::nullopt);
    EXPECT_EQ(count(*connection_), 0);
}

TEST_P(SqlContract, a_transaction_that_is_not_committed_leaves_nothing) {
    {
        auto transaction = Transaction::begin(*connection_);
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(insert(*connection_, 1));
    }
    EXPECT_EQ(count(*connection_), 0);
}

TEST_P(SqlContract, others_see_a_transaction_whole_or_not_at_all) {
    auto other = connect({.read_only = true});
    auto transaction = Transaction::begin(*connection_);
    ASSERT_TRUE(insert(*connection_, 1));
    ASSERT_TRUE(insert(*connection_, 2));
    EXPECT_EQ(count(*other), 0);
    ASSERT_TRUE(transaction->commit());
    EXPECT_EQ(count(*other), 2);
}

TEST_P(SqlContract, what_was_committed_is_there_after_a_restart) {
    auto transaction = Transaction::begin(*connection_);
    ASSERT_TRUE(insert(*connection_, 1));
    ASSERT_TRUE(transaction->commit());
    connection_.reset();
    fixture_->reopen();
    connection_ = connect();
    EXPECT_EQ(count(*connection_), 1);
}

TEST_P(SqlContract, a_reader_cannot_write) {
    auto reader = connect({.read_only = true});
    EXPECT_FALSE(insert(*reader, 1));
}

TEST_P(SqlContract, a_wrong_statement_is_a_fault_that_says_why) {
    const auto statement = connection_->prepare("SELEKT 1");
    ASSERT_FALSE(statement);
    EXPECT_EQ(statement.error().kind, kernel::ErrorKind::fault);
    EXPECT_FALSE(statement.error().message.empty());
}

TEST_P(SqlContract, migrations_are_applied_once_in_order_and_a_newer_schema_is_refused) {
    ASSERT_TRUE(migrate(*connection_, "test", {{1, "CREATE TABLE a (x BIGINT)"}}));
    ASSERT_TRUE(
        migrate(*connection_, "test", {{1, "CREATE TABLE a (x BIGINT)"}, {2, "CREATE TABLE b (x BIGINT); CREATE TABLE c (x BIGINT)"}}));
    ASSERT_TRUE(migrate(*connection_, "other", {{1, "CREATE TABLE d (x BIGINT)"}}));
    EXPECT_TRUE(connection_->execute("INSERT INTO c (x) VALUES (1)"));
    const auto older = migrate(*connection_, "test", {{1, "CREATE TABLE a (x BIGINT)"}});
    ASSERT_FALSE(older);
    EXPECT_EQ(older.error().code, "schema-newer");
}

}  // namespace platform::sql::contract
