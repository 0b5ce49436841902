// The projection loop over SQLite and the embedded log: nothing lost, nothing twice, poison stops it.
#include "platform/projection/projection.hpp"

#include "platform/log/embedded/embedded_log.hpp"
#include "platform/log/fake_spread_log.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

namespace platform::projection {
namespace {

constexpr std::uint64_t place(std::uint64_t number) {
    return log::SpreadLog::place(number).value;
}

// Writes each message's text as a row; fails as it is told.
class Rows final : public Handler {
public:
    explicit Rows(sql::Connection& connection) : connection_(connection) {}

    kernel::Result<void> handle(const std::vector<log::Message>& batch) override {
        if (auto thrown = std::exchange(thrown_, nullptr)) std::rethrow_exception(thrown);
        for (const auto& message : batch) {
            auto insert = connection_.prepare("INSERT INTO row (position, text) VALUES (?, ?)");
            (*insert)->bind(0, static_cast<std::int64_t>(message.position.value));
            (*insert)->bind(1, std::string_view(message.envelope.data));
            if (auto done = (*insert)->run(); !done) return std::move(done).error();
            if (message.envelope.data == "poison") return kernel::Error{kernel::ErrorKind::fault, "poison", "cannot be read"};
        }
        if (failures_left_ > 0) {
            --failures_left_;
            return kernel::Error{kind_, "not-now", "try again"};
        }
        return kernel::ok();
    }
    void committed(log::Position position) override { committed_ = position; }
    void rolled_back() override {
        ++rolled_back_;
        if (when_rolled_back) when_rolled_back();
    }
    void idle() override { ++idle_; }
    std::function<void()> when_rolled_back;

    void throw_once(std::exception_ptr thrown) { thrown_ = std::move(thrown); }
    void fail_times(int times, kernel::ErrorKind kind = kernel::ErrorKind::busy) {
        failures_left_ = times;
        kind_ = kind;
    }
    log::Position committed_position() const { return committed_; }
    int times_rolled_back() const { return rolled_back_; }
    int times_idle() const { return idle_; }

private:
    sql::Connection& connection_;
    std::exception_ptr thrown_;
    int failures_left_ = 0;
    kernel::ErrorKind kind_ = kernel::ErrorKind::busy;
    log::Position committed_;
    int rolled_back_ = 0;
    std::atomic<int> idle_ = 0;
};

class ProjectionTest : public testing::Test {
protected:
    ProjectionTest() {
        std::filesystem::remove_all(dir_);
        std::filesystem::create_directories(dir_);
        open_log();
        database_ = *sql::sqlite::open(dir_ / "rows.db");
        connection_ = *database_->connect();
        EXPECT_TRUE(create(*connection_));
        rows_.emplace(*connection_);
        EXPECT_TRUE(connection_->execute("CREATE TABLE row (position INTEGER PRIMARY KEY, text TEXT)"));
    }
    ~ProjectionTest() override {
        connection_.reset();
        database_.reset();
        log_.reset();
        std::filesystem::remove_all(dir_);
    }
    void open_log() { log_ = std::make_unique<log::SpreadLog>(*log::embedded::open({.file = dir_ / "log.db"})); }
    void append(std::vector<std::string> texts) {
        std::vector<kernel::Envelope> messages;
        for (auto& text : texts) messages.push_back({.key = "k", .type = "t", .attributes = {}, .data = std::move(text)});
        ASSERT_TRUE(runtime::run(log_->append("topic", std::move(messages))));
    }
    void keep_copy() {
        log_.reset();
        std::filesystem::copy_file(dir_ / "log.db", dir_ / "copy.db");
        open_log();
    }
    void restore_copy() {
        log_.reset();
        std::filesystem::copy_file(dir_ / "copy.db", dir_ / "log.db", std::filesystem::copy_options::overwrite_existing);
        open_log();
    }
    // The code with which it refuses the log, checking, catching up and running; "" if it does not.
    std::string refused() {
        const auto checked = projection().check();
        if (checked) return "";
        EXPECT_EQ(checked.error().kind, kernel::ErrorKind::fault);
        auto one = projection();
        const auto caught_up = one.catch_up();
        EXPECT_TRUE(!caught_up && caught_up.error().code == checked.error().code);
        const auto ended = one.run({});
        EXPECT_TRUE(!ended && ended.error().code == checked.error().code);
        EXPECT_TRUE(one.poisoned());
        return checked.error().code;
    }
    std::int64_t rows() {
        auto count = *connection_->prepare("SELECT COUNT(*) FROM row");
        EXPECT_TRUE(*count->step());
        return count->integer(0);
    }
    Projection projection(std::size_t batch_max = 1000) { return projection_of(*rows_, batch_max); }
    Projection projection_of(Handler& handler, std::size_t batch_max) {
        return Projection({.name = "rows", .topic = "topic", .batch_max = batch_max}, *connection_, *log_, handler);
    }

