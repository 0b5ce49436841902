// The application around the commands.
#include "acopio/cli.hpp"

#include "acopio/json_view.hpp"
#include "acopio/terminal.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>

namespace acopio {
namespace {

constexpr std::size_t rubric_bytes_max = 16 * 1024 * 1024;
constexpr const char* version_text = "acopio 0.1.0";
constexpr const char* examples = R"(Examples:
  acopio serve --data var                       run the three services
  acopio center add st-mary --name "St Mary"    register a partner
  acopio send scans.ndjson --center st-mary --key-file st-mary.key
  acopio query modality=CT --limit 5            ask for what was collected

Exit codes: 0 done, 1 refused or failed, 2 usage, 3 unavailable, 4 forbidden.)";

void write(std::FILE* stream, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
}

// The library leaves two blank lines where a group of hidden options would stand.
class HelpFormatter final : public CLI::Formatter {
public:
    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
        auto text = CLI::Formatter::make_help(app, std::move(name), mode);
        if (const auto gap = text.find("\n\n\n"); gap != std::string::npos) text.erase(gap, 1);
        return text;
    }
};

// The command that the line got to: "acopio center key".
const CLI::App& innermost(const CLI::App& app, std::string& path) {
    path += (path.empty() ? "" : " ") + app.get_name();
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app : innermost(*chosen.front(), path);
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
    std::string path;
    const auto& command = innermost(app, path);
    std::string what = printable(error.what());
    const auto known = command.get_subcommands([](const CLI::App*) { return true; });
    const auto words = app.remaining(true);
    const auto word = std::ranges::find_if(words, [](const std::string& one) { return !one.starts_with('-'); });
    if (!known.empty() && word != words.end()) {
        std::string names;
        for (const auto* one : known) names += (names.empty() ? "" : ", ") + one->get_name();
        what = "\"" + printable(*word) + "\" is no command. There are: " + names;
    }
    write(stderr, "acopio: " + sentence(std::move(what)) + " See " + path + " --help.\n");
    return exit_usage;
}

}  // namespace

int exit_code_of(kernel::ErrorKind kind) {
    using enum kernel::ErrorKind;
    switch (kind) {
        case forbidden: return exit_forbidden;
        case busy:
        case unavailable:
        case interrupted: return exit_unavailable;
        case incorrect:
        case not_found:
        case conflict:
        case unsupported:
        case fault: break;
    }
    return exit_failed;
}

int exit_code_of(const kernel::Error& error) {
    const bool usage = error.code == "address-invalid" || error.code == "no-tls" || error.code == "file-type-unknown" ||
                       error.code.starts_with("data-directory-") || error.code == "log-address" || error.code == "log-name" ||
                       error.code == "pulsar-admin-url";
    return usage ? exit_usage : exit_code_of(error.kind);
}

std::string sentence(std::string text) {
    const bool ends = text.ends_with('.') || text.ends_with('!') || text.ends_with('?');
    if (!ends) text += '.';
    return text;
}

int report(const kernel::Error& error) {
    write(stderr, paint("acopio:", Tone::bad, screen_of(STDERR_FILENO).colour) + " " + printable(sentence(error.message)) + "\n");
    return exit_code_of(error);
}

void warn(std::string_view text) {
    write(stderr, paint("acopio:", Tone::warn, screen_of(STDERR_FILENO).colour) + " " + std::string(text) + "\n");
}

kernel::Result<std::string> read_rubric(const std::string& file) {
    auto text = read_file(file, rubric_bytes_max);
    if (!text) return text;
    if (auto rubric = data_center_classifier::infrastructure::formats::rubric_from_json(*text); !rubric) {
        auto error = std::move(rubric).error();
        error.message = file + ": " + error.message;
        return error;
    }
    return text;
}

int keep_secret(NewSecretFile& file, std::string_view secret, std::string_view what) {
    const auto written = file.write(std::string(secret) + "\n");
    if (written) return exit_ok;
    print(std::string(secret) + "\n");
    warn("the " + std::string(what) + " was issued and stands above, once: keep it.");
    return finish_output(report(written.error()));
}

void print(std::string_view text) {
    write(stdout, text);
}

void print_json(const boost::json::value& value) {
    print(json_text(value) + "\n");
}

int finish_output(int exit_code) {
    const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    if (written) return exit_code;
    return report({kernel::ErrorKind::fault, "output-failed", "the output could not be written. Is the disk full?"});
}

CLI::Option* add_address(CLI::App& app, const std::string& name, Address& address, const std::string& what) {
    auto* option = app.add_option_function<std::string>(
        name,
        [&address](const std::string& text) {
            auto parsed = address_from_text(text);
            if (!parsed) throw CLI::ValidationError(parsed.error().message);
            address = std::move(*parsed);
        },
        what);
    return option->type_name("HOST:PORT")->default_str(to_text(address));
}

std::unique_ptr<CLI::App> make_app(Cli& cli) {
    auto app = std::make_unique<CLI::App>("Acopio collects medical records from partner data centres, judges and keeps them.", "acopio");
    app->set_version_flag("--version", version_text, "Print the version");
    app->add_flag("--json", cli.json, "Print results as JSON");
    app->require_subcommand(1);
    app->fallthrough();
    app->footer(examples);
    app->formatter(std::make_shared<HelpFormatter>());
    app->get_formatter()->column_width(34);
    add_serve(*app, cli);
    add_center(*app, cli);
    add_send(*app, cli);
    add_check(*app, cli);
    add_scorecard(*app, cli);
    add_query(*app, cli);
    add_show(*app, cli);
    add_token(*app, cli);
    add_rebuild(*app, cli);
    add_log(*app, cli);
    add_completion(*app, cli);
    return app;
}

int run_command_line(int argc, const char* const* argv) {
    try {
        Cli cli;
        const auto app = make_app(cli);
        try {
            app->parse(argc, argv);
        } catch (const CLI::Success& success) {  // --help, --version
            return finish_output(app->exit(success));
        } catch (const CLI::ParseError& error) {
            return usage_error(*app, error);
        }
        return cli.action();
    } catch (const std::exception& error) {
        return report({kernel::ErrorKind::fault, "unexpected", std::string("unexpected: ") + error.what() + ". Please report this"});
    }
}

}  // namespace acopio
