// acopio query: questions about collected data, a page or all of them.
#include "acopio/cli.hpp"
#include "acopio/json_view.hpp"
#include "acopio/query_parameters.hpp"
#include "acopio/remote.hpp"
#include "acopio/terminal.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

namespace acopio {
namespace {

constexpr std::uint64_t page_max = 1000;  // records of one request
constexpr std::uint64_t limit_max = 1'000'000;
constexpr const char* examples = R"(Examples:
  acopio query modality=CT --limit 5
  acopio query --body-part CHEST --age-min 60 --sort=-study_date --count
  acopio query data_center_id=st-mary --all --json > st-mary.ndjson     every record, one a line)";

struct QueryOptions {
    ServerOptions server;
    std::vector<std::string> filters;           // name=value
    std::map<std::string, std::string> values;  // of --name value
    std::vector<std::string> labels;
    std::uint64_t limit = 20;
    bool all = false, count = false, include_retracted = false;
    bool json = false;
};

std::string cell_of(const boost::json::object& item, std::string_view name) {
    const auto* value = member(item, name);
    if (value == nullptr || value->is_null()) return "-";
    if (value->is_string()) return std::string(value->get_string());
    return boost::json::serialize(*value);
}

Table page_table(const boost::json::array& items) {
    Table table({{.title = "centre"},
                 {.title = "record"},
                 {.title = "modality", .spare = 1},
                 {.title = "body part", .spare = 4},
                 {.title = "sex", .spare = 6},
                 {.title = "age", .align = Table::Align::right, .spare = 5},
                 {.title = "study date", .spare = 3},
                 {.title = "code", .spare = 7},
                 {.title = "grade", .spare = 2},
                 {.title = "score", .align = Table::Align::right, .spare = 8},
                 {.title = "data id"}});
    for (const auto& one : items) {
        const auto item = object_of(one);
        const auto grade = text_of(item, "grade", "-");
        table.add({cell_of(item, "data_center_id"),
                   cell_of(item, "record_id"),
                   cell_of(item, "modality"),
                   cut(printable(cell_of(item, "body_part")), 16),
                   cell_of(item, "sex"),
                   cell_of(item, "age"),
                   cell_of(item, "study_date"),
                   cut(printable(cell_of(item, "code")), 12),
                   {grade, tone_of_grade(grade)},
                   human_decimal(number_of(item, "score"), 1),
                   cell_of(item, "data_id")});
    }
    return table;
}

// limit=, count= and cursor= steer the pages, as the options of their names do; what is left are filters.
kernel::Result<QueryParameters> parameters_of(QueryOptions& options) {
    auto parameters = parameters_from(options.filters);
    if (!parameters) return parameters;
    if (const auto limit = taken(*parameters, "limit")) {
        const auto [end, status] = std::from_chars(limit->data(), limit->data() + limit->size(), options.limit);
        if (status != std::errc{} || end != limit->data() + limit->size() || options.limit == 0 || options.limit > limit_max)
            return kernel::Error{kernel::ErrorKind::incorrect, "limit-invalid", "limit= is a number from 1 to 1000000"};
    }
    if (const auto count = taken(*parameters, "count")) {
        if (*count != "exact") return kernel::Error{kernel::ErrorKind::incorrect, "count-invalid", "count= is exact, or left out"};
        options.count = true;
    }
    if (auto cursor = taken(*parameters, "cursor")) options.values["cursor"] = std::move(*cursor);
    for (const auto& [name, value] : options.values)
        if (!value.empty() && name != "cursor") parameters->emplace_back(name, value);
    for (const auto& label : options.labels) parameters->emplace_back("label", label);
    if (options.include_retracted) parameters->emplace_back("include_retracted", "true");
    if (options.count) parameters->emplace_back("count", "exact");
    return parameters;
}

// What one run has shown.
struct Shown {
    std::uint64_t records = 0;
    std::string next;  // cursor; "" at the end
    boost::json::value count = nullptr;
};

void show_page(const QueryOptions& options, const boost::json::array& items) {
    if (options.json && options.all) {
        for (const auto& item : items) print_json(item);
    } else if (!options.json && !items.empty()) {
        const auto screen = screen_of(STDOUT_FILENO);
        const auto table = page_table(items);
        print(table.text(screen));
        if (const auto left_out = table.left_out(screen); !left_out.empty())
            print(paint("no room for: " + left_out + ". See --json, or acopio show DATA-ID", Tone::dim, screen.colour) + "\n");
    }
}

void show_end(const QueryOptions& options, const Shown& shown, boost::json::array kept) {
    if (options.json) {
        const auto next = shown.next.empty() ? boost::json::value(nullptr) : boost::json::value(shown.next);
        if (!options.all) print_json(boost::json::object{{"data", std::move(kept)}, {"next", next}, {"count", shown.count}});
        return;
    }
    std::string line = human_count(shown.records) + (shown.records == 1 ? " record" : " records");
    if (shown.count.is_number()) line += " of " + human_count(shown.count.to_number<std::uint64_t>());
    if (!shown.next.empty()) line += "; more with --limit or --all";
    print(paint(line, Tone::dim, screen_of(STDOUT_FILENO).colour) + "\n");
}

int query(QueryOptions options) {
    const auto parameters = parameters_of(options);
    if (!parameters) return report(parameters.error()), exit_usage;
    auto remote = Remote::at(options.server, Side::query);
    if (!remote) return report(remote.error());
    Shown shown;
    shown.next = options.values["cursor"];
    boost::json::array kept;
    do {
        auto page_parameters = *parameters;
        const auto wanted = options.all ? page_max : std::min(page_max, options.limit - shown.records);
        page_parameters.emplace_back("limit", std::to_string(wanted));
        if (!shown.next.empty()) page_parameters.emplace_back("cursor", shown.next);
        const auto page = remote->get("/data" + query_text(page_parameters));
        if (!page) return report(page.error());
        const auto answer = object_of(*page);
        auto items = items_of(answer, "data");
        shown.records += items.size();
        shown.next = text_of(answer, "next");
        if (const auto* count = member(answer, "count"); count != nullptr && count->is_number()) shown.count = *count;
        show_page(options, items);
        if (options.json && !options.all) std::ranges::move(items, std::back_inserter(kept));
    } while (!shown.next.empty() && (options.all || shown.records < options.limit));
    show_end(options, shown, std::move(kept));
    return finish_output(exit_ok);
}

}  // namespace

void add_query(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("query", "Ask for collected records");
    auto options = std::make_shared<QueryOptions>();
    command->add_option("filters", options->filters, "name=value, with the names of the options below in snake_case");
    for (const auto& filter : query_filters)
        command->add_option(option_name(filter.name), options->values[std::string(filter.name)], std::string(filter.help))
            ->type_name(std::string(filter.type));
    command->add_option("--label", options->labels, "no_finding, normal, abnormal, uncertain, other or unknown; may be repeated");
    command->add_flag("--include-retracted", options->include_retracted, "Records that were taken back, too");
    command->add_option("--limit", options->limit, "How many records")
        ->check(CLI::Range(std::uint64_t{1}, limit_max))
        ->capture_default_str();
    command->add_flag("--all", options->all, "All pages; with --json one record a line");
    command->add_flag("--count", options->count, "Also count all that fit");
    add_server_options(*command, options->server, Side::query, "ACOPIO_TOKEN");
    command->footer(examples);
    command->callback([&cli, options] {
        cli.action = [&cli, options] {
            options->json = cli.json;
            return query(*options);
        };
    });
}

}  // namespace acopio
