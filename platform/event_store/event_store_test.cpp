// The event store and its relay over SQLite and the embedded log.
#include "platform/event_store/event_store.hpp"

#include "platform/event_store/attributes.hpp"
#include "platform/event_store/common_event.hpp"
#include "platform/log/embedded/embedded_log.hpp"
#include "platform/log/fake_spread_log.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace platform::event_store {
namespace {

using testing::ElementsAre;

class EventStoreTest : public testing::Test {
protected:
    EventStoreTest() {
        std::filesystem::remove_all(dir_);
        std::filesystem::create_directories(dir_);
        reopen();
    }
    ~EventStoreTest() override {
        close();
        std::filesystem::remove_all(dir_);
    }
    void close() {
        store_.reset();
        connection_.reset();
        database_.reset();
        log_.reset();
    }
    void reopen() {
        close();
        log_ = std::make_unique<log::SpreadLog>(*log::embedded::open({.file = dir_ / "log.db"}));
        database_ = *sql::sqlite::open(dir_ / "store.db");
        connection_ = *database_->connect();
        ASSERT_TRUE(create(*connection_));
        store_.emplace(*EventStore::open(*connection_));
    }

    static kernel::Envelope event(const std::string& text) {
        return {.key = "aggregate", .type = "test.v1", .attributes = {{"text", text}}, .data = "{}"};
    }
    kernel::Result<std::uint64_t> append(const std::string& aggregate, std::uint64_t version, const std::string& text) {
        auto transaction = sql::Transaction::begin(*connection_);
        auto sequence = store_->append(aggregate, version, event(text), kernel::Timestamp{});
        if (sequence) EXPECT_TRUE(transaction->commit());
        return sequence;
    }
    std::uint64_t in_log() { return *log_->behind("events", {}); }
    std::vector<std::string> published() {
        auto subscription = *log_->subscribe("events", "test", {});
        std::vector<std::string> all;
        while (all.size() < in_log()) {
            const auto batch = subscription->next(100, std::chrono::seconds(1), {});
            EXPECT_TRUE(batch);
            for (const auto& one : *batch) {
                EXPECT_EQ(one.envelope.attribute("sequence"), std::to_string(all.size() + 1));
                all.emplace_back(*one.envelope.attribute("text"));
            }
        }
        return all;
    }
    Relay relay(std::size_t batch_max = 1000, bool follow_from_log = false) {
        return Relay(*database_, *log_,
                     {.topic = "events", .producer = "test", .batch_max = batch_max, .follow_from_log = follow_from_log});
    }
    void lose_database() {
        close();
        for (const char* name : {"store.db", "store.db-wal", "store.db-shm"}) std::filesystem::remove(dir_ / name);
        reopen();
    }

    std::filesystem::path dir_ = std::filesystem::temp_directory_path() / ("acopio_event_store_" + std::to_string(::getpid()));
    std::unique_ptr<log::EventLog> log_;
    std::unique_ptr<sql::Database> database_;
    std::unique_ptr<sql::Connection> connection_;
    std::optional<EventStore> store_;
};

TEST_F(EventStoreTest, numbers_events_densely_and_gives_back_the_history_of_an_aggregate) {
    EXPECT_EQ(*append("a", 1, "one"), 1U);
    EXPECT_EQ(*append("b", 1, "two"), 2U);
    EXPECT_EQ(*append("a", 2, "three"), 3U);
    const auto history = store_->load("a");
    ASSERT_TRUE(history);
    ASSERT_EQ(history->size(), 2U);
    EXPECT_EQ((*history)[1].attribute("text"), "three");
    EXPECT_TRUE(store_->load("unknown")->empty());
    reopen();
    EXPECT_EQ(*append("a", 3, "four"), 4U);
    EXPECT_EQ(store_->after(2, 10)->size(), 2U);
}

TEST_F(EventStoreTest, a_version_that_exists_is_a_conflict_and_takes_no_number) {
    ASSERT_TRUE(append("a", 1, "one"));
    const auto second = append("a", 1, "other");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, kernel::ErrorKind::conflict);
    EXPECT_EQ(second.error().code, "version-exists");
    EXPECT_EQ(*append("a", 2, "two"), 2U);
}

