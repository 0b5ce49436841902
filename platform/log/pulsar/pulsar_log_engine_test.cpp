// The log over a real broker against the contract of the port, and what is its own: policies, names, what others may read.
#include "platform/log/contract.hpp"
#include "platform/log/pulsar/position.hpp"
#include "platform/log/pulsar/pulsar_log.hpp"
#include "platform/pulsar/admin/rest.hpp"
#include "platform/runtime/digest.hpp"

#include <chrono>
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

// One of a group, which subscribes again when its turn has gone to another.
class Member {
public:
    explicit Member(EventLog& log) : log_(log) { subscribe(); }
    // How many messages came, in a tenth of a second.
    std::size_t read() {
        if (!subscription_) subscribe();
        const auto batch = subscription_->next(10, std::chrono::milliseconds(100), {});
        if (batch) return batch->size();
        EXPECT_EQ(batch.error().code, "partition-moved") << batch.error().message;
        subscription_.reset();
        return 0;
    }
    void leave() { subscription_.reset(); }

private:
    void subscribe() {
        auto opened = log_.subscribe("a", "group", {});
        ASSERT_TRUE(opened) << opened.error().message;
        subscription_ = std::move(*opened);
    }

    EventLog& log_;
    std::unique_ptr<Subscription> subscription_;
};

TEST_F(PulsarLog, counts_for_several_readers_of_many_messages) {
    PulsarFixture fixture;
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(runtime::run(fixture.log().append("a", contract::messages(1000), {})));
    std::vector<std::unique_ptr<Subscription>> readers;
    std::vector<Message> last;
    std::vector<std::uint64_t> read(3);
    for (std::size_t i = 0; i < read.size(); ++i) {
        readers.push_back(*fixture.log().subscribe("a", {}, {}));
        while (read[i] < 1000 * (i + 1)) {
            auto some = *readers[i]->next(1000, std::chrono::seconds(10), {});
            ASSERT_FALSE(some.empty());
            read[i] += some.size();
            if (read[i] >= 1000 * (i + 1)) last.push_back(some.back());
        }
    }
    for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(*fixture.log().behind("a", last[i].position), 5000 - read[i]);
}

TEST_F(PulsarLog, a_second_member_of_a_group_waits_until_the_first_is_gone) {
    PulsarFixture fixture;
    auto other = open(fixture.options());
    ASSERT_TRUE(other) << other.error().message;
    Member first(fixture.log());
    Member second(**other);
    // Which of the two the broker takes is its affair, and a while after the second has come the turn may go to it. Then it is one of them:
    // what comes now is read by that one, ten times without the other.
    const auto deadline = [] { return std::chrono::steady_clock::now() + std::chrono::seconds(60); };
    Member* reads = nullptr;
    int alone = 0;
    for (const auto end = deadline(); alone < 10 && std::chrono::steady_clock::now() < end;) {
        ASSERT_TRUE(runtime::run(fixture.log().append("a", contract::messages(1), {})));
        for (auto* member : {&first, &second}) {
            if (member->read() == 0) continue;
            alone = member == reads ? alone + 1 : 1;
            reads = member;
        }
    }
    ASSERT_EQ(alone, 10);
    reads->leave();
    auto& waited = reads == &first ? second : first;
    bool read = false;
    for (const auto end = deadline(); !read && std::chrono::steady_clock::now() < end;) {
        ASSERT_TRUE(runtime::run(fixture.log().append("a", contract::messages(1), {})));
        read = waited.read() > 0;
    }
    EXPECT_TRUE(read);
}

TEST_F(PulsarLog, refuses_a_namespace_that_is_not_there) {
    const auto missing = open(options_in("missing-" + runtime::random_hex(6)));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, "log-not-made");
    EXPECT_NE(missing.error().message.find("acopio log init"), std::string::npos) << missing.error().message;
}

TEST_F(PulsarLog, refuses_a_namespace_that_would_forget) {
    namespace admin = platform::pulsar::admin;
    const auto options = options_in("forgets-" + runtime::random_hex(6));
    ASSERT_TRUE(admin::init(options.admin, {.tenant = options.tenant, .name_space = options.name_space, .topics = options.topics}));
    ASSERT_TRUE(open(options));
    auto rest = admin::Rest::open(options.admin);
    ASSERT_TRUE(rest);
    const auto set = rest->ask("POST", "namespaces/" + options.tenant + "/" + options.name_space + "/retention",
                               R"({"retentionTimeInMinutes":60,"retentionSizeInMB":100})");
    ASSERT_TRUE(set) << set.error().message;
    ASSERT_EQ(set->what, admin::Rest::Answer::What::done) << set->reason;
    const auto refused = open(options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "log-policies");
    EXPECT_NE(refused.error().message.find("retention: 60 minutes and 100 MB"), std::string::npos) << refused.error().message;
    EXPECT_NE(refused.error().message.find("acopio log init"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace platform::log::pulsar
