// Conformance: values have the type, the form and the vocabulary that they should have.
#include "data_center_classifier/domain/checks.hpp"
#include "data_center_classifier/domain/text.hpp"

#include <algorithm>

namespace data_center_classifier::domain {
namespace {

using enum FieldId;

// Skips a missing field; otherwise the field has to satisfy `holds`.
template <class Holds>
Outcome field_is(const Facts& facts, FieldId field, Holds holds) {
    if (facts.missing(field)) return Outcome::skip;
    return pass_if(holds(facts.value(field)));
}

// Anything beside its ids, members of the sender's own included.
Outcome record_says_something(const Facts& facts) {
    if (facts.has_extensions || facts.sex) return Outcome::pass;
    for (std::size_t i = 0; i < field_count; ++i) {
        const auto field = static_cast<FieldId>(i);
        if (field != record_id && field != patient_id && facts.has(field)) return Outcome::pass;
    }
    return Outcome::fail;
}

bool has_its_type(FieldId field, Value value) {
    if (info(field).type == FieldType::label) return value.kind != Kind::other;
    return value.kind == Kind::text || value.kind == Kind::number;
}

Outcome fields_have_their_types(const Facts& facts) {
    bool any = false;
    for (std::size_t i = 0; i < field_count; ++i) {
        const auto field = static_cast<FieldId>(i);
        if (facts.missing(field)) continue;
        any = true;
        if (!has_its_type(field, facts.value(field))) return Outcome::fail;
    }
    return any ? Outcome::pass : Outcome::skip;
}

template <FieldId field>
Outcome date_is_iso(const Facts& facts) {
    return field_is(facts, field, [](Value value) { return moment_of(value).has_value(); });
}

Outcome modality_is_a_dicom_code(const Facts& facts) {
    return field_is(facts, modality, [&](Value) { return facts.modality.has_value(); });
}
Outcome body_part_is_a_dicom_term(const Facts& facts) {
    return field_is(facts, body_part, [&](Value) { return facts.body_part.has_value(); });
}
Outcome sex_is_administrative(const Facts& facts) {
    return field_is(facts, sex, [&](Value) { return facts.sex.has_value(); });
}
Outcome age_is_readable(const Facts& facts) {
    return field_is(facts, age, [&](Value) { return facts.age.has_value(); });
}
Outcome birth_year_is_a_year(const Facts& facts) {
    return field_is(facts, birth_year, [&](Value) { return facts.birth_year.has_value(); });
}

// "J18.9", "J189", "S72.001A", and the category alone, "J18".
bool is_icd10(std::string_view code) {
    if (code.size() < 3 || code.size() > 8 || !is_letter(code[0]) || !is_digit(code[1])) return false;
    if (!is_digit(code[2]) && !is_letter(code[2])) return false;
    auto rest = code.substr(3);
    if (rest.starts_with('.')) rest.remove_prefix(1);
    return rest.size() <= 4 && (code.size() == 3 || !rest.empty()) &&
           std::all_of(rest.begin(), rest.end(), [](char c) { return is_digit(c) || is_letter(c); });
}
bool is_all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}
bool is_radlex(std::string_view code) {
    return code.size() > 3 && upper_of(code.substr(0, 3)).view() == "RID" && is_all_digits(code.substr(3));
}
bool is_loinc(std::string_view code) {
    const auto hyphen = code.find('-');
    return hyphen <= 7 && is_all_digits(code.substr(0, hyphen)) && code.size() == hyphen + 2 && is_digit(code.back());
}
bool is_snomed(std::string_view code) {
    return code.size() >= 6 && code.size() <= 18 && code[0] != '0' && is_all_digits(code);
}

Outcome code_has_a_known_shape(const Facts& facts) {
    return field_is(facts, code, [&](Value) {
        bool any = false;
        const bool all = facts.all_codes([&](std::string_view one) {
            any = true;
            return is_icd10(one) || is_radlex(one) || is_loinc(one) || is_snomed(one);
        });
        return any && all;
    });
}

// ICD-10-CM, unless the record says that the code is of the WHO's ICD-10, whose codes we do not have: then one that both have passes, and
// another proves nothing.
Outcome icd10cm_code_exists(const Facts& facts) {
    if (facts.missing(code)) return Outcome::skip;
    bool any = false;
    const bool all = each_code(facts.text(code), [&](const Code& one) {
        if (!is_icd10(one.text)) return true;
        ShortText plain;
        for (const char c : one.text)
            if (c != '.') plain.push(to_upper(c));
        const bool exists = facts.rubric.lists.icd10cm.contains(plain.view());
        const bool of_who = is_who_icd10(one.system);
        any = any || exists || !of_who;
        return exists || of_who;
    });
    return any ? pass_if(all) : Outcome::skip;
}

bool is_uid(std::string_view text) {
    if (text.size() < 5 || text.size() > 64 || !is_digit(text.front()) || !is_digit(text.back())) return false;
    std::size_t dots = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '.' && !is_digit(text[i])) return false;
        if (text[i] == '.' && text[i - 1] == '.') return false;
        dots += text[i] == '.' ? 1 : 0;
    }
    return dots >= 2;
}
bool is_url(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon < 2 || colon > 12 || colon + 4 > text.size()) return false;
    const auto scheme = lower_of(text.substr(0, colon));
    constexpr auto schemes = std::to_array<std::string_view>(
        {"http", "https", "s3", "gs", "sftp", "ftp", "dicomweb", "wadors", "dicom", "urn", "az", "abfs", "abfss"});
    return std::find(schemes.begin(), schemes.end(), scheme.view()) != schemes.end();
}
// A hash or a UUID without its hyphens.
bool is_digest(std::string_view text) {
    return text.size() == 32 &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); });
}
// A file below a directory that the centre and we share: no root, no drive, no way up, and a last part.
bool is_relative_path(std::string_view text) {
    if (text.front() == '/' || text.front() == '\\' || text.back() == '/' || text.find(':') != std::string_view::npos) return false;
    if (text == ".." || text.starts_with("../") || text.find("/../") != std::string_view::npos) return false;
    return text.find_first_of("./\\_-") != std::string_view::npos && text.find_first_of("<>\"|\n\r\t") == std::string_view::npos;
}