TEST_F(EventStoreTest, numbers_of_a_transaction_that_was_rolled_back_are_given_again) {
    {
        auto transaction = sql::Transaction::begin(*connection_);
        ASSERT_TRUE(store_->append("a", 1, event("lost"), {}));
    }
    ASSERT_TRUE(store_->rolled_back());
    EXPECT_EQ(*append("a", 1, "kept"), 1U);
}

TEST_F(EventStoreTest, the_relay_publishes_everything_once_in_order_whatever_its_batches) {
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    EXPECT_EQ(*relay(2).drain(), 5U);
    EXPECT_EQ(*relay().drain(), 0U);
    ASSERT_TRUE(append("a", 6, "6"));
    EXPECT_EQ(*relay().drain(), 1U);
    EXPECT_THAT(published(), ElementsAre("1", "2", "3", "4", "5", "6"));
}

TEST_F(EventStoreTest, a_relay_that_died_after_its_append_publishes_nothing_twice) {
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    ASSERT_TRUE(relay(2).drain());  // as if it had published and died: only the log knows
    reopen();
    ASSERT_TRUE(append("a", 4, "4"));
    EXPECT_EQ(*relay().drain(), 1U);
    EXPECT_THAT(published(), ElementsAre("1", "2", "3", "4"));
}

// Stores what is appended but says that it failed, as a log whose answer is lost; the first `times` appends.
class LosesAnswers final : public log::EventLog {
public:
    LosesAnswers(log::EventLog& log, int times) : log_(log), left_(times) {}
    int subscriptions = 0;

    kernel::Task<log::Appended> append(std::string topic, std::vector<kernel::Envelope> messages,
                                       std::optional<log::Producer> producer) override {
        auto appended = co_await log_.append(std::move(topic), std::move(messages), std::move(producer));
        if (left_-- > 0) co_return kernel::Error{kernel::ErrorKind::unavailable, "answer-lost", "no answer came"};
        co_return appended;
    }
    kernel::Result<std::unique_ptr<log::Subscription>> subscribe(std::string topic, std::string group, log::Position after) override {
        ++subscriptions;
        return log_.subscribe(std::move(topic), std::move(group), after);
    }
    kernel::Result<log::Position> head(std::string topic) override { return log_.head(std::move(topic)); }
    kernel::Result<std::optional<log::Message>> last(std::string topic) override { return log_.last(std::move(topic)); }
    kernel::Result<std::uint64_t> behind(std::string topic, log::Position after) override { return log_.behind(std::move(topic), after); }
    kernel::Result<std::uint64_t> last_sequence(std::string topic, std::string producer) override {
        return log_.last_sequence(std::move(topic), std::move(producer));
    }
    std::string id() override { return log_.id(); }
    bool healthy() const override { return log_.healthy(); }

private:
    log::EventLog& log_;
    std::atomic<int> left_;
};

