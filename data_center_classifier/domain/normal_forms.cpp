// What centres write for modality, body part, sex, side, age, dates and labels, read into one form each. Only what means one thing is read:
// "H" is a man in Spanish and nothing in English, and 01/02/2026 is two days.
#include "data_center_classifier/domain/facts.hpp"

#include "data_center_classifier/domain/text.hpp"

#include <algorithm>
#include <cmath>

namespace data_center_classifier::domain {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;

constexpr std::size_t body_part_bytes_max = 60, scalar_bytes_max = 24;

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

template <class T>
struct Synonym {
    std::string_view words;  // as words_of() gives them
    T means;
};
template <class T, std::size_t size>
std::optional<T> meaning_in(const std::array<Synonym<T>, size>& table, Value value) {
    if (!is_scalar(value) || value.text.size() > scalar_bytes_max) return std::nullopt;
    const auto words = words_of(value.text);
    if (!words) return std::nullopt;
    const auto found = std::find_if(table.begin(), table.end(), [&](const auto& one) { return one.words == words->view(); });
    return found == table.end() ? std::nullopt : std::optional(found->means);
}

constexpr auto modality_synonyms = std::to_array<Synonym<std::string_view>>({
    {"mri", "MR"},
    {"rm", "MR"},
    {"rmn", "MR"},
    {"tc", "CT"},
    {"tac", "CT"},
    {"pet", "PT"},
    {"xr", "DX"},
    {"rx", "DX"},
    {"dr", "DX"},
    {"x ray", "DX"},
    {"xray", "DX"},
    {"eco", "US"},
    {"ultrasound", "US"},
    {"ct scan", "CT"},
    {"mamografia", "MG"},
    {"mammography", "MG"},
});
constexpr auto sexes = std::to_array<Synonym<char>>({
    {"m", 'M'},        {"male", 'M'},      {"man", 'M'},      {"masc", 'M'},      {"masculino", 'M'},  {"masculin", 'M'}, {"hombre", 'M'},
    {"varon", 'M'},    {"macho", 'M'},     {"f", 'F'},        {"female", 'F'},    {"woman", 'F'},      {"fem", 'F'},      {"femenino", 'F'},
    {"feminino", 'F'}, {"mujer", 'F'},     {"hembra", 'F'},   {"o", 'O'},         {"other", 'O'},      {"otro", 'O'},     {"x", 'O'},
    {"a", 'O'},        {"ambiguous", 'O'}, {"intersex", 'O'}, {"nonbinary", 'O'}, {"non binary", 'O'},
});
constexpr auto sides = std::to_array<Synonym<char>>({
    {"l", 'L'},         {"left", 'L'},      {"i", 'L'},       {"izq", 'L'},      {"izqdo", 'L'}, {"izqda", 'L'},
    {"izquierda", 'L'}, {"izquierdo", 'L'}, {"r", 'R'},       {"right", 'R'},    {"d", 'R'},     {"dcha", 'R'},
    {"dcho", 'R'},      {"derecha", 'R'},   {"derecho", 'R'}, {"b", 'B'},        {"both", 'B'},  {"ambos", 'B'},
    {"ambas", 'B'},     {"bilateral", 'B'}, {"u", 'U'},       {"unpaired", 'U'},
});
constexpr auto labels = std::to_array<Synonym<Label>>({
    {"1", Label::yes},
    {"true", Label::yes},
    {"yes", Label::yes},
    {"y", Label::yes},
    {"si", Label::yes},
    {"s", Label::yes},
    {"0", Label::no},
    {"false", Label::no},
    {"no", Label::no},
    {"n", Label::no},
});
// Units of an age, and how many of them a year has.
constexpr auto units = std::to_array<Synonym<double>>({
    {"y", 1},
    {"yr", 1},
    {"yrs", 1},
    {"yo", 1},
    {"year", 1},
    {"years", 1},
    {"year old", 1},
    {"years old", 1},
    {"a", 1},
    {"ano", 1},
    {"anos", 1},
    {"m", 12},
    {"month", 12},
    {"months", 12},
    {"mes", 12},
    {"meses", 12},
    {"w", 365.25 / 7},
    {"week", 365.25 / 7},
    {"weeks", 365.25 / 7},
    {"semana", 365.25 / 7},
    {"semanas", 365.25 / 7},
    {"d", 365.25},
    {"day", 365.25},
    {"days", 365.25},
    {"dia", 365.25},
    {"dias", 365.25},
    {"or more", 1},
    {"or older", 1},
    {"o mas", 1},
});

// A defined term has no spaces: "c spine" is CSPINE.
std::string_view as_term(std::string_view words, const CodeLists& lists) {
    ShortText term;
    for (const char c : words)
        if (c != ' ') term.push(to_upper(c));
    return lists.body_parts.find(term.view());
}

std::optional<std::string> body_part_of(std::string_view words, const CodeLists& lists) {
    if (words.empty()) return std::nullopt;
    if (const auto term = as_term(words, lists); !term.empty()) return std::string(term);
    const auto found = lists.body_part_synonyms.find(words);
    if (found == lists.body_part_synonyms.end()) return std::nullopt;
    return found->second;
}

// What says how a part was taken, and which of two it is.
bool is_beside_the_part(std::string_view word) {
    constexpr auto words = std::to_array<std::string_view>(
        {"left",  "right",     "l",        "r",      "izquierda", "izquierdo", "izq",    "derecha",      "derecho", "dcha",
         "dcho",  "bilateral", "both",     "ambos",  "ambas",     "pa",        "ap",     "lat",          "lateral", "view",
         "views", "port",      "portable", "entire", "joint",     "structure", "region", "articulacion", "oblique", "frontal"});
    return std::find(words.begin(), words.end(), word) != words.end();
}

// "rodilla derecha" is "rodilla", and "torax pa y lat" "torax".
ShortText part_alone(std::string_view words) {
    ShortText part;
    std::string_view joint;  // stands only between two words that stay
    while (!words.empty()) {
        const auto word = words.substr(0, words.find(' '));
        words.remove_prefix(std::min(word.size() + 1, words.size()));
        if (is_beside_the_part(word)) continue;
        if (word == "y" || word == "and" || word == "de") {
            joint = word;
            continue;
        }
        for (const auto next : {part.view().empty() ? std::string_view() : joint, word}) {
            if (!part.view().empty() && !next.empty()) part.push(' ');
            for (const char c : next) part.push(c);
        }
        joint = {};
    }
    return part;
}

std::optional<Moment> whole_day(std::string_view iso) {
    const auto day = kernel::day_from_text(iso);
    if (!day) return std::nullopt;
    return Moment{*day, *day + days(1) - milliseconds(1)};
}

std::optional<Moment> instant(std::string_view rfc3339) {
    const auto time = kernel::timestamp_from_text(rfc3339);
    if (!time) return std::nullopt;
    return Moment{*time, *time};
}

// The digits of DICOM DT and HL7 TS with the marks of ISO: "20240131101010.5+0100", "202401311010", "20240131"; and "20240131T101010Z".
std::optional<Moment> moment_of_digits(std::string_view text) {
    ShortText joined;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i != 8 || text[i] != 'T') joined.push(text[i]);
    text = joined.view();
    const auto size = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto digits = text.substr(0, size);
    auto rest = text.substr(size);
    if (size != 8 && size != 12 && size != 14) return std::nullopt;
    ShortText iso;
    for (std::size_t i = 0; i < size; ++i) {
        if (i == 4 || i == 6) iso.push('-');
        if (i == 8) iso.push('T');
        if (i == 10 || i == 12) iso.push(':');
        iso.push(digits[i]);
    }
    if (size == 8) return rest.empty() ? whole_day(iso.view()) : std::nullopt;
    if (size == 12)
        for (const char c : std::string_view(":00")) iso.push(c);
    const auto fraction = std::min(rest.find_first_of("+-Zz"), rest.size());
    if (fraction == 1 || (fraction > 0 && rest[0] != '.')) return std::nullopt;
    for (const char c : rest.substr(0, fraction)) iso.push(c);
    rest.remove_prefix(fraction);
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (i == 3 && rest.size() == 5) iso.push(':');
        iso.push(rest[i]);
    }
    if (rest.empty()) iso.push('Z');
    return instant(iso.view());
}

