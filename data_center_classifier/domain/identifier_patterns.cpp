// Exact patterns, written by hand: linear, without allocation.
#include "data_center_classifier/domain/identifier_patterns.hpp"

#include "data_center_classifier/domain/person_names.hpp"

#include <span>

namespace data_center_classifier::domain {
namespace {

constexpr std::size_t number_run_max = 32;

// Digits with the separators of a telephone number; how many, or 0 when it is none. Stands behind them then.
std::size_t take_phone_digits(Cursor& cursor) {
    std::size_t count = 0, gap = 0;
    if (cursor.peek() == '+') ++cursor.at;
    for (; gap < 3 && count < 17; ++cursor.at) {
        const char c = cursor.peek();
        if (is_digit(c)) ++count, gap = 0;
        else if (c == ' ' || c == '-' || c == '(' || c == ')' || c == '.' || c == '/') ++gap;
        else break;
    }
    return is_letter(cursor.peek()) && gap == 0 ? 0 : count;
}
std::size_t phone_digits(Cursor cursor) {
    return take_phone_digits(cursor);
}

struct Part {
    std::size_t digits = 0;
    int value = 0;
};
Part part_of(Cursor& cursor) {
    const auto begin = cursor.at;
    const auto digits = cursor.digits(5);
    return {digits, number_of<int>(cursor.text.substr(begin, digits)).value_or(-1)};
}

// A day of the last and this century in three parts, whatever stands between them: "2024 01 31", "12.03.2024".
bool is_day(Cursor cursor) {
    const auto first = part_of(cursor);
    cursor.skip(" .-/");
    const auto second = part_of(cursor);
    cursor.skip(" .-/");
    const auto third = part_of(cursor);
    const auto is_year = [](const Part& part) { return part.digits == 4 && part.value >= 1900 && part.value < 2100; };
    const auto is_up_to = [](const Part& part, int most) {
        return (part.digits == 1 || part.digits == 2) && part.value >= 1 && part.value <= most;
    };
    if (is_year(first)) return is_up_to(second, 12) && is_up_to(third, 31);
    return is_up_to(first, 31) && is_up_to(second, 31) && is_year(third);
}

// "1430 2024 01 31", "10.30 12.03.2024"
bool is_time_and_day(Cursor cursor) {
    const auto hours = cursor.digits(4);
    if (hours == 1 || hours == 2) {
        if (cursor.peek() != ':' && cursor.peek() != '.' && cursor.peek() != ' ') return false;
        ++cursor.at;
        if (cursor.digits(3) != 2) return false;
    } else if (hours != 4) {
        return false;
    }
    if (cursor.peek() != ' ') return false;
    cursor.skip(" ");
    return is_day(cursor);
}

bool is_month(std::string_view word) {
    constexpr std::string_view months = "jan feb mar apr may jun jul aug sep oct nov dec ene abr ago dic set fev mai out dez";
    if (word.size() < 3) return false;
    const auto lower = lower_of(word.substr(0, 3));
    const auto at = months.find(lower.view());
    return at != std::string_view::npos && at % 4 == 0;
}

// "2 March 1960", "2nd of March 1960", "2 de marzo de 1960", or, month first, "March 2, 1960".
bool is_worded_date(Cursor cursor) {
    const auto day_first = cursor.digits(3);
    if (day_first > 2) return false;
    if (day_first > 0)
        for (const std::string_view ending : {"st", "nd", "rd", "th"}) cursor.take(ending);
    cursor.skip(" .-");
    if (!cursor.take("de ")) cursor.take("of ");
    if (!is_month(cursor.word())) return false;
    cursor.skip(" .,-");
    if (day_first == 0) {
        const auto day = cursor.digits(3);
        if (day == 0 || day > 2) return false;
        cursor.skip(" ,");
    } else {
        cursor.take("de ");
    }
    return cursor.digits(5) == 4;
}

bool is_all_capitals(std::string_view word) {
    return std::none_of(word.begin(), word.end(), is_lower);
}

bool is_among(std::span<const std::string_view> words, std::string_view word) {
    const auto lower = lower_of(word);
    return std::find(words.begin(), words.end(), lower.view()) != words.end();
}
// "12 Lead ST", "3 Months Prior St. post op": some are surnames elsewhere.
bool is_in_no_street(std::string_view word) {
    constexpr auto words = std::to_array<std::string_view>(
        {"medical", "lead",  "leads",   "month",  "months",  "week",      "weeks",      "days",    "hours",  "hrs",
         "minutes", "prior", "ago",     "vessel", "vessels", "elevation", "depression", "segment", "minute", "seconds",
         "percent", "tesla", "chamber", "gauge",  "degree",  "degrees",   "fr",         "french"});
    return is_among(words, word);
}
// "MINIMAL ST ELEVATION", "2 Chamber St. Jude", "3D Road Map".
bool is_behind_no_street(std::string_view word) {
    constexpr auto words =
        std::to_array<std::string_view>({"elevation", "elevations", "depression", "depressions", "segment", "segments", "deviation",
                                         "deviations", "change", "changes", "wave", "waves", "jude", "map", "maps", "mapping"});
    return is_among(words, word);
}

// Words that tell whose a telephone, an address or a mailbox is.
enum class OwnerSign : std::uint8_t {
    staff,
    staff_before_the,  // "contact the", "call us": alone it labels a patient's telephone
    mailbox,           // staff's in an e-mail address only
    patient,
};
struct OwnerWord {
    std::string_view text;
    OwnerSign sign = OwnerSign::staff;
};
struct OwnerGroup {
    OwnerSign sign;
    std::string_view list;
};
constexpr auto owner_groups = std::to_array<OwnerGroup>({
    {OwnerSign::staff,
     "called questions department departamento depto dept radiology radiologia hospital clinic clinica clinique centre center centro "
     "associates university universidad universidade imaging office fax pager dr dra doctor doctora doutor doutora servicio servico "
     "consulta consultas physician room"},
    {OwnerSign::staff_before_the, "contact call page"},
    {OwnerSign::mailbox,
     "cita citas info contacto contato admisiones admision appointments reception recepcion secretaria secretary admin support soporte "
     "reports informes laudos pacs ris results resultados rayos rx atencion urgencias emergency referrals scheduling help helpdesk"},
    {OwnerSign::patient,
     "mr mrs ms miss sr sra srta him family relative relatives parents carer brother sister hermano hermana familia familiares patient "
     "patients paciente pacientes pt pte home his her su she he mobile movil lives living vive reside resides residing mora "
     "domicilio domiciliado domiciliada residente name nombre nome apellido apellidos surname dob nacimiento nascimento born nacido "
     "nacida nascido nascida historia mrn nhc dni daughter son wife husband mother father hija hijo esposa esposo marido madre padre "
     "mae pai filha filho familiar"},
});
constexpr std::size_t owner_words = [] {
    std::size_t sum = 0;
    for (const auto& group : owner_groups) sum += count_words(group.list);
    return sum;
}();
constexpr WordTable<OwnerWord, owner_words, 512> owner_table{[] {
    std::array<OwnerWord, owner_words> all{};
    std::size_t i = 0;
    for (const auto& group : owner_groups) each_word(group.list, [&](std::string_view text) { all[i++] = {text, group.sign}; });
    return all;
}()};
static_assert(owner_table.finds_each_word());

const OwnerWord* take_owner_word(std::string_view text, std::size_t& at) {
    const auto folded = read_word(text, at);
    return owner_table.find(folded.hash.value, folded.size);
}

// A point ends a sentence but behind these, and behind initials: "Dr. Smith", "Tel. 600".
bool is_abbreviated(std::string_view word) {
    constexpr auto words = std::to_array<std::string_view>({"dr", "dra", "mr", "mrs", "ms", "sr",   "sra",  "tel",   "telf", "tlf", "tfno",
                                                            "ph", "ext", "no", "st",  "av", "avda", "dept", "depto", "univ", "hosp"});
    return word.size() == 1 || is_among(words, word);
}
std::size_t begin_of_sentence(std::string_view text, std::size_t at) {
    constexpr std::size_t bytes_max = 240;
    const auto first = at - std::min(at, bytes_max);
    for (; at > first; --at) {
        const char c = text[at - 1];
        if (c == '\n' || c == '\r' || c == ';' || c == '!' || c == '?') return at;
        if (c != '.' || at >= text.size() || !is_space(text[at])) continue;
        auto begin = at - 1;
        while (begin > first && is_word_byte(text[begin - 1])) --begin;
        if (!is_abbreviated(text.substr(begin, at - 1 - begin))) return at;
    }
    return at;
}

// "radiologia", "citas.rx": all of it words of a department.
bool is_mailbox_of_staff(std::string_view local) {
    bool any = false;
    for (std::size_t at = 0; at < local.size();) {
        if (!is_letter(local[at])) {
            ++at;
            continue;
        }
        const auto end = std::find_if_not(local.begin() + static_cast<std::ptrdiff_t>(at), local.end(), is_letter) - local.begin();
        const auto* known = take_owner_word(local.substr(0, static_cast<std::size_t>(end)), at);
        if (known == nullptr || known->sign == OwnerSign::patient) return false;
        any = true;
    }
    return any;
}

bool ends_number(Cursor cursor) {
    return cursor.peek() != '.' || !is_digit(cursor.peek(1));
}

}  // namespace

Owner owner_before(std::string_view text, std::size_t at) {
    bool staff = false;
    const auto sentence = text.substr(0, at);
    for (std::size_t i = begin_of_sentence(text, at); i < sentence.size();) {
        if (!is_word_at(sentence, i)) {
            i += std::max<std::size_t>(mark_size(sentence, i), 1);
            continue;
        }
        const auto* known = take_owner_word(sentence, i);
        if (known == nullptr || known->sign == OwnerSign::mailbox) continue;
        if (known->sign == OwnerSign::patient) return Owner::patient;
        constexpr auto followers = std::to_array<std::string_view>({"the", "us", "our", "me"});
        const bool before_the = sentence.substr(i).starts_with(' ') && is_among(followers, Cursor{sentence, i + 1}.word());
        staff = staff || known->sign == OwnerSign::staff || before_the;
    }
    return staff ? Owner::staff : Owner::unknown;
}

bool is_email_at(std::string_view text, std::size_t sign) {
    const auto is_local = [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-'; };
    std::size_t begin = sign;
    while (begin > 0 && sign - begin < 64 && is_local(text[begin - 1])) --begin;
    if (begin == sign || (begin > 1 && text[begin - 1] == '/' && text[begin - 2] == '/')) return false;
    std::size_t end = sign + 1, last_dot = 0;
    for (; end < text.size() && end - sign < 255 && (is_alnum(text[end]) || text[end] == '.' || text[end] == '-'); ++end)
        if (text[end] == '.' && end + 2 < text.size() && is_letter(text[end + 1]) && is_letter(text[end + 2])) last_dot = end;
    if (last_dot <= sign + 1) return false;
    return !is_mailbox_of_staff(text.substr(begin, sign - begin)) || owner_before(text, begin) == Owner::patient;
}

bool is_labelled_phone(Cursor cursor, std::size_t digits_min) {
    if (cursor.peek() != '+' && cursor.peek() != '(' && !is_digit(cursor.peek())) return false;
    const auto count = phone_digits(cursor);
    return count >= digits_min && count <= 15 && !begins_with_full_date(cursor.rest()) && !is_day(cursor) && !is_time_and_day(cursor);
}

bool is_international_phone(Cursor cursor) {
    if (cursor.at > 0 && is_alnum(cursor.text[cursor.at - 1])) return false;
    if (cursor.peek(1) < '1' || cursor.peek(1) > '9' || cursor.peek(2) == '.') return false;
    auto behind = cursor;
    const auto count = take_phone_digits(behind);
    if (count < 9 || count > 15 || is_measure_behind(behind)) return false;
    ++cursor.at;
    const char first = cursor.peek();
    const auto code = cursor.digits(17);
    return code == count || code == 1 ||
           (code <= 3 && first != '1' && first != '7');  // codes of the ITU: 1, 7, and others of two and three
}

bool is_american_phone(Cursor cursor) {
    const bool bracket = cursor.peek() == '(';
    if (bracket) ++cursor.at;
    if (cursor.peek() < '2' || cursor.digits(4) != 3) return false;
    if (bracket && cursor.peek() != ')') return false;
    if (bracket) ++cursor.at, cursor.skip(" ");
    else if (cursor.peek() != '-') return false;
    if (cursor.peek() == '-') ++cursor.at;
    if (cursor.peek() < '2' || cursor.digits(4) != 3 || (cursor.peek() != '-' && cursor.peek() != ' ')) return false;
    ++cursor.at;
    return cursor.digits(5) == 4 && !is_alnum(cursor.peek()) && cursor.peek() != '-' && !is_measure_behind(cursor);
}

bool is_labelled_ssn(Cursor cursor) {
    const auto first = cursor.digits(10);
    if (first == 9) return true;
    if (first != 3 || (cursor.peek() != '-' && cursor.peek() != ' ')) return false;
    ++cursor.at;
    if (cursor.digits(3) != 2 || (cursor.peek() != '-' && cursor.peek() != ' ')) return false;
    ++cursor.at;
    return cursor.digits(5) == 4;
}

bool is_labelled_dni(Cursor cursor) {
    const auto first = cursor.digits(9);
    if (first == 1 || first == 2) {
        for (int group = 0; group < 2; ++group)
            if (!cursor.take(".") || cursor.digits(4) != 3) return false;
    } else if (first != 7 && first != 8) {
        return false;
    }
    return ends_number(cursor) && !is_alnum(cursor.peek());
}

bool is_labelled_health_id(Cursor cursor) {
    std::array<int, 13> digits{};
    std::size_t count = 0;
    for (; count < digits.size() && is_digit(cursor.peek()); cursor.skip(" -/")) {
        digits[count++] = cursor.peek() - '0';
        ++cursor.at;
    }
    if (count == 11 || count == 12) return true;
    if (count != 10) return false;
    int sum = 0;
    for (std::size_t i = 0; i < 9; ++i) sum += digits[i] * static_cast<int>(10 - i);
    return (11 - sum % 11) % 11 == digits[9];
}

bool is_curp(std::string_view token) {
    constexpr std::string_view shape = "AAAA999999AAAAAA99";
    if (token.size() != shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool either = i == 16;  // a letter for those born in this century
        if (!either && (shape[i] == '9' ? !is_digit(token[i]) : !is_letter(token[i]))) return false;
    }
    const char sex = to_upper(token[10]);
    return is_alnum(token[16]) && (sex == 'H' || sex == 'M' || sex == 'X') && token[6] <= '1' && token[8] <= '3';
}

std::string_view id_token(Cursor cursor) {
    const auto begin = cursor.at;
    if (is_letter(cursor.peek())) ++cursor.at;
    while (cursor.at - begin < number_run_max && (is_digit(cursor.peek()) || cursor.peek() == '.' || cursor.peek() == '-')) ++cursor.at;
    if (is_letter(cursor.peek()) && !is_alnum(cursor.peek(1))) ++cursor.at;
    auto token = cursor.text.substr(begin, cursor.at - begin);
    while (!token.empty() && (token.back() == '.' || token.back() == '-')) token.remove_suffix(1);
    return token;
}

bool is_time_stamp(Cursor cursor) {
    const auto begin = cursor.at;
    const auto count = cursor.digits(15);
    const auto part = [&](std::size_t at, std::size_t size) { return number_of<int>(cursor.text.substr(begin + at, size)).value_or(-1); };
    if ((count != 10 && count != 12 && count != 14) || part(0, 4) < 1990 || part(0, 4) >= 2100) return false;
    return part(4, 2) >= 1 && part(4, 2) <= 12 && part(6, 2) >= 1 && part(6, 2) <= 31 && part(8, 2) < 24;
}

bool is_measure_behind(Cursor cursor) {
    constexpr auto units = std::to_array<std::string_view>({"mm",  "MM",  "cm",  "CM",  "ml",  "mL",  "ML",   "cc", "HU",  "mg",
                                                            "MG",  "mcg", "ppm", "mGy", "cGy", "Gy",  "kV",   "mA", "mAs", "ms",
                                                            "mSv", "MBq", "mCi", "kVp", "ng",  "bpm", "mmHg", "kg", "min"});
    cursor.skip(" ");
    const auto begin = cursor.at;
    while (is_letter(cursor.peek())) ++cursor.at;
    const auto unit = cursor.text.substr(std::min(begin, cursor.text.size()), cursor.at - begin);
    const bool is_copy = unit == "cc" && (cursor.peek() == ':' || is_upper(cursor.peek(1)));  // "cc: Dr. Smith"
    return !is_copy && std::find(units.begin(), units.end(), unit) != units.end();
}

// Between the word of the street and the number stand names, and words that join them. A street in small letters is one only when nothing
// follows its number: "calle mayor 12".
bool is_street_then_number(Cursor cursor, StreetNames names) {
    cursor.skip(". ");
    bool named = false, capital = false;
    for (int words = 0; words < 5 && cursor.at_word(); ++words) {
        const auto begin = cursor.at;
        const auto word = cursor.word();
        const auto* known = known_word(word);
        const bool joins = is_role(known, {WordRole::filler, WordRole::title, WordRole::name_link});
        if (!joins && is_no_name(known)) return false;
        named = named || !joins;
        capital = capital || (!joins && is_capital_at(cursor.text, begin));
        cursor.skip(" ,.#\xc2\xba\xb0");
    }
    const auto count = cursor.digits(6);
    if (!named || count == 0 || count > 5 || !ends_number(cursor) || is_letter(cursor.peek())) return false;
    if (!capital && (names == StreetNames::capitalised || count > 3)) return false;
    return (capital && !is_measure_behind(cursor)) || cursor.end() || cursor.peek() == ',' || cursor.peek() == '.' || cursor.peek() == '\n';
}

bool is_spanish_street(Cursor cursor) {
    if (!cursor.take("/")) return false;
    cursor.skip(" ");
    return is_capital_at(cursor.text, cursor.at) && is_street_then_number(cursor, StreetNames::capitalised);
}

bool is_number_before_street(std::string_view text, std::size_t street) {
    if (!is_upper(text[street])) return false;
    Cursor behind{text, street};
    const auto word_of_street = behind.word();
    behind.skip(" .");
    const bool finding = word_of_street.size() <= 3 && is_all_capitals(word_of_street);  // "ST", unless all is in capitals
    if (finding && !is_all_capitals(word_before(text, street))) return false;
    const auto street_name = lower_of(word_of_street);
    if ((street_name.view() == "st" || street_name.view() == "road") && is_behind_no_street(behind.word())) return false;
    std::size_t at = street;
    for (int words = 0; words < 4; ++words) {
        if (at < 2 || text[at - 1] != ' ') return false;
        --at;
        const auto end = at;
        const bool lettered = is_upper(text[at - 1]) && at > 1 && is_digit(text[at - 2]);  // "221B"
        if (is_digit(text[at - 1]) || lettered) {
            if (lettered) --at;
            while (at > 0 && is_digit(text[at - 1])) --at;
            const bool alone = at == 0 || is_space(text[at - 1]) || text[at - 1] == ',' || text[at - 1] == '"' || text[at - 1] == ':';
            return words > 0 && end - at <= 5 && alone;
        }
        while (at > 0 && is_word_byte(text[at - 1])) --at;
        const auto word = text.substr(at, end - at);
        if (word.empty() || !is_capital_at(text, at) || is_no_name(known_word(word)) || is_in_no_street(word)) return false;
    }
    return false;
}

bool is_labelled_address(Cursor value) {
    if (is_digit(value.peek())) {
        const auto count = value.digits(6);
        return count < 6 && value.peek() == ' ' && is_upper(value.peek(1));
    }
    const auto line = value.text.substr(value.at, 60);
    const auto number = std::find_if(line.begin(), line.end(), is_digit);
    const auto behind_number = std::find_if_not(number, line.end(), [](char c) { return is_digit(c) || c == '.' || c == ','; });
    if (is_measure_behind({line, static_cast<std::size_t>(behind_number - line.begin())})) return false;
    if (!is_capital_at(value.text, value.at) || is_no_name(known_word(value.word()))) return false;
    return std::any_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(std::min(line.find_first_of("\n.;"), line.size())),
                       is_digit);
}

bool begins_with_full_date(std::string_view text) {
    Cursor cursor{text};
    const auto first = cursor.digits(9);
    if (first == 8) return text[0] == '1' || text[0] == '2';
    const char separator = cursor.peek();
    if (separator == '-' || separator == '/' || separator == '.') {
        ++cursor.at;
        const auto second = cursor.digits(3);
        if (second == 1 || second == 2) {
            if (cursor.peek() != separator) return is_worded_date({text});
            ++cursor.at;
            const auto third = cursor.digits(5);
            return (first == 4 && (third == 1 || third == 2)) || ((first == 1 || first == 2) && (third == 4 || third == 2));
        }
    }
    return is_worded_date({text});
}

}  // namespace data_center_classifier::domain
