// The log over a real broker against the contract of the port, and what is its own: policies, names, what others may read.
#include "platform/log/contract.hpp"
#include "platform/log/pulsar/position.hpp"
#include "platform/log/pulsar/pulsar_log.hpp"
#include "platform/runtime/digest.hpp"

#include <cstdlib>

namespace platform::log::pulsar {
namespace {

const char* service() {
    return std::getenv("ACOPIO_PULSAR_SERVICE");
}
const char* admin_url() {
    return std::getenv("ACOPIO_PULSAR_ADMIN");
}

Options options_in(const std::string& name_space) {
    Options options;
    options.client.service = service();
    options.admin.url = admin_url();
    options.tenant = "acopio";
    options.name_space = name_space;
    options.topics = {"a", "b", "c"};
    return options;
}

// A namespace of its own.
class PulsarFixture final : public contract::LogFixture {
public:
    PulsarFixture() : options_(options_in("contract-" + runtime::random_hex(6))) {
        auto made = platform::pulsar::admin::init(
            options_.admin, {.tenant = options_.tenant, .name_space = options_.name_space, .topics = options_.topics});
        EXPECT_TRUE(made) << made.error().message;
        reopen();
    }
    EventLog& log() override { return *log_; }
    void reopen() override {
        log_.reset();
        auto opened = open(options_);
        ASSERT_TRUE(opened) << opened.error().message;
        log_ = std::move(*opened);
    }
    const Options& options() const { return options_; }

private:
    Options options_;
    std::unique_ptr<EventLog> log_;
};

std::vector<std::pair<std::string, contract::MakeFixture>> engines() {
    if (!service() || !admin_url()) return {};
    return {{"pulsar", [] { return std::make_unique<PulsarFixture>(); }}};
}

}  // namespace

namespace contract_of_the_pulsar_log {
using contract::EventLogContract;
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EventLogContract);
INSTANTIATE_TEST_SUITE_P(Pulsar, EventLogContract, testing::ValuesIn(engines()));
}  // namespace contract_of_the_pulsar_log

namespace {

class PulsarLog : public testing::Test {
protected:
    void SetUp() override {
        if (!service() || !admin_url()) GTEST_SKIP() << "ACOPIO_PULSAR_SERVICE and ACOPIO_PULSAR_ADMIN name no broker";
    }
};

TEST_F(PulsarLog, counts_what_lies_behind_a_position) {
    PulsarFixture fixture;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(runtime::run(fixture.log().append("a", contract::messages(5), {})));
    EXPECT_EQ(*fixture.log().behind("a", {}), 15U);
    auto subscription = *fixture.log().subscribe("a", "group", {});
    const auto first = *subscription->next(7, std::chrono::seconds(10), {});
    ASSERT_FALSE(first.empty());
    EXPECT_EQ(*fixture.log().behind("a", first.back().position), 15 - first.size());
}

TEST_F(PulsarLog, a_second_member_of_a_group_waits_until_the_first_is_gone) {
    PulsarFixture fixture;
    ASSERT_TRUE(runtime::run(fixture.log().append("a", contract::messages(4), {})));
    auto other = open(fixture.options());
    ASSERT_TRUE(other);
    auto first = *fixture.log().subscribe("a", "group", {});
    ASSERT_EQ(first->next(4, std::chrono::seconds(10), {})->size(), 4U);
    auto second = *(*other)->subscribe("a", "group", {});
    // Which of the two the broker takes is its affair, and a while after the second has come the turn may go to it; then it is one of them.
    int turns_first = 0;
    int turns_second = 0;
    for (int i = 0; i < 30; ++i) {
        ASSERT_TRUE(runtime::run(fixture.log().append("a", contract::messages(1), {})));
        const auto by_first = first->next(10, std::chrono::milliseconds(100), {});
        const auto by_second = second->next(10, std::chrono::milliseconds(100), {});
        if (!by_first) EXPECT_EQ(by_first.error().code, "partition-moved");
        if (!by_second) EXPECT_EQ(by_second.error().code, "partition-moved");
        if (i < 15) continue;
        turns_first += by_first && !by_first->empty();
        turns_second += by_second && !by_second->empty();
    }
    EXPECT_GE(std::max(turns_first, turns_second), 10);  // on a busy machine some come only with the next
    EXPECT_EQ(std::min(turns_first, turns_second), 0);
    first.reset();
    second.reset();
    auto third = *(*other)->subscribe("a", "group", {});
    EXPECT_FALSE(third->next(10, std::chrono::seconds(20), {})->empty());
}

TEST_F(PulsarLog, refuses_a_namespace_that_would_forget) {
    auto options = options_in("forgets-" + runtime::random_hex(6));
    const auto missing = open(options);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, "log-not-made");
    EXPECT_NE(missing.error().message.find("acopio log init"), std::string::npos) << missing.error().message;
}

}  // namespace
}  // namespace platform::log::pulsar