// "89+", ">89", "89 or more": at least so old is that old.
std::string_view without_bound(std::string_view text) {
    for (const std::string_view sign : {">=", ">"})
        if (text.starts_with(sign)) return trimmed(text.substr(sign.size()));
    return text.ends_with('+') ? trimmed(text.substr(0, text.size() - 1)) : text;
}

}  // namespace

std::optional<std::string> normal_modality(Value value, const CodeLists& lists) {
    if (value.kind != Kind::text) return std::nullopt;
    auto text = trimmed(value.text);
    if (text.empty() || text.size() > scalar_bytes_max) return std::nullopt;
    // Of several modalities in one study the first stands for it: "PT\CT". Each has to be known.
    std::optional<std::string> first;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of("\\/;,"), text.size());
        const auto one = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        auto code = lists.modalities.find(upper_of(one).view());
        if (code.empty()) code = meaning_in(modality_synonyms, {Kind::text, one}).value_or("");
        if (code.empty()) return std::nullopt;
        if (!first) first = std::string(code);
    }
    return first;
}

std::optional<std::string> normal_body_part(Value value, const CodeLists& lists) {
    if (value.kind != Kind::text) return std::nullopt;
    const auto words = words_of(value.text);
    if (!words) return std::nullopt;
    if (auto part = body_part_of(words->view(), lists)) return part;
    return body_part_of(part_alone(words->view()).view(), lists);
}

