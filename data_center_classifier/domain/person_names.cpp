// Names are told from other words by what is known of words: first names, and words that nobody is called.
#include "data_center_classifier/domain/person_names.hpp"

#include "data_center_classifier/domain/model_raw_data.hpp"

#include <span>

namespace data_center_classifier::domain {
namespace {

constexpr std::size_t component_bytes_max = 64, components_max = 8;
constexpr int name_words_max = 6;

constexpr bool is_name_byte(std::string_view text, std::size_t at) {
    return text[at] != '_' && (is_word_at(text, at) || text[at] == '\'' || text[at] == '-');
}
bool has_digit(std::string_view text) {
    return std::any_of(text.begin(), text.end(), is_digit);
}
bool is_all_capitals(std::string_view word) {
    return std::none_of(word.begin(), word.end(), is_lower);
}

// "99RIS" and "HL70074" are tables; the others are named in HL7 table 0396 and in DICOM PS3.16 chapter 8.
bool is_coding_system(std::string_view component) {
    constexpr auto systems =
        std::to_array<std::string_view>({"LN",  "SCT",  "SNM",  "SNM3",   "SRT",   "DCM",    "CPT",   "C4",     "C5",  "I9",  "I9C",
                                         "I10", "I10C", "UMLS", "RADLEX", "LOINC", "SNOMED", "LOCAL", "RXNORM", "NDC", "UCUM"});
    const auto upper = upper_of(component.substr(0, 16));
    const auto view = upper.view();
    return view.starts_with("99") || view.starts_with("HL7") || view.starts_with("ICD") || view.starts_with("CIE") ||
           std::find(systems.begin(), systems.end(), view) != systems.end();
}

// Where a component ends: at the next caret, or at what ends the run.
std::size_t end_of_component(std::string_view text, std::size_t begin) {
    const auto end = std::min(text.find_first_of("^|~\"\n\r;,", begin), text.size());
    return std::min(end, begin + component_bytes_max);
}

bool has_coding_system(std::string_view text, std::size_t caret) {
    for (std::size_t i = 0; i < components_max && caret < text.size() && text[caret] == '^'; ++i) {
        const auto end = end_of_component(text, caret + 1);
        const auto component = trimmed(text.substr(caret + 1, end - caret - 1));
        if (is_coding_system(component.substr(0, component.find(' ')))) return true;
        caret = end;
    }
    return false;
}

bool is_among(std::span<const std::string_view> words, std::string_view word) {
    const auto lower = lower_of(word);
    return std::find(words.begin(), words.end(), lower.view()) != words.end();
}

// "San Juan Medical Center".
bool is_of_institution(std::string_view word) {
    constexpr auto words = std::to_array<std::string_view>(
        {"hospital",   "clinic",    "clinica",    "medical",     "medico",        "center",      "centre",    "centro",      "health",
         "healthcare", "imaging",   "university", "universidad", "universitario", "institute",   "instituto", "foundation",  "fundacion",
         "radiology",  "sanatorio", "lab",        "labs",        "laboratory",    "laboratorio", "pacs",      "krankenhaus", "klinik"});
    return is_among(words, word);
}

// "Santa Maria", "King Edward": with a first name behind it the name of a place.
bool is_before_name_of_place(std::string_view word) {
    constexpr auto words =
        std::to_array<std::string_view>({"san", "santa", "santo", "sao", "s\303\243o", "st", "saint", "king", "queen", "prince"});
    return is_among(words, word);
}

// "Atelectasis, unspecified", "Mammography, Diagnostic": an illness or a study.
bool is_medical(std::string_view word) {
    constexpr auto endings = std::to_array<std::string_view>(
        {"graphy", "grafia", "graf\303\255a", "gram",   "grama", "itis", "osis", "asis",   "noma",        "phoma",
         "rcoma",  "logy",   "logia",         "pathy",  "patia", "tion", "sion", "cion",   "ci\303\263n", "fied",
         "ectomy", "scopy",  "sound",         "nostic", "sema",  "psy",  "psia", "plasty", "rrhage"});
    constexpr auto words = std::to_array<std::string_view>(
        {"diffuse",  "focal",    "mild",    "moderate", "severe", "core",   "other",    "nos",       "simple",    "complex",
         "complete", "limited",  "partial", "multiple", "single", "early",  "late",     "recent",    "healed",    "primary",
         "model",    "baseline", "mean",    "median",   "train",  "medial", "anterior", "posterior", "inferior",  "superior",
         "proximal", "distal",   "inc",     "llc",      "ltd",    "gmbh",   "ag",       "corp",      "secondary", "advanced"});
    const auto lower = lower_of(word);
    const bool ends = std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return lower.view().ends_with(ending); });
    return ends || is_among(words, word);
}

