// Reading questions: one table of parameters, each with its reader and what it expects.
#include "collector_query/domain/model_data_query.hpp"

#include "kernel/utf8.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace collector_query::domain {
namespace {

constexpr std::string_view grades = "-EDCBA";

std::optional<double> number(std::string_view text) {
    double value{};
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

bool printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}
bool ascii(std::string_view text) {
    return printable(text) && std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x7f; });
}

bool set_text(std::optional<std::string>& to, std::string_view value) {
    if (value.empty() || !printable(value) || !kernel::is_utf8(value)) return false;
    to = std::string(value);
    return true;
}
// The grammar of kernel::DataCenterId.
bool set_center(std::optional<std::string>& to, std::string_view value) {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool right = !value.empty() && value.size() <= 64 && plain(value.front()) &&
                       std::all_of(value.begin(), value.end(), [&](char c) { return plain(c) || c == '-'; });
    return right && set_text(to, value);
}
bool set_interface(std::optional<std::string>& to, std::string_view value) {
    static constexpr std::array<std::string_view, 3> names{"json", "ndjson", "csv"};
    const auto upper = upper_trimmed(value);
    const auto found = std::find_if(names.begin(), names.end(), [&](std::string_view name) { return upper_trimmed(name) == upper; });
    return found != names.end() && set_text(to, *found);
}
bool set_upper(std::optional<std::string>& to, std::string_view value) {
    auto text = upper_trimmed(value);
    if (text.empty() || !printable(text) || !kernel::is_utf8(text)) return false;
    to = std::move(text);
    return true;
}
bool set_age(std::optional<double>& to, std::string_view value) {
    to = number(value);
    return to && *to >= 0 && *to <= 150;
}
bool set_day(std::optional<std::chrono::sys_days>& to, std::string_view value) {
    to = kernel::day_from_text(value);
    return to.has_value();
}
bool set_time(std::optional<kernel::Timestamp>& to, std::string_view value) {
    to = kernel::timestamp_from_text(value);
    return to.has_value();
}
// As an upper bound, which is inclusive, a bare date is the last moment of its day.
bool set_time_to(std::optional<kernel::Timestamp>& to, std::string_view value) {
    if (!set_time(to, value)) return false;
    if (kernel::day_from_text(value)) *to += std::chrono::days(1) - std::chrono::milliseconds(1);
    return true;
}
bool set_sex(std::optional<std::string>& to, std::string_view value) {
    static constexpr std::array<std::string_view, 8> known{"M", "F", "O", "U", "MALE", "FEMALE", "OTHER", "UNKNOWN"};
    if (std::find(known.begin(), known.end(), upper_trimmed(value)) == known.end()) return false;
    to = normal_sex(value);
    return true;
}
bool set_prefix(std::optional<std::string>& to, std::string_view value) {
    return ascii(value) && set_upper(to, value);
}
bool set_label(LabelSet& to, std::string_view value) {
    const auto found = std::find(label_names.begin(), label_names.end(), value);
    if (found == label_names.end()) return false;
    to |= LabelSet{1} << (found - label_names.begin());
    return true;
}
bool set_grade(std::optional<int>& to, std::string_view value) {
    to = value.size() == 1 ? grade_rank(upper_trimmed(value)) : 0;
    return *to > 0;
}
bool set_bool(bool& to, std::string_view value) {
    to = value == "true" || value == "1";
    return to || value == "false" || value == "0";
}
bool set_limit(int& to, std::string_view value) {
    const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), to);
    return status == std::errc{} && end == value.data() + value.size() && to >= 1 && to <= limit_max;
}
bool set_sort(Sort& to, std::string_view value) {
    to.descending = value.starts_with('-');
    if (to.descending) value.remove_prefix(1);
    static constexpr std::array<std::string_view, 4> names{"collected", "study_date", "age", "score"};
    const auto found = std::find(names.begin(), names.end(), value);
    if (found == names.end()) return false;
    to.key = static_cast<SortKey>(found - names.begin());
    return true;
}
bool set_count(bool& to, std::string_view value) {
    to = true;
    return value == "exact";
}

struct Parameter {
    std::string_view name;
    std::string_view expected;
    bool (*read)(DataQuery& query, std::string_view value);
};

