// acopio rebuild: the read side anew from the log, in a file beside the one there is, which takes its place only when it is whole. Offline:
// the log can be open in one process only.
#include "acopio/cli.hpp"
#include "acopio/event_log.hpp"
#include "acopio/terminal.hpp"
#include "collector_query/service.hpp"
#include "kernel/clock.hpp"
#include "kernel/event_collected_data.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/runtime/coroutine.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <array>
#include <filesystem>
#include <utility>

namespace acopio {
namespace {

using kernel::Result;
namespace log = platform::log;

constexpr const char* examples = R"(Examples:
  acopio rebuild --data var
  acopio rebuild --data var --json
  acopio rebuild --data var --log pulsar://127.0.0.1:6650

Stop the server first. Records, centres and tokens stay; only what is asked on the query side (DIR/db_query.db, which may
be damaged or gone) is made again from the log, in a file beside the old one. It takes its place when it is whole; until
then, and when anything fails, the old one stays. The disk must have room for both.)";

// Counts what passes a subscription.
class CountedSubscription final : public log::Subscription {
public:
    CountedSubscription(std::unique_ptr<log::Subscription> inner, std::function<void(std::size_t)> passed)
        : inner_(std::move(inner)), passed_(std::move(passed)) {}
    Result<std::vector<log::Message>> next(std::size_t messages_max, std::chrono::milliseconds wait_max, std::stop_token stop) override {
        auto messages = inner_->next(messages_max, wait_max, std::move(stop));
        if (messages) passed_(messages->size());
        return messages;
    }

private:
    std::unique_ptr<log::Subscription> inner_;
    std::function<void(std::size_t)> passed_;
};

// The log as it is, with a look at how far its readers are.
class CountedLog final : public log::EventLog {
public:
    CountedLog(log::EventLog& inner, std::function<void(std::size_t)> passed) : inner_(inner), passed_(std::move(passed)) {}
    kernel::Task<log::Appended> append(std::string topic, std::vector<kernel::Envelope> messages,
                                       std::optional<log::Producer> producer) override {
        return inner_.append(std::move(topic), std::move(messages), std::move(producer));
    }
    Result<std::unique_ptr<log::Subscription>> subscribe(std::string topic, std::string group, log::Position after) override {
        auto opened = inner_.subscribe(std::move(topic), std::move(group), after);
        if (!opened) return opened;
        return std::unique_ptr<log::Subscription>(std::make_unique<CountedSubscription>(std::move(*opened), passed_));
    }
    Result<log::Position> head(std::string topic) override { return inner_.head(std::move(topic)); }
    Result<std::optional<log::Message>> last(std::string topic) override { return inner_.last(std::move(topic)); }
    Result<std::uint64_t> behind(std::string topic, log::Position after) override { return inner_.behind(std::move(topic), after); }
    Result<std::uint64_t> last_sequence(std::string topic, std::string producer) override {
        return inner_.last_sequence(std::move(topic), std::move(producer));
    }
    std::string id() override { return inner_.id(); }
    bool healthy() const override { return inner_.healthy(); }
    void stop() override { inner_.stop(); }

private:
    log::EventLog& inner_;
    std::function<void(std::size_t)> passed_;
};

Result<std::uint64_t> messages_in(log::EventLog& event_log) {
    std::uint64_t count = 0;
    for (const auto topic : {kernel::raw_data_topic, kernel::collected_data_topic}) {
        const auto all = event_log.behind(std::string(topic), log::Position{});
        if (!all) return all;
        count += *all;
    }
    return count;
}

constexpr std::array<std::string_view, 3> database_files{"", "-wal", "-shm"};

std::filesystem::path with_ending(const std::filesystem::path& file, std::string_view ending) {
    return file.string() + std::string(ending);
}

// What an earlier rebuild left that was killed, or this one that failed.
Result<void> remove_database(const std::filesystem::path& file) {
    for (const auto ending : database_files) {
        std::error_code failure;
        std::filesystem::remove(with_ending(file, ending), failure);
        if (failure)
            return kernel::Error{kernel::ErrorKind::unavailable, "file-failed",
                                 "cannot remove " + file.filename().string() + std::string(ending) + ": " + failure.message()};
    }
    return kernel::ok();
}

// Puts a closed database in the place of another, which may be damaged: at once, so that a crash leaves the one or the other. The old one's
// write-ahead log goes first, for it would be read as that of the new file; what it held is projected again from the log, should the old
// file stay.
Result<void> replace_database(const std::filesystem::path& file, const std::filesystem::path& fresh) {
    for (const auto* ending : {"-wal", "-shm"}) {
        std::error_code failure;
        std::filesystem::remove(with_ending(file, ending), failure);
        if (failure)
            return kernel::Error{kernel::ErrorKind::unavailable, "file-failed",
                                 "cannot remove " + file.filename().string() + ending + ": " + failure.message()};
    }
    std::error_code failure;
    std::filesystem::rename(fresh, file, failure);
    if (failure)
        return kernel::Error{kernel::ErrorKind::unavailable, "file-failed",
                             "cannot replace " + file.filename().string() + ": " + failure.message()};
    if (const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
        ::fsync(folder);  // without it a power cut may bring the old file back, which is whole too
        ::close(folder);
    }
    return kernel::ok();
}

Result<std::uint64_t> rebuild_into(const std::filesystem::path& fresh, log::EventLog& event_log) {
    auto database = open_database(fresh);
    if (!database) return std::move(database).error();
    auto total = messages_in(event_log);
    if (!total) return total;
    Progress progress("rebuilding", *total, Progress::Unit::items);
    std::uint64_t passed = 0;
    CountedLog counted(event_log, [&](std::size_t count) {
        passed += count;
        progress.update(passed);
    });
    platform::runtime::Metrics metrics;
    const kernel::SystemClock clock;
    if (auto rebuilt = collector_query::rebuild(**database, counted, metrics, clock); !rebuilt) return std::move(rebuilt).error();
    auto connection = (*database)->connect();
    if (!connection) return std::move(connection).error();
    if (auto synced = (*connection)->execute("PRAGMA wal_checkpoint(TRUNCATE)"); !synced) return std::move(synced).error();
    return passed;
}

Result<std::uint64_t> rebuild_from(const DataDirectory& directory, log::EventLog& event_log) {
    const auto fresh = with_ending(directory.query(), ".rebuilding");
    if (auto removed = remove_database(fresh); !removed) return std::move(removed).error();
    auto messages = rebuild_into(fresh, event_log);  // closed after it
    auto replaced = messages ? replace_database(directory.query(), fresh) : kernel::ok();
    if (messages && replaced) return messages;
    // The first error counts; what stays of the new file, the next rebuild removes.
    if (const auto removed = remove_database(fresh); !removed) warn(removed.error().message);
    return messages ? std::move(replaced).error() : std::move(messages).error();
}

struct RebuildOptions {
    std::string data = "var";
    LogOptions log;
};

int rebuild(const RebuildOptions& options, bool json) {
    const auto directory = existing_data_directory(options.data);
    if (!directory) return report(directory.error());
    auto event_log = open_log(*directory, options.log);
    if (!event_log) return report(event_log.error());
    const auto begin = std::chrono::steady_clock::now();
    const auto messages = rebuild_from(*directory, **event_log);
    if (!messages) return report(with_log_options(messages.error(), options.log));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    if (json) print_json(boost::json::object{{"messages", *messages}, {"milliseconds", took.count()}});
    else print("Read side made again from " + human_count(*messages) + " messages in " + human_duration(took) + ".\n");
    return finish_output(exit_ok);
}

}  // namespace

void add_rebuild(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("rebuild", "Make the read side again from the log; the server must be stopped");
    auto options = std::make_shared<RebuildOptions>();
    command->add_option("--data", options->data, "Directory of all data")->envname("ACOPIO_DATA")->type_name("DIR")->capture_default_str();
    add_log_options(*command, options->log);
    command->footer(examples);
    command->callback([&cli, options] { cli.action = [&cli, options] { return rebuild(*options, cli.json); }; });
}

}  // namespace acopio
