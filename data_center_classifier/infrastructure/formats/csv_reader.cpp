// CsvReader: the header, then rows into records.
#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/infrastructure/formats/csv_columns.hpp"
#include "data_center_classifier/infrastructure/formats/csv_rows.hpp"
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <algorithm>
#include <utility>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldType;
using domain::Kind;
using domain::RawData;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// CSV has no types. A cell gets the kind that the same value has in JSON, so that a record is the same one in both formats.
Kind kind_of(FieldType type, std::string_view cell) {
    if (type != FieldType::number && type != FieldType::label) return Kind::text;
    if (is_json_number(cell)) return Kind::number;
    const bool boolean = type == FieldType::label && (cell == "true" || cell == "false");
    return boolean ? Kind::boolean : Kind::text;
}

Refusal refusal_of_header(std::string code, std::string detail, std::string expected, std::string mend) {
    return {.code = std::move(code),
            .detail = std::move(detail),
            .pointer = {},
            .line = 1,
            .column = {},
            .expected = std::move(expected),
            .found = {},
            .mend = std::move(mend)};
}

// The end of the header could not be told: a quote stands where neither a cell begins nor one ends.
Refusal quote_in_header() {
    return refusal_of_header("csv-quote-misplaced", "a quote stands inside the name of a column", "quotes around the whole name",
                             "double the quotes inside a quoted name");
}

// A byte order mark of UTF-16 or UTF-32, or a NUL among the names.
bool is_wide(std::string_view text) {
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") || text.substr(0, 4).find('\0') != std::string_view::npos;
}
Refusal wide_text() {
    auto refusal = refusal_of_header("text-not-utf8", "this is UTF-16 or UTF-32", "UTF-8", "export the data as UTF-8");
    refusal.found = "UTF-16 or UTF-32";
    return refusal;
}

// As a table ends that was exported with its unused rows.
bool is_blank(const CsvRows::Row& row) {
    const bool all_kept = row.width == row.cells.size();
    return !row.refusal && all_kept && std::ranges::all_of(row.cells, [](std::string_view cell) { return domain::trimmed(cell).empty(); });
}

std::string cells(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " cell" : " cells");
}

}  // namespace

struct CsvReader::State {
    State(Mapping m, Limits l) : mapping(std::move(m)), limits(l) {}

    // Takes what belongs to the header off the front of the chunk.
    void collect_header(std::string_view& chunk);
    void read_header(bool last);
    // A first line as spreadsheets write it for each other, "sep=;", says what separates the cells.
    bool read_separator(std::string_view text);
    void take_header(const CsvRows::Row& names);
    Refusal number_too_long(std::uint64_t line, std::uint64_t column, std::size_t bytes) const;
    Read<RawData> record_of(const CsvRows::Row& row) const;

    Mapping mapping;
    Limits limits;
    std::string header;  // raw bytes, until it is complete
    bool in_quotes = false;
    bool any_text = false;
    std::optional<CsvRows> rows;  // once the separator is known
    std::optional<CsvColumns> columns;
    std::optional<Refusal> refused;  // the header
    std::size_t index = 0;
};

void CsvReader::State::collect_header(std::string_view& chunk) {
    for (std::size_t at = 0; at < chunk.size(); ++at) {
        const char c = chunk[at];
        const bool line_end = c == '\n' || c == '\r';
        if (c == '"') in_quotes = !in_quotes;
        header += c;
        any_text = any_text || (!line_end && !byte_order_mark.starts_with(header));
        if (header.size() > limits.record_bytes_max) {
            refused = refusal_of_header("record-too-large", "the header is larger than a record may be",
                                        "at most " + std::to_string(limits.record_bytes_max) + " bytes",
                                        "send a header row that ends with its line");
            return;
        }
        if (!line_end || in_quotes || !any_text) continue;
        chunk.remove_prefix(at + 1);
        read_header(false);
        return;
    }
    chunk = {};
}

void CsvReader::State::read_header(bool last) {
    std::string_view text = header;
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    if (const auto how = std::string(packing_of(text)); !how.empty()) {
        refused = refusal_of_header("content-encoding-missing", "this is " + how + ", and nothing says so", "text in UTF-8",
                                    "set Content-Encoding: " + how);
        refused->found = how;
        return;
    }
    if (is_wide(text)) {
        refused = wide_text();
        return;
    }
    if (!rows && read_separator(text)) return;
    if (!rows) rows.emplace(separator_of(text), limits);
    const auto sink = [this](const CsvRows::Row& names) { take_header(names); };
    rows->feed(text, sink);
    if (last || !columns) rows->finish(sink);
    const bool blank = text.find_first_not_of("\r\n") == std::string_view::npos;
    if (blank) {
        refused =
            refusal_of_header("csv-header-missing", "there is no header", "a first row with the names of the columns", "send a header row");
    } else if (!columns && !refused) {
        refused = quote_in_header();
    }
    header = {};
}