constexpr std::array parameters_known{
    Parameter{"data_center_id", "a data centre's id: up to 64 of a-z, 0-9 and -, not beginning with -",
              [](DataQuery& q, std::string_view v) { return set_center(q.filter.data_center_id, v); }},
    Parameter{"record_id", "the centre's own id of a record, in UTF-8",
              [](DataQuery& q, std::string_view v) { return set_text(q.filter.record_id, v); }},
    Parameter{"patient_id", "a pseudonym, in UTF-8", [](DataQuery& q, std::string_view v) { return set_text(q.filter.patient_id, v); }},
    Parameter{"modality", "a DICOM modality, as CT", [](DataQuery& q, std::string_view v) { return set_upper(q.filter.modality, v); }},
    Parameter{"body_part", "a DICOM body part, as CHEST",
              [](DataQuery& q, std::string_view v) { return set_upper(q.filter.body_part, v); }},
    Parameter{"sex", "M, F, O or U", [](DataQuery& q, std::string_view v) { return set_sex(q.filter.sex, v); }},
    Parameter{"age_min", "years, 0 to 150", [](DataQuery& q, std::string_view v) { return set_age(q.filter.age_min, v); }},
    Parameter{"age_max", "years, 0 to 150", [](DataQuery& q, std::string_view v) { return set_age(q.filter.age_max, v); }},
    Parameter{"study_date_from", "a date, as 2026-03-01",
              [](DataQuery& q, std::string_view v) { return set_day(q.filter.study_date_from, v); }},
    Parameter{"study_date_to", "a date, as 2026-03-01",
              [](DataQuery& q, std::string_view v) { return set_day(q.filter.study_date_to, v); }},
    Parameter{"received_from", "a date or a time, as 2026-03-01 or 2026-03-01T09:30:00Z",
              [](DataQuery& q, std::string_view v) { return set_time(q.filter.received_from, v); }},
    Parameter{"received_to", "a date or a time, as 2026-03-01 or 2026-03-01T09:30:00Z",
              [](DataQuery& q, std::string_view v) { return set_time_to(q.filter.received_to, v); }},
    Parameter{"code", "a diagnosis code, as J18.9", [](DataQuery& q, std::string_view v) { return set_upper(q.filter.code, v); }},
    Parameter{"code_prefix", "the beginning of a diagnosis code, as J18",
              [](DataQuery& q, std::string_view v) { return set_prefix(q.filter.code_prefix, v); }},
    Parameter{"label", "no_finding, normal, abnormal, uncertain, other or unknown; repeat it to ask for several",
              [](DataQuery& q, std::string_view v) { return set_label(q.filter.labels, v); }},
    Parameter{"min_grade", "A, B, C, D or E", [](DataQuery& q, std::string_view v) { return set_grade(q.filter.min_grade, v); }},
    Parameter{"interface", "json, ndjson or csv", [](DataQuery& q, std::string_view v) { return set_interface(q.filter.interface, v); }},
    Parameter{"include_retracted", "true or false",
              [](DataQuery& q, std::string_view v) { return set_bool(q.filter.include_retracted, v); }},
    Parameter{"sort", "collected, study_date, age or score; with - before it for descending",
              [](DataQuery& q, std::string_view v) { return set_sort(q.sort, v); }},
    Parameter{"limit", "a number from 1 to 1000", [](DataQuery& q, std::string_view v) { return set_limit(q.limit, v); }},
    Parameter{"count", "exact", [](DataQuery& q, std::string_view v) { return set_count(q.count, v); }},
    Parameter{"cursor", "the text of \"next\" of the page before", nullptr},  // read last: it depends on the others
};

Refusal invalid(const Parameter& parameter, const std::string& why) {
    return {.code = "filter-invalid",
            .detail = "parameter " + std::string(parameter.name) + " " + why,
            .expected = std::string(parameter.expected)};
}

