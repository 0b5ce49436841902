// The embedded log against the contract of the port, and what is its own: the lock, the bounds, damage, and kill -9.
#include "platform/log/embedded/embedded_log.hpp"

#include "platform/log/contract.hpp"
#include "platform/log/embedded/block.hpp"
#include "platform/log/fake_spread_log.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>

#include <rapidcheck.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace platform::log::embedded {
namespace {

class Directory {
public:
    Directory() {
        static std::atomic<int> number{0};
        path_ = std::filesystem::temp_directory_path() / ("acopio_log_" + std::to_string(::getpid()) + "_" + std::to_string(number++));
        std::filesystem::create_directories(path_);
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    std::filesystem::path file() const { return path_ / "log.db"; }

private:
    std::filesystem::path path_;
};

class EmbeddedFixture final : public contract::LogFixture {
public:
    explicit EmbeddedFixture(bool spread) : spread_(spread) { EmbeddedFixture::reopen(); }
    EventLog& log() override { return *log_; }
    void reopen() override {
        log_.reset();
        log_ = *open({.file = directory_.file()});
        if (spread_) log_ = std::make_unique<SpreadLog>(std::move(log_));
    }

private:
    bool spread_;
    Directory directory_;
    std::unique_ptr<EventLog> log_;
};

}  // namespace

namespace contract_of_the_embedded_log {
using contract::EventLogContract;
INSTANTIATE_TEST_SUITE_P(Embedded, EventLogContract,
                         testing::Values(std::pair("embedded", [] { return std::make_unique<EmbeddedFixture>(false); })));
// The fake of other rooms' tests; and so the suite holds for an engine with gaps.
INSTANTIATE_TEST_SUITE_P(Spread, EventLogContract,
                         testing::Values(std::pair("spread", [] { return std::make_unique<EmbeddedFixture>(true); })));
}  // namespace contract_of_the_embedded_log

namespace {

using contract::message;
using contract::messages;

TEST(EmbeddedLog, a_second_one_on_the_same_file_is_refused) {
    const Directory directory;
    const auto first = open({.file = directory.file()});
    ASSERT_TRUE(first);
    const auto second = open({.file = directory.file()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "log-in-use");
}

TEST(EmbeddedLog, a_full_queue_refuses_before_anything_is_written_and_what_was_taken_is_stored) {
    const Directory directory;
    auto log = *open({.file = directory.file(), .queue_messages_max = 4});
    boost::asio::io_context io;
    int stored = 0, refused = 0;
    constexpr int appends = 2000;
    for (int i = 0; i < appends; ++i)
        boost::asio::co_spawn(io, log->append("a", messages(1)), [&](std::exception_ptr, kernel::Result<Appended> result) {
            if (result) ++stored;
            else if (result.error().code == "log-queue-full" && result.error().kind == kernel::ErrorKind::busy) ++refused;
        });
    io.run();
    EXPECT_EQ(stored + refused, appends);
    EXPECT_GT(stored, 0);
    EXPECT_GT(refused, 0);
    EXPECT_EQ(log->head("a")->value, static_cast<std::uint64_t>(stored));
}

TEST(EmbeddedLog, the_bytes_that_wait_are_bounded_too_but_one_append_larger_than_the_bound_is_taken) {
    const Directory directory;
    auto log = *open({.file = directory.file(), .queue_bytes_max = 1000});
    auto large = message("large");
    large.data = std::string(5000, 'x');
    ASSERT_TRUE(runtime::run(log->append("a", {large})));
    boost::asio::io_context io;
    int stored = 0, refused = 0;
    constexpr int appends = 2000;
    for (int i = 0; i < appends; ++i)
        boost::asio::co_spawn(io, log->append("a", {large}), [&](std::exception_ptr, kernel::Result<Appended> result) {
            if (result) ++stored;
            else if (result.error().code == "log-queue-full") ++refused;
        });
    io.run();
    EXPECT_EQ(stored + refused, appends);
    EXPECT_GT(refused, 0);
    EXPECT_EQ(log->head("a")->value, static_cast<std::uint64_t>(stored) + 1);
}

TEST(EmbeddedLog, positions_are_dense_from_one_and_what_lies_behind_is_counted) {
    const Directory directory;
    auto log = *open({.file = directory.file()});
    EXPECT_EQ(runtime::run(log->append("a", messages(3), Producer{"p", 1}))->first.value, 1U);
    const auto overlap = *runtime::run(log->append("a", messages(4), Producer{"p", 2}));
    EXPECT_EQ(overlap.first.value, 4U);
    EXPECT_EQ(overlap.last.value, 5U);
    EXPECT_EQ(runtime::run(log->append("a", messages(1)))->last.value, 6U);
    auto subscription = *log->subscribe("a", "test", {});
    const auto all = *subscription->next(10, std::chrono::seconds(5), {});
    ASSERT_EQ(all.size(), 6U);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].position.value, i + 1);
    EXPECT_EQ(log->last("a")->value().position.value, 6U);
    for (std::uint64_t after = 0; after <= 7; ++after) EXPECT_EQ(*log->behind("a", Position{after}), after > 6 ? 0 : 6 - after);
}

TEST(EmbeddedLog, damage_is_noticed_when_it_is_read) {
    const Directory directory;
    {
        auto log = *open({.file = directory.file()});
        ASSERT_TRUE(runtime::run(log->append("a", messages(3))));
    }
    {
        auto database = *sql::sqlite::open(directory.file());
        auto connection = *database->connect();
        ASSERT_TRUE(connection->execute("UPDATE block_1 SET payload = substr(payload, 1, length(payload) - 1) || x'7f'"));
    }
    auto log = *open({.file = directory.file()});
    auto subscription = *log->subscribe("a", "test", {});
    const auto batch = subscription->next(10, std::chrono::seconds(5), {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().code, "log-corrupt");
}

TEST(EmbeddedLog, what_stands_before_the_damage_is_given_first) {
    const Directory directory;
    {
        auto log = *open({.file = directory.file()});
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(runtime::run(log->append("a", messages(2))));
    }
    {
        auto database = *sql::sqlite::open(directory.file());
        auto connection = *database->connect();
        ASSERT_TRUE(connection->execute("UPDATE block_1 SET payload = x'7f' WHERE last = 4"));
    }
    auto log = *open({.file = directory.file()});
    auto subscription = *log->subscribe("a", "test", {});
    const auto batch = subscription->next(10, std::chrono::seconds(5), {});
    ASSERT_TRUE(batch) << "messages that could be read are not lost with the ones that could not";
    ASSERT_EQ(batch->size(), 2U);
    EXPECT_EQ(batch->back().position.value, 2U);
    for (int i = 0; i < 2; ++i) {
        const auto damaged = subscription->next(10, std::chrono::seconds(5), {});
        ASSERT_FALSE(damaged);
        EXPECT_EQ(damaged.error().code, "log-corrupt");
    }
}

TEST(EmbeddedLog, a_missing_block_is_noticed) {
    const Directory directory;
    {
        auto log = *open({.file = directory.file()});
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(runtime::run(log->append("a", messages(1))));
    }
    {
        auto database = *sql::sqlite::open(directory.file());
        auto connection = *database->connect();
        ASSERT_TRUE(connection->execute("DELETE FROM block_1 WHERE last = 2"));
    }
    auto log = *open({.file = directory.file()});
    auto subscription = *log->subscribe("a", "test", {});
    const auto before = subscription->next(10, std::chrono::seconds(5), {});
    ASSERT_TRUE(before);
    EXPECT_EQ(before->size(), 1U);
    const auto batch = subscription->next(10, std::chrono::seconds(5), {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().code, "log-corrupt");
}

TEST(EmbeddedLog, what_is_committed_and_not_published_yet_is_not_read) {
    const Directory directory;
    auto log = *open({.file = directory.file()});
    ASSERT_TRUE(runtime::run(log->append("a", messages(1))));
    std::string bytes;
    encode(bytes, message("committed a moment ago"));
    const auto block = to_block(bytes);
    auto connection = *(*sql::sqlite::open(directory.file()))->connect();
    auto insert = *connection->prepare("INSERT INTO block_1 (last, first, appended_at, payload) VALUES (2, 2, 0, ?)");
    insert->bind_bytes(0, block);
    ASSERT_TRUE(insert->run());
    auto subscription = *log->subscribe("a", "test", {});
    const auto batch = subscription->next(10, std::chrono::seconds(5), {});
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->size(), 1U) << "a reader beyond head() would take the log for an older copy at its next start";
    EXPECT_EQ(log->head("a")->value, 1U);
}

TEST(EmbeddedLog, a_commit_that_fails_stores_nothing_and_the_next_one_goes_on_from_the_disk) {
    const Directory directory;
    auto log = *open({.file = directory.file()});
    ASSERT_TRUE(runtime::run(log->append("a", messages(2), Producer{"p", 1})));
    auto database = *sql::sqlite::open(directory.file());
    auto connection = *database->connect();
    // The producer's row is written after the blocks: what fails is the end of a transaction that holds them.
    ASSERT_TRUE(connection->execute("CREATE TRIGGER refuse BEFORE INSERT ON producer BEGIN SELECT RAISE(ABORT, 'the test refuses'); END"));
    for (const char* topic : {"a", "new"}) {
        const auto failed = runtime::run(log->append(topic, messages(3, "x"), Producer{"p", 3}));
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().kind, kernel::ErrorKind::busy) << "nothing was written, and that is known";
        EXPECT_EQ(failed.error().code, "log-write-failed");
    }
    EXPECT_EQ(log->head("a")->value, 2U);
    EXPECT_EQ(log->head("new")->value, 0U);
    EXPECT_EQ(*log->last_sequence("a", "p"), 2U);
    ASSERT_TRUE(connection->execute("DROP TRIGGER refuse"));
    for (const char* topic : {"a", "new"}) ASSERT_TRUE(runtime::run(log->append(topic, messages(3, "x"), Producer{"p", 3})));
    EXPECT_EQ(log->head("a")->value, 5U) << "a retry with the same sequences is stored, once";
    EXPECT_EQ(log->head("new")->value, 3U);
    auto subscription = *log->subscribe("a", "test", {});
    EXPECT_EQ(subscription->next(10, std::chrono::seconds(5), {})->size(), 5U);
}

TEST(EmbeddedLog, a_commit_that_fails_is_unknown_when_the_disk_cannot_be_read_after_it) {
    const Directory directory;
    auto log = *open({.file = directory.file()});
    ASSERT_TRUE(runtime::run(log->append("a", messages(2), Producer{"p", 1})));
    auto database = *sql::sqlite::open(directory.file());
    auto connection = *database->connect();
    ASSERT_TRUE(connection->execute("ALTER TABLE producer RENAME TO away"));
    const auto failed = runtime::run(log->append("a", messages(2), Producer{"p", 3}));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, kernel::ErrorKind::unavailable);
    ASSERT_TRUE(connection->execute("ALTER TABLE away RENAME TO producer"));
    ASSERT_TRUE(runtime::run(log->append("a", messages(2), Producer{"p", 3})));
    EXPECT_EQ(log->head("a")->value, 4U);
}

