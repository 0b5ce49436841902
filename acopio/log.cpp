// acopio log: the event log in Pulsar, made and looked at through its admin interface.
#include "acopio/cli.hpp"
#include "acopio/event_log.hpp"
#include "acopio/terminal.hpp"
#include "platform/pulsar/admin/admin.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
namespace admin = platform::pulsar::admin;

constexpr const char* examples = R"(Examples:
  acopio log init --log pulsar://127.0.0.1:6650                            acopio/collection, three topics
  acopio log init --log pulsar+ssl://pulsar.example.org:6651/hospital/records --log-token-file admin.token
  acopio log check --log pulsar://127.0.0.1:6650 --log-admin http://127.0.0.1:8080

A log in Pulsar is a namespace with the topics raw-data, collected-data and data-centers, whose policies keep all for ever.
`init` makes what is missing and sets what is wrong; it deletes nothing, and running it again changes nothing. `serve` refuses
a log that is not as it must be kept.)";

struct LogCommand {
    LogOptions log;
    std::uint32_t partitions = 1;
    bool json = false;
};

struct Asked {
    admin::Options admin;
    admin::Wanted wanted;
};

Result<Asked> asked(const LogCommand& command) {
    if (command.log.embedded())
        return Error{ErrorKind::incorrect, "log-address",
                     "which log? Name it with --log pulsar://HOST:6650[/TENANT/NAMESPACE]; a log in the data directory needs no making"};
    auto options = pulsar_options(command.log);
    if (!options) return std::move(options).error();
    return Asked{.admin = std::move(options->admin),
                 .wanted = {.tenant = std::move(options->tenant),
                            .name_space = std::move(options->name_space),
                            .topics = std::move(options->topics),
                            .partitions = command.partitions}};
}

int show(const LogCommand& command, const std::vector<admin::Fact>& facts) {
    const bool good = std::ranges::all_of(facts, &admin::Fact::good);
    if (command.json) {
        boost::json::array out;
        for (const auto& fact : facts)
            out.push_back(boost::json::object{{"what", fact.what}, {"is", fact.is}, {"wanted", fact.wanted}, {"good", fact.good}});
        print_json(boost::json::object{{"log", command.log.address}, {"good", good}, {"facts", std::move(out)}});
        return finish_output(good ? exit_ok : exit_failed);
    }
    Table table({{.title = "what"}, {.title = "is"}, {.title = "good"}, {.title = "should be", .spare = 1}});
    for (const auto& fact : facts) {
        const auto tone = fact.good ? Tone::plain : Tone::bad;
        table.add({{fact.what, tone}, {fact.is, tone}, {fact.good ? "yes" : "NO", tone}, {fact.good ? "-" : fact.wanted, tone}});
    }
    print(table.text(screen_of(STDOUT_FILENO)));
    if (!good) warn(name_of(command.log) + " is not as it must be kept. `acopio log init` makes and sets what it can.");
    return finish_output(good ? exit_ok : exit_failed);
}

int check(const LogCommand& command) {
    const auto question = asked(command);
    if (!question) return report(question.error());
    const auto facts = admin::look(question->admin, question->wanted);
    if (!facts) return report(with_log_options(facts.error(), command.log));
    return show(command, *facts);
}

int init(const LogCommand& command) {
    const auto question = asked(command);
    if (!question) return report(question.error());
    const auto done = admin::init(question->admin, question->wanted);
    if (!done) return report(with_log_options(done.error(), command.log));
    const auto facts = admin::look(question->admin, question->wanted);
    if (!facts) return report(with_log_options(facts.error(), command.log));
    // What cannot be set afterwards: the partitions of a topic that was there.
    std::string wrong;
    for (const auto& fact : *facts)
        if (!fact.good) wrong += (wrong.empty() ? "" : "; ") + fact.what + ": " + fact.is + ", should be " + fact.wanted;
    if (command.json) {
        boost::json::array sentences;
        for (const auto& one : *done) sentences.emplace_back(one);
        print_json(boost::json::object{{"log", command.log.address}, {"done", std::move(sentences)}});
    } else {
        for (const auto& one : *done) print(printable(sentence(one)) + "\n");
        if (wrong.empty())
            print(printable(name_of(command.log)) + (done->empty() ? " was as it must be kept; nothing changed.\n" : " is ready.\n"));
    }
    if (wrong.empty()) return finish_output(exit_ok);
    warn(printable(name_of(command.log) + " is not as you want it, and that cannot be set any more (" + wrong +
                   "). Choose another namespace, or name the --partitions that it has."));
    return finish_output(exit_failed);
}

}  // namespace

void add_log(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("log", "The event log in Pulsar: make it, look at its policies");
    auto options = std::make_shared<LogCommand>();
    command->require_subcommand(1);
    command->footer(examples);
    const auto add = [&cli, options, command](const char* name, const char* what, int (*action)(const LogCommand&)) {
        auto* order = command->add_subcommand(name, what);
        add_log_options(*order, options->log);
        order->add_option("--partitions", options->partitions, "Of each topic; `acopio serve` reads one")
            ->check(CLI::Range(1, 1024))
            ->capture_default_str();
        order->footer(examples);
        order->callback([&cli, options, action] {
            cli.action = [&cli, options, action] {
                options->json = cli.json;
                return action(*options);
            };
        });
    };
    add("init", "Make what is missing and set what is wrong, as often as you like", init);
    add("check", "Show whether the log is there and kept as it must be", check);
}

}  // namespace acopio