TEST_F(EventStoreTest, an_append_whose_answer_is_lost_is_neither_lost_nor_doubled) {
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    LosesAnswers forgetful(*log_, 2);
    Relay running(*database_, forgetful, {.topic = "events", .producer = "test", .batch_max = 2});
    {
        std::jthread thread([&](std::stop_token stop) { EXPECT_TRUE(running.run(stop)); });
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (in_log() < 5 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    }
    EXPECT_THAT(published(), ElementsAre("1", "2", "3", "4", "5"));
}

// The log would drop a new event with a number that it has: until the table is whole again, nothing may be published.
TEST_F(EventStoreTest, a_table_that_ends_before_the_log_does_is_a_fault_until_it_is_restored) {
    ASSERT_TRUE(append("aggregate", 1, "1"));
    ASSERT_TRUE(append("aggregate", 2, "2"));
    ASSERT_TRUE(relay().drain());
    lose_database();
    ASSERT_TRUE(append("aggregate", 1, "other"));
    const auto behind = relay().drain();
    ASSERT_FALSE(behind);
    EXPECT_EQ(behind.error().kind, kernel::ErrorKind::fault);
    EXPECT_EQ(behind.error().code, "events-behind-log");
    lose_database();
    EXPECT_EQ(*restore(*connection_, *log_, "events", "test"), 2U);
    EXPECT_EQ(*restore(*connection_, *log_, "events", "test"), 0U);
    store_.emplace(*EventStore::open(*connection_));
    const auto history = store_->load("aggregate");
    ASSERT_EQ(history->size(), 2U);
    EXPECT_EQ((*history)[1].attributes, event("2").attributes);
    EXPECT_EQ(*append("aggregate", 3, "3"), 3U);
    EXPECT_EQ(*relay().drain(), 1U);
    EXPECT_THAT(published(), ElementsAre("1", "2", "3"));
}

TEST_F(EventStoreTest, nothing_is_put_back_from_or_published_to_the_log_of_another_history) {
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(append("theirs", static_cast<std::uint64_t>(i), std::to_string(i)));
    ASSERT_TRUE(relay().drain());
    lose_database();
    ASSERT_TRUE(append("theirs", 1, "another"));
    const auto restored = restore(*connection_, *log_, "events", "test");
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, "log-foreign");
    EXPECT_EQ(*store_->last_sequence(), 1U);
    for (int i = 2; i <= 4; ++i) ASSERT_TRUE(append("theirs", static_cast<std::uint64_t>(i), "another"));
    const auto drained = relay().drain();
    ASSERT_FALSE(drained);
    EXPECT_EQ(drained.error().code, "log-foreign");
    EXPECT_THAT(published(), ElementsAre("1", "2", "3"));
}

TEST_F(EventStoreTest, an_event_in_the_log_is_found_by_its_sequence_wherever_it_stands) {
    EXPECT_FALSE(find_event(*log_, "events", 1)->has_value());
    constexpr std::uint64_t events = 2500;  // more than is read at once
    auto transaction = sql::Transaction::begin(*connection_);
    for (std::uint64_t version = 1; version <= events; ++version)
        ASSERT_TRUE(store_->append("a", version, event(std::to_string(version)), {}));
    ASSERT_TRUE(transaction->commit());
    ASSERT_TRUE(relay().drain());
    for (const std::uint64_t sequence : {std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{1001}, events - 1, events}) {
        const auto found = find_event(*log_, "events", sequence);
        ASSERT_TRUE(found && *found);
        EXPECT_EQ((*found)->envelope.attribute("text"), std::to_string(sequence));
        EXPECT_EQ(*check_common_event(*store_, *log_, "events", sequence), (*found)->position);
    }
    EXPECT_FALSE(find_event(*log_, "events", events + 1)->has_value());
    LosesAnswers watched(*log_, 0);
    ASSERT_TRUE(find_event(watched, "events", events));
    EXPECT_EQ(watched.subscriptions, 0) << "the last one takes no reading, however long the topic is";
    ASSERT_TRUE(find_event(watched, "events", 1));
    EXPECT_EQ(watched.subscriptions, 1);
}

TEST_F(EventStoreTest, a_database_that_is_an_older_copy_is_given_the_rest_of_the_events) {
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(append("aggregate", static_cast<std::uint64_t>(i), std::to_string(i)));
    close();
    std::filesystem::copy_file(dir_ / "store.db", dir_ / "copy.db");
    reopen();
    for (int i = 4; i <= 6; ++i) ASSERT_TRUE(append("aggregate", static_cast<std::uint64_t>(i), std::to_string(i)));
    ASSERT_TRUE(relay().drain());
    lose_database();
    close();
    std::filesystem::copy_file(dir_ / "copy.db", dir_ / "store.db", std::filesystem::copy_options::overwrite_existing);
    reopen();
    EXPECT_EQ(*restore(*connection_, *log_, "events", "test"), 3U);
    store_.emplace(*EventStore::open(*connection_));
    ASSERT_EQ(store_->load("aggregate")->size(), 6U);
    EXPECT_EQ(store_->load("aggregate")->back().attributes, event("6").attributes);
    ASSERT_TRUE(append("aggregate", 7, "7"));
    EXPECT_EQ(*relay().drain(), 1U);
    EXPECT_THAT(published(), ElementsAre("1", "2", "3", "4", "5", "6", "7"));
}