TEST(EmbeddedLog, is_unhealthy_from_a_failed_write_until_the_disk_takes_one_again_without_an_append) {
    const Directory directory;
    auto log = *open({.file = directory.file()});
    ASSERT_TRUE(runtime::run(log->append("a", messages(1), Producer{"p", 1})));
    EXPECT_TRUE(log->healthy());
    auto database = *sql::sqlite::open(directory.file());
    auto connection = *database->connect();
    ASSERT_TRUE(
        connection->execute("CREATE TRIGGER refuse BEFORE INSERT ON producer BEGIN SELECT RAISE(ABORT, 'the test refuses'); END;"
                            "CREATE TRIGGER refuse_probe BEFORE UPDATE ON identity BEGIN SELECT RAISE(ABORT, 'and again'); END"));
    ASSERT_FALSE(runtime::run(log->append("a", messages(1), Producer{"p", 2})));
    EXPECT_FALSE(log->healthy());
    ASSERT_TRUE(connection->execute("DROP TRIGGER refuse; DROP TRIGGER refuse_probe"));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!log->healthy() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(log->healthy());
}

TEST(EmbeddedLog, each_has_an_id_of_its_own_and_one_of_an_older_version_gets_it) {
    const Directory one, other;
    const auto id = (*open({.file = one.file()}))->id();
    EXPECT_EQ(id.size(), 32U);
    EXPECT_NE((*open({.file = other.file()}))->id(), id);
    {
        auto connection = *(*sql::sqlite::open(one.file()))->connect();
        ASSERT_TRUE(connection->execute("DROP TABLE identity; UPDATE schema_version SET version = 1 WHERE owner = 'event_log'"));
    }
    EXPECT_EQ((*open({.file = one.file()}))->id().size(), 32U);
}

