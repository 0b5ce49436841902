// acopio show: one record with its history.
#include "acopio/cli.hpp"
#include "acopio/json_view.hpp"
#include "acopio/remote.hpp"
#include "acopio/terminal.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>

namespace acopio {
namespace {

constexpr const char* examples = R"(Examples:
  acopio show 0b2c4d6e8f0a1b3c5d7e9f0a1b2c3d4e
  acopio show 0b2c4d6e8f0a1b3c5d7e9f0a1b2c3d4e --json)";

std::string record_text(std::string_view record) {
    const auto members = members_as_written(record);
    std::size_t width = 0;
    for (const auto& [name, value] : members) width = std::max(width, display_width(printable(name)));
    std::string out;
    for (const auto& [name, value] : members) {
        const auto title = printable(name);
        out += "  " + title + std::string(width - display_width(title) + 2, ' ') + printable(shown_as_written(value)) + "\n";
    }
    return out;
}

std::string history_text(const boost::json::object& history, const Screen& screen) {
    Table table({{.title = "version", .align = Table::Align::right},
                 {.title = "event"},
                 {.title = "received"},
                 {.title = "grade"},
                 {.title = "score", .align = Table::Align::right},
                 {.title = "receipt"}});
    for (const auto& item : items_of(history, "history")) {
        const auto version = object_of(item);
        const auto grade = text_of(version, "grade", "-");
        table.add({std::to_string(count_of(version, "version")),
                   text_of(version, "event", "-"),
                   text_of(version, "received_at", "-"),
                   {grade, tone_of_grade(grade)},
                   version.contains("score") ? human_decimal(number_of(version, "score"), 1) : std::string("-"),
                   text_of(version, "receipt_id", "-")});
    }
    return table.text(screen, "  ");
}

int show(const ServerOptions& server, const std::string& data_id, bool json) {
    auto remote = Remote::at(server, Side::query);
    if (!remote) return report(remote.error());
    const auto path = "/data/" + percent_encoded(data_id);
    const auto record = remote->fetch("GET", path);
    const bool retracted = !record && record.error().code == "data-retracted";  // its history stays
    if (!record && !retracted) return report(record.error());
    const auto history = remote->fetch("GET", path + "/history");
    if (!history) return report(history.error());
    if (json) {
        print(R"({"record":)" + (record ? record->text : "null") + R"(,"history":)" + history->text + "}\n");
        return finish_output(exit_ok);
    }
    const auto screen = screen_of(STDOUT_FILENO);
    const auto past = object_of(history->value);
    print(paint(printable(text_of(past, "data_center_id", "-") + "  " + text_of(past, "record_id", "-")), Tone::strong, screen.colour) +
          "\n");
    print(record ? record_text(record->text) : "  taken back by the data centre\n");
    print("\nHistory:\n" + history_text(past, screen));
    return finish_output(exit_ok);
}

}  // namespace

void add_show(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("show", "One collected record with its history");
    auto server = std::make_shared<ServerOptions>();
    auto data_id = std::make_shared<std::string>();
    command->add_option("data-id", *data_id, "The record's data id, as `acopio query` shows it")->type_name("ID")->required();
    add_server_options(*command, *server, Side::query, "ACOPIO_TOKEN");
    command->footer(examples);
    command->callback([&cli, server, data_id] { cli.action = [&cli, server, data_id] { return show(*server, *data_id, cli.json); }; });
}

}  // namespace acopio