    std::filesystem::path dir_ = std::filesystem::temp_directory_path() / ("acopio_projection_" + std::to_string(::getpid()));
    std::unique_ptr<log::EventLog> log_;
    std::unique_ptr<sql::Database> database_;
    std::unique_ptr<sql::Connection> connection_;
    std::optional<Rows> rows_;
};

TEST_F(ProjectionTest, catches_up_in_batches_and_goes_on_where_it_was) {
    append({"a", "b", "c", "d", "e"});
    ASSERT_TRUE(projection(2).catch_up());
    EXPECT_EQ(rows(), 5);
    EXPECT_EQ(position(*connection_, "rows")->value, place(5));
    append({"f"});
    ASSERT_TRUE(projection().catch_up());
    EXPECT_EQ(rows(), 6) << "a row that came twice would break the primary key";
    EXPECT_EQ(rows_->committed_position().value, place(6));
}

TEST_F(ProjectionTest, a_batch_that_fails_is_rolled_back_whole_and_tried_again) {
    append({"a", "b"});
    rows_->fail_times(3);
    ASSERT_TRUE(projection().catch_up());
    EXPECT_EQ(rows(), 2);
    EXPECT_EQ(rows_->times_rolled_back(), 3);
}

TEST_F(ProjectionTest, only_errors_that_may_pass_are_tried_again) {
    using enum kernel::ErrorKind;
    for (const auto kind : {busy, unavailable, interrupted}) {
        append({"again"});
        rows_->fail_times(1, kind);
        EXPECT_TRUE(projection().catch_up());
    }
    // A conflict too: one projection writes, so that a unique row that is there is there at the next attempt as well.
    for (const auto kind : {incorrect, forbidden, not_found, conflict, unsupported, fault}) {
        append({"never"});
        rows_->fail_times(1, kind);
        auto one = projection();
        const auto ended = one.run({});
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().kind, kind);
        EXPECT_TRUE(one.poisoned());
        ASSERT_TRUE(projection().catch_up());  // the failures are over: the batch is still there
    }
    EXPECT_EQ(rows(), 9);
}

TEST_F(ProjectionTest, is_stuck_while_the_same_batch_fails_for_too_long) {
    append({"a"});
    rows_->fail_times(1'000'000);
    Projection one({.name = "rows", .topic = "topic", .stuck_after = std::chrono::milliseconds(50)}, *connection_, *log_, *rows_);
    EXPECT_FALSE(one.stuck());
    bool was_stuck = false;
    rows_->when_rolled_back = [&] {
        if (!one.stuck()) return;
        was_stuck = true;
        rows_->fail_times(0);
    };
    std::jthread thread([&](std::stop_token stop) { EXPECT_TRUE(one.run(stop)); });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (one.reached().value < place(1) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(was_stuck);
    EXPECT_EQ(one.reached().value, place(1));
    EXPECT_FALSE(one.stuck()) << "it goes on";
}

TEST_F(ProjectionTest, catching_up_ends_with_the_error_of_a_batch_that_keeps_failing) {
    append({"a"});
    rows_->fail_times(1'000'000);
    const auto done = projection().catch_up();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, "not-now");
    EXPECT_EQ(rows_->times_rolled_back(), 10);
}

TEST_F(ProjectionTest, what_its_handler_throws_is_an_error_and_too_little_memory_passes) {
    append({"a"});
    rows_->throw_once(std::make_exception_ptr(std::bad_alloc()));
    ASSERT_TRUE(projection().catch_up());
    EXPECT_EQ(rows(), 1);
    append({"b"});
    rows_->throw_once(std::make_exception_ptr(std::logic_error("Doe, Jane")));
    auto one = projection();
    const auto ended = one.run({});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, "job-threw");
    EXPECT_TRUE(one.poisoned());
    EXPECT_EQ(rows(), 1);
}

// An older copy of the log would give new messages the positions that were read already: they would be passed over.
TEST_F(ProjectionTest, a_log_that_ends_before_its_position_is_refused) {
    append({"a"});
    keep_copy();
    append({"b"});
    ASSERT_TRUE(projection().catch_up());
    restore_copy();
    EXPECT_EQ(refused(), "log-behind");
    append({"c"});
    EXPECT_EQ(refused(), "log-rewound") << "it is as long as before, with another message";
    append({"d"});
    EXPECT_EQ(refused(), "log-rewound");
    EXPECT_EQ(rows(), 2);
}

