// RawData's one text buffer, the table of fields, and the null flavours.
#include "data_center_classifier/domain/model_raw_data.hpp"

#include "data_center_classifier/domain/text.hpp"
#include "kernel/check.hpp"

#include <algorithm>
#include <limits>

namespace data_center_classifier::domain {
namespace {

using enum FieldClass;
using enum FieldType;

constexpr std::array<FieldInfo, field_count> fields{{
    {"record_id", essential, text},   {"patient_id", essential, text},     {"image", essential, text},
    {"diagnosis", required, text},    {"report", required, text},          {"body_part", essential, text},
    {"modality", essential, text},    {"age", required, number},           {"sex", required, text},
    {"ethnicity", optional, text},    {"symptoms", optional, text},        {"clinical_history", optional, text},
    {"findings", required, text},     {"impression", required, text},      {"recommendation", optional, text},
    {"indication", optional, text},   {"comparison", optional, text},      {"technique", optional, text},
    {"no_finding", optional, label},  {"normal", optional, label},         {"abnormal", optional, label},
    {"uncertain", optional, label},   {"other", optional, label},          {"unknown", optional, label},
    {"code", required, text},         {"diagnosis_date", essential, date}, {"study_date", essential, date},
    {"report_date", optional, date},  {"birth_year", required, number},    {"laterality", optional, text},
    {"manufacturer", required, text},
}};

// Lower case, sorted. HL7's null flavours, PCORnet's, and what spreadsheets and Spanish forms write.
constexpr std::array null_flavours = std::to_array<std::string_view>({
    "#n/a",
    "#ref!",
    "(null)",
    "-9999",
    "<na>",
    "anonymous",
    "asku",
    "blank",
    "desconocida",
    "desconocido",
    "missing",
    "n.a",
    "n.a.",
    "n.d.",
    "n/a",
    "n/d",
    "na",
    "nan",
    "nask",
    "nav",
    "nd",
    "ni",
    "nil",
    "ninguna",
    "ninguno",
    "no aplica",
    "no consta",
    "no disponible",
    "no info",
    "no informada",
    "no informado",
    "none",
    "not applicable",
    "not available",
    "not documented",
    "not known",
    "not provided",
    "not recorded",
    "not reported",
    "not specified",
    "not stated",
    "null",
    "other",
    "s/d",
    "sd",
    "sin datos",
    "sin informacion",
    "sin informaci\xc3\xb3n",
    "tbd",
    "undefined",
    "unk",
    "unknown",
    "unspecified",
});
constexpr std::size_t null_flavour_bytes_max = 16;
static_assert(std::is_sorted(null_flavours.begin(), null_flavours.end()));

bool is_only_marks(std::string_view text) {
    return text.find_first_not_of("-?.*_/ ") == std::string_view::npos;
}

}  // namespace

const FieldInfo& info(FieldId field) {
    return fields[static_cast<std::size_t>(field)];
}

std::optional<FieldId> field_named(std::string_view name) {
    for (std::size_t i = 0; i < field_count; ++i)
        if (fields[i].name == name) return static_cast<FieldId>(i);
    return std::nullopt;
}

void RawData::set(FieldId field, Kind kind, std::string_view text) {
    auto& slice = slices_[static_cast<std::size_t>(field)];
    const bool fits = text.size() <= slice.size;
    CHECK(text.size() + text_.size() <= std::numeric_limits<std::uint32_t>::max(), "a record is far smaller than 4 GiB");
    if (fits) std::copy(text.begin(), text.end(), text_.begin() + slice.begin);
    else slice.begin = static_cast<std::uint32_t>(text_.size());
    if (!fits) text_.append(text);
    slice.kind = kind;
    slice.size = static_cast<std::uint32_t>(text.size());
}

Value RawData::operator[](FieldId field) const {
    const auto& slice = slices_[static_cast<std::size_t>(field)];
    return {slice.kind, std::string_view(text_).substr(slice.begin, slice.size)};
}

bool is_missing(Value value) {
    if (value.kind == Kind::absent || value.kind == Kind::null) return true;
    if (value.kind == Kind::boolean || value.kind == Kind::other) return false;
    const auto text = trimmed(value.text);
    if (text.empty()) return true;
    if (text.size() > null_flavour_bytes_max) return false;
    if (is_only_marks(text)) return true;
    const ShortText lower = lower_of(text);
    return std::binary_search(null_flavours.begin(), null_flavours.end(), lower.view());
}

}  // namespace data_center_classifier::domain
