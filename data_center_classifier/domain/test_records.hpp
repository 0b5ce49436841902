// Records and a small rubric for tests, fuzzers and benches: "field=value" lines, and every function as a check of its own.
#pragma once

#include "data_center_classifier/domain/checks.hpp"
#include "data_center_classifier/domain/judge.hpp"
#include "data_center_classifier/domain/text.hpp"

#include <algorithm>

namespace data_center_classifier::domain::test {

// A line "field=value". {...} and [...] are of kind other, true and false boolean, "null" null; digits in a field of numbers or labels a
// number; "\n" in a value is two characters. Lines without a field's name go to the extensions, as they are.
inline RawData record_of(std::string_view lines) {
    RawData record;
    while (!lines.empty()) {
        const auto line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
        const auto equals = line.find('=');
        const auto field = field_named(line.substr(0, equals));
        if (!field || equals == std::string_view::npos) {
            record.extensions += line;
            continue;
        }
        const auto value = line.substr(equals + 1);
        const bool numeric = info(*field).type == FieldType::number || info(*field).type == FieldType::label;
        auto kind = Kind::text;
        if (value.starts_with('{') || value.starts_with('[')) kind = Kind::other;
        else if (value == "true" || value == "false") kind = Kind::boolean;
        else if (value == "null") kind = Kind::null;
        else if (numeric && number_of<double>(value)) kind = Kind::number;
        record.set(*field, kind, value);
    }
    return record;
}

inline CodeLists small_lists() {
    CodeLists lists;
    lists.modalities = CodeList({"CR", "CT", "DX", "ECG", "MG", "MR", "OP", "OT", "PX", "US"});
    lists.body_parts = CodeList({"ABDOMEN", "ANKLE", "BREAST", "CHEST", "CSPINE", "ELBOW", "EYE", "FOOT", "HAND", "HEAD", "HEART", "JAW",
                                 "KNEE", "PROSTATE", "SHOULDER", "TIBIA", "UTERUS"});
    lists.body_part_synonyms = {{"thoracic", "CHEST"}, {"thorax", "CHEST"}, {"torax", "CHEST"}, {"pecho", "CHEST"}, {"rodilla", "KNEE"}};
    lists.icd10cm = CodeList({"C61", "J189", "O80", "P071", "S72001A", "Z125"});
    return lists;
}

// Every function as an investigative check of weight 1, but those of privacy as required.
inline Rubric every_check() {
    Rubric rubric;
    rubric.version = "test-1";
    rubric.dimension_weight = {0.25, 0.25, 0.20, 0.15, 0.10, 0};
    rubric.lists = small_lists();
    const std::array lists{conformance_checks(), completeness_checks(), plausibility_checks(),
                           timeliness_checks(),  uniqueness_checks(),   privacy_checks()};
    for (std::size_t d = 0; d < lists.size(); ++d)
        for (const auto& check : lists[d]) {
            const auto dimension = static_cast<Dimension>(d);
            const auto severity = dimension == Dimension::privacy ? Severity::required : Severity::investigative;
            rubric.checks.push_back({.id = std::string(check.name),
                                     .dimension = dimension,
                                     .field = "",
                                     .severity = severity,
                                     .weight = 1,
                                     .function = std::string(check.name),
                                     .title = "",
                                     .expected = "",
                                     .mend = "",
                                     .run = check.run});
        }
    return rubric;
}

inline JudgeContext at(std::string_view time) {
    return {.received_at = kernel::timestamp_from_text(time).value_or(kernel::Timestamp{}),
            .same_key_other_content = {},
            .same_content_other_key = {}};
}

}  // namespace data_center_classifier::domain::test
