// acopio check: what the intake would say of a file, without a server and without sending anything.
#include "acopio/cli.hpp"
#include "acopio/examination.hpp"
#include "acopio/files.hpp"
#include "acopio/scorecard_view.hpp"

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

namespace acopio {
namespace {

namespace formats = data_center_classifier::infrastructure::formats;
using data_center_classifier::domain::Rubric;

constexpr std::size_t mapping_bytes_max = 256 * 1024;
constexpr const char* examples = R"(Examples:
  acopio check scans.ndjson
  acopio check export.csv.gz --rubric rubrics/mine.json
  zcat scans.ndjson.gz | acopio check - --type ndjson --json

Nothing leaves this machine. Timeliness is judged as if the file were received now; uniqueness within the file.)";

struct CheckOptions {
    std::string file, type, rubric, mapping;
    bool json = false;
};

kernel::Result<Rubric> rubric_of(const CheckOptions& options) {
    if (options.rubric.empty()) return formats::built_in_rubric();
    auto text = read_rubric(options.rubric);
    if (!text) return std::move(text).error();
    return formats::rubric_from_json(*text);
}

kernel::Result<formats::CsvReader::Mapping> mapping_of(const CheckOptions& options) {
    formats::CsvReader::Mapping mapping;
    if (options.mapping.empty()) return mapping;
    const auto text = read_file(options.mapping, mapping_bytes_max);
    if (!text) return text.error();
    boost::system::error_code broken;
    const auto value = boost::json::parse(*text, broken);
    const kernel::Error wrong{kernel::ErrorKind::incorrect, "mapping-broken",
                              options.mapping + R"( is no mapping. Write {"column of the CSV": "name of a field", ...})"};
    if (broken || !value.is_object()) return wrong;
    for (const auto& [column, field] : value.get_object()) {
        if (!field.is_string()) return wrong;
        mapping.emplace(column, field.get_string());
    }
    if (auto good = formats::check_mapping(mapping); !good)
        return kernel::Error{good.error().kind, good.error().code, options.mapping + ": " + good.error().message};
    return mapping;
}

std::string totals_text(const Totals& totals, const Screen& screen) {
    Table table({{.title = "outcome"}, {.title = "records", .align = Table::Align::right}});
    table.add({{"would be accepted", Tone::good}, human_count(totals.accepted)});
    table.add({"duplicate in the file", human_count(totals.duplicate)});
    table.add({{"would wait in quarantine", totals.quarantined > 0 ? Tone::warn : Tone::plain}, human_count(totals.quarantined)});
    table.add({{"would be refused", totals.refused > 0 ? Tone::bad : Tone::plain}, human_count(totals.refused)});
    return table.text(screen, "  ");
}

// Not wrong by itself, but a surprise to who takes a file for a list of records.
std::string amending_text(std::uint64_t amending) {
    return "  " + human_count(amending) + (amending == 1 ? " record amends" : " records amend") +
           " an earlier one of this file: the same record id, other content.\n"
           "  If they are records of their own, each needs an id of its own.\n";
}

void print_result(const CheckOptions& options, const Examination& examination, const std::optional<kernel::Error>& error) {
    const auto& totals = examination.totals();
    const auto card = examination.scorecard(options.file);
    if (options.json) {
        boost::json::object out{{"file", options.file},
                                {"accepted", totals.accepted},
                                {"duplicate", totals.duplicate},
                                {"quarantined", totals.quarantined},
                                {"refused", totals.refused},
                                {"amending", examination.amending()},
                                {"refusals", examination.troubles().json()},
                                {"names", examination.names().json()},
                                {"scorecard", card}};
        if (error) out["error"] = boost::json::object{{"code", error->code}, {"message", error->message}};
        print_json(out);
        return;
    }
    const auto screen = screen_of(STDOUT_FILENO);
    print(totals_text(totals, screen));
    if (const auto amending = examination.amending(); amending > 0) print("\n" + amending_text(amending));
    if (const auto names = examination.names().text(screen); !names.empty()) print("\n" + names);
    if (totals.all() > totals.refused) print("\n" + scorecard_text(card, screen));
    if (!examination.troubles().empty()) print("\nRefused:\n" + examination.troubles().text(screen));
    if (totals.all() == 0) print("  The file holds no record.\n");
}

int check(const CheckOptions& options) {
    auto source = SourceFile::open(options.file);
    if (!source) return report(source.error());
    const auto type = file_type_of(options.file, options.type);
    if (!type) return report(type.error());
    const auto rubric = rubric_of(options);
    if (!rubric) return report(rubric.error());
    auto mapping = mapping_of(options);
    if (!mapping) return report(mapping.error());
    Examination examination(*rubric, kernel::SystemClock().now(), type->format, std::move(*mapping));
    std::optional<kernel::Error> error;  // the file broke off, or could not be read at all
    {
        Progress progress(options.file, source->size(), Progress::Unit::bytes);
        if (auto done = examine(*source, *type, examination, [&] { progress.update(source->bytes_read()); }); !done)
            error = std::move(done).error();
    }
    if (options.json || !error || examination.totals().all() > 0) print_result(options, examination, error);
    if (error) return finish_output(report(*error));
    return finish_output(examination.totals().refused > 0 ? exit_failed : exit_ok);
}

}  // namespace

void add_check(CLI::App& app, Cli& cli) {
    auto* command = app.add_subcommand("check", "Judge a file here, as the intake would, without sending it");
    auto options = std::make_shared<CheckOptions>();
    command->add_option("file", options->file, "File to judge; - for standard input")->required()->type_name("FILE");
    command->add_option("--type", options->type, "json, ndjson or csv (.gz, .zst), instead of the file's ending")->type_name("TYPE");
    command->add_option("--rubric", options->rubric, "A rubric of your own, instead of the built-in one")->type_name("FILE");
    command->add_option("--mapping", options->mapping, "JSON: columns of a CSV to fields, as the centre's mapping is")->type_name("FILE");
    command->footer(examples);
    command->callback([&cli, options] {
        cli.action = [&cli, options] {
            options->json = cli.json;
            return check(*options);
        };
    });
}

}  // namespace acopio