bool CsvReader::State::read_separator(std::string_view text) {
    const auto line = domain::trimmed(text);
    if (line.size() != 5 || !line.starts_with("sep=")) return false;
    rows.emplace(line.back(), limits);
    rows->feed(text.substr(text.find_last_not_of("\r\n") + 1), [](const CsvRows::Row&) {});  // it counts as a line
    header = {};
    any_text = false;
    return true;
}

void CsvReader::State::take_header(const CsvRows::Row& names) {
    if (refused) return;  // what follows a quote that is not closed is read as rows of its own
    if (columns) {
        refused = quote_in_header();
        return;
    }
    if (names.refusal) {
        refused = names.refusal;
        return;
    }
    if (names.width > limits.columns_max) {
        refused = refusal_of_header("too-many-columns", "the header has more columns than a file may",
                                    "at most " + cells(limits.columns_max), "drop the columns that are not part of the record");
        refused->found = cells(names.width);
        return;
    }
    auto read = columns_of(names.cells, mapping);
    if (auto* refusal = std::get_if<Refusal>(&read)) {
        refused = std::move(*refusal);
        refused->line = names.line;
    } else {
        columns = std::move(std::get<CsvColumns>(read));
    }
}

Refusal CsvReader::State::number_too_long(std::uint64_t line, std::uint64_t column, std::size_t bytes) const {
    return {.code = "number-too-long",
            .detail = "a number has more digits than one may have",
            .pointer = {},
            .line = line,
            .column = column,
            .expected = "at most " + std::to_string(limits.number_bytes_max) + " characters",
            .found = std::to_string(bytes) + " characters",
            .mend = "round it to what was measured"};
}

Read<RawData> CsvReader::State::record_of(const CsvRows::Row& row) const {
    if (row.refusal) return *row.refusal;
    const auto width = columns->columns.size();
    if (row.width != width)
        return Refusal{.code = "csv-row-width",
                       .detail = "the row has another number of cells than the header",
                       .pointer = {},
                       .line = row.line,
                       .column = std::min(row.width, width) + 1,
                       .expected = cells(width),
                       .found = cells(row.width),
                       .mend = "put values that hold the separator, a quote or a line end in quotes"};
    RawData record;
    for (std::size_t i = 0; i < width; ++i) {
        const auto& column = columns->columns[i];
        const auto cell = row.cells[i];
        if (cell.empty()) continue;
        if (cell.size() > limits.number_bytes_max && is_json_number(cell) && column.target == CsvColumns::Target::field &&
            kind_of(domain::info(column.field).type, cell) == Kind::number)
            return number_too_long(row.line, i + 1, cell.size());
        if (column.target == CsvColumns::Target::field) record.set(column.field, kind_of(domain::info(column.field).type, cell), cell);
        if (column.also) record.set(*column.also, kind_of(domain::info(*column.also).type, cell), cell);
        if (column.target == CsvColumns::Target::data_center_id) record.data_center_id = cell;
    }
    for (const auto place : columns->extensions) {
        if (row.cells[place].empty()) continue;
        record.extensions += record.extensions.empty() ? '{' : ',';
        record.extensions += columns->columns[place].key;
        append_json_string(record.extensions, row.cells[place]);
    }
    if (!record.extensions.empty()) record.extensions += '}';
    return record;
}

CsvReader::CsvReader(Mapping mapping, Limits limits) : state_(std::make_unique<State>(std::move(mapping), limits)) {}
CsvReader::~CsvReader() = default;

std::optional<Refusal> CsvReader::feed(std::string_view chunk, const Row& row) {
    auto& state = *state_;
    while (!state.refused && !state.columns && !chunk.empty()) state.collect_header(chunk);
    if (state.refused) return state.refused;
    if (state.columns)
        state.rows->feed(chunk, [&](const CsvRows::Row& found) {
            if (!is_blank(found)) row(state.index++, state.record_of(found));
        });
    return std::nullopt;
}

std::vector<CsvReader::Column> CsvReader::columns() const {
    std::vector<Column> out;
    if (!state_->columns) return out;
    for (const auto& column : state_->columns->columns) out.push_back(column.use);
    return out;
}

std::optional<Refusal> CsvReader::finish(const Row& row) {
    auto& state = *state_;
    if (!state.refused && !state.columns) state.read_header(true);
    if (state.refused) return state.refused;
    return state.rows->finish([&](const CsvRows::Row& found) {
        if (!is_blank(found)) row(state.index++, state.record_of(found));
    });
}

}  // namespace data_center_classifier::infrastructure::formats
