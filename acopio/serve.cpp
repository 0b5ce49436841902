// acopio serve: the whole in one process, until a signal.
#include "acopio/cli.hpp"
#include "acopio/event_log.hpp"
#include "acopio/files.hpp"
#include "acopio/terminal.hpp"
#include "platform/http/http.hpp"
#include "platform/runtime/metrics.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr const char* examples = R"(Examples:
  acopio serve --data var
  acopio serve --data var --intake 127.0.0.1:0 --query 127.0.0.1:0     any free ports, written to var/addresses.json
  acopio serve --data /tmp/try --open                                  nobody is asked for a key; this machine only
  acopio serve --data var --log pulsar://127.0.0.1:6650                the log in Pulsar; make it with `acopio log init` first)";

struct ServeOptions {
    std::string data = "var";
    Address intake{.host = "127.0.0.1", .port = 8000};
    Address query{.host = "127.0.0.1", .port = 8001};
    bool open = false;
    std::string rubric;
    LogOptions log;
};

// The signals that end the server, blocked in every thread from here on and waited for in one place. A signal that the parent ignores (a
// shell's background job and SIGINT) stays ignored.
class StopSignals {
public:
    StopSignals() {
        sigemptyset(&set_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
            struct sigaction action{};
            sigaction(number, nullptr, &action);
            if (action.sa_handler != SIG_IGN) sigaddset(&set_, number);
        }
        sigaddset(&set_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        std::signal(SIGPIPE, SIG_IGN);
    }
    // Whether one came in that time.
    bool wait(std::chrono::milliseconds time) const {
        const timespec until{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
        return sigtimedwait(&set_, nullptr, &until) > 0;
    }
    // The next signal ends the process at once.
    void let_through() const { pthread_sigmask(SIG_UNBLOCK, &set_, nullptr); }

private:
    sigset_t set_{};
};

// Waits for the signals from the start on, so that they end a start that takes long, too.
class Stopping {
public:
    explicit Stopping(const StopSignals& signals)
        : thread_([this, &signals](const std::stop_token& over) {
              while (!over.stop_requested() && !stop_.stop_requested())
                  if (signals.wait(std::chrono::milliseconds(100))) stop_.request_stop();
          }) {}
    std::stop_token token() const { return stop_.get_token(); }
    // Until a signal comes.
    void wait() { thread_.join(); }

private:
    std::stop_source stop_;
    std::jthread thread_;
};

// addresses.json for scripts, as long as the server runs.
class AddressFile {
public:
    explicit AddressFile(std::filesystem::path path) : path_(std::move(path)) {}
    ~AddressFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    AddressFile(const AddressFile&) = delete;
    AddressFile& operator=(const AddressFile&) = delete;
    Result<void> write(const Address& intake, const Address& query) const {
        const boost::json::object content{{"intake", "http://" + to_text(intake)}, {"query", "http://" + to_text(query)}};
        return write_secret_file(path_, boost::json::serialize(content) + "\n");
    }

private:
    std::filesystem::path path_;
};

Result<void> refuse_open_to_others(const ServeOptions& options) {
    if (!options.open) return kernel::ok();
    for (const auto& [name, address] : {std::pair{"--intake", options.intake}, std::pair{"--query", options.query}})
        if (!is_loopback(address.host))
            return Error{
                ErrorKind::incorrect, "open-not-loopback",
                "--open asks nobody for a key, and " + std::string(name) + " " + to_text(address) +
                    " can be reached from other machines: anybody there could read patient data. Leave out --open, or use 127.0.0.1"};
    return kernel::ok();
}

void print_start(const ServeOptions& options, const DataDirectory& directory, const Address& intake, const Address& query) {
    const auto colour = screen_of(STDOUT_FILENO).colour;
    print(paint("acopio is up", Tone::strong, colour) + "\n");
    print("  intake   http://" + to_text(intake) + "\n");
    print("  queries  http://" + to_text(query) + "\n");
    print("  data     " + printable(directory.path.string()) + "\n");
    print("  log      " + printable(options.log.embedded() ? directory.log().string() : options.log.address) + "\n");
    if (!options.open) print("  operator token in " + printable(directory.operator_token().string()) + "\n");
    print("Ctrl-C stops it.\n");
    std::fflush(stdout);
}

void print_warnings(const ServeOptions& options) {
    if (options.open) {
        warn(
            "!!! --open: NO KEYS ARE ASKED. Every program on this machine can send, take back and read records. Never with real patients.");
        return;
    }
    for (const auto& address : {options.intake, options.query})
        if (!is_loopback(address.host))
            warn("note: " + to_text(address) +
                 " is reached from other machines, and there is no TLS here: put a TLS proxy in front of it.");
}

// What mostly keeps a first start from working, asked before there is a directory: a failed start leaves nothing behind.
Result<void> can_listen(const ServeOptions& options) {
    platform::runtime::Metrics metrics;
    std::vector<std::unique_ptr<platform::http::Server>> held;
    for (const auto& [option, address] : {std::pair{"--intake", options.intake}, std::pair{"--query", options.query}}) {
        auto server = platform::http::Server::listen(
            {.host = address.host, .port = address.port, .threads = 1, .name = "probe", .limits = {}, .port_option = option}, {}, metrics);
        if (!server) return std::move(server).error();
        held.push_back(std::move(*server));
    }
    return kernel::ok();
}

Result<std::unique_ptr<Embedded>> open_embedded(const ServeOptions& options, const DataDirectory& directory, std::string rubric_json,
                                                std::stop_token stop) {
    Embedded::Options embedded{.directory = directory,
                               .intake = options.intake,
                               .query = options.query,
                               .open = options.open,
                               .operator_token = {},
                               .rubric_json = std::move(rubric_json),
                               .log_name = name_of(options.log),
                               .stop = std::move(stop)};
    auto log = open_log(directory, options.log);
    if (!log) return std::move(log).error();
    auto token = operator_token_of(directory);
    if (!token) return std::move(token).error();
    embedded.operator_token = std::move(token->token);
    auto opened = Embedded::open(embedded, std::move(*log));
    if (!opened) return with_log_options(std::move(opened).error(), options.log);
    return opened;
}

int serve(const ServeOptions& options) {
    if (auto allowed = refuse_open_to_others(options); !allowed) return report(allowed.error()), exit_usage;
    auto rubric = options.rubric.empty() ? Result<std::string>(std::string()) : read_rubric(options.rubric);
    if (!rubric) return report(rubric.error());
    std::error_code ignored;
    if (!std::filesystem::exists(options.data, ignored)) {
        if (auto free = can_listen(options); !free) return report(free.error());
        if (auto there = log_is_there(options.log); !there) return report(there.error());
    }
    auto directory = make_data_directory(options.data);
    if (!directory) return report(directory.error());
    const StopSignals signals;
    Stopping stopping(signals);
    auto embedded = open_embedded(options, *directory, std::move(*rubric), stopping.token());
    if (!embedded && stopping.token().stop_requested() && embedded.error().kind == ErrorKind::interrupted) {
        print("Stopped while starting.\n");
        return finish_output(exit_ok);
    }
    if (!embedded) return report(embedded.error());
    const Address intake{.host = options.intake.host, .port = (*embedded)->intake_port()};
    const Address query{.host = options.query.host, .port = (*embedded)->query_port()};

    print_warnings(options);
    (*embedded)->start();
    std::optional<AddressFile> addresses(directory->addresses());
    if (auto written = addresses->write(intake, query); !written) return report(written.error());
    print_start(options, *directory, intake, query);

    stopping.wait();
    signals.let_through();
    print("Stopping; a second signal ends it at once.\n");
    std::fflush(stdout);
    (*embedded)->stop();
    addresses.reset();  // before the directory is free: the next server writes its own
    embedded->reset();
    print("Stopped.\n");
    return finish_output(exit_ok);
}

}  // namespace

void add_serve(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("serve", "Run the three services in one process over the files of one directory");
    auto options = std::make_shared<ServeOptions>();
    command->add_option("--data", options->data, "Directory of all data; made if missing")
        ->envname("ACOPIO_DATA")
        ->type_name("DIR")
        ->capture_default_str();
    add_address(*command, "--intake", options->intake, "Where records come in; port 0: any free one")->envname("ACOPIO_INTAKE");
    add_address(*command, "--query", options->query, "Where questions come in")->envname("ACOPIO_QUERY");
    command->add_flag("--open", options->open, "Ask nobody for a key; only on this machine's own addresses");
    command->add_option("--rubric", options->rubric, "A rubric of your own, instead of the built-in one")->type_name("FILE");
    add_log_options(*command, options->log);
    command->footer(examples);
    command->callback([&cli, options] { cli.action = [options] { return serve(*options); }; });
}

}  // namespace acopio
