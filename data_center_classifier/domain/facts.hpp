// Facts: one record with everything that more than one check asks of it, worked out once. Lives on the stack of judge().
#pragma once

#include "data_center_classifier/domain/codes.hpp"
#include "data_center_classifier/domain/judge.hpp"
#include "data_center_classifier/domain/text_signs.hpp"

namespace data_center_classifier::domain {

// A moment as records give it: a point in time, or a whole day (then first and last millisecond differ).
struct Moment {
    kernel::Timestamp first, last;
};
// ISO 8601: 2026-03-01, 20260301, and date-times with "T" or a blank; also 2026/03/01, and DICOM and HL7: 20260301093000.5+0100. Without an
// offset they count as UTC.
std::optional<Moment> moment_of(Value value);

std::optional<int> birth_year_of(Value value);  // four digits, 1000..2999

std::optional<char> normal_side(Value value);  // L, R, B, U, and the words for them

enum class Label : std::uint8_t { none, yes, no, uncertain, broken };
Label label_of(Value value);  // 1, 0, -1, true, false, yes, no, also as text and "1.0"; missing is none

struct Facts {
    Facts(const RawData& record, const JudgeContext& context, const Rubric& rubric);

    Value value(FieldId field) const { return values[static_cast<std::size_t>(field)]; }
    std::string_view text(FieldId field) const { return value(field).text; }
    bool missing(FieldId field) const { return is_missing[static_cast<std::size_t>(field)]; }
    bool has(FieldId field) const { return !missing(field); }
    // A day begins up to 14 hours before it begins in UTC.
    bool is_in_future(const Moment& moment) const { return moment.first > context.received_at + std::chrono::hours(14); }
    // Code by code of the field `code` (codes.hpp). Stops when `each` returns false, and returns that.
    template <class Each>
    bool all_codes(Each each) const;

    const JudgeContext& context;
    const Rubric& rubric;
    std::array<Value, field_count> values;
    std::array<bool, field_count> is_missing{};
    bool clean_text = true;                               // of every field and the extensions
    bool has_extensions = false;                          // members of the sender's own, one of them not empty
    TextSigns signs;                                      // identifiers of the whole record
    TextSigns narrative;                                  // regions and sides of report, findings and impression
    std::optional<std::string> modality, body_part, sex;  // normal forms
    std::optional<char> side;                             // L, R, B or U
    std::optional<double> age;                            // years
    std::optional<int> birth_year;
    std::optional<Moment> study, report, diagnosis;
};

template <class Each>
bool Facts::all_codes(Each each) const {
    return missing(FieldId::code) || each_code(text(FieldId::code), [&](const Code& code) { return each(code.text); });
}

}  // namespace data_center_classifier::domain