// FNV-1a: no secret depends on it; it finds mistakes.
class Hash {
public:
    void add(std::string_view bytes) {
        for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    template <class Value>
    void add_optional(const std::optional<Value>& value) {
        add(value ? "\1" : "\2");
        if (value) add_value(*value);
    }
    void add_value(const std::string& text) {
        add_value(static_cast<std::int64_t>(text.size()));
        add(text);
    }
    void add_value(std::int64_t integer) {
        for (int i = 0; i < 8; ++i) {
            const char byte = static_cast<char>(static_cast<std::uint64_t>(integer) >> (8 * i));
            add({&byte, 1});
        }
    }
    void add_value(int integer) { add_value(static_cast<std::int64_t>(integer)); }
    void add_value(double real) { add_value(std::bit_cast<std::int64_t>(real)); }
    void add_value(std::chrono::sys_days day) { add_value(static_cast<std::int64_t>(day.time_since_epoch().count())); }
    void add_value(kernel::Timestamp time) { add_value(static_cast<std::int64_t>(time.time_since_epoch().count())); }
    std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 14695981039346656037ULL;
};

std::uint64_t hash_of(const Filter& filter, const Sort& sort) {
    Hash hash;
    for (const auto* text : {&filter.data_center_id, &filter.record_id, &filter.patient_id, &filter.modality, &filter.body_part,
                             &filter.sex, &filter.code, &filter.code_prefix, &filter.interface})
        hash.add_optional(*text);
    hash.add_optional(filter.age_min);
    hash.add_optional(filter.age_max);
    hash.add_optional(filter.study_date_from);
    hash.add_optional(filter.study_date_to);
    hash.add_optional(filter.received_from);
    hash.add_optional(filter.received_to);
    hash.add_optional(filter.min_grade);
    hash.add_value(static_cast<std::int64_t>(filter.labels));
    hash.add_value(std::int64_t{filter.include_retracted});
    hash.add_value(static_cast<std::int64_t>(sort.key));
    hash.add_value(std::int64_t{sort.descending});
    return hash.value();
}

constexpr std::string_view base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t cursor_bytes = 30;  // version 2, value 8, id 8, hash 8, checksum 4: a multiple of 3, so no padding
constexpr std::size_t checksum_bytes = 4;
constexpr std::uint64_t cursor_version = 1;

void put(std::string& bytes, std::uint64_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;) bytes += static_cast<char>(value >> (8 * i));
}
std::uint64_t get(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
    return value;
}
std::uint64_t checksum_of(std::string_view bytes) {
    Hash hash;
    hash.add(bytes);
    return (hash.value() ^ (hash.value() >> 32)) & 0xffffffffULL;
}

std::string encoded(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i + 2 < bytes.size(); i += 3) {
        const auto three = get(bytes, i, 3);
        for (const int shift : {18, 12, 6, 0}) text += base64url[(three >> shift) & 63];
    }
    return text;
}
std::optional<std::string> decoded(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i + 3 < text.size(); i += 4) {
        std::uint64_t three = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            const auto digit = base64url.find(text[i + j]);
            if (digit == std::string_view::npos) return std::nullopt;
            three = (three << 6) | digit;
        }
        put(bytes, three, 3);
    }
    return bytes;
}

std::optional<Refusal> read_parameters(const Parameters& parameters, DataQuery& query, std::optional<std::string_view>& cursor) {
    std::vector<std::string_view> seen;
    for (const auto& [name, value] : parameters) {
        const auto known =
            std::find_if(parameters_known.begin(), parameters_known.end(), [&](const auto& one) { return one.name == name; });
        if (known == parameters_known.end())
            return Refusal{
                .code = "filter-unknown", .detail = "a parameter has a name that does not exist", .expected = allowed_parameters()};
        if (name != "label" && std::find(seen.begin(), seen.end(), name) != seen.end()) return invalid(*known, "is there more than once");
        seen.push_back(known->name);
        if (value.size() > value_bytes_max) return invalid(*known, "is too long");
        if (!known->read) cursor = value;
        if (known->read && !known->read(query, value)) return invalid(*known, "has a value that cannot be read");
    }
    return std::nullopt;
}

std::optional<Refusal> contradiction(const Filter& filter) {
    const auto refused = [](std::string_view which) {
        return Refusal{.code = "filter-invalid",
                       .detail = "the range of " + std::string(which) + " is empty",
                       .expected = "a lower bound that is not above the upper one"};
    };
    if (filter.age_min && filter.age_max && *filter.age_min > *filter.age_max) return refused("age");
    if (filter.study_date_from && filter.study_date_to && *filter.study_date_from > *filter.study_date_to) return refused("study_date");
    if (filter.received_from && filter.received_to && *filter.received_from > *filter.received_to) return refused("received");
    return std::nullopt;
}

}  // namespace

int grade_rank(std::string_view grade) {
    if (grade.size() != 1) return 0;
    const auto at = grades.find(grade[0]);
    return at == std::string_view::npos ? 0 : static_cast<int>(at);
}

std::string_view grade_text(int rank) {
    return grades.substr(rank >= 0 && rank <= 5 ? static_cast<std::size_t>(rank) : 0, 1);
}

