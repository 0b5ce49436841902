// One scanner over the bytes: words are hashed as they are read and looked up; digits, '@', '^', '+' and '(' start the exact patterns.
#include "data_center_classifier/domain/text_signs.hpp"

#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/domain/text_words.hpp"

#include <algorithm>
#include <cstring>

namespace data_center_classifier::domain {
namespace {

constexpr std::size_t number_run_max = 32;

constexpr bool is_name_byte(char c) {
    return is_word_byte(c) || c == '\'' || c == '-';
}
constexpr bool is_alnum(char c) {
    return is_letter(c) || is_digit(c);
}

// Reading one text from `at` on. Bytes behind the end read as NUL, which no pattern accepts.
struct Cursor {
    std::string_view text;
    std::size_t at = 0;

    char peek(std::size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
    bool end() const { return at >= text.size(); }
    void skip(std::string_view any) {
        while (!end() && any.find(text[at]) != std::string_view::npos) ++at;
    }
    std::size_t digits(std::size_t most) {
        const auto begin = at;
        while (at - begin < most && is_digit(peek())) ++at;
        return at - begin;
    }
    std::string_view word() {
        const auto begin = at;
        while (!end() && (is_word_byte(text[at]) || text[at] == '_')) ++at;
        return text.substr(begin, at - begin);
    }
};

// Hash and size of a word as the table has it: lower case, without accents.
struct FoldedWord {
    WordHash hash;
    std::size_t size = 0;
    void add(char c) {
        hash.add(c);
        ++size;
    }
};

FoldedWord read_word(std::string_view text, std::size_t& at) {
    FoldedWord folded;
    for (; at < text.size() && (is_word_byte(text[at]) || text[at] == '_'); ++at) {
        const char plain = text[at] == '\xc3' && at + 1 < text.size() ? unaccented(text[at + 1]) : '\0';
        if (plain != '\0') ++at;
        folded.add(plain != '\0' ? plain : to_lower(text[at]));
    }
    return folded;
}

const Word* known_word(std::string_view text) {
    std::size_t at = 0;
    const auto folded = read_word(text, at);
    return find_word(folded.hash.value, folded.size);
}

bool is_name_like(std::string_view word) {
    if (word.size() < 2 || !(is_upper(word[0]) || word[0] == '\xc3')) return false;
    const auto* known = known_word(word);
    return known == nullptr || (known->regions == 0 && known->role != WordRole::no_name && known->role != WordRole::filler);
}

// "Doe^John": the component that ends at the caret, and the one behind it. HL7 codes have digits in the first or a coding system in the
// third.
bool is_person_name_at(std::string_view text, std::size_t caret) {
    std::size_t begin = caret;
    while (begin > 0 && is_name_byte(text[begin - 1])) --begin;
    const auto family = text.substr(begin, caret - begin);
    if (begin > 0 && (is_digit(text[begin - 1]) || text[begin - 1] == '^' || text[begin - 1] == '_')) return false;
    std::size_t end = caret + 1;
    while (end < text.size() && is_name_byte(text[end])) ++end;
    const auto given = text.substr(caret + 1, end - caret - 1);
    if (family.size() < 2 || given.size() < 2 || !is_word_byte(given[0]) || !is_name_like(family)) return false;
    if (end < text.size() && is_digit(text[end])) return false;
    const auto* known = known_word(given);
    if (known != nullptr && (known->regions != 0 || known->role == WordRole::no_name)) return false;
    constexpr auto coding_systems =
        std::to_array<std::string_view>({"ICD", "I10", "I9", "LN", "SCT", "SNM", "SNOMED", "LOINC", "RADLEX", "DCM", "SRT", "UMLS", "L"});
    const auto third = text.substr(end, 8);
    return !third.starts_with('^') || std::none_of(coding_systems.begin(), coding_systems.end(), [&](auto system) {
        const auto rest = third.substr(1);
        return rest.starts_with(system) && (rest.size() == system.size() || !is_letter(rest[system.size()]));
    });
}

bool is_email_at(std::string_view text, std::size_t sign) {
    const auto is_local = [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-'; };
    std::size_t begin = sign;
    while (begin > 0 && sign - begin < 64 && is_local(text[begin - 1])) --begin;
    if (begin == sign || (begin > 1 && text[begin - 1] == '/' && text[begin - 2] == '/')) return false;
    std::size_t end = sign + 1, last_dot = 0;
    for (; end < text.size() && end - sign < 255 && (is_alnum(text[end]) || text[end] == '.' || text[end] == '-'); ++end)
        if (text[end] == '.' && end + 2 < text.size() && is_letter(text[end + 1]) && is_letter(text[end + 2])) last_dot = end;
    return last_dot > sign + 1;
}

// Digits with the separators of a telephone number; how many, or 0 when it is none.
std::size_t phone_digits(Cursor cursor) {
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

bool is_labelled_phone(Cursor cursor) {
    if (cursor.peek() != '+' && cursor.peek() != '(' && !is_digit(cursor.peek())) return false;
    const auto count = phone_digits(cursor);
    return count >= 7 && count <= 15 && !begins_with_full_date(cursor.text.substr(cursor.at));
}

bool is_international_phone(Cursor cursor) {
    if (cursor.at > 0 && is_alnum(cursor.text[cursor.at - 1])) return false;
    if (cursor.peek(1) < '1' || cursor.peek(1) > '9' || cursor.peek(2) == '.') return false;
    const auto count = phone_digits(cursor);
    return count >= 9 && count <= 15;
}

// "(555) 123-4567", or "555-123-4567" where area and exchange begin with 2..9.
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
    return cursor.digits(5) == 4 && !is_alnum(cursor.peek()) && cursor.peek() != '-';
}

// The value behind a label: punctuation, quotes and filler words are passed by. `colon` tells whether a ':' or '=' was among them.
Cursor value_behind(Cursor cursor, bool& colon) {
    colon = false;
    for (int fillers = 0; fillers < 4; ++fillers) {
        const auto begin = cursor.at;
        cursor.skip(" \t\"'.:=#*\xc2\xba\xb0");
        colon = colon || cursor.text.substr(begin, cursor.at - begin).find_first_of(":=") != std::string_view::npos;
        if (!is_word_byte(cursor.peek())) break;
        auto behind = cursor;
        const auto* known = known_word(behind.word());
        if (colon || known == nullptr || known->role != WordRole::filler) break;
        cursor = behind;
    }
    return cursor;
}

bool is_labelled_name(Cursor value, int words_wanted, bool title_case = false) {
    for (int i = 0; i < words_wanted; ++i) {
        const auto word = value.word();
        if (!is_name_like(word) || (title_case && is_upper(word[1]))) return false;
        value.skip(" ,^");
    }
    return true;
}

bool is_labelled_ssn(Cursor cursor) {
    const auto first = cursor.digits(9);
    if (first == 9) return !is_digit(cursor.peek());
    if (first != 3 || (cursor.peek() != '-' && cursor.peek() != ' ')) return false;
    ++cursor.at;
    if (cursor.digits(3) != 2 || (cursor.peek() != '-' && cursor.peek() != ' ')) return false;
    ++cursor.at;
    return cursor.digits(5) == 4;
}

// Digits, dots and hyphens, with a letter before and behind as far as an id may have one.
std::string_view id_token(Cursor cursor) {
    const auto begin = cursor.at;
    if (is_letter(cursor.peek())) ++cursor.at;
    while (cursor.at - begin < number_run_max && (is_digit(cursor.peek()) || cursor.peek() == '.' || cursor.peek() == '-')) ++cursor.at;
    if (is_letter(cursor.peek()) && !is_alnum(cursor.peek(1))) ++cursor.at;
    auto token = cursor.text.substr(begin, cursor.at - begin);
    while (!token.empty() && (token.back() == '.' || token.back() == '-')) token.remove_suffix(1);
    return token;
}

// "Calle Mayor 12": from behind the word of the street.
bool is_street_then_number(Cursor cursor) {
    cursor.skip(". ");
    bool named = false;
    for (int words = 0; words < 5 && is_word_byte(cursor.peek()); ++words) {
        const auto word = cursor.word();
        const auto* known = known_word(word);
        const bool joins = known != nullptr && known->role == WordRole::filler;
        if (!joins && word != "los" && word != "las" && word != "del" && !is_name_like(word)) return false;
        named = named || !joins;
        cursor.skip(" ,.#\xc2\xba\xb0");
    }
    const auto count = cursor.digits(6);
    return named && count > 0 && count < 6 && cursor.peek() != '.' && !is_letter(cursor.peek());
}

// "12 Main Street": back from the word of the street.
bool is_number_before_street(std::string_view text, std::size_t street) {
    if (!is_upper(text[street]) || (street + 1 < text.size() && is_upper(text[street + 1]))) return false;
    std::size_t at = street;
    for (int words = 0; words < 4; ++words) {
        if (at < 2 || text[at - 1] != ' ') return false;
        --at;
        if (is_digit(text[at - 1])) {
            const auto end = at;
            while (at > 0 && is_digit(text[at - 1])) --at;
            const bool alone = at == 0 || is_space(text[at - 1]) || text[at - 1] == ',' || text[at - 1] == '"' || text[at - 1] == ':';
            return words > 0 && end - at <= 5 && alone;
        }
        const auto end = at;
        while (at > 0 && is_word_byte(text[at - 1])) --at;
        if (!is_name_like(text.substr(at, end - at))) return false;
    }
    return false;
}

// Behind "Address:": a number and a capitalised word, or a capitalised word and later in the line a number.
bool is_labelled_address(Cursor value) {
    if (is_digit(value.peek())) {
        const auto count = value.digits(6);
        return count < 6 && value.peek() == ' ' && is_upper(value.peek(1));
    }
    if (!is_name_like(Cursor(value).word())) return false;
    const auto line = value.text.substr(value.at, 60);
    return std::any_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(std::min(line.find_first_of("\n.;"), line.size())),
                       is_digit);
}

class Scanner {
public:
    Scanner(std::string_view text, TextUse use) : text_(text), prose_(use == TextUse::prose) {}