Outcome image_is_a_reference(const Facts& facts) {
    return field_is(facts, image, [](Value value) {
        const auto text = trimmed(value.text);
        if (value.kind != Kind::text || text.size() > 2048) return false;
        return is_uid(text) || is_url(text) || is_digest(text) || is_relative_path(text);
    });
}

Outcome text_is_clean(const Facts& facts) {
    const bool empty = std::all_of(facts.is_missing.begin(), facts.is_missing.end(), [](bool missing) { return missing; });
    return empty ? Outcome::skip : pass_if(facts.clean_text);
}

constexpr auto labels = std::to_array({no_finding, normal, abnormal, uncertain, other, unknown});

Outcome labels_are_labels(const Facts& facts) {
    bool any = false;
    for (const auto field : labels) {
        const auto label = label_of(facts.value(field));
        if (label == Label::broken) return Outcome::fail;
        any = any || label != Label::none;
    }
    return any ? Outcome::pass : Outcome::skip;
}

Outcome labels_do_not_contradict(const Facts& facts) {
    const auto is = [&](FieldId field, Label label) { return label_of(facts.value(field)) == label; };
    const auto given = std::count_if(labels.begin(), labels.end(), [&](FieldId field) { return !is(field, Label::none); });
    if (given < 2) return Outcome::skip;
    const bool both = is(abnormal, Label::yes) && (is(normal, Label::yes) || is(no_finding, Label::yes));
    const bool known = is(unknown, Label::yes) && (is(normal, Label::yes) || is(abnormal, Label::yes) || is(no_finding, Label::yes));
    const bool neither = is(normal, Label::no) && is(no_finding, Label::yes);
    return pass_if(!both && !known && !neither);
}

Outcome laterality_is_a_dicom_code(const Facts& facts) {
    return field_is(facts, laterality, [&](Value) { return facts.side.has_value(); });
}

Outcome patient_id_is_one_token(const Facts& facts) {
    return field_is(facts, patient_id, [](Value value) {
        const auto text = trimmed(value.text);
        return text.size() <= 64 && text.find_first_of(" \t\r\n\"'<>") == std::string_view::npos;
    });
}

Outcome manufacturer_is_a_name(const Facts& facts) {
    return field_is(facts, manufacturer, [](Value value) {
        const auto letters = std::count_if(value.text.begin(), value.text.end(), is_word_byte);
        const bool begins_with_digit = is_digit(trimmed(value.text).front());  // "3M"
        return value.kind == Kind::text && letters >= (begins_with_digit ? 1 : 2) && value.text.size() <= 128;
    });
}

}  // namespace

std::span<const NamedCheck> conformance_checks() {
    static constexpr auto checks = std::to_array<NamedCheck>({
        {"record_says_something", record_says_something},
        {"fields_have_their_types", fields_have_their_types},
        {"study_date_is_iso", date_is_iso<study_date>},
        {"report_date_is_iso", date_is_iso<report_date>},
        {"diagnosis_date_is_iso", date_is_iso<diagnosis_date>},
        {"modality_is_a_dicom_code", modality_is_a_dicom_code},
        {"body_part_is_a_dicom_term", body_part_is_a_dicom_term},
        {"sex_is_administrative", sex_is_administrative},
        {"age_is_readable", age_is_readable},
        {"birth_year_is_a_year", birth_year_is_a_year},
        {"code_has_a_known_shape", code_has_a_known_shape},
        {"icd10cm_code_exists", icd10cm_code_exists},
        {"image_is_a_reference", image_is_a_reference},
        {"text_is_clean", text_is_clean},
        {"labels_are_labels", labels_are_labels},
        {"labels_do_not_contradict", labels_do_not_contradict},
        {"laterality_is_a_dicom_code", laterality_is_a_dicom_code},
        {"patient_id_is_one_token", patient_id_is_one_token},
        {"manufacturer_is_a_name", manufacturer_is_a_name},
    });
    return checks;
}

}  // namespace data_center_classifier::domain
