// acopio token: who may read. Works on DIR/db_access.db directly, while a server runs on it too: it sees each change with its next request.
#include "acopio/cli.hpp"
#include "acopio/files.hpp"
#include "acopio/terminal.hpp"
#include "collector_query/service.hpp"
#include "kernel/clock.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

namespace acopio {
namespace {

constexpr const char* examples = R"(Examples:
  acopio token add --role researcher --name "Ada, imaging study 12"
  acopio token list --data var
  acopio token revoke 4f1d2c3b4a596877)";

struct TokenOptions {
    std::string data = "var";
    std::string role = "researcher", name, id, out;
    bool json = false;
};

using Database = std::unique_ptr<platform::sql::Database>;

kernel::Result<Database> open(const TokenOptions& options) {
    const auto directory = existing_data_directory(options.data);
    if (!directory) return directory.error();
    return open_database(directory->access());
}

int add(const TokenOptions& options) {
    auto database = open(options);
    if (!database) return report(database.error());
    std::optional<NewSecretFile> file;
    if (!options.out.empty()) {
        auto made = NewSecretFile::make(options.out);
        if (!made) return report(made.error());
        file.emplace(std::move(*made));
    }
    const auto token = collector_query::add_token(**database, options.role, options.name, kernel::SystemClock().now());
    if (!token) return report(token.error());
    if (file) {
        if (const int failed = keep_secret(*file, *token, "token"); failed != exit_ok) return failed;
        if (options.json) print_json(boost::json::object{{"token_file", options.out}});
        else print("Token written to " + printable(options.out) + ". Readers give it with --token-file or as Authorization: Bearer.\n");
        return finish_output(exit_ok);
    }
    if (options.json) print_json(boost::json::object{{"token", *token}, {"role", options.role}, {"name", options.name}});
    else print(*token + "\n");
    if (!options.json) warn("this token is shown once; only its hash is kept.");
    return finish_output(exit_ok);
}

int list(const TokenOptions& options) {
    auto database = open(options);
    if (!database) return report(database.error());
    const auto tokens = collector_query::list_tokens(**database);
    if (!tokens) return report(tokens.error());
    if (options.json) {
        boost::json::array out;
        for (const auto& token : *tokens) {
            const auto revoked = token.revoked_at.empty() ? boost::json::value(nullptr) : boost::json::value(token.revoked_at);
            out.push_back(boost::json::object{
                {"id", token.id}, {"role", token.role}, {"name", token.name}, {"created_at", token.created_at}, {"revoked_at", revoked}});
        }
        print_json(boost::json::object{{"tokens", std::move(out)}});
        return finish_output(exit_ok);
    }
    Table table({{.title = "id"}, {.title = "role"}, {.title = "created"}, {.title = "revoked"}, {.title = "name"}});
    for (const auto& token : *tokens) {
        const auto tone = token.revoked_at.empty() ? Tone::plain : Tone::dim;
        table.add({{token.id, tone},
                   {token.role, tone},
                   {token.created_at, tone},
                   {token.revoked_at.empty() ? "-" : token.revoked_at, tone},
                   {token.name, tone}});
    }
    print(table.empty() ? "No token yet. Make one with: acopio token add --role researcher --name NAME\n"
                        : table.text(screen_of(STDOUT_FILENO)));
    return finish_output(exit_ok);
}

int revoke(const TokenOptions& options) {
    auto database = open(options);
    if (!database) return report(database.error());
    if (auto done = collector_query::revoke_token(**database, options.id, kernel::SystemClock().now()); !done) return report(done.error());
    if (options.json) print_json(boost::json::object{{"revoked", options.id}});
    else print("Revoked " + printable(options.id) + ".\n");
    return finish_output(exit_ok);
}

}  // namespace

void add_token(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("token", "Tokens for reading, on the data directory itself");
    auto options = std::make_shared<TokenOptions>();
    command->add_option("--data", options->data, "Directory of all data")->envname("ACOPIO_DATA")->type_name("DIR")->capture_default_str();
    command->require_subcommand(1);
    command->footer(examples);
    const auto run = [&cli, options](CLI::App* order, int (*action)(const TokenOptions&)) {
        order->callback([&cli, options, action] {
            cli.action = [&cli, options, action] {
                options->json = cli.json;
                return action(*options);
            };
        });
    };
    auto* adding = command->add_subcommand("add", "Make a token; it is shown once");
    adding->add_option("--role", options->role, "researcher or operator")
        ->check(CLI::IsMember({"researcher", "operator"}))
        ->capture_default_str();
    adding->add_option("--name", options->name, "Whose it is, for people")
        ->required()
        ->check(CLI::Validator(
            [](const std::string& name) { return name.find_first_not_of(' ') == std::string::npos ? "a name is needed" : ""; }, ""));
    adding->add_option("--out", options->out, "Write it to this new file (mode 600) instead of showing it")->type_name("FILE");
    run(adding, add);
    run(command->add_subcommand("list", "All tokens, without their secrets"), list);
    auto* revoking = command->add_subcommand("revoke", "End a token; readers with it are refused from the next request on");
    revoking->add_option("id", options->id, "The token's id, as `list` shows it")->type_name("ID")->required();
    run(revoking, revoke);
}

}  // namespace acopio
