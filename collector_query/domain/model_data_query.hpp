// DataQuery: a question about collected data as a value: filters, sort, page. Read from (name, value) pairs; wrong ones are refused with
// what would have been right. Cursor: where the next page begins, as opaque text. Standard library only; pure.
#pragma once

#include "kernel/clock.hpp"
#include "kernel/ids.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace collector_query::domain {

// Outcome labels of a record: bit i of a label set is label_names[i].
inline constexpr std::array<std::string_view, 6> label_names{"no_finding", "normal", "abnormal", "uncertain", "other", "unknown"};
using LabelSet = std::uint32_t;

// Grade as a number that compares: A = 5 .. E = 1, none = 0.
int grade_rank(std::string_view grade);
std::string_view grade_text(int rank);  // "-" for 0

// Columns that rows can be sorted by. A row without the value comes before all others (ascending).
enum class SortKey : std::uint8_t { collected, study_date, age, score };
struct Sort {
    SortKey key = SortKey::collected;
    bool descending = false;
    friend bool operator==(const Sort&, const Sort&) = default;
};

// All that are set must hold. Bounds are inclusive: `received_to` of a bare date is the last millisecond of that day (UTC). Texts are in
// the columns' normal form (upper case, trimmed).
struct Filter {
    std::optional<std::string> data_center_id, record_id, patient_id, modality, body_part, sex, code, code_prefix, interface;
    std::optional<double> age_min, age_max;
    std::optional<std::chrono::sys_days> study_date_from, study_date_to;
    std::optional<kernel::Timestamp> received_from, received_to;
    std::optional<int> min_grade;  // rank of the data centre's grade when the record came
    LabelSet labels = 0;           // the record has all of these
    bool include_retracted = false;
    friend bool operator==(const Filter&, const Filter&) = default;
};

// The last row of a page: its sort value (0 for `collected`) and its id.
struct Cursor {
    double value = 0;
    std::int64_t id = 0;
    friend bool operator==(const Cursor&, const Cursor&) = default;
};

inline constexpr int limit_default = 100;
inline constexpr int limit_max = 1000;
inline constexpr std::size_t value_bytes_max = 256;  // of one parameter's value
inline constexpr std::size_t parameters_max = 64;

struct DataQuery {
    Filter filter;
    Sort sort;
    int limit = limit_default;
    std::optional<Cursor> after;
    bool count = false;  // count=exact
    friend bool operator==(const DataQuery&, const DataQuery&) = default;
};

// Why a question was not understood. `code`: "filter-unknown", "filter-invalid", "cursor-broken" or "cursor-mismatch".
struct Refusal {
    std::string code;
    std::string detail;
    std::string expected;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;
// Names the parameters that exist, for people: "data_center_id, record_id, ...".
std::string allowed_parameters();
// Repeating a parameter is refused, except label. A cursor must come from the same filters and sort (limit and count may differ).
std::variant<DataQuery, Refusal> data_query_from(const Parameters& parameters);

// Opaque, 40 characters of [A-Za-z0-9_-]; carries a hash of filters and sort, and a checksum.
std::string to_text(const Cursor& cursor, const Filter& filter, const Sort& sort);
enum class CursorFault : std::uint8_t { broken, mismatch };
std::variant<Cursor, CursorFault> cursor_from(std::string_view text, const Filter& filter, const Sort& sort);

// "  ct " -> "CT": the normal form of modality, body part and code in columns and filters.
std::string upper_trimmed(std::string_view text);
// "female" -> "F", "m" -> "M", "Other" -> "O", with the words that the classifier knows; anything else "U".
std::string normal_sex(std::string_view text);
// Years from 45, "45", "045Y", "013M", "001D"; nothing outside 0..150.
std::optional<double> age_years(std::string_view text);

}  // namespace collector_query::domain
