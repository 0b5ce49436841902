// acopio center: an operator's orders about data centres, over HTTP.
#include "acopio/cli.hpp"
#include "acopio/files.hpp"
#include "acopio/json_view.hpp"
#include "acopio/remote.hpp"
#include "acopio/terminal.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>

namespace acopio {
namespace {

using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t mapping_bytes_max = 256 * 1024;
constexpr const char* examples = R"(Examples:
  acopio center add st-mary --name "St Mary Hospital"
  acopio center key st-mary --out st-mary.key
  acopio center suspend st-mary --reason "wrong patient ids since Monday")";

struct CenterOptions {
    ServerOptions server;
    std::string id, name, key_id, reason, out, file;
    bool json = false;
};

using Order = int (*)(const CenterOptions&, Remote&);

std::string path_of(const CenterOptions& options, std::string_view rest = "") {
    return "/data-centers/" + percent_encoded(options.id) + std::string(rest);
}

std::string standing_of(const boost::json::object& center) {
    if (flag_of(center, "suspended")) return "suspended";
    return flag_of(center, "provisional") ? "provisional" : "active";
}

std::string center_text(const boost::json::object& center, const Screen& screen) {
    const auto grade = text_of(center, "grade", "-");
    std::string out =
        paint(printable(text_of(center, "id")), Tone::strong, screen.colour) + "  " + printable(text_of(center, "name")) + "\n";
    out += "  grade       " + paint(printable(grade), tone_of_grade(grade), screen.colour) + "  (score " +
           human_decimal(number_of(center, "score"), 1) + ", " + human_count(count_of(center, "records")) + " records)\n";
    out += "  state       " + standing_of(center) + "\n";
    if (const auto reason = text_of(center, "reason"); !reason.empty()) out += "  because     " + printable(reason) + "\n";
    out += "  registered  " + printable(text_of(center, "registered_at")) + "\n";
    Table keys({{.title = "key"}, {.title = "issued"}, {.title = "revoked"}});
    for (const auto& item : items_of(center, "keys")) {
        const auto key = object_of(item);
        keys.add({text_of(key, "id"), text_of(key, "issued_at"), text_of(key, "revoked_at", "-")});
    }
    return out + (keys.empty() ? "  no key yet: acopio center key " + printable(text_of(center, "id")) + "\n" : keys.text(screen, "  "));
}

int show_answer(const CenterOptions& options, const Result<boost::json::value>& answer) {
    if (!answer) return report(answer.error());
    if (options.json) print_json(*answer);
    else print(center_text(object_of(*answer), screen_of(STDOUT_FILENO)));
    return finish_output(exit_ok);
}

int add(const CenterOptions& options, Remote& remote) {
    const auto name = options.name.empty() ? options.id : options.name;
    return show_answer(options, remote.call("POST", "/data-centers", boost::json::object{{"id", options.id}, {"name", name}}));
}

int show(const CenterOptions& options, Remote& remote) {
    return show_answer(options, remote.get(path_of(options)));
}

int suspend(const CenterOptions& options, Remote& remote) {
    return show_answer(options, remote.call("POST", path_of(options, "/suspend"), boost::json::object{{"reason", options.reason}}));
}

int resume(const CenterOptions& options, Remote& remote) {
    return show_answer(options, remote.call("POST", path_of(options, "/resume")));
}

int list(const CenterOptions& options, Remote& remote) {
    const auto answer = remote.get("/data-centers");
    if (!answer) return report(answer.error());
    if (options.json) {
        print_json(*answer);
        return finish_output(exit_ok);
    }
    Table table({{.title = "id"},
                 {.title = "grade"},
                 {.title = "score", .align = Table::Align::right},
                 {.title = "records", .align = Table::Align::right},
                 {.title = "state"},
                 {.title = "name"}});
    for (const auto& item : items_of(object_of(*answer), "data_centers")) {
        const auto center = object_of(item);
        const auto grade = text_of(center, "grade", "-");
        table.add({text_of(center, "id"),
                   {grade, tone_of_grade(grade)},
                   human_decimal(number_of(center, "score"), 1),
                   human_count(count_of(center, "records")),
                   standing_of(center),
                   text_of(center, "name")});
    }
    print(table.empty() ? "No data centre yet. Register one with: acopio center add ID --name NAME\n"
                        : table.text(screen_of(STDOUT_FILENO)));
    return finish_output(exit_ok);
}

int key(const CenterOptions& options, Remote& remote) {
    std::optional<NewSecretFile> file;
    if (!options.out.empty()) {
        auto made = NewSecretFile::make(options.out);
        if (!made) return report(made.error());
        file.emplace(std::move(*made));
    }
    const auto answer = remote.call("POST", path_of(options, "/keys"));
    if (!answer) return report(answer.error());
    const auto secret = text_of(object_of(*answer), "key");
    const auto key_id = text_of(object_of(*answer), "key_id");
    if (file) {
        if (const int failed = keep_secret(*file, secret, "key"); failed != exit_ok) return failed;
        if (options.json) print_json(boost::json::object{{"key_id", key_id}, {"key_file", options.out}});
        else print("Key " + printable(key_id) + " written to " + printable(options.out) + " (mode 600).\n");
        return finish_output(exit_ok);
    }
    if (options.json) print_json(*answer);
    else print(printable(secret) + "\n");
    if (!options.json) warn("this key is shown once; only its hash is kept.");
    return finish_output(exit_ok);
}

int revoke(const CenterOptions& options, Remote& remote) {
    const auto answer = remote.call("DELETE", path_of(options, "/keys/" + percent_encoded(options.key_id)));
    if (!answer) return report(answer.error());
    if (options.json) print_json(boost::json::object{{"revoked", options.key_id}});
    else print("Revoked " + printable(options.key_id) + ".\n");
    return finish_output(exit_ok);
}

int mapping(const CenterOptions& options, Remote& remote) {
    std::optional<boost::json::value> content;
    if (!options.file.empty()) {
        auto text = read_file(options.file, mapping_bytes_max);
        if (!text) return report(text.error());
        boost::system::error_code broken;
        content = boost::json::parse(*text, broken);
        if (broken)
            return report({ErrorKind::incorrect, "mapping-broken",
                           options.file + R"( is no JSON. Write {"column of the CSV": "name of a field", ...})"});
    }
    const auto answer = remote.call(content ? "PUT" : "GET", path_of(options, "/mapping"), content);
    if (!answer) return report(answer.error());
    if (options.json) {
        print_json(*answer);
        return finish_output(exit_ok);
    }
    Table table({{.title = "column"}, {.title = "field"}});
    const auto shown = object_of(answer->is_null() && content ? *content : *answer);
    for (const auto& [column, field] : shown) table.add({std::string(column), field.is_string() ? std::string(field.get_string()) : "-"});
    print(table.empty() ? "No mapping: columns are known by their names only.\n" : table.text(screen_of(STDOUT_FILENO)));
    return finish_output(exit_ok);
}

}  // namespace

