// Contract suite of the port AccessTokens: instantiate it for every adapter with a factory of fixtures.
#pragma once

#include "collector_query/application/port_collector_query.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace collector_query::application::contract {

// Starts empty. What it does is committed when it returns.
class TokensFixture {
public:
    virtual ~TokensFixture() = default;
    virtual AccessTokens& tokens() = 0;
    virtual AccessToken issue(const std::string& role) = 0;  // what is stored of a new token
    virtual void revoke(const std::string& id) = 0;
    virtual void reopen() = 0;  // as after a restart
};
using MakeTokens = std::function<std::unique_ptr<TokensFixture>()>;

class AccessTokensContract : public testing::TestWithParam<std::pair<std::string, MakeTokens>> {
protected:
    void SetUp() override { fixture_ = GetParam().second(); }
    std::optional<AccessToken> find(std::string_view id) {
        auto found = fixture_->tokens().find_token(id);
        EXPECT_TRUE(found) << (found ? "" : found.error().message);
        return found ? *found : std::nullopt;
    }
    std::unique_ptr<TokensFixture> fixture_;
};

TEST_P(AccessTokensContract, an_unknown_id_is_no_error) {
    for (const auto* id : {"", "0000000000000000", "' OR 1=1 --", "\xff"}) EXPECT_FALSE(find(id)) << id;
}

TEST_P(AccessTokensContract, a_token_is_found_by_its_whole_id_with_what_is_stored_of_it_after_a_restart_too) {
    const auto researcher = fixture_->issue("researcher");
    const auto an_operator = fixture_->issue("operator");
    for (int round = 0; round < 2; ++round) {
        for (const auto& issued : {researcher, an_operator}) {
            const auto found = find(issued.id);
            ASSERT_TRUE(found);
            EXPECT_EQ(found->id, issued.id);
            EXPECT_EQ(found->role, issued.role);
            EXPECT_EQ(found->hash, issued.hash);
            EXPECT_EQ(found->hash.size(), 64U);
            EXPECT_FALSE(found->revoked);
        }
        EXPECT_FALSE(find(researcher.id.substr(0, 15)));
        EXPECT_FALSE(find(researcher.id + "0"));
        fixture_->reopen();
    }
}

TEST_P(AccessTokensContract, a_revocation_that_was_committed_before_the_call_is_seen) {
    const auto one = fixture_->issue("researcher"), other = fixture_->issue("researcher");
    EXPECT_FALSE(find(one.id)->revoked);
    fixture_->revoke(one.id);
    EXPECT_TRUE(find(one.id)->revoked);
    EXPECT_FALSE(find(other.id)->revoked);
    fixture_->reopen();
    EXPECT_TRUE(find(one.id)->revoked);
}

TEST_P(AccessTokensContract, many_threads_may_ask_at_once) {
    std::vector<AccessToken> issued;
    for (int i = 0; i < 4; ++i) issued.push_back(fixture_->issue("researcher"));
    std::vector<int> wrong(issued.size(), 0);
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < issued.size(); ++i)
            threads.emplace_back([&, i] {
                for (int round = 0; round < 200; ++round) {
                    const auto found = fixture_->tokens().find_token(issued[i].id);
                    if (!found || !*found || (*found)->hash != issued[i].hash) ++wrong[i];
                }
            });
    }
    EXPECT_EQ(wrong, std::vector<int>(issued.size(), 0));
}

}  // namespace collector_query::application::contract
