// Completeness: fields are there and not a null flavour.
#include "data_center_classifier/domain/checks.hpp"

#include <algorithm>

namespace data_center_classifier::domain {
namespace {

using enum FieldId;

// One of the fields is enough.
template <FieldId... fields>
Outcome has(const Facts& facts) {
    return pass_if((facts.has(fields) || ...));
}

// "Other" is a null flavour elsewhere, and a sex here.
Outcome has_sex(const Facts& facts) {
    return pass_if(facts.has(sex) || facts.sex.has_value());
}

Outcome has_outcome_label(const Facts& facts) {
    constexpr auto labels = std::to_array({no_finding, normal, abnormal, uncertain, other, unknown});
    return pass_if(std::any_of(labels.begin(), labels.end(), [&](FieldId field) { return facts.has(field); }));
}

// Only parts of which there are two have a side.
Outcome has_laterality(const Facts& facts) {
    constexpr auto paired = std::to_array<std::string_view>(
        {"ACJOINT", "ANKLE",   "ARM",    "AXILLA",  "BREAST",   "CALCANEUS", "CLAVICLE", "EAR",     "ELBOW",  "EXTREMITY", "EYE",
         "FEMUR",   "FIBULA",  "FINGER", "FOOT",    "FOREARM",  "HAND",      "HIP",      "HUMERUS", "KIDNEY", "KNEE",      "LEG",
         "OVARY",   "PATELLA", "RADIUS", "SCAPULA", "SHOULDER", "THIGH",     "THUMB",    "TIBIA",   "TOE",    "ULNA",      "WRIST"});
    if (facts.has(laterality)) return Outcome::pass;
    const bool is_paired = facts.body_part && std::find(paired.begin(), paired.end(), *facts.body_part) != paired.end();
    return is_paired ? Outcome::fail : Outcome::skip;
}

// A record that was never reported has no date of the report.
Outcome has_report_date(const Facts& facts) {
    if (facts.missing(report) && facts.missing(findings) && facts.missing(impression)) return Outcome::skip;
    return pass_if(facts.has(report_date));
}

}  // namespace

std::span<const NamedCheck> completeness_checks() {
    static constexpr auto checks = std::to_array<NamedCheck>({
        {"has_record_id", has<record_id>},
        {"has_patient_id", has<patient_id>},
        {"has_modality", has<modality>},
        {"has_body_part", has<body_part>},
        {"has_study_or_diagnosis_date", has<study_date, diagnosis_date>},
        {"has_image", has<image>},
        {"has_manufacturer", has<manufacturer>},
        {"has_sex", has_sex},
        {"has_age_or_birth_year", has<age, birth_year>},
        {"has_code_or_diagnosis", has<code, diagnosis>},
        {"has_report_or_findings", has<report, findings, impression>},
        {"has_report_date", has_report_date},
        {"has_outcome_label", has_outcome_label},
        {"has_laterality", has_laterality},
        {"has_ethnicity", has<ethnicity>},
        {"has_symptoms", has<symptoms>},
        {"has_clinical_history", has<clinical_history>},
        {"has_indication", has<indication>},
        {"has_technique", has<technique>},
        {"has_comparison", has<comparison>},
        {"has_recommendation", has<recommendation>},
        {"has_code", has<code>},
    });
    return checks;
}

}  // namespace data_center_classifier::domain