    TextSigns scan() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (is_word_byte(c)) take_word();
            else if (is_digit(c)) take_number();
            else take_mark(c);
        }
        return signs_;
    }

private:
    void found(Identifier identifier) { signs_.identifiers |= static_cast<std::uint8_t>(identifier); }
    void found_if(bool condition, Identifier identifier) {
        if (condition) found(identifier);
    }
    bool begins_token(std::size_t at) const {
        return at == 0 || !(is_alnum(text_[at - 1]) || text_[at - 1] == '.' || text_[at - 1] == '-' || text_[at - 1] == '_');
    }

    bool ends_token(std::size_t at) const {
        return at >= text_.size() || !(is_word_byte(text_[at]) || is_digit(text_[at]) || text_[at] == '_');
    }

    void take_mark(char c) {
        if (c == '@') found_if(is_email_at(text_, at_), Identifier::email);
        else if (c == '^') found_if(is_person_name_at(text_, at_), Identifier::person_name);
        else if (c == '+' && prose_) found_if(is_international_phone({text_, at_}), Identifier::phone);
        else if (c == '(' && prose_) found_if(is_american_phone({text_, at_}), Identifier::phone);
        ++at_;
    }

    void take_number() {
        if (begins_token(at_)) {
            const auto token = id_token({text_, at_});
            found_if(is_national_id(token, false), Identifier::national_id);
            found_if(is_ssn(token) && ends_token(at_ + token.size()), Identifier::bare_ssn);
            if (prose_ && text_.size() - at_ >= 12 && text_[at_ + 3] == '-') found_if(is_american_phone({text_, at_}), Identifier::phone);
        }
        while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.' || text_[at_] == '-')) ++at_;
    }

