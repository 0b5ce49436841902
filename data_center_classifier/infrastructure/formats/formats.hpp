// Formats: bytes of a partner into RawData, and RawData into canonical JSON. One reader per format; all refuse with where and why.
#pragma once

#include "data_center_classifier/domain/model_raw_data.hpp"
#include "data_center_classifier/domain/model_rubric.hpp"
#include "kernel/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data_center_classifier::infrastructure::formats {

struct Limits {
    std::size_t record_bytes_max = 1024 * 1024;  // one JSON record, or one NDJSON line, or one CSV row: "record-too-large"
    std::size_t items_max = 100'000;             // records of one JSON array: "too-many-items"
    std::size_t columns_max = 512;               // of a CSV: "too-many-columns"
    std::size_t depth_max = 64;                  // nesting of JSON: "json-too-deep"
    std::size_t number_bytes_max = 1'000;        // one number as it is written: "number-too-long"
};

// Why one record could not be read. The words of http::Problem, without HTTP. Nothing that was sent is quoted, neither values nor unknown
// names. `line` counts from 1; `column` counts bytes from 1 in JSON, cells from 1 in CSV.
struct Refusal {
    std::string code;  // "json-broken", "record-not-an-object", "record-too-large", "csv-row-width", ...
    std::string detail;
    std::string pointer;  // JSON pointer, or ""
    std::optional<std::uint64_t> line, column;
    std::string expected, found, mend;
};

template <class T>
using Read = std::variant<T, Refusal>;

// Reads JSON records. Not thread-safe (it keeps a parser and its buffers, bounded by the largest record); one per thread or connection.
// A member that no field is named as becomes the field of which it has the best common name (as CSV columns do) when its value is no object
// or array, and no other member is named as that field; further unknown members, and those of a member "extensions", become extensions. A
// byte order mark is passed over. Refusals: "json-broken", "text-not-utf8", "json-too-deep", "record-too-large", "record-not-an-object",
// "data-center-id-not-text", "member-twice", "number-too-long", "content-encoding-missing".
class JsonReader {
public:
    explicit JsonReader(Limits limits = {});
    ~JsonReader();
    // One JSON object. `line` is put into a refusal (0: none); the column counts from the beginning of `json`.
    Read<domain::RawData> record(std::string_view json, std::uint64_t line = 0);
    // A body that is one object or an array of them. For an array, `item` is called for each in order, refused ones too: brackets and
    // quotes alone tell where an item ends, so a broken one does not spoil the others. An array whose end cannot be found, or one over
    // `items_max`
    // ("too-many-items"), is refused as a whole before any item is delivered. One object is delivered as item 0, or refused as the whole.
    enum class Shape { object, array };
    Read<Shape> body(std::string_view json, const std::function<void(std::size_t index, Read<domain::RawData>)>& item);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Canonical JSON: known fields in FieldId's order, absent ones left out, then "extensions"; numbers as written, no spaces. `with_record_id`
// false gives the text that the content hash is taken of.
std::string to_canonical_json(const domain::RawData& record, bool with_record_id = true);

// Reads CSV (RFC 4180; separator , ; | or tab found from the header or told by a line "sep=;" before it; UTF-8, BOM allowed), a chunk at a
// time in constant memory. Columns become fields by exact name, then by `mapping` (column -> field name), then by the best of its common
// names; others go to extensions. Empty cells are absent, and rows of nothing else are passed over. Cells of number and label fields have
// the kind that the same value has in JSON; all others are text. Not thread-safe. Refusals of a row: "csv-row-width", "csv-quote-open",
// "csv-quote-misplaced", "text-not-utf8", "record-too-large". Of the header also: "csv-header-missing", "csv-column-twice",
// "csv-no-known-column", "too-many-columns".
class CsvReader {
public:
    using Mapping = std::map<std::string, std::string, std::less<>>;
    explicit CsvReader(Mapping mapping = {}, Limits limits = {});
    ~CsvReader();
    // Feeds bytes; calls `row` for each complete data row (index from 0), refused ones too. A refusal of the header ends the reading: it is
    // returned, by every later call as well.
    using Row = std::function<void(std::size_t index, Read<domain::RawData>)>;
    std::optional<Refusal> feed(std::string_view chunk, const Row& row);
    // A last row without line end. A refusal also when the end of the file was not read, as of a large value whose quote is not closed:
    // "csv-quote-open"; the row was delivered as refused.
    std::optional<Refusal> finish(const Row& row);

    // What became of the columns, in the header's order; empty before it was read, and when it was refused.
    struct Column {
        enum class By : std::uint8_t { name, mapping, common_name, extension };
        std::string name;   // as in the file, trimmed
        std::string field;  // "" for an extension
        std::string also;   // a second field, or ""
        By by = By::extension;
    };
    std::vector<Column> columns() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// What the intake and `acopio check` take as a mapping. incorrect "field-unknown", naming the column and the fields that there are;
// "mapping-field-twice" when two columns lead to one field; "mapping-too-large" for more than 1000 columns or a name of more than 500
// bytes.
kernel::Result<void> check_mapping(const CsvReader::Mapping& mapping);

// Cuts a stream into lines in constant memory. A line longer than `line_bytes_max` (without its end) is reported once as too long, without
// its text, and skipped to its end.
class LineSplitter {
public:
    explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}
    // `line(number from 1, text, too_long)`; lines of nothing but blanks are counted but not reported. CR before LF is cut off.
    using Line = std::function<void(std::uint64_t number, std::string_view text, bool too_long)>;
    void feed(std::string_view chunk, const Line& line);
    void finish(const Line& line);

private:
    std::size_t line_bytes_max_;
    std::string rest_;
    bool skipping_ = false;
    std::uint64_t number_ = 0;
};

// The rubric of this build (rubrics/acopio-1.json and codes/, compiled in), or one from a file's text with the built-in code lists.
// Takes about 10 ms and 4 MB (98,000 ICD-10-CM codes): load it once. A wrong file: incorrect "rubric-invalid", naming the check and the
// member.
domain::Rubric built_in_rubric();
kernel::Result<domain::Rubric> rubric_from_json(std::string_view json);
// The text of the built-in rubric, as GET /rubric shows it. Lives as long as the program.
std::string_view built_in_rubric_json();

}  // namespace data_center_classifier::infrastructure::formats