std::optional<std::string> normal_sex(Value value) {
    const auto sex = meaning_in(sexes, value);
    return sex ? std::optional(std::string(1, *sex)) : std::nullopt;
}

std::optional<char> normal_side(Value value) {
    return meaning_in(sides, value);
}

std::optional<double> normal_age_years(Value value) {
    if (!is_scalar(value)) return std::nullopt;
    auto text = trimmed(value.text);
    if (text.empty() || text.size() > scalar_bytes_max) return std::nullopt;
    text = without_bound(text);
    const auto size = std::min(text.find_first_not_of("0123456789.-+eE"), text.size());
    const auto unit = trimmed(text.substr(size));
    const auto per_year = unit.empty() ? std::optional(1.0) : meaning_in(units, {Kind::text, unit});
    const auto number = number_of<double>(trimmed(text.substr(0, size)));
    if (!number || !per_year || !std::isfinite(*number)) return std::nullopt;
    return *number / *per_year;
}

std::optional<Moment> moment_of(Value value) {
    if (!is_scalar(value)) return std::nullopt;
    const auto text = trimmed(value.text);
    if (text.size() < 8 || text.size() > 40) return std::nullopt;
    if (text.find_first_not_of("0123456789") >= 8) return moment_of_digits(text);
    if (text.size() == 10) {
        ShortText iso;
        const bool slashes = text[4] == '/' && text[7] == '/';
        for (const char c : text) iso.push(slashes && c == '/' ? '-' : c);
        return whole_day(iso.view());
    }
    if (text.size() < 16) return std::nullopt;
    if (auto moment = instant(text)) return moment;
    auto with_offset = lower_of(text);
    if (text.size() == 16)
        for (const char c : std::string_view(":00")) with_offset.push(c);
    with_offset.push('z');
    return instant(with_offset.view());
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
    if (text == "-1") return Label::uncertain;
    return meaning_in(labels, {Kind::text, text}).value_or(Label::broken);
}

}  // namespace data_center_classifier::domain
