// A digest of a record's patient id: enough to tell whether two contents of one record are of the same patient.
#pragma once

#include <cstdint>
#include <string_view>

namespace data_center_classifier::infrastructure::db {

// `record` is canonical JSON: patient_id is its first member, or the second after record_id. 0 when there is none, or one that says nothing
// ("", "N/A").
std::int64_t patient_of(std::string_view record);

}  // namespace data_center_classifier::infrastructure::db
