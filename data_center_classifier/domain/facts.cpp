// Normal forms of modality, body part, sex, age and dates, and what one look at a record's fields yields.
#include "data_center_classifier/domain/facts.hpp"

#include "data_center_classifier/domain/text.hpp"

#include <algorithm>
#include <cmath>

namespace data_center_classifier::domain {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;

constexpr std::size_t body_part_bytes_max = 60;

bool is_scalar(Value value) {
    return value.kind == Kind::text || value.kind == Kind::number;
}

// Lower case, without accents, every run of other bytes one space, without a trailing "(body structure)".
std::optional<ShortText> words_of(std::string_view text) {
    if (const auto bracket = text.find('('); bracket != std::string_view::npos && bracket > 0) text = text.substr(0, bracket);
    text = trimmed(text);
    if (text.empty() || text.size() > body_part_bytes_max) return std::nullopt;
    ShortText words;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char plain = text[i] == '\xc3' && i + 1 < text.size() ? unaccented(text[i + 1]) : '\0';
        if (plain != '\0') ++i;
        const char c = plain != '\0' ? plain : to_lower(text[i]);
        const bool keeps = is_word_byte(c) || is_digit(c);
        if (keeps) words.push(c);
        else if (!words.view().empty() && words.view().back() != ' ') words.push(' ');
    }
    if (!words.view().empty() && words.view().back() == ' ') words.pop();
    return words;
}

// A defined term has no spaces: "c spine" is CSPINE.
std::string_view as_term(std::string_view words, const CodeLists& lists) {
    ShortText term;
    for (const char c : words)
        if (c != ' ') term.push(to_upper(c));
    return lists.body_parts.find(term.view());
}

std::optional<Moment> basic_day(std::string_view text) {
    ShortText iso;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i == 4 || i == 6) iso.push('-');
        iso.push(text[i]);
    }
    const auto day = kernel::day_from_text(iso.view());
    if (!day) return std::nullopt;
    return Moment{*day, *day + days(1) - milliseconds(1)};
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

// Numbers of images and records may look like an id by chance; a patient_id that does is one.
std::uint8_t identifiers_that_count(FieldId field, TextSigns signs) {
    if (is_prose(field) || field == FieldId::patient_id) return signs.identifiers;
    return signs.identifiers & static_cast<std::uint8_t>(~static_cast<unsigned>(Identifier::national_id));
}

bool is_full_birth_date(Value value) {
    return is_scalar(value) && begins_with_full_date(trimmed(value.text));
}

void read_text(Facts& facts, FieldId field, Value value) {
    facts.clean_text = facts.clean_text && is_clean_text(value.text);
    const bool worth_it = value.kind == Kind::other || (value.kind == Kind::text && value.text.size() > 4);
    if (!worth_it) return;
    auto signs = signs_of(value.text, is_prose(field) || value.kind == Kind::other ? TextUse::prose : TextUse::token);
    facts.signs.identifiers |= identifiers_that_count(field, signs);
    if (is_narrative(field)) facts.narrative |= signs;
}

}  // namespace

std::optional<std::string> normal_modality(Value value, const CodeLists& lists) {
    if (value.kind != Kind::text) return std::nullopt;
    const auto text = trimmed(value.text);
    if (text.empty() || text.size() > 16) return std::nullopt;
    const auto code = lists.modalities.find(upper_of(text).view());
    if (code.empty()) return std::nullopt;
    return std::string(code);
}

std::optional<std::string> normal_body_part(Value value, const CodeLists& lists) {
    if (value.kind != Kind::text) return std::nullopt;
    const auto words = words_of(value.text);
    if (!words || words->view().empty()) return std::nullopt;
    if (const auto term = as_term(words->view(), lists); !term.empty()) return std::string(term);
    auto view = words->view();
    for (const std::string_view tail : {"", " structure", " region"}) {
        if (!view.ends_with(tail)) continue;
        if (const auto found = lists.body_part_synonyms.find(view.substr(0, view.size() - tail.size()));
            found != lists.body_part_synonyms.end())
            return found->second;
        if (const auto term = as_term(view.substr(0, view.size() - tail.size()), lists); !term.empty()) return std::string(term);
    }
    return std::nullopt;
}

