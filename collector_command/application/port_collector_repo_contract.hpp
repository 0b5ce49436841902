// Contract suite of the port CollectorRepo: instantiate it for every adapter with a factory of fixtures.
#pragma once

#include "collector_command/application/port_collector_repo.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace collector_command::application::contract {

// A repository with its transaction. Each fixture starts empty.
class RepoFixture {
public:
    virtual ~RepoFixture() = default;
    virtual CollectorRepo& repo() = 0;
    virtual void begin() = 0;
    virtual void commit() = 0;
    virtual void roll_back() = 0;                                 // also tells the repository
    virtual void reopen() = 0;                                    // as after a restart of the process
    virtual std::vector<std::uint64_t> published_versions() = 0;  // versions of all stored events, in the order of the outbox
};
using MakeFixture = std::function<std::unique_ptr<RepoFixture>()>;

class CollectorRepoContract : public testing::TestWithParam<std::pair<std::string, MakeFixture>> {
protected:
    void SetUp() override { fixture_ = GetParam().second(); }

    static kernel::DataId id(char digit) { return {std::string(32, digit)}; }
    static kernel::ContentHash content(char digit) { return {std::string(64, digit)}; }
    static kernel::CollectedDataEvent event(char data, std::uint64_t version, char hash) {
        kernel::RecordCollected collected;
        collected.data_id = id(data);
        collected.version = version;
        collected.content_hash = content(hash);
        collected.record = "{}";
        return collected;
    }
    static domain::CollectedData state(std::uint64_t version, char hash, bool retracted = false) {
        return {.version = version, .content_hash = content(hash), .retracted = retracted};
    }
    kernel::Result<void> store_one(char data, std::uint64_t version, char hash) {
        return fixture_->repo().store({event(data, version, hash)},
                                      {{.data_id = id(data), .state = state(version, hash), .is_new = version == 1}}, {});
    }
    std::vector<domain::CollectedData> load(std::string_view digits) {
        std::vector<kernel::DataId> ids;
        for (const char digit : digits) ids.push_back(id(digit));
        auto states = fixture_->repo().load(ids);
        EXPECT_TRUE(states);
        return states ? *states : std::vector<domain::CollectedData>{};
    }

    std::unique_ptr<RepoFixture> fixture_;
};

TEST_P(CollectorRepoContract, unknown_aggregates_have_version_0) {
    fixture_->begin();
    EXPECT_EQ(load("ab"), (std::vector<domain::CollectedData>{{}, {}}));
    fixture_->roll_back();
}

TEST_P(CollectorRepoContract, gives_states_in_the_order_of_the_ids) {
    fixture_->begin();
    ASSERT_TRUE(store_one('a', 1, '1'));
    ASSERT_TRUE(store_one('b', 1, '2'));
    EXPECT_EQ(load("bca"), (std::vector{state(1, '2'), domain::CollectedData{}, state(1, '1')}));
    fixture_->commit();
}

TEST_P(CollectorRepoContract, keeps_the_last_state_and_all_events_over_a_restart) {
    fixture_->begin();
    ASSERT_TRUE(store_one('a', 1, '1'));
    ASSERT_TRUE(store_one('a', 2, '2'));
    ASSERT_TRUE(fixture_->repo().store({event('a', 3, '2')}, {{.data_id = id('a'), .state = state(3, '2', true), .is_new = false}}, {}));
    fixture_->commit();
    fixture_->reopen();
    fixture_->begin();
    EXPECT_EQ(load("a"), (std::vector{state(3, '2', true)}));
    fixture_->roll_back();
    EXPECT_EQ(fixture_->published_versions(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_P(CollectorRepoContract, a_rolled_back_batch_leaves_nothing_and_can_be_stored_again) {
    fixture_->begin();
    ASSERT_TRUE(store_one('a', 1, '1'));
    fixture_->commit();
    fixture_->begin();
    ASSERT_TRUE(store_one('a', 2, '2'));
    ASSERT_TRUE(store_one('b', 1, '3'));
    fixture_->roll_back();
    fixture_->begin();
    EXPECT_EQ(load("ab"), (std::vector{state(1, '1'), domain::CollectedData{}}));
    ASSERT_TRUE(store_one('a', 2, '4'));
    fixture_->commit();
    EXPECT_EQ(fixture_->published_versions(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_P(CollectorRepoContract, a_version_that_exists_is_a_conflict) {
    fixture_->begin();
    ASSERT_TRUE(store_one('a', 1, '1'));
    fixture_->commit();
    fixture_->begin();
    const auto second = store_one('a', 1, '2');
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, kernel::ErrorKind::conflict);
    fixture_->roll_back();
    fixture_->begin();
    EXPECT_EQ(load("a"), (std::vector{state(1, '1')}));
    fixture_->roll_back();
}

TEST_P(CollectorRepoContract, an_id_that_is_not_hex_is_refused) {
    fixture_->begin();
    for (const auto* broken : {"", "abc", "zz112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF"}) {
        const auto states = fixture_->repo().load({kernel::DataId{broken}});
        ASSERT_FALSE(states) << broken;
        EXPECT_EQ(states.error().kind, kernel::ErrorKind::incorrect);
    }
    fixture_->roll_back();
}

}  // namespace collector_command::application::contract
