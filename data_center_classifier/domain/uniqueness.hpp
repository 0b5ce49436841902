// When two contents under one record id are two records (UNIQ-01), and which contents may stand once only (UNIQ-02): the rules of both, for
// the intake's counters and for `acopio check`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace data_center_classifier::domain {

// A patient, told from others by a mark of the id; 0 when no patient is named.
using PatientMark = std::int64_t;

// What a record answers to "does it come under the record id of another patient?". `before`: the patient of the content that stands under
// this id now; nothing when the id is free. Nothing is answered when only the patients could tell, and one of them is not known.
inline std::optional<bool> is_key_of_another(std::optional<PatientMark> before, PatientMark now) {
    if (!before) return false;
    if (*before == 0 || now == 0) return std::nullopt;
    return *before != now;
}

// Labels and the patient are the same in two normal studies; an image, a report or a date is not. A record whose content tells studies
// apart passes one of the checks of these functions.
inline constexpr std::array<std::string_view, 3> functions_that_tell_studies_apart{"has_image", "has_report_or_findings",
                                                                                   "has_study_or_diagnosis_date"};

}  // namespace data_center_classifier::domain
