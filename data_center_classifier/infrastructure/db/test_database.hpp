// For tests of this room: a SQLite database in a file that is gone afterwards, with the classifier's tables.
#pragma once

#include "data_center_classifier/infrastructure/db/schema.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace data_center_classifier::infrastructure::db {

class TemporaryDatabase {
public:
    TemporaryDatabase() {
        static int count = 0;
        directory_ =
            std::filesystem::temp_directory_path() / ("acopio-classifier-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        database_ = std::move(*platform::sql::sqlite::open(directory_ / "classifier.db"));
        connection_ = std::move(*database_->connect());
        const auto migrated = migrate(*connection_);
        EXPECT_TRUE(migrated) << (migrated ? "" : migrated.error().message);
    }
    ~TemporaryDatabase() {
        connection_.reset();
        database_.reset();
        std::filesystem::remove_all(directory_);
    }
    TemporaryDatabase(const TemporaryDatabase&) = delete;
    TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;

    platform::sql::Database& database() { return *database_; }
    platform::sql::Connection& connection() { return *connection_; }

private:
    std::filesystem::path directory_;
    std::unique_ptr<platform::sql::Database> database_;
    std::unique_ptr<platform::sql::Connection> connection_;
};

}  // namespace data_center_classifier::infrastructure::db
