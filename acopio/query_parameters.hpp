// The filters of GET /data as options and as name=value.
#pragma once

#include "kernel/result.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acopio {

struct QueryFilter {
    std::string_view name, type, help;
};
inline constexpr std::array<QueryFilter, 18> query_filters{{
    {"data_center_id", "ID", "The centre that sent it"},
    {"record_id", "ID", "The centre's own name for it"},
    {"patient_id", "ID", "The centre's name for the patient"},
    {"modality", "CODE", "DICOM modality: CT, MR, DX ..."},
    {"body_part", "TERM", "DICOM body part: CHEST, HEAD ..."},
    {"sex", "F|M|O|U", "Sex"},
    {"age_min", "YEARS", "At least this old"},
    {"age_max", "YEARS", "At most this old"},
    {"study_date_from", "DATE", "Study (else diagnosis) on this day or later: 2026-03-01"},
    {"study_date_to", "DATE", "Study (else diagnosis) on this day or earlier"},
    {"received_from", "TIME", "Received then or later: 2026-03-01 or 2026-03-01T09:30:00Z"},
    {"received_to", "TIME", "Received then or earlier; a bare date is that whole day (UTC)"},
    {"code", "CODE", "Diagnosis code, exactly: J18.9"},
    {"code_prefix", "CODE", "Diagnosis codes that begin so: J18"},
    {"interface", "NAME", "Format it came in: json, ndjson, csv"},
    {"min_grade", "A..E", "The centre's grade was this or better when it came"},
    {"sort", "KEY", "collected, study_date (else diagnosis date), age or score; descending with - before it: --sort=-score"},
    {"cursor", "TEXT", "Where to go on: \"next\" of an answer"},
}};

// "data_center_id" -> "--data-center-id".
std::string option_name(std::string_view parameter);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;
// From "name=value" each. incorrect "filter-invalid" for what has no "=" or no name.
kernel::Result<QueryParameters> parameters_from(const std::vector<std::string>& filters);
// Takes every parameter of the name out; the last of them wins.
std::optional<std::string> taken(QueryParameters& parameters, std::string_view name);
// "?name=value&...", percent-encoded; "" for none.
std::string query_text(const QueryParameters& parameters);

}  // namespace acopio
