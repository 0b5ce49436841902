// Facts: one record with everything that more than one check asks of it, worked out once. Lives on the stack of judge().
#pragma once

#include "data_center_classifier/domain/judge.hpp"
#include "data_center_classifier/domain/text_signs.hpp"

namespace data_center_classifier::domain {

// A moment as records give it: a point in time, or a whole day (then first and last millisecond differ).
struct Moment {
    kernel::Timestamp first, last;
};
// ISO 8601: 2026-03-01, 20260301, and date-times with "T"; without an offset they count as UTC.
std::optional<Moment> moment_of(Value value);

std::optional<int> birth_year_of(Value value);  // four digits, 1000..2999

enum class Label : std::uint8_t { none, yes, no, uncertain, broken };
Label label_of(Value value);  // 1, 0, -1, true, false, also as text and "1.0"; missing is none

struct Facts {
    Facts(const RawData& record, const JudgeContext& context, const Rubric& rubric);

    Value value(FieldId field) const { return values[static_cast<std::size_t>(field)]; }
    std::string_view text(FieldId field) const { return value(field).text; }
    bool missing(FieldId field) const { return is_missing[static_cast<std::size_t>(field)]; }
    bool has(FieldId field) const { return !missing(field); }
    // Code by code of the field `code`: "J18.9; Z12.5" are two. In upper case, without the name of a code system before a colon.
    // Stops when `each` returns false, and returns that.
    template <class Each>
    bool all_codes(Each each) const;

    const JudgeContext& context;
    const Rubric& rubric;
    std::array<Value, field_count> values;
    std::array<bool, field_count> is_missing{};
    bool clean_text = true;                               // of every field and the extensions
    TextSigns signs;                                      // identifiers of the whole record
    TextSigns narrative;                                  // regions and sides of report, findings and impression
    std::optional<std::string> modality, body_part, sex;  // normal forms
    std::optional<double> age;                            // years
    std::optional<int> birth_year;
    std::optional<Moment> study, report, diagnosis;
};

// The codes of a text, as all_codes() above.
template <class Each>
bool each_code(std::string_view text, Each each);

inline constexpr std::string_view code_separators = ";,| \t\r\n";

template <class Each>
bool each_code(std::string_view text, Each each) {
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(code_separators), text.size());
        auto code = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (const auto colon = code.find(':'); colon != std::string_view::npos) code.remove_prefix(colon + 1);
        if (!code.empty() && !each(code)) return false;
    }
    return true;
}
template <class Each>
bool Facts::all_codes(Each each) const {
    return missing(FieldId::code) || each_code(text(FieldId::code), each);
}

}  // namespace data_center_classifier::domain