// "GLU^Glucose" is a code and what it means; "DOE^Jane" is a person, for Jane is a first name.
bool is_abbreviation_of(std::string_view family, std::string_view given) {
    return family.size() <= 4 && is_all_capitals(family) && !is_all_capitals(given);
}

}  // namespace

bool is_person_name_at(std::string_view text, std::size_t caret) {
    std::size_t begin = caret;
    while (begin > 0 && is_name_byte(text, begin - 1)) --begin;
    const auto family = text.substr(begin, caret - begin);
    std::size_t end = caret + 1;
    while (end < text.size() && is_name_byte(text, end)) ++end;
    const auto given = text.substr(caret + 1, end - caret - 1);
    const char before = begin > 0 ? text[begin - 1] : '\0';
    const auto token = text.substr(0, begin).substr(text.substr(0, begin).find_last_of("^|~ ,;:\"") + 1);
    const bool behind_number = before == '^' && begin > 1 && is_digit(text[begin - 2]);
    if (is_digit(before) || before == '_' || has_digit(token) || (before == '^' && !behind_number)) return false;
    if (end < text.size() && (is_digit(text[end]) || text[end] == '_')) return false;
    if (family.size() < 2 || given.size() < 2 || !is_capital_at(family, 0) || !is_word_at(given, 0)) return false;
    const auto *first = known_word(family), *second = known_word(given);
    if (is_no_name(first) || is_no_name(second) || has_coding_system(text, caret)) return false;
    return is_role(second, {WordRole::first_name}) || !is_abbreviation_of(family, given);
}

bool begins_with_name(Cursor value, NameWanted wanted) {
    int names = 0, initials = 0;
    bool first_name = false, capitals = true, place = false;
    for (int words = 0; words < 6 && value.at_word(); ++words) {
        const auto begin = value.at;
        const auto word = value.word();
        const auto* known = known_word(word);
        if (is_digit(value.peek())) return false;            // a pseudonym
        if (place && is_of_institution(word)) return false;  // "Santa Maria Hospital"
        place = (words == 0 ? is_before_name_of_place(word) : place) && value.peek() == ' ';
        value.skip(". ,^");
        if (words == 0 && is_role(known, {WordRole::title})) continue;
        if (is_role(known, {WordRole::filler}) && names > 0) continue;
        if (is_role(known, {WordRole::name_link}) && names > 0 && !is_capital_at(value.text, begin)) continue;
        if (!is_capital_at(value.text, begin) || word.find('_') != std::string_view::npos) break;
        if (!first_name && is_no_name(known)) {
            if (is_role(known, {WordRole::filler}) && word.size() > 1) continue;  // "De La Cruz"
            return false;
        }
        capitals = capitals && word.size() > 2 && is_all_capitals(word);
        first_name = first_name || is_role(known, {WordRole::first_name});
        (word.size() == 1 ? initials : names) += 1;
    }
    if (names == 0 || names + std::min(initials, 1) < wanted.words) return false;
    return !wanted.first_name || first_name || (wanted.or_capitals && capitals);
}

