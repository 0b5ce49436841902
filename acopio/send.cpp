// acopio send: files of one centre to the intake. Sending again is safe when each record id stands once in a file: what is there already
// comes back as a duplicate.
#include "acopio/answers.hpp"
#include "acopio/cli.hpp"
#include "acopio/files.hpp"
#include "acopio/remote.hpp"
#include "acopio/source_file.hpp"
#include "acopio/terminal.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <thread>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using std::chrono::milliseconds;

constexpr milliseconds a_moment(20);
constexpr milliseconds first_backoff(500);
constexpr milliseconds longest_backoff(15'000);
constexpr const char* examples = R"(Examples:
  acopio send scans.ndjson --center st-mary --key-file st-mary.key
  acopio send 2026-03.csv.gz 2026-04.csv.gz --center st-mary --key-file st-mary.key
  make-export | acopio send - --type ndjson --center st-mary --key-file st-mary.key

A file is sent again from its start when the connection breaks or the intake is full: records that were taken in come back as duplicates.
A retry is safe when each record id stands once in a file. A file that holds several contents under one record id amends the record again
each time it is sent.)";

struct SendOptions {
    ServerOptions server;
    std::vector<std::string> files;
    std::string center, key_file, key, type;
    int retries = 6;
    bool json = false;
};

// What became of one file.
struct Sent {
    std::string file;
    Totals totals;
    TroubleGroups troubles;
    int attempts = 0;
    milliseconds took{};
    std::optional<Error> error;
};

constexpr const char* cannot_go_back =
    "What came through a pipe is gone and cannot be sent again from here: make it once more and send all of it, for records that were "
    "taken in come back as duplicates; or keep it in a file, which is sent again by itself";

bool worth_retrying(const Error& error) {
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::busy;
}

// Ctrl-C tells how far it got before it ends the program. A thread waits for it, so it is heard while a server or a pipe is waited for.
class Interrupt {
public:
    Interrupt() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // of the threads that are made from here on, too
        waiting_ = std::jthread([this](const std::stop_token& stop) { wait(stop); });
    }

    void so_far(const std::string& file, const Totals& totals) {
        const std::lock_guard lock(mutex_);
        file_ = &file;
        totals_ = totals;
    }
    void file_begins(const std::string& file) { so_far(file, {}); }
    void file_ends() {
        const std::lock_guard lock(mutex_);
        file_ = nullptr;
    }

private:
    void wait(const std::stop_token& stop) {
        constexpr timespec a_while{.tv_sec = 0, .tv_nsec = 100'000'000};
        while (!stop.stop_requested()) {
            const int signal = sigtimedwait(&signals_, nullptr, &a_while);
            if (signal > 0) end(signal);
        }
    }
    void end(int signal) {
        const std::lock_guard lock(mutex_);
        if (file_ != nullptr)
            warn("stopped in " + printable(*file_) + ": until now the intake has answered " + human_count(totals_.accepted) +
                 " accepted, " + human_count(totals_.duplicate) + " duplicate, " + human_count(totals_.quarantined) + " quarantined, " +
                 human_count(totals_.refused) +
                 " refused. These stay; send the file again to go on: what is there comes back as duplicates.");
        constexpr int exit_of_signals = 128;
        _exit(exit_of_signals + signal);
    }

    sigset_t signals_{};
    std::mutex mutex_;
    const std::string* file_ = nullptr;  // the one that is being sent; nullptr between files
    Totals totals_;
    std::jthread waiting_;
};

// Records that an attempt took in before it broke come back as duplicates; they are this run's all the same.
Totals with_earlier(Totals totals, std::uint64_t accepted_earlier) {
    const auto ours = std::min(totals.duplicate, accepted_earlier);
    totals.accepted += ours;
    totals.duplicate -= ours;
    return totals;
}

class Sender {
public:
    Sender(const SendOptions& options, Remote remote, Interrupt& interrupt)
        : options_(options), remote_(std::move(remote)), interrupt_(interrupt) {}

