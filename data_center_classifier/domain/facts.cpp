// What one look at a record's fields yields.
#include "data_center_classifier/domain/facts.hpp"

#include "data_center_classifier/domain/member_signs.hpp"
#include "data_center_classifier/domain/person_names.hpp"
#include "data_center_classifier/domain/text.hpp"

#include <algorithm>

namespace data_center_classifier::domain {
namespace {

bool is_scalar(Value value) {
    return value.kind == Kind::text || value.kind == Kind::number;
}

// Which fields a person writes sentences into.
constexpr bool is_prose(FieldId field) {
    using enum FieldId;
    constexpr auto prose = std::to_array({diagnosis, report, ethnicity, symptoms, clinical_history, findings, impression, recommendation,
                                          indication, comparison, technique, manufacturer});
    return std::find(prose.begin(), prose.end(), field) != prose.end();
}
constexpr bool is_narrative(FieldId field) {
    return field == FieldId::report || field == FieldId::findings || field == FieldId::impression;
}

// Numbers of images and records may look like an id by chance; a patient_id that does is one. A technique names protocols:
// "Cardio^Function".
std::uint8_t identifiers_that_count(FieldId field, TextSigns signs) {
    const auto without = [&](unsigned identifiers) { return static_cast<std::uint8_t>(signs.identifiers & ~identifiers); };
    if (field == FieldId::technique) return without(static_cast<unsigned>(Identifier::person_name));
    if (is_prose(field) || field == FieldId::patient_id) return signs.identifiers;
    return without(static_cast<unsigned>(Identifier::national_id) | static_cast<unsigned>(Identifier::bare_ssn));
}

// "None" says that there were no symptoms, and nothing of the manufacturer; "U" is an unknown sex.
bool is_missing_in(FieldId field, Value value) {
    using enum FieldId;
    constexpr auto asked = std::to_array({symptoms, clinical_history, comparison, recommendation});
    constexpr auto answers = std::to_array<std::string_view>({"none", "ninguna", "ninguno", "nil"});
    const bool is_asked = std::find(asked.begin(), asked.end(), field) != asked.end();
    if (!is_missing(value)) return field == sex && lower_of(trimmed(value.text)).view() == "u";
    return !is_asked || std::find(answers.begin(), answers.end(), lower_of(trimmed(value.text)).view()) == answers.end();
}

bool is_full_birth_date(Value value) {
    return is_scalar(value) && begins_with_full_date(trimmed(value.text));
}

void read_text(Facts& facts, FieldId field, Value value) {
    facts.clean_text = facts.clean_text && is_clean_text(value.text);
    if (value.kind == Kind::other) facts.signs |= member_signs(value.text, facts.text(FieldId::patient_id)).signs;
    if (value.kind != Kind::text || value.text.size() <= 4) return;
    auto signs = signs_of(value.text, is_prose(field) ? TextUse::prose : TextUse::token);
    facts.signs.identifiers |= identifiers_that_count(field, signs);
    if (is_narrative(field)) facts.narrative |= signs;
}

}  // namespace

Facts::Facts(const RawData& record, const JudgeContext& judge_context, const Rubric& judge_rubric)
    : context(judge_context), rubric(judge_rubric) {
    for (std::size_t i = 0; i < field_count; ++i) {
        const auto field = static_cast<FieldId>(i);
        values[i] = record[field];
        is_missing[i] = is_missing_in(field, values[i]);
        if (!is_missing[i]) read_text(*this, field, values[i]);
    }
    if (!record.extensions.empty()) {
        clean_text = clean_text && is_clean_text(record.extensions);
        const auto members = member_signs(record.extensions, text(FieldId::patient_id));
        signs |= members.signs;
        has_extensions = members.any_value;
    }
    if (has(FieldId::patient_id) && is_name_for_id(text(FieldId::patient_id)))
        signs.identifiers |= static_cast<std::uint8_t>(Identifier::labelled_name);
    if (is_full_birth_date(value(FieldId::birth_year))) signs.identifiers |= static_cast<std::uint8_t>(Identifier::birth_date);
    modality = normal_modality(value(FieldId::modality), rubric.lists);
    body_part = normal_body_part(value(FieldId::body_part), rubric.lists);
    sex = normal_sex(value(FieldId::sex));
    side = normal_side(value(FieldId::laterality));
    age = normal_age_years(value(FieldId::age));
    birth_year = birth_year_of(value(FieldId::birth_year));
    study = moment_of(value(FieldId::study_date));
    report = moment_of(value(FieldId::report_date));
    diagnosis = moment_of(value(FieldId::diagnosis_date));
}

}  // namespace data_center_classifier::domain
