// When two contents under one record id are two records: the one rule of UNIQ-01, for the intake's counters and for `acopio check`.
#pragma once

#include <cstdint>
#include <optional>

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

}  // namespace data_center_classifier::domain