TEST_F(ProjectionTest, a_position_at_which_no_message_stands_is_refused) {
    append({"a", "a"});
    ASSERT_TRUE(projection().catch_up());
    EXPECT_EQ(refused(), "");
    for (const auto position : {place(1), place(2) - 1, place(1) + 1}) {
        ASSERT_TRUE(connection_->execute("UPDATE projection_position SET position = " + std::to_string(position)));
        EXPECT_EQ(refused(), position == place(1) ? "" : "log-rewound") << "the messages are the same, and so are their digests";
    }
    ASSERT_TRUE(connection_->execute("UPDATE projection_position SET position = " + std::to_string(place(2) + 1)));
    EXPECT_EQ(refused(), "log-behind");
}

TEST_F(ProjectionTest, its_lag_counts_messages) {
    auto one = projection(1);
    EXPECT_EQ(one.lag(), 0);
    append({"a", "b", "c"});
    EXPECT_EQ(one.lag(), 3);
    ASSERT_TRUE(one.catch_up());
    EXPECT_EQ(one.lag(), 0);
    append({"d"});
    EXPECT_EQ(one.lag(), 1);
}

TEST_F(ProjectionTest, another_log_is_refused_and_the_same_one_is_not) {
    append({"a"});
    ASSERT_TRUE(projection().catch_up());
    EXPECT_EQ(refused(), "");
    log_.reset();
    std::filesystem::remove(dir_ / "log.db");
    open_log();
    append({"a"});
    EXPECT_EQ(refused(), "log-foreign");
}

TEST_F(ProjectionTest, a_position_of_an_older_version_is_taken_and_knows_its_log_from_the_next_batch_on) {
    append({"a"});
    ASSERT_TRUE(projection().catch_up());
    ASSERT_TRUE(
        connection_->execute("ALTER TABLE projection_position DROP COLUMN log_id;"
                             "ALTER TABLE projection_position DROP COLUMN fingerprint;"
                             "DELETE FROM schema_version WHERE owner = 'projection'"));
    ASSERT_TRUE(create(*connection_));
    EXPECT_EQ(position(*connection_, "rows")->value, place(1));
    EXPECT_EQ(refused(), "");
    append({"b"});
    ASSERT_TRUE(projection().catch_up());
    ASSERT_TRUE(connection_->execute("UPDATE projection_position SET log_id = 'other'"));
    EXPECT_EQ(refused(), "log-foreign");
}

TEST_F(ProjectionTest, a_stop_ends_a_batch_that_fails_for_ever_and_leaves_it_for_later) {
    append({"a"});
    rows_->fail_times(1'000'000);
    std::stop_source stop;
    rows_->when_rolled_back = [&] { stop.request_stop(); };
    auto one = projection();
    EXPECT_TRUE(one.run(stop.get_token()));
    EXPECT_FALSE(one.poisoned());
    EXPECT_EQ(rows(), 0);
    EXPECT_EQ(position(*connection_, "rows")->value, 0U);
    rows_->when_rolled_back = nullptr;
    rows_->fail_times(0);
    ASSERT_TRUE(projection().catch_up());
    EXPECT_EQ(rows(), 1);
}

TEST_F(ProjectionTest, a_damaged_block_stops_it_after_what_could_be_read) {
    append({"a"});
    append({"b"});
    auto damage = *(*sql::sqlite::open(dir_ / "log.db"))->connect();
    ASSERT_TRUE(damage->execute("UPDATE block_1 SET payload = x'00' WHERE last = 2"));
    auto one = projection();
    const auto ended = one.run({});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, "log-corrupt");
    EXPECT_TRUE(one.poisoned());
    EXPECT_EQ(rows(), 1);
}

TEST_F(ProjectionTest, a_poison_message_stops_it_before_that_batch_and_is_never_skipped) {
    append({"a", "b"});
    auto one = projection();
    ASSERT_TRUE(one.catch_up());
    append({"c", "poison", "d"});
    const auto ended = one.run({});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, "poison");
    EXPECT_TRUE(one.poisoned());
    EXPECT_EQ(rows(), 2);
    EXPECT_EQ(position(*connection_, "rows")->value, place(2));
    EXPECT_EQ(one.reached().value, place(2));
}

TEST_F(ProjectionTest, tells_its_handler_when_nothing_comes) {
    auto one = projection();
    std::jthread thread([&](const std::stop_token& stop) { EXPECT_TRUE(one.run(stop)); });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (rows_->times_idle() < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_GE(rows_->times_idle(), 2);
}

TEST_F(ProjectionTest, follows_the_log_until_it_is_told_to_stop) {
    auto one = projection();
    {
        std::jthread thread([&](std::stop_token stop) { EXPECT_TRUE(one.run(stop)); });
        append({"a"});
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (one.reached().value < place(1) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
        EXPECT_EQ(one.reached().value, place(1));
    }
    EXPECT_FALSE(one.poisoned());
    EXPECT_EQ(rows(), 1);
}

}  // namespace
}  // namespace platform::projection