bool has_credentials(Cursor name) {
    constexpr auto credentials = std::to_array<std::string_view>(
        {"RN", "NP", "MD", "PhD", "CRNP", "APRN", "ARNP", "DNP", "LPN", "BSN", "MSN", "FNP", "MBBS", "FRCR", "ARRT"});
    int commas = 0;
    for (int words = 0; words < name_words_max && commas < 2 && is_capital_at(name.text, name.at); ++words) {
        const auto word = name.word();
        if (words > 0 && std::find(credentials.begin(), credentials.end(), word) != credentials.end()) return true;
        if (words > 0 && word == "PA" && name.peek() == '-' && name.peek(1) == 'C') return true;
        if (word.size() <= 1) name.take(".");
        if (name.take(",")) ++commas;
        name.skip(" ");
    }
    return false;
}

bool is_name_value(std::string_view text, std::string_view patient_id) {
    text = trimmed(text);
    if (has_digit(text) || text == trimmed(patient_id) || is_missing({Kind::text, text})) return false;
    bool any = false;
    for (Cursor cursor{text}; !cursor.end();) {
        if (!cursor.at_word() || cursor.peek() == '_') {
            cursor.at += std::max<std::size_t>(mark_size(text, cursor.at), 1);
            continue;
        }
        const auto word = cursor.word();
        const auto* known = known_word(word);
        any =
            any || (known == nullptr && word.size() > 1) || is_role(known, {WordRole::first_name, WordRole::name_link, WordRole::relative});
    }
    return any;
}

bool is_likely_name_value(std::string_view text, std::string_view patient_id) {
    if (!is_name_value(text, patient_id)) return false;
    int words = 0;
    bool first_name = false, place = false, comma = false, listed = true;
    for (Cursor cursor{text}; !cursor.end();) {
        if (!cursor.at_word() || cursor.peek() == '_') {
            if (cursor.peek() == ',') listed = listed && !comma && words > 0, comma = true;
            cursor.at += std::max<std::size_t>(mark_size(text, cursor.at), 1);
            continue;
        }
        const auto begin = cursor.at;
        const auto word = cursor.word();
        const auto* known = known_word(word);
        if (is_of_institution(word)) return false;
        if (!first_name && is_no_name(known) && !is_role(known, {WordRole::filler, WordRole::title})) return false;
        first_name = first_name || is_role(known, {WordRole::first_name});
        if (words == 0) place = is_before_name_of_place(word);
        else if (words == 1 && place && first_name) return false;
        listed = listed && is_capital_at(text, begin) && !is_no_name(known) && !is_medical(word);
        ++words;
    }
    return words <= name_words_max && (first_name || (comma && listed && words >= 2 && words <= 4));
}

bool is_name_for_id(std::string_view patient_id) {
    patient_id = trimmed(patient_id);
    if (patient_id.size() > 64 || has_digit(patient_id)) return false;
    int words = 0;
    bool first_name = false;
    for (std::size_t at = 0; at < patient_id.size();) {
        const auto end = std::min(patient_id.find_first_of(" ,_", at), patient_id.size());
        const auto word = patient_id.substr(at, end - at);
        at = end + 1;
        if (word.empty()) continue;
        const auto* known = known_word(word);
        const bool person = is_role(known, {WordRole::person_word}) && word.size() > 3;  // "pt" may stand before a name
        if (is_no_name(known) ? !is_role(known, {WordRole::filler}) : person) return false;
        for (std::size_t i = 0; i < word.size(); ++i)
            if (!is_name_byte(word, i) && word[i] != '.') return false;
        first_name = first_name || is_role(known, {WordRole::first_name});
        if (word.size() > 1) ++words;
    }
    const bool is_listed = patient_id.find(',') != std::string_view::npos;
    return words >= 2 && (first_name || is_listed);
}

}  // namespace data_center_classifier::domain