TEST_F(EventStoreTest, events_that_follow_from_another_topic_are_compared_with_the_log_before_new_ones_are_published) {
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    ASSERT_TRUE(relay().drain());
    lose_database();
    Relay again = relay(2, true);
    EXPECT_EQ(*again.drain(), 0U);
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    EXPECT_EQ(*again.drain(), 3U);
    for (int i = 4; i <= 6; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    EXPECT_EQ(*again.drain(), 3U);
    EXPECT_THAT(published(), ElementsAre("1", "2", "3", "4", "5", "6"));
}

TEST_F(EventStoreTest, events_that_are_others_than_the_log_s_are_never_taken_for_repeats) {
    ASSERT_TRUE(append("a", 1, "1"));
    ASSERT_TRUE(relay().drain());
    lose_database();
    auto transaction = sql::Transaction::begin(*connection_);
    auto other = event("other");
    other.type = "other.v1";
    ASSERT_TRUE(store_->append("a", 1, other, {}));
    ASSERT_TRUE(transaction->commit());
    const auto differs = relay(1000, true).drain();
    ASSERT_FALSE(differs);
    EXPECT_EQ(differs.error().code, "events-behind-log");
}

TEST_F(EventStoreTest, the_relay_publishes_events_that_are_too_large_for_one_append_together) {
    constexpr std::uint64_t events = 70;  // 70 MiB: an append to the log takes 64
    auto large = event("large");
    large.data = std::string(1024 * 1024, 'x');
    auto transaction = sql::Transaction::begin(*connection_);
    for (std::uint64_t version = 1; version <= events; ++version) ASSERT_TRUE(store_->append("a", version, large, {}));
    ASSERT_TRUE(transaction->commit());
    const auto drained = relay().drain();
    ASSERT_TRUE(drained) << drained.error().code;
    EXPECT_EQ(*drained, events);
    EXPECT_EQ(in_log(), events);
}

TEST_F(EventStoreTest, an_answer_of_bounded_bytes_has_at_least_one_event) {
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    EXPECT_EQ(store_->after(0, 10, 0)->size(), 1U);
    EXPECT_EQ(store_->after(0, 10, 3)->size(), 2U) << "each has 2 bytes of data";
    EXPECT_EQ(store_->after(0, 10)->size(), 3U);
    EXPECT_TRUE(store_->after(3, 10, 0)->empty());
}

TEST_F(EventStoreTest, a_gap_in_the_table_ends_the_relay_and_nothing_after_it_is_published) {
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(append("a", static_cast<std::uint64_t>(i), std::to_string(i)));
    ASSERT_TRUE(connection_->execute("DELETE FROM event WHERE sequence = 2"));
    const auto ended = relay().run({});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().kind, kernel::ErrorKind::fault);
    EXPECT_EQ(ended.error().code, "events-not-dense");
    EXPECT_EQ(in_log(), 0U);
}

TEST_F(EventStoreTest, a_running_relay_publishes_what_comes_and_stops_when_told) {
    auto running = relay();
    std::jthread thread([&](std::stop_token stop) { EXPECT_TRUE(running.run(stop)); });
    ASSERT_TRUE(append("a", 1, "1"));
    running.wake();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (in_log() < 1 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(in_log(), 1U);
    thread.request_stop();
    running.wake();
}

TEST(Attributes, read_back_as_written) {
    EXPECT_TRUE(rc::check("attributes -> text -> attributes", [] {
        const auto text = rc::gen::map(rc::gen::string<std::string>(), [](std::string one) {
            std::erase_if(one, [](char c) { return c == '\n' || c == '='; });
            return one;
        });
        const auto attributes = *rc::gen::container<Attributes>(rc::gen::pair(text, text));
        RC_ASSERT(*attributes_from(to_text(attributes)) == attributes);
    }));
    EXPECT_FALSE(attributes_from("name=no line end"));
    EXPECT_FALSE(attributes_from("no equals sign\n"));
}

}  // namespace
}  // namespace platform::event_store