    void take_word() {
        const auto begin = at_;
        const auto folded = read_word(text_, at_);
        const auto* word = find_word(folded.hash.value, folded.size);
        if (word != nullptr) {
            signs_.regions |= word->regions;
            signs_.sides |= word->side;
            if (prose_ && word->role != WordRole::plain) take_label(*word, begin);
        }
        if (folded.size == 1 && (text_[begin] | 0x20) >= 'x' && begins_token(begin))
            found_if(is_national_id(id_token({text_, begin}), false), Identifier::national_id);
        before_ = word;
        before_end_ = at_;
    }

    void take_label(const Word& word, std::size_t begin) {
        bool colon = false;
        const auto value = value_behind({text_, at_}, colon);
        switch (word.role) {
            case WordRole::name_label: return found_if(colon && is_labelled_name(value, 1), Identifier::labelled_name);
            case WordRole::name_word:
                return found_if(colon && names_a_person(begin) && is_labelled_name(value, 2), Identifier::labelled_name);
            case WordRole::person_word:
                return found_if(colon && names_a_person(begin) && is_labelled_name(value, 2, true), Identifier::labelled_name);
            case WordRole::phone_label: return found_if(is_labelled_phone(value), Identifier::phone);
            case WordRole::phone_word: return found_if(colon && is_labelled_phone(value), Identifier::phone);
            case WordRole::id_label: return found_if(is_national_id(id_token(value), true), Identifier::national_id);
            case WordRole::ssn_label: return found_if(is_labelled_ssn(value), Identifier::national_id);
            case WordRole::birth_label: return found_if(begins_with_full_date(text_.substr(value.at)), Identifier::birth_date);
            case WordRole::address_label: return found_if(colon && is_labelled_address(value), Identifier::street_address);
            case WordRole::street_after: return found_if(is_number_before_street(text_, begin), Identifier::street_address);
            case WordRole::street_before: return found_if(is_street_then_number({text_, at_}), Identifier::street_address);
            default: return;
        }
    }

