// The embedded log against the contract of the port, and what is its own: the lock, the bounds, damage, and kill -9.
#include "platform/log/embedded/embedded_log.hpp"

#include "platform/log/contract.hpp"
#include "platform/log/embedded/block.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>

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
    EmbeddedFixture() { reopen(); }
    EventLog& log() override { return *log_; }
    void reopen() override {
        log_.reset();
        log_ = *open({.file = directory_.file()});
    }

private:
    Directory directory_;
    std::unique_ptr<EventLog> log_;
};

}  // namespace

namespace contract_of_the_embedded_log {
using contract::EventLogContract;
INSTANTIATE_TEST_SUITE_P(Embedded, EventLogContract,
                         testing::Values(std::pair("embedded", [] { return std::make_unique<EmbeddedFixture>(); })));
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
    const auto batch = subscription->next(10, std::chrono::seconds(5), {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().code, "log-corrupt");
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
