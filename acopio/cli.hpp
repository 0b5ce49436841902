// The command line: global options, the commands, and what all of them share: exit codes, errors for people, output.
#pragma once

#include "acopio/address.hpp"
#include "acopio/embedded.hpp"
#include "acopio/files.hpp"
#include "kernel/result.hpp"

#include <boost/json/fwd.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace acopio {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;       // refused or failed
inline constexpr int exit_usage = 2;        // the command line was not understood
inline constexpr int exit_unavailable = 3;  // the server is down, busy or silent: try again later
inline constexpr int exit_forbidden = 4;    // no key or token, or one that may not do this

int exit_code_of(kernel::ErrorKind kind);
// Of the error itself: exit_usage for an address or a type of file that was written wrong, else as its kind.
int exit_code_of(const kernel::Error& error);

// With a full stop at its end, unless it has an end.
std::string sentence(std::string text);
// "acopio: what happened. What to do." on standard error; returns the exit code.
int report(const kernel::Error& error);
// The same for a note that is no error.
void warn(std::string_view text);

// The text of a rubric file that is one. incorrect "rubric-invalid", naming the file.
kernel::Result<std::string> read_rubric(const std::string& file);

// Writes a secret that was just issued to the file made for it. When that fails it is told on standard output: it exists only once.
// Returns the exit code; `what` is "key" or "token".
int keep_secret(NewSecretFile& file, std::string_view secret, std::string_view what);

// Writes to standard output. A command that printed ends with finish_output(), so that a full disk is no success.
void print(std::string_view text);
void print_json(const boost::json::value& value);
int finish_output(int exit_code);

// What parsing leaves behind: the chosen command, ready to run.
struct Cli {
    bool json = false;            // --json: results for machines
    std::function<int()> action;  // returns the exit code
};

// Each adds one command to the application. Defined in the file of its name.
void add_serve(CLI::App& app, Cli& cli);
void add_center(CLI::App& app, Cli& cli);
void add_send(CLI::App& app, Cli& cli);
void add_check(CLI::App& app, Cli& cli);
void add_scorecard(CLI::App& app, Cli& cli);
void add_query(CLI::App& app, Cli& cli);
void add_show(CLI::App& app, Cli& cli);
void add_token(CLI::App& app, Cli& cli);
void add_rebuild(CLI::App& app, Cli& cli);
void add_log(CLI::App& app, Cli& cli);
void add_completion(CLI::App& app, Cli& cli);

// Adds an option whose text is an address, checked while parsing.
CLI::Option* add_address(CLI::App& app, const std::string& name, Address& address, const std::string& what);

// All commands, as main() and the tests use them.
std::unique_ptr<CLI::App> make_app(Cli& cli);

// Parses and runs; the exit code. Never throws.
int run_command_line(int argc, const char* const* argv);

}  // namespace acopio
