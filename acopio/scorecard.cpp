// acopio scorecard: how good what a centre sends is, and what it can do about it.
#include "acopio/cli.hpp"
#include "acopio/json_view.hpp"
#include "acopio/remote.hpp"
#include "acopio/scorecard_view.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>

namespace acopio {
namespace {

constexpr const char* examples = R"(Examples:
  acopio scorecard st-mary
  acopio scorecard st-mary --token-file st-mary.key     as the centre itself
  acopio scorecard st-mary --checks 100 --json)";

struct ScorecardOptions {
    ServerOptions server;
    std::string center;
    int checks = 10;
};

int scorecard(const ScorecardOptions& options, bool json) {
    auto remote = Remote::at(options.server, Side::intake);
    if (!remote) return report(remote.error());
    const auto card = remote->get("/data-centers/" + percent_encoded(options.center) + "/scorecard");
    if (!card) return report(card.error());
    if (json) print_json(*card);
    else print(scorecard_text(object_of(*card), screen_of(STDOUT_FILENO), static_cast<std::size_t>(options.checks)));
    return finish_output(exit_ok);
}

}  // namespace

void add_scorecard(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("scorecard", "The scorecard of a data centre");
    auto options = std::make_shared<ScorecardOptions>();
    command->add_option("id", options->center, "The data centre's id")->type_name("ID")->required();
    command->add_option("--checks", options->checks, "How many failing checks are shown")
        ->type_name("N")
        ->check(CLI::Range(0, 1'000'000).description(""))
        ->capture_default_str();
    add_server_options(*command, options->server, Side::intake, "ACOPIO_OPERATOR_TOKEN");
    command->footer(examples);
    command->callback([&cli, options] { cli.action = [&cli, options] { return scorecard(*options, cli.json); }; });
}

}  // namespace acopio
