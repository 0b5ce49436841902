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
#include <cstdlib>

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

// A record's members, shown as they were sent.
class Row {
public:
    explicit Row(std::string_view item) : members_(members_as_written(item)) {}
    std::string operator[](std::string_view name) const {
        const auto found = std::ranges::find(members_, name, &MemberText::name);
        return found == members_.end() ? "-" : shown_as_written(found->value);
    }

private:
    std::vector<MemberText> members_;
};

Table page_table(const std::vector<std::string_view>& items) {
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
    for (const auto item : items) {
        const Row row(item);
        const auto grade = row["grade"];
        table.add({row["data_center_id"],
                   row["record_id"],
                   row["modality"],
                   cut(printable(row["body_part"]), 16),
                   row["sex"],
                   cut(printable(row["age"]), 24),
                   row["study_date"],
                   cut(printable(row["code"]), 12),
                   {grade, tone_of_grade(grade)},
                   human_decimal(std::strtod(row["score"].c_str(), nullptr), 1),
                   row["data_id"]});
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

void show_page(const QueryOptions& options, const std::vector<std::string_view>& items) {
    if (options.json && options.all) {
        for (const auto item : items) print(std::string(item) + "\n");
    } else if (!options.json && !items.empty()) {
        const auto screen = screen_of(STDOUT_FILENO);
        const auto table = page_table(items);
        print(table.text(screen));
        if (const auto left_out = table.left_out(screen); !left_out.empty())
            print(paint("no room for: " + left_out + ". See --json, or acopio show DATA-ID", Tone::dim, screen.colour) + "\n");
    }
}

// `kept`: the items of all pages, with commas between them.
void show_end(const QueryOptions& options, const Shown& shown, const std::string& kept) {
    if (options.json) {
        const auto next = shown.next.empty() ? boost::json::value(nullptr) : boost::json::value(shown.next);
        if (!options.all) print(R"({"data":[)" + kept + R"(],"next":)" + json_text(next) + R"(,"count":)" + json_text(shown.count) + "}\n");
        return;
    }
    std::string line = human_count(shown.records) + (shown.records == 1 ? " record" : " records");
    if (shown.count.is_number()) line += " of " + human_count(shown.count.to_number<std::uint64_t>());
    if (!shown.next.empty()) line += "; more with --limit or --all";
    print(paint(line, Tone::dim, screen_of(STDOUT_FILENO).colour) + "\n");
}

// A filter that the server does not understand was written wrong here.
int failed(const kernel::Error& error) {
    const int code = report(error);
    return error.code.starts_with("filter-") || error.code.starts_with("cursor-") ? exit_usage : code;
}

int query(QueryOptions options) {
    const auto parameters = parameters_of(options);
    if (!parameters) return report(parameters.error()), exit_usage;
    auto remote = Remote::at(options.server, Side::query);
    if (!remote) return report(remote.error());
    Shown shown;
    shown.next = options.values["cursor"];
    std::string kept;
    do {
        auto page_parameters = *parameters;
        const auto wanted = options.all ? page_max : std::min(page_max, options.limit - shown.records);
        page_parameters.emplace_back("limit", std::to_string(wanted));
        if (!shown.next.empty()) page_parameters.emplace_back("cursor", shown.next);
        const auto page = remote->fetch("GET", "/data" + query_text(page_parameters));
        if (!page) return failed(page.error());
        const auto answer = object_of(page->value);
        const auto items = items_as_written(member_as_written(page->text, "data"));
        shown.records += items.size();
        shown.next = text_of(answer, "next");
        if (const auto* count = member(answer, "count"); count != nullptr && count->is_number()) shown.count = *count;
        show_page(options, items);
        if (options.json && !options.all)
            for (const auto item : items) kept.append(kept.empty() ? "" : ",").append(item);
    } while (!shown.next.empty() && (options.all || shown.records < options.limit));
    show_end(options, shown, kept);
    return finish_output(exit_ok);
}

}  // namespace

void add_query(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("query", "Ask for collected records");
    auto options = std::make_shared<QueryOptions>();
    command->add_option("filters", options->filters, "name=value, with the names of the options below in snake_case")
        ->type_name("NAME=VALUE");
    for (const auto& filter : query_filters)
        command->add_option(option_name(filter.name), options->values[std::string(filter.name)], std::string(filter.help))
            ->type_name(std::string(filter.type));
    command->add_option("--label", options->labels, "no_finding, normal, abnormal, uncertain, other or unknown; may be repeated")
        ->type_name("LABEL");
    command->add_flag("--include-retracted", options->include_retracted, "Records that were taken back, too");
    command->add_option("--limit", options->limit, "How many records, at most 1000000")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, limit_max).description(""))
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