    // "Study name: Chest Routine" is no person: the word before "name" decides.
    bool names_a_person(std::size_t begin) const {
        const auto gap = text_.substr(before_end_, begin - before_end_);
        if (before_end_ == 0 || gap.find_first_not_of(" '") != std::string_view::npos) return true;
        return before_ != nullptr &&
               (before_->role == WordRole::name_prefix || before_->role == WordRole::person_word || before_->role == WordRole::name_word);
    }

    std::string_view text_;
    bool prose_;
    std::size_t at_ = 0;
    TextSigns signs_;
    const Word* before_ = nullptr;
    std::size_t before_end_ = 0;
};

bool is_month(std::string_view word) {
    constexpr std::string_view months = "jan feb mar apr may jun jul aug sep oct nov dec ene abr ago dic set";
    if (word.size() < 3) return false;
    const auto lower = lower_of(word.substr(0, 3));
    const auto at = months.find(lower.view());
    return at != std::string_view::npos && at % 4 == 0;
}

// "2 March 1960", "2 de marzo de 1960", or, with the day read already taken, "March 2, 1960".
bool is_worded_date(Cursor cursor) {
    const auto day_first = cursor.digits(3);
    if (day_first > 2) return false;
    cursor.skip(" .-");
    if (cursor.text.substr(cursor.at).starts_with("de ")) cursor.at += 3;
    if (!is_month(cursor.word())) return false;
    cursor.skip(" .,-");
    if (day_first == 0) {
        const auto day = cursor.digits(3);
        if (day == 0 || day > 2) return false;
        cursor.skip(" ,");
    } else if (cursor.text.substr(cursor.at).starts_with("de ")) {
        cursor.at += 3;
    }
    return cursor.digits(5) == 4;
}

// Length of a valid UTF-8 sequence of several bytes that begins here, or 0. U+FFFD counts as broken.
std::size_t sequence_size(const unsigned char* s, std::size_t left) {
    const auto more = [&](std::size_t i) { return i < left && (s[i] & 0xC0U) == 0x80U; };
    if (s[0] >= 0xC2 && s[0] <= 0xDF) return more(1) && !(s[0] == 0xC2 && s[1] < 0xA0) ? 2 : 0;
    if ((s[0] & 0xF0U) == 0xE0) {
        if (!more(1) || !more(2) || (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F)) return 0;
        return s[0] == 0xEF && s[1] == 0xBF && s[2] == 0xBD ? 0 : 3;
    }
    if (s[0] >= 0xF0 && s[0] <= 0xF4)
        return more(1) && more(2) && more(3) && !(s[0] == 0xF0 && s[1] < 0x90) && !(s[0] == 0xF4 && s[1] > 0x8F) ? 4 : 0;
    return 0;
}

// True when none of eight bytes is below 0x20, 0x7f, or above.
bool is_printable_ascii(std::uint64_t bytes) {
    constexpr std::uint64_t ones = 0x0101010101010101U, highs = ones * 0x80;
    const auto below = (bytes - ones * 0x20) & ~bytes;
    const auto deleted = bytes ^ (ones * 0x7f);
    const auto is_deleted = (deleted - ones) & ~deleted;
    return ((bytes | below | is_deleted) & highs) == 0;
}

}  // namespace

TextSigns signs_of(std::string_view text, TextUse use) {
    return Scanner(text, use).scan();
}

bool is_clean_text(std::string_view text) {
    const auto* s = reinterpret_cast<const unsigned char*>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        if (std::uint64_t eight = 0; text.size() - at >= sizeof eight) {
            std::memcpy(&eight, s + at, sizeof eight);
            if (is_printable_ascii(eight)) {
                at += sizeof eight;
                continue;
            }
        }
        if (s[at] < 0x80) {
            if ((s[at] < 0x20 && !is_space(text[at])) || s[at] == 0x7f) return false;
            ++at;
            continue;
        }
        const auto size = sequence_size(s + at, text.size() - at);
        if (size == 0) return false;
        at += size;
    }
    return true;
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