TEST(EmbeddedLog, what_is_queued_when_it_is_closed_is_written_and_answered) {
    const Directory directory;
    boost::asio::io_context io;
    int stored = 0;
    {
        auto log = *open({.file = directory.file()});
        for (int i = 0; i < 64; ++i)
            boost::asio::co_spawn(io, log->append("a", messages(1)), [&](std::exception_ptr, kernel::Result<Appended> result) {
                if (result) ++stored;
            });
        io.poll();  // every append is queued, hardly one is answered
    }
    io.run();
    EXPECT_EQ(stored, 64);
    EXPECT_EQ((*open({.file = directory.file()}))->head("a")->value, 64U);
}

TEST(EmbeddedLog, appends_that_wait_together_are_written_together) {
    const Directory directory;
    auto log = *open({.file = directory.file()});
    boost::asio::io_context io;
    constexpr int lanes = 64;
    constexpr int appends = 20;
    const auto lane = [](EventLog* to) -> boost::asio::awaitable<void> {
        for (int i = 0; i < appends; ++i) EXPECT_TRUE(co_await to->append("a", messages(1)));
    };
    for (int i = 0; i < lanes; ++i) boost::asio::co_spawn(io, lane(log.get()), [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
    io.run();
    EXPECT_EQ(log->head("a")->value, std::uint64_t{lanes * appends});
    auto database = *sql::sqlite::open(directory.file());
    auto connection = *database->connect();
    auto blocks = *connection->prepare("SELECT COUNT(*) FROM block_1");
    ASSERT_TRUE(*blocks->step());
    EXPECT_LT(blocks->integer(0), lanes * appends / 4) << "one commit for each group, not for each append";
}

TEST(EmbeddedLog, its_write_ahead_file_stays_small_while_a_reader_follows_and_goes_when_it_is_closed) {
    const Directory directory;
    const auto wal = directory.file().string() + "-wal";
    {
        auto log = *open({.file = directory.file()});
        auto subscription = *log->subscribe("a", "test", {});
        auto large = message("large");
        large.data = std::string(1024 * 1024, 'x');
        for (int i = 0; i < 64; ++i) {
            ASSERT_TRUE(runtime::run(log->append("a", {large})));
            ASSERT_EQ(subscription->next(10, std::chrono::seconds(5), {})->size(), 1U);
        }
        EXPECT_LT(std::filesystem::file_size(wal), 20U * 1024 * 1024);
    }
    EXPECT_FALSE(std::filesystem::exists(wal) && std::filesystem::file_size(wal) > 0);
}

// Appends for ever and writes each acknowledged position to the pipe.
[[noreturn]] void append_until_killed(const std::filesystem::path& file, int pipe) {
    auto log = *open({.file = file});
    while (true) {
        const auto done = runtime::run(log->append("a", messages(3)));
        if (!done) ::_exit(1);
        const std::uint64_t last = done->last.value;
        if (::write(pipe, &last, sizeof last) != sizeof last) ::_exit(1);
    }
}

TEST(EmbeddedLog, everything_acknowledged_is_there_after_kill_9) {
    const Directory directory;
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 5; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const auto child = ::fork();
        if (child == 0) append_until_killed(directory.file(), ends[1]);
        ::close(ends[1]);
        std::uint64_t last = 0;
        for (int i = 0; i < 20 + 7 * round && ::read(ends[0], &last, sizeof last) == sizeof last; ++i) acknowledged = last;
        ::kill(child, SIGKILL);
        while (::read(ends[0], &last, sizeof last) == sizeof last) acknowledged = last;
        ::close(ends[0]);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);

        auto log = *open({.file = directory.file()});
        const auto head = log->head("a")->value;
        EXPECT_GE(head, acknowledged);
        EXPECT_EQ(head % 3, 0U) << "an append is there whole or not at all";
        auto subscription = *log->subscribe("a", "test", {});
        std::uint64_t seen = 0;
        while (seen < head) {
            const auto batch = subscription->next(1000, std::chrono::seconds(5), {});
            ASSERT_TRUE(batch);
            for (const auto& one : *batch) ASSERT_EQ(one.position.value, ++seen);
        }
    }
    EXPECT_GT(acknowledged, 0U);
}

