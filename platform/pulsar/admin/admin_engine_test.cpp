// The admin interface of a real broker: ACOPIO_PULSAR_ADMIN names it.
#include "platform/pulsar/admin/admin.hpp"

#include "platform/http/client.hpp"
#include "platform/pulsar/admin/rest.hpp"
#include "platform/runtime/digest.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace platform::pulsar::admin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class AdminEngine : public testing::Test {
protected:
    void SetUp() override {
        const char* admin = std::getenv("ACOPIO_PULSAR_ADMIN");
        if (!admin) GTEST_SKIP() << "ACOPIO_PULSAR_ADMIN names no broker";
        options_.url = admin;
        wanted_.tenant = "t" + runtime::random_hex(6);
    }

    // Behind the namespace's path, or at it.
    void set(const std::string& method, const std::string& path, const std::string& body) {
        auto rest = Rest::open(options_);
        ASSERT_TRUE(rest);
        const auto answer = rest->ask(method, path, body);
        ASSERT_TRUE(answer) << answer.error().message;
        ASSERT_EQ(answer->what, Rest::Answer::What::done) << path << ": " << answer->reason;
    }
    std::string name_space() const { return "namespaces/" + wanted_.tenant + "/" + wanted_.name_space; }
    std::string topic(const std::string& name) const { return "persistent/" + wanted_.tenant + "/" + wanted_.name_space + "/" + name; }

    kernel::Error refused() {
        const auto found = check(options_, wanted_);
        return found ? kernel::Error{kernel::ErrorKind::fault, "nothing wrong", ""} : found.error();
    }

    Options options_;
    Wanted wanted_{.topics = {"raw-data", "collected-data", "data-centers"}};
};

TEST_F(AdminEngine, init_makes_everything_and_a_second_one_changes_nothing) {
    EXPECT_EQ(refused().code, "log-not-made");
    EXPECT_THAT(refused().message, AllOf(HasSubstr("the tenant " + wanted_.tenant), HasSubstr("acopio log init")));
    const auto made = init(options_, wanted_);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->front(), "made the tenant " + wanted_.tenant);
    EXPECT_EQ(made->back(), "made the topic data-centers: 1 partition");
    const auto found = check(options_, wanted_);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->log_id.size(), 32U);
    EXPECT_THAT(found->partitions, testing::ElementsAre(1, 1, 1));

    const auto again = init(options_, wanted_);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_THAT(*again, IsEmpty());
    EXPECT_EQ(check(options_, wanted_)->log_id, found->log_id);
    const auto facts = look(options_, wanted_);
    ASSERT_TRUE(facts);
    for (const auto& fact : *facts) EXPECT_TRUE(fact.good) << fact.what << ": " << fact.is;
}

TEST_F(AdminEngine, another_namespace_is_another_log) {
    ASSERT_TRUE(init(options_, wanted_));
    auto other = wanted_;
    other.name_space = "elsewhere";
    EXPECT_EQ(check(options_, other).error().code, "log-not-made");
    EXPECT_THAT(check(options_, other).error().message, HasSubstr("the namespace " + wanted_.tenant + "/elsewhere"));
    ASSERT_TRUE(init(options_, other));
    EXPECT_NE(check(options_, other)->log_id, check(options_, wanted_)->log_id);
}

TEST_F(AdminEngine, a_missing_topic_is_named_and_made_with_as_many_partitions_as_are_wanted) {
    auto two = wanted_;
    two.topics.pop_back();
    ASSERT_TRUE(init(options_, two));
    EXPECT_EQ(refused().code, "log-not-made");
    EXPECT_THAT(refused().message, HasSubstr("the topic data-centers"));
    wanted_.partitions = 4;
    const auto made = init(options_, wanted_);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_THAT(*made, testing::ElementsAre("made the topic data-centers: 4 partitions"));
    EXPECT_THAT(check(options_, wanted_)->partitions, testing::ElementsAre(1, 1, 4));
}

TEST_F(AdminEngine, a_topic_without_partitions_is_one) {
    ASSERT_TRUE(init(options_, wanted_));
    set("PUT", topic("plain"), "{}");
    wanted_.topics = {"raw-data", "plain"};
    const auto found = check(options_, wanted_);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->partitions, testing::ElementsAre(1, 0));
}

TEST_F(AdminEngine, each_policy_that_is_wrong_is_named_with_what_to_set_and_mended) {
    struct Wrong {
        std::string method, path, body, says;
    };
    const std::vector<Wrong> all{
        {"POST", "retention", R"({"retentionTimeInMinutes":60,"retentionSizeInMB":-1})", "retention: 60 minutes and -1 MB"},
        {"POST", "retention", R"({"retentionTimeInMinutes":-1,"retentionSizeInMB":9})", "retention: -1 minutes and 9 MB"},
        {"POST", "deduplication", "false", "deduplication: false"},
        {"POST", "messageTTL", "3600", "message TTL: 3600"},
        {"POST", "inactiveTopicPolicies",
         R"({"inactiveTopicDeleteMode":"delete_when_no_subscriptions","maxInactiveDurationSeconds":77,"deleteWhileInactive":true})",
         "inactive topics: deleted after 77 s"},
        {"POST", "subscriptionExpirationTime", "5", "subscription expiration: 5"},
        {"POST", "backlogQuota?backlogQuotaType=destination_storage",
         R"({"limitSize":1000000000,"limitTime":-1,"policy":"producer_request_hold"})", "backlog quota by size: 1000000000 bytes"},
        {"POST", "backlogQuota?backlogQuotaType=message_age", R"({"limitSize":-1,"limitTime":60,"policy":"producer_exception"})",
         "backlog quota by age: 60 s"},
        {"PUT", "compactionThreshold", "1000000", "compaction threshold: 1000000"},
        {"PUT", "properties", R"({"acopio.log-id":""})", "acopio.log-id: not set"},
    };
    ASSERT_TRUE(init(options_, wanted_));
    for (const auto& one : all) {
        set(one.method, name_space() + "/" + one.path, one.body);
        const auto error = refused();
        EXPECT_EQ(error.code, "log-policies") << one.path;
        EXPECT_THAT(error.message, AllOf(HasSubstr(one.says), HasSubstr("should be"), HasSubstr("acopio log init"))) << one.path;
        EXPECT_EQ(error.message.find("; "), std::string::npos) << "more than one thing is wrong: " << error.message;
        const auto mended = init(options_, wanted_);
        ASSERT_TRUE(mended) << mended.error().message;
        EXPECT_EQ(mended->size(), 1U) << one.path;
        EXPECT_EQ(refused().code, "nothing wrong") << one.path;
    }
}

TEST_F(AdminEngine, a_topics_own_policy_that_says_otherwise_is_named_and_mended) {
    ASSERT_TRUE(init(options_, wanted_));
    set("POST", topic("raw-data") + "/retention", R"({"retentionTimeInMinutes":5,"retentionSizeInMB":5})");
    set("POST", topic("collected-data") + "/messageTTL?messageTTL=10", "");
    EXPECT_THAT(refused().message, AllOf(HasSubstr("retention of the topic raw-data: 5 minutes and 5 MB"),
                                         HasSubstr("message TTL of the topic collected-data: 10")));
    const auto mended = init(options_, wanted_);
    ASSERT_TRUE(mended) << mended.error().message;
    EXPECT_EQ(mended->size(), 2U);
    EXPECT_EQ(refused().code, "nothing wrong");
}

}  // namespace
}  // namespace platform::pulsar::admin