void add_center(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("center", "Data centres: register, keys, suspend (operator)");
    auto options = std::make_shared<CenterOptions>();
    add_server_options(*command, options->server, Side::intake, "ACOPIO_OPERATOR_TOKEN");
    command->require_subcommand(1);
    command->footer(examples);
    const auto order = [&cli, command, options](const std::string& name, const std::string& what, const std::string& sample, Order run,
                                                bool with_id = true) {
        auto* one = command->add_subcommand(name, what);
        one->footer("Examples:\n" + sample);
        if (with_id) one->add_option("id", options->id, "The data centre's id: a-z, 0-9 and -")->type_name("ID")->required();
        one->callback([&cli, options, run] {
            cli.action = [&cli, options, run] {
                options->json = cli.json;
                auto remote = Remote::at(options->server, Side::intake);
                return remote ? run(*options, *remote) : report(remote.error());
            };
        });
        return one;
    };
    order("add", "Register a data centre", R"(  acopio center add st-mary --name "St Mary Hospital")", add)
        ->add_option("--name", options->name, "Its name, for people");
    order("list", "All data centres with their grades", "  acopio center list\n  acopio center list --json", list, false);
    order("show", "One data centre with its keys", "  acopio center show st-mary", show);
    order("key", "Issue a key; it is shown once",
          "  acopio center key st-mary --out st-mary.key     a new file, mode 600\n  acopio center key st-mary", key)
        ->add_option("--out", options->out, "Write it to this new file (mode 600) instead of showing it")
        ->type_name("FILE");
    order("revoke", "End a key",
          "  acopio center show st-mary                          tells the ids of its keys\n"
          "  acopio center revoke st-mary 4f1d2c3b4a596877",
          revoke)
        ->add_option("key-id", options->key_id, "The key's id, as `show` tells it")
        ->type_name("ID")
        ->required();
    order("suspend", "Take nothing from it any more", R"(  acopio center suspend st-mary --reason "wrong patient ids since Monday")",
          suspend)
        ->add_option("--reason", options->reason, "Why, for people")
        ->required();
    order("resume", "Take records from it again", "  acopio center resume st-mary", resume);
    order("mapping", "Show or set which CSV columns are which fields",
          "  acopio center mapping st-mary\n  acopio center mapping st-mary columns.json     of {\"Paciente\": \"patient_id\"}", mapping)
        ->add_option("file", options->file, R"(JSON: {"column": "field", ...}; without it the mapping is shown)")
        ->type_name("FILE");
}

}  // namespace acopio
