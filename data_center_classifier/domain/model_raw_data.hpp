// RawData: one medical record as a partner sent it, before anyone judged it. The founding record's 24 fields, the added ones, and the rest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace data_center_classifier::domain {

// In the order of the canonical JSON.
enum class FieldId : std::uint8_t {
    record_id,
    patient_id,
    image,
    diagnosis,
    report,
    body_part,
    modality,
    age,
    sex,
    ethnicity,
    symptoms,
    clinical_history,
    findings,
    impression,
    recommendation,
    indication,
    comparison,
    technique,
    no_finding,
    normal,
    abnormal,
    uncertain,
    other,
    unknown,
    code,
    diagnosis_date,
    study_date,
    report_date,
    birth_year,
    laterality,
    manufacturer,
    count_
};
inline constexpr std::size_t field_count = static_cast<std::size_t>(FieldId::count_);

enum class FieldClass : std::uint8_t { essential, required, optional };
enum class FieldType : std::uint8_t { text, number, label, date };  // label: 0, 1, -1, true, false, and the same as text

struct FieldInfo {
    std::string_view name;  // as in JSON and CSV
    FieldClass field_class;
    FieldType type;
};
const FieldInfo& info(FieldId field);
std::optional<FieldId> field_named(std::string_view name);  // exact

enum class Kind : std::uint8_t {
    absent,
    null,  // JSON null
    text,
    number,   // text() is the number as it was written
    boolean,  // "true" or "false"
    other,    // an object or array: text() is its JSON
};

struct Value {
    Kind kind = Kind::absent;
    std::string_view text;
};

// Owns its text. Cheap to move; one allocation for all the fields.
class RawData {
public:
    // The last set of a field wins. `text` is copied.
    void set(FieldId field, Kind kind, std::string_view text);
    // The view lives as long as this object is not changed or moved.
    Value operator[](FieldId field) const;

    // Unknown members of the sender, as one canonical JSON object ("" if none).
    std::string extensions;
    // What the sender called itself in the record ("" if it did not): checked against its key, not stored with the record.
    std::string data_center_id;

private:
    struct Slice {
        Kind kind = Kind::absent;
        std::uint32_t begin = 0;
        std::uint32_t size = 0;
    };
    std::array<Slice, field_count> slices_{};
    std::string text_;
};

// True when the field is absent, null, empty, or a null flavour ("Unknown", "N/A", "NI", "-", "none" ..., any case; PCORnet CDM).
bool is_missing(Value value);

}  // namespace data_center_classifier::domain
