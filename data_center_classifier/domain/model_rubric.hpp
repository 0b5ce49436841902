// Rubric: what good data is, as data. A versioned list of checks with dimension, severity, weight and texts, the weights of the dimensions,
// the grade cut-offs and the code lists. Loaded from a file by infrastructure/formats; nothing here reads one.
#pragma once

#include "data_center_classifier/domain/model_raw_data.hpp"
#include "kernel/clock.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace data_center_classifier::domain {

enum class Dimension : std::uint8_t { conformance, completeness, plausibility, timeliness, uniqueness, privacy, count_ };
inline constexpr std::size_t dimension_count = static_cast<std::size_t>(Dimension::count_);
std::string_view to_text(Dimension dimension);

enum class Severity : std::uint8_t { required, investigative };  // a failed `required` check sends the record to quarantine

// Sorted codes, for binary search. ICD-10-CM codes are kept without the dot, upper case.
class CodeList {
public:
    CodeList() = default;
    explicit CodeList(std::vector<std::string> codes);  // sorts (cheap when they are sorted), drops repeats
    bool contains(std::string_view code) const;
    // The stored code equal to `code`, valid as long as this list; empty if there is none.
    std::string_view find(std::string_view code) const;
    std::size_t size() const { return codes_.size(); }

private:
    std::vector<std::string> codes_;
};

// Everything that a check may look at besides the record.
struct CodeLists {
    CodeList modalities;                                                 // DICOM PS3.3 C.7.3.1.1.1 / PS3.16 CID 33
    CodeList body_parts;                                                 // DICOM PS3.16 Annex L, Body Part Examined defined terms
    std::map<std::string, std::string, std::less<>> body_part_synonyms;  // normalised words -> defined term
    CodeList icd10cm;                                                    // every ICD-10-CM code, dots removed
};

enum class Outcome : std::uint8_t { pass, fail, skip };

struct JudgeContext {
    kernel::Timestamp received_at;
    std::chrono::hours delay_max{24};  // agreed with the centre: report (or study) to receipt
    // Known only with the store at hand; skip otherwise.
    std::optional<bool> same_key_other_content;
    std::optional<bool> same_content_other_key;
};

struct Facts;  // facts.hpp: the record with its normal forms, the context and the rubric
// A pure function: may look only at its argument.
using CheckFunction = Outcome (*)(const Facts& facts);

struct Check {
    std::string id;  // stable: "CONF-03"
    Dimension dimension;
    std::string field;  // name of the field it is about, or "" for the whole record
    Severity severity;
    double weight = 1;
    std::string function;  // name of its pure function in checks_*.cpp: "modality_is_a_dicom_code"
    std::string title;     // what it asks, in one sentence
    std::string expected;  // what would pass
    std::string mend;      // how the sender can mend it
    CheckFunction run = nullptr;
};

struct Rubric {
    std::string version;                                     // "acopio-1"
    std::array<double, dimension_count> dimension_weight{};  // privacy is a gate: 0
    std::array<double, 4> grade_above{90, 80, 70, 60};       // A, B, C, D; E below
    double provisional_below_records = 500;                  // PCORnet's cut-off
    std::vector<Check> checks;
    CodeLists lists;
};

// The function of that name, or nullptr.
CheckFunction check_function(std::string_view name);

}  // namespace data_center_classifier::domain
