// Access tokens on SQLite, through the port's contract suite.
#include "collector_query/infrastructure/db/access_tokens.hpp"

#include "collector_query/application/port_access_tokens_contract.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <unistd.h>

#include <filesystem>

namespace collector_query::infrastructure::db {
namespace {

class TokensFixture final : public application::contract::TokensFixture {
public:
    TokensFixture() {
        static int count = 0;
        directory_ =
            std::filesystem::temp_directory_path() / ("acopio-tokens-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        reopen();
    }
    ~TokensFixture() override {
        tokens_.reset();
        database_.reset();
        std::filesystem::remove_all(directory_);
    }
    application::AccessTokens& tokens() override { return *tokens_; }
    application::AccessToken issue(const std::string& role) override {
        const auto token = *add_token(*database_, role, "Ana", {});
        return {.id = token.substr(4, 16), .role = role, .hash = platform::runtime::hex(platform::runtime::sha256(token))};
    }
    void revoke(const std::string& id) override { EXPECT_TRUE(revoke_token(*database_, id, {})); }
    void reopen() override {
        tokens_.reset();
        database_.reset();
        database_ = std::move(*platform::sql::sqlite::open(directory_ / "access.db"));
        tokens_ = std::move(*AccessTokensSql::open(*database_));
    }

private:
    std::filesystem::path directory_;
    std::unique_ptr<platform::sql::Database> database_;
    std::unique_ptr<AccessTokensSql> tokens_;
};

const application::contract::MakeTokens make_sqlite_tokens = [] { return std::make_unique<TokensFixture>(); };

}  // namespace
}  // namespace collector_query::infrastructure::db

namespace collector_query::application::contract {
INSTANTIATE_TEST_SUITE_P(sqlite, AccessTokensContract,
                         testing::Values(std::pair{std::string("sqlite"), infrastructure::db::make_sqlite_tokens}));
}  // namespace collector_query::application::contract
