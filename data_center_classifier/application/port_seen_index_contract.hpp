// What every adapter of the port SeenIndex must do. A test of an adapter instantiates the suite with a fixture of its own.
#pragma once

#include "data_center_classifier/application/port_seen_index.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <memory>

namespace data_center_classifier::application::contract {

class SeenIndexFixture {
public:
    virtual ~SeenIndexFixture() = default;
    virtual SeenIndex& index() = 0;
    virtual void write(RecordKey key, Seen seen) = 0;  // committed when it returns
};
using MakeSeenIndex = std::function<std::unique_ptr<SeenIndexFixture>()>;

class SeenIndexContract : public testing::TestWithParam<MakeSeenIndex> {
protected:
    std::unique_ptr<SeenIndexFixture> fixture_ = GetParam()();
};

TEST_P(SeenIndexContract, finds_rows_in_the_order_of_the_keys_with_repeats_and_gaps) {
    constexpr RecordKey high = 0xfedcba9876543210;
    const Seen one{.content = {1, 0xffffffffffffffff}, .status = SeenStatus::accepted};
    const Seen two{.content = {0x8000000000000000, 2}, .status = SeenStatus::quarantined};
    fixture_->write(high, one);
    fixture_->write(5, two);
    const auto rows = fixture_->index().find({5, 99, high, 5});
    ASSERT_TRUE(rows);
    EXPECT_THAT(*rows, testing::ElementsAre(two, std::nullopt, one, two));
    EXPECT_TRUE(fixture_->index().find({})->empty());
}

TEST_P(SeenIndexContract, sees_what_was_committed_before_the_call) {
    EXPECT_FALSE(fixture_->index().find({7})->front());
    fixture_->write(7, {.content = {1, 1}, .status = SeenStatus::accepted});
    EXPECT_EQ(fixture_->index().find({7})->front()->status, SeenStatus::accepted);
    fixture_->write(7, {.content = {1, 1}, .status = SeenStatus::retracted});
    EXPECT_EQ(fixture_->index().find({7})->front()->status, SeenStatus::retracted);
}

TEST_P(SeenIndexContract, gives_each_key_once) {
    std::vector<RecordKey> keys;
    const auto collect = [&](RecordKey key) { keys.push_back(key); };
    ASSERT_TRUE(fixture_->index().each_key(collect));
    EXPECT_TRUE(keys.empty());
    for (const RecordKey key : {0ULL, 3ULL, 0xffffffffffffffffULL, 3ULL}) fixture_->write(key, {});
    ASSERT_TRUE(fixture_->index().each_key(collect));
    EXPECT_THAT(keys, testing::UnorderedElementsAre(0U, 3U, 0xffffffffffffffffU));
}

}  // namespace data_center_classifier::application::contract
