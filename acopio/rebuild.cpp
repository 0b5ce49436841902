// acopio rebuild: the read side anew from the log. Offline: the log can be open in one process only.
#include "acopio/cli.hpp"
#include "acopio/terminal.hpp"
#include "collector_query/service.hpp"
#include "kernel/clock.hpp"
#include "kernel/event_collected_data.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/runtime/coroutine.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

namespace acopio {
namespace {

using kernel::Result;
namespace log = platform::log;

constexpr const char* examples = R"(Examples:
  acopio rebuild --data var
  acopio rebuild --data var --json

Stop the server first. Records, centres and tokens stay; only what is asked on the query side is made again from the log.)";

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
    Result<std::uint64_t> last_sequence(std::string topic, std::string producer) override {
        return inner_.last_sequence(std::move(topic), std::move(producer));
    }

private:
    log::EventLog& inner_;
    std::function<void(std::size_t)> passed_;
};

Result<std::uint64_t> messages_in(log::EventLog& event_log) {
    std::uint64_t count = 0;
    for (const auto topic : {kernel::raw_data_topic, kernel::collected_data_topic}) {
        const auto head = event_log.head(std::string(topic));
        if (!head) return head.error();
        count += head->value;
    }
    return count;
}

Result<std::uint64_t> rebuild_from(const DataDirectory& directory, log::EventLog& event_log) {
    auto database = open_database(directory.query());
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
    platform::runtime::BlockingPool pool({.threads = 1, .queue_max = 16, .name = "rebuild"});
    const kernel::SystemClock clock;
    return collector_query::rebuild({.database = **database, .log = counted, .metrics = metrics, .pool = pool, .clock = clock});
}

int rebuild(const std::string& data, bool json) {
    const auto directory = existing_data_directory(data);
    if (!directory) return report(directory.error());
    auto event_log = open_log(*directory);
    if (!event_log) return report(event_log.error());
    const auto begin = std::chrono::steady_clock::now();
    const auto messages = rebuild_from(*directory, **event_log);
    if (!messages) return report(messages.error());
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    if (json) print_json(boost::json::object{{"messages", *messages}, {"milliseconds", took.count()}});
    else print("Read side made again from " + human_count(*messages) + " messages in " + human_duration(took) + ".\n");
    return finish_output(exit_ok);
}

}  // namespace

void add_rebuild(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("rebuild", "Make the read side again from the log; the server must be stopped");
    auto data = std::make_shared<std::string>("var");
    command->add_option("--data", *data, "Directory of all data")->envname("ACOPIO_DATA")->capture_default_str();
    command->footer(examples);
    command->callback([&cli, data] { cli.action = [&cli, data] { return rebuild(*data, cli.json); }; });
}

}  // namespace acopio