std::optional<std::string> normal_sex(Value value) {
    if (!is_scalar(value) || value.text.size() > 16) return std::nullopt;
    const auto lower = lower_of(trimmed(value.text));
    const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
        return std::find(words.begin(), words.end(), lower.view()) != words.end();
    };
    if (is_one_of({"m", "male", "man", "masculino", "hombre", "varon", "varón"})) return "M";
    if (is_one_of({"f", "female", "woman", "femenino", "mujer"})) return "F";
    if (is_one_of({"o", "other", "otro", "a", "ambiguous", "intersex", "nonbinary", "non-binary"})) return "O";
    return std::nullopt;
}

std::optional<double> normal_age_years(Value value) {
    if (!is_scalar(value)) return std::nullopt;
    auto text = trimmed(value.text);
    if (text.empty() || text.size() > 24) return std::nullopt;
    double per_year = 1;
    switch (to_upper(text.back())) {
        case 'Y': break;
        case 'M': per_year = 12; break;
        case 'W': per_year = 365.25 / 7; break;
        case 'D': per_year = 365.25; break;
        default: per_year = 0;
    }
    if (per_year > 0) text = trimmed(text.substr(0, text.size() - 1));
    const auto number = number_of<double>(text);
    if (!number || !std::isfinite(*number)) return std::nullopt;
    return per_year > 0 ? *number / per_year : *number;
}

std::optional<Moment> moment_of(Value value) {
    if (!is_scalar(value)) return std::nullopt;
    const auto text = trimmed(value.text);
    if (text.size() == 8) return basic_day(text);
    if (text.size() == 10) {
        const auto day = kernel::day_from_text(text);
        if (!day) return std::nullopt;
        return Moment{*day, *day + days(1) - milliseconds(1)};
    }
    if (text.size() < 16 || text.size() > 40) return std::nullopt;
    auto time = kernel::timestamp_from_text(text);
    if (!time) {
        auto with_offset = lower_of(text);
        if (text.size() == 16)
            for (const char c : std::string_view(":00")) with_offset.push(c);
        with_offset.push('z');
        time = kernel::timestamp_from_text(with_offset.view());
    }
    if (!time) return std::nullopt;
    return Moment{*time, *time};
}

std::optional<int> birth_year_of(Value value) {
    if (!is_scalar(value)) return std::nullopt;
    auto text = trimmed(value.text);
    if (text.ends_with(".0")) text.remove_suffix(2);
    const auto year = text.size() == 4 ? number_of<int>(text) : std::nullopt;
    return year && *year >= 1000 && *year <= 2999 ? year : std::nullopt;
}

Label label_of(Value value) {
    if (is_missing(value)) return Label::none;
    if (value.kind == Kind::other) return Label::broken;
    auto text = trimmed(value.text);
    if (text.ends_with(".0")) text.remove_suffix(2);
    const auto lower = lower_of(text.substr(0, 8));
    if (lower.view() == "1" || lower.view() == "true") return Label::yes;
    if (lower.view() == "0" || lower.view() == "false") return Label::no;
    if (lower.view() == "-1") return Label::uncertain;
    return Label::broken;
}

Facts::Facts(const RawData& record, const JudgeContext& judge_context, const Rubric& judge_rubric)
    : context(judge_context), rubric(judge_rubric) {
    for (std::size_t i = 0; i < field_count; ++i) {
        const auto field = static_cast<FieldId>(i);
        values[i] = record[field];
        is_missing[i] = domain::is_missing(values[i]);
        if (!is_missing[i]) read_text(*this, field, values[i]);
    }
    if (!record.extensions.empty()) {
        clean_text = clean_text && is_clean_text(record.extensions);
        signs.identifiers |= signs_of(record.extensions, TextUse::prose).identifiers;
    }
    if (is_full_birth_date(value(FieldId::birth_year))) signs.identifiers |= static_cast<std::uint8_t>(Identifier::birth_date);
    modality = normal_modality(value(FieldId::modality), rubric.lists);
    body_part = normal_body_part(value(FieldId::body_part), rubric.lists);
    sex = normal_sex(value(FieldId::sex));
    age = normal_age_years(value(FieldId::age));
    birth_year = birth_year_of(value(FieldId::birth_year));
    study = moment_of(value(FieldId::study_date));
    report = moment_of(value(FieldId::report_date));
    diagnosis = moment_of(value(FieldId::diagnosis_date));
}

}  // namespace data_center_classifier::domain