    Sent send(const std::string& file) {
        Sent sent{.file = file, .totals = {}, .troubles = {}, .attempts = 0, .took = {}, .error = {}};
        const auto type = file_type_of(file, options_.type);
        auto source = type ? SourceFile::open(file) : Result<SourceFile>(type.error());
        if (!source) {
            sent.error = source.error();
            return sent;
        }
        interrupt_.file_begins(file);
        const auto begin = std::chrono::steady_clock::now();
        std::uint64_t accepted_earlier = 0;
        auto backoff = first_backoff;
        while (true) {
            ++sent.attempts;
            const auto answers = attempt(file, *source, *type, accepted_earlier);
            sent.error = answers.broken();
            sent.totals = with_earlier(answers.totals(), accepted_earlier);
            sent.troubles = answers.troubles();
            const bool never_reached = sent.error && sent.error->code == "server-not-reached" && !reached_;
            reached_ = reached_ || !never_reached;
            if (!sent.error || never_reached || !worth_retrying(*sent.error)) break;
            if (sent.attempts > options_.retries) break;
            if (!source->rewind()) {
                sent.error->message = sentence(sent.error->message) + " " + cannot_go_back;
                break;
            }
            accepted_earlier += answers.totals().accepted;
            warn(printable(sentence(sent.error->message)) + " Trying again in " + human_duration(backoff) + ".");
            std::this_thread::sleep_for(backoff);
            backoff = std::min(backoff * 2, longest_backoff);
        }
        interrupt_.file_ends();
        sent.took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
        return sent;
    }

private:
    IntakeAnswers attempt(const std::string& file, SourceFile& source, FileType type, std::uint64_t accepted_earlier) {
        Progress progress(file, source.size(), Progress::Unit::bytes);
        IntakeAnswers answers(type.format);
        Headers headers{{"content-type", std::string(content_type(type.format))}};
        if (const auto encoding = content_encoding(type.packing); !encoding.empty()) headers.emplace_back("content-encoding", encoding);
        if (!options_.center.empty()) headers.emplace_back("x-data-center", options_.center);
        const auto next = [&]() -> Result<std::optional<std::string>> {
            progress.update(source.bytes_read());
            if (!source.has_more(a_moment)) return std::optional<std::string>();
            auto chunk = source.read();
            if (!chunk) return std::move(chunk).error();
            return std::optional(std::move(*chunk));
        };
        const auto answer = remote_.upload("/raw-data", std::move(headers), next, [&](std::string_view line) {
            answers.take_line(line);
            interrupt_.so_far(file, with_earlier(answers.totals(), accepted_earlier));
        });
        progress.erase();
        if (!answer) answers.take_break(answer.error());
        else if (!answer->streamed) answers.take_body(answer->status, answer->body);
        else if (!answers.done() && !answers.broken())
            answers.take_break({ErrorKind::unavailable, "answer-incomplete", "the server's answer ended before its totals."});
        return answers;
    }

    const SendOptions& options_;
    Remote remote_;
    Interrupt& interrupt_;
    bool reached_ = false;  // a server that was never there is a wrong address: not worth waiting for
};

Result<Remote> remote_of(const SendOptions& options) {
    auto address = address_of(options.server, Side::intake);
    if (!address) return std::move(address).error();
    std::string key = options.key;
    if (!options.key_file.empty()) {
        auto read = read_secret_file(options.key_file);
        if (!read) return std::move(read).error();
        key = std::move(*read);
    }
    return Remote(std::move(*address), std::move(key));
}

boost::json::object json_of(const Sent& sent) {
    boost::json::object out{{"file", sent.file},
                            {"accepted", sent.totals.accepted},
                            {"duplicate", sent.totals.duplicate},
                            {"quarantined", sent.totals.quarantined},
                            {"refused", sent.totals.refused},
                            {"attempts", sent.attempts},
                            {"milliseconds", sent.took.count()},
                            {"refusals", sent.troubles.json()}};
    if (sent.error) out["error"] = boost::json::object{{"code", sent.error->code}, {"message", sent.error->message}};
    return out;
}