std::string allowed_parameters() {
    std::string names;
    for (const auto& parameter : parameters_known) {
        if (!names.empty()) names += ", ";
        names += parameter.name;
    }
    return names;
}

std::variant<DataQuery, Refusal> data_query_from(const Parameters& parameters) {
    if (parameters.size() > parameters_max)
        return Refusal{.code = "filter-invalid", .detail = "there are too many parameters", .expected = "at most 64"};
    DataQuery query;
    std::optional<std::string_view> cursor;
    if (auto refusal = read_parameters(parameters, query, cursor)) return *std::move(refusal);
    if (auto refusal = contradiction(query.filter)) return *std::move(refusal);
    if (!cursor) return query;
    const auto read = cursor_from(*cursor, query.filter, query.sort);
    if (const auto* after = std::get_if<Cursor>(&read)) {
        query.after = *after;
        return query;
    }
    if (std::get<CursorFault>(read) == CursorFault::broken)
        return Refusal{.code = "cursor-broken", .detail = "the cursor cannot be read", .expected = "the text of \"next\", unchanged"};
    return Refusal{.code = "cursor-mismatch",
                   .detail = "the cursor belongs to other filters or another sort",
                   .expected = "the filters and the sort of the page that gave the cursor"};
}

std::string to_text(const Cursor& cursor, const Filter& filter, const Sort& sort) {
    std::string bytes;
    put(bytes, cursor_version, 2);
    put(bytes, std::bit_cast<std::uint64_t>(cursor.value), 8);
    put(bytes, static_cast<std::uint64_t>(cursor.id), 8);
    put(bytes, hash_of(filter, sort), 8);
    put(bytes, checksum_of(bytes), checksum_bytes);
    return encoded(bytes);
}

std::variant<Cursor, CursorFault> cursor_from(std::string_view text, const Filter& filter, const Sort& sort) {
    if (text.size() != cursor_bytes / 3 * 4) return CursorFault::broken;
    const auto bytes = decoded(text);
    if (!bytes) return CursorFault::broken;
    const auto content = std::string_view(*bytes).substr(0, cursor_bytes - checksum_bytes);
    if (get(*bytes, content.size(), checksum_bytes) != checksum_of(content)) return CursorFault::broken;
    if (get(*bytes, 0, 2) != cursor_version) return CursorFault::broken;
    if (get(*bytes, 18, 8) != hash_of(filter, sort)) return CursorFault::mismatch;
    const Cursor cursor{.value = std::bit_cast<double>(get(*bytes, 2, 8)), .id = static_cast<std::int64_t>(get(*bytes, 10, 8))};
    if (!std::isfinite(cursor.value) || cursor.id < 0) return CursorFault::broken;
    return cursor;
}

std::string upper_trimmed(std::string_view text) {
    const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && space(text.front())) text.remove_prefix(1);
    while (!text.empty() && space(text.back())) text.remove_suffix(1);
    std::string upper(text);
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return upper;
}

std::string normal_sex(std::string_view text) {
    struct Words {
        std::string_view letter;
        std::array<std::string_view, 8> words;
    };
    static constexpr std::array<Words, 3> known{{
        {"M", {"M", "MALE", "MAN", "MASCULINO", "HOMBRE", "VARON", "VARóN", "VARÓN"}},
        {"F", {"F", "FEMALE", "WOMAN", "FEMENINO", "MUJER"}},
        {"O", {"O", "OTHER", "OTRO", "A", "AMBIGUOUS", "INTERSEX", "NONBINARY", "NON-BINARY"}},
    }};
    const auto upper = upper_trimmed(text);
    if (upper.empty()) return "U";
    for (const auto& [letter, words] : known)
        if (std::find(words.begin(), words.end(), upper) != words.end()) return std::string(letter);
    return "U";
}

std::optional<double> age_years(std::string_view text) {
    const auto trimmed = upper_trimmed(text);
    std::string_view digits = trimmed;
    double per_year = 1;
    if (digits.ends_with('Y')) digits.remove_suffix(1);
    else if (digits.ends_with('M')) per_year = 12, digits.remove_suffix(1);
    else if (digits.ends_with('W')) per_year = 52.1775, digits.remove_suffix(1);
    else if (digits.ends_with('D')) per_year = 365.2425, digits.remove_suffix(1);
    const auto value = number(digits);
    if (!value || *value < 0 || *value / per_year > 150) return std::nullopt;
    return *value / per_year;
}

}  // namespace collector_query::domain