TEST(EmbeddedLog, keeps_what_a_set_would_keep_whatever_producers_repeat) {
    const Directory directory;
    int topics = 0;
    auto log = *open({.file = directory.file()});
    EXPECT_TRUE(rc::check("appends with any overlap store each sequence once", [&] {
        const auto topic = "t" + std::to_string(topics++);
        const auto count = *rc::gen::inRange<std::size_t>(1, 6);  // few: each step waits for the disk
        const auto steps =
            *rc::gen::container<std::vector<std::pair<int, int>>>(count, rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::inRange(1, 6)));
        std::uint64_t known = 0;
        for (const auto& [back, size] : steps) {
            const auto first = known + 1 - std::min<std::uint64_t>(known, static_cast<std::uint64_t>(back));
            const auto last = first + static_cast<std::uint64_t>(size) - 1;
            const auto written = last > known ? last - known : 0;
            const auto done = runtime::run(log->append(topic, messages(static_cast<std::size_t>(size)), Producer{"p", first}));
            RC_ASSERT(static_cast<bool>(done));
            RC_ASSERT(done->last.value + 1 - done->first.value == written);
            known = std::max(known, last);
            RC_ASSERT(log->head(topic)->value == known);
            RC_ASSERT(*log->last_sequence(topic, "p") == known);
        }
    }));
}