std::string summary(const std::vector<Sent>& all, const Screen& screen) {
    using Align = Table::Align;
    Table table({{.title = "accepted", .align = Align::right},
                 {.title = "duplicate", .align = Align::right},
                 {.title = "quarantined", .align = Align::right},
                 {.title = "refused", .align = Align::right},
                 {.title = "time", .align = Align::right},
                 {.title = "records/s", .align = Align::right},
                 {.title = "file"}});
    for (const auto& sent : all) {
        const auto& totals = sent.totals;
        const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(sent.took.count(), 1));
        table.add({{human_count(totals.accepted), totals.accepted > 0 ? Tone::good : Tone::plain},
                   human_count(totals.duplicate),
                   {human_count(totals.quarantined), totals.quarantined > 0 ? Tone::warn : Tone::plain},
                   {human_count(totals.refused), totals.refused > 0 ? Tone::bad : Tone::plain},
                   human_duration(sent.took),
                   human_count(totals.all() * 1000 / ms),
                   sent.file + (sent.error ? " (not complete)" : "")});
    }
    return table.text(screen);
}

void print_result(const SendOptions& options, const std::vector<Sent>& all) {
    if (options.json) {
        boost::json::array files;
        for (const auto& sent : all) files.push_back(json_of(sent));
        print_json(boost::json::object{{"files", std::move(files)}});
        return;
    }
    const auto screen = screen_of(STDOUT_FILENO);
    const bool any = std::ranges::any_of(all, [](const Sent& sent) { return sent.totals.all() > 0 || !sent.error; });
    if (any) print(summary(all, screen));  // else the error says it all
    for (const auto& sent : all) {
        if (sent.troubles.empty()) continue;
        print("\nRefused of " + printable(sent.file) + ":\n" + sent.troubles.text(screen));
    }
}

Result<void> can_open(const std::string& file) {
    if (auto source = SourceFile::open(file); !source) return std::move(source).error();
    return kernel::ok();
}

int send(const SendOptions& options) {
    // What cannot be sent at all is said before anything is.
    for (const auto& file : options.files) {
        if (const auto source = file == "-" ? kernel::ok() : can_open(file); !source) return report(source.error());
        if (const auto type = file_type_of(file, options.type); !type) return report(type.error());
    }
    auto remote = remote_of(options);
    if (!remote) return report(remote.error());
    Interrupt interrupt;
    Sender sender(options, std::move(*remote), interrupt);
    std::vector<Sent> all;
    int exit_code = exit_ok;
    for (const auto& file : options.files) {
        all.push_back(sender.send(file));
        const auto& sent = all.back();
        if (sent.totals.refused > 0 && exit_code == exit_ok) exit_code = exit_failed;
        if (!sent.error) continue;
        exit_code = report(*sent.error);
        break;
    }
    print_result(options, all);
    return finish_output(exit_code);
}

}  // namespace

void add_send(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("send", "Send files of records as a data centre");
    auto options = std::make_shared<SendOptions>();
    command->add_option("files", options->files, "Files: .json .ndjson .jsonl .csv, also .gz and .zst; - for standard input")
        ->required()
        ->type_name("FILE");
    command->add_option("--center", options->center, "The data centre that sends")->type_name("ID");
    command->add_option("--key-file", options->key_file, "File with the centre's key; default: $ACOPIO_KEY")->type_name("FILE");
    command->add_option("--key", options->key)->envname("ACOPIO_KEY")->group("");  // hidden: a secret does not belong on a command line
    command->add_option("--type", options->type, "json, ndjson or csv (.gz, .zst), instead of the file's ending")->type_name("TYPE");
    command->add_option("--retries", options->retries, "How often a file is tried again, at most 1000")
        ->check(CLI::Range(0, 1000).description(""))
        ->type_name("N")
        ->capture_default_str();
    add_data_option(*command, options->server, "Directory of the server on this machine: its address");
    command->add_option("--intake", options->server.address, "The server's address; default: from --data, or 127.0.0.1:8000")
        ->envname("ACOPIO_INTAKE")
        ->type_name("HOST:PORT");
    command->footer(examples);
    command->callback([&cli, options] {
        cli.action = [&cli, options] {
            options->json = cli.json;
            return send(*options);
        };
    });
}

}  // namespace acopio
