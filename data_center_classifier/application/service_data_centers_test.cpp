// Keys, orders and the cache over a store in memory.
#include "data_center_classifier/application/service_data_centers.hpp"

#include "data_center_classifier/application/fake_data_centers.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace data_center_classifier::application {
namespace {

class DataCenterOrders : public testing::Test {
protected:
    std::string add_key() {
        auto key = new_key();
        EXPECT_TRUE(manage_.handle(st_mary_, domain::IssueKey{key.key_id, key.key_hash}));
        return key.key;
    }
    std::string refusal(std::string_view key) {
        const auto sender = cache_.authenticate(key);
        return sender ? "none" : sender.error().code;
    }

    kernel::DataCenterId st_mary_{"st-mary"};
    MemoryDataCenters store_;
    DataCenterCache cache_;
    kernel::FixedClock clock_{kernel::Timestamp{std::chrono::milliseconds{1000}}};
    int stored_ = 0;
    ManageDataCenters manage_{store_, cache_, clock_, [this] { ++stored_; }};
};

TEST_F(DataCenterOrders, a_key_opens_its_centre_until_it_is_revoked) {
    ASSERT_TRUE(manage_.handle(st_mary_, domain::RegisterDataCenter{st_mary_, "St Mary"}));
    const auto key = add_key();
    const auto sender = cache_.authenticate(key);
    ASSERT_TRUE(sender);
    EXPECT_EQ(sender->id, st_mary_);
    EXPECT_EQ(sender->grade, "-");
    EXPECT_FALSE(sender->suspended);
    ASSERT_TRUE(manage_.handle(st_mary_, domain::SuspendDataCenter{"x"}));
    EXPECT_TRUE(cache_.authenticate(key)->suspended);
    ASSERT_TRUE(manage_.handle(st_mary_, domain::RevokeKey{key.substr(4, 16)}));
    EXPECT_EQ(refusal(key), "key-revoked");
    EXPECT_EQ(stored_, 4);
}

TEST_F(DataCenterOrders, nothing_but_the_whole_key_opens) {
    ASSERT_TRUE(manage_.handle(st_mary_, domain::RegisterDataCenter{st_mary_, "St Mary"}));
    const auto key = add_key();
    EXPECT_EQ(key.size(), 69U);
    EXPECT_EQ(refusal(""), "key-missing");
    EXPECT_EQ(refusal("hello"), "key-unknown");
    EXPECT_EQ(refusal(key.substr(0, key.size() - 1)), "key-unknown");
    EXPECT_EQ(refusal(key + "0"), "key-unknown");
    EXPECT_EQ(refusal(key.substr(0, 20) + "_" + std::string(48, '0')), "key-unknown");
    EXPECT_EQ(refusal(std::string(100'000, 'a')), "key-unknown");
}

TEST_F(DataCenterOrders, what_is_stored_of_a_key_is_its_digest) {
    const auto key = new_key();
    EXPECT_EQ(key.key.substr(0, 4), "ack_");
    EXPECT_EQ(key.key.substr(4, 16), key.key_id);
    EXPECT_EQ(key.key_hash.size(), 64U);
    EXPECT_THAT(key.key_hash, testing::Not(testing::HasSubstr(key.key.substr(21))));
    EXPECT_NE(new_key().key, key.key);
}

TEST_F(DataCenterOrders, an_order_that_could_not_be_stored_changes_nothing) {
    store_.fails = kernel::Error{kernel::ErrorKind::busy, "sql-busy", ""};
    const auto refused = manage_.handle(st_mary_, domain::RegisterDataCenter{st_mary_, "St Mary"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "sql-busy");
    EXPECT_EQ(cache_.size(), 0U);
    EXPECT_EQ(stored_, 0);
    store_.fails.reset();
    EXPECT_TRUE(manage_.handle(st_mary_, domain::RegisterDataCenter{st_mary_, "St Mary"}));
}

TEST_F(DataCenterOrders, an_order_that_changes_nothing_is_not_stored) {
    ASSERT_TRUE(manage_.handle(st_mary_, domain::RegisterDataCenter{st_mary_, "St Mary"}));
    EXPECT_TRUE(manage_.handle(st_mary_, domain::ResumeDataCenter{}));
    EXPECT_EQ(stored_, 1);
    EXPECT_EQ(manage_.handle({"nobody"}, domain::ResumeDataCenter{}).error().code, "data-center-unknown");
}

TEST_F(DataCenterOrders, a_restart_finds_centres_and_keys_again) {
    ASSERT_TRUE(manage_.handle(st_mary_, domain::RegisterDataCenter{st_mary_, "St Mary"}));
    const auto key = add_key();
    DataCenterCache cache;
    ManageDataCenters manage(store_, cache, clock_, [] {});
    ASSERT_TRUE(manage.load());
    EXPECT_EQ(cache.all().size(), 1U);
    EXPECT_EQ(cache.find("st-mary")->name, "St Mary");
    EXPECT_TRUE(cache.authenticate(key));
}

TEST_F(DataCenterOrders, a_centre_is_registered_on_sight_once_however_many_see_it) {
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) threads.emplace_back([this] { EXPECT_TRUE(manage_.register_on_sight({"seen"})); });
    }
    EXPECT_EQ(stored_, 1);
    EXPECT_EQ(cache_.find("seen")->name, "seen");
    EXPECT_FALSE(manage_.register_on_sight({"No Good"}));
}

}  // namespace
}  // namespace data_center_classifier::application