TEST(Block, gives_back_any_messages) {
    EXPECT_TRUE(rc::check("messages -> block -> messages", [] {
        const auto text = rc::gen::container<std::string>(rc::gen::arbitrary<char>());
        const auto one = rc::gen::build<kernel::Envelope>(
            rc::gen::set(&kernel::Envelope::key, text), rc::gen::set(&kernel::Envelope::type, text),
            rc::gen::set(&kernel::Envelope::attributes,
                         rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(text, text))),
            rc::gen::set(&kernel::Envelope::data, text));
        const auto count = *rc::gen::inRange(0, 5);
        std::vector<kernel::Envelope> all;
        std::string bytes;
        for (int i = 0; i < count; ++i) encode(bytes, all.emplace_back(*one));
        const auto back = messages_from(to_block(bytes));
        RC_ASSERT(static_cast<bool>(back));
        RC_ASSERT(back->size() == all.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            RC_ASSERT((*back)[i].key == all[i].key && (*back)[i].type == all[i].type && (*back)[i].data == all[i].data);
            RC_ASSERT((*back)[i].attributes == all[i].attributes);
        }
    }));
}

TEST(Block, gives_back_what_was_put_in) {
    std::string bytes;
    const auto all = messages(3);
    for (const auto& one : all) encode(bytes, one);
    const auto back = messages_from(to_block(bytes));
    ASSERT_TRUE(back);
    ASSERT_EQ(back->size(), 3U);
    EXPECT_EQ((*back)[2].attributes, all[2].attributes);
}

TEST(Block, any_flipped_bit_and_any_cut_is_noticed) {
    std::string bytes;
    encode(bytes, message("a"));
    const auto block = to_block(bytes);
    for (std::size_t i = 0; i < block.size(); ++i) {
        auto flipped = block;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        EXPECT_FALSE(messages_from(flipped));
        EXPECT_FALSE(messages_from(std::string_view(block).substr(0, i)) && i > 8);
    }
}

}  // namespace
}  // namespace platform::log::embedded
