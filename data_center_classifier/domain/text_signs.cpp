// One scanner over the bytes: words are hashed as they are read and looked up; digits, '@', '^', '+' and '(' start the exact patterns.
#include "data_center_classifier/domain/text_signs.hpp"

#include "data_center_classifier/domain/identifier_patterns.hpp"
#include "data_center_classifier/domain/person_names.hpp"

namespace data_center_classifier::domain {
namespace {

// "(home)", "(DD/MM/YYYY)": what a form puts between a label and its colon.
bool skip_bracket(Cursor& cursor) {
    constexpr std::size_t bytes_max = 16;
    if (cursor.peek() != '(') return false;
    const auto inside = cursor.rest().substr(1, bytes_max);
    const auto end = inside.find(')');
    if (end == std::string_view::npos || std::any_of(inside.begin(), inside.begin() + static_cast<std::ptrdiff_t>(end), is_digit))
        return false;
    cursor.at += end + 2;
    return true;
}

// The value behind a label: punctuation, quotes, brackets and words that say more of the label are passed by. `colon` tells whether a ':'
// or
// '=' was among them.
Cursor value_behind(Cursor cursor, bool& colon) {
    colon = false;
    for (int words = 0; words < 5; ++words) {
        const auto begin = cursor.at;
        cursor.skip(" \t\"'.:=#*\xc2\xba\xb0");
        colon = colon || cursor.text.substr(begin, cursor.at - begin).find_first_of(":=") != std::string_view::npos;
        if (!colon && skip_bracket(cursor)) continue;
        if (colon || !cursor.at_word()) break;
        auto behind = cursor;
        if (!is_role(known_word(behind.word()),
                     {WordRole::filler, WordRole::name_link, WordRole::phone_word, WordRole::person_word, WordRole::relative}))
            break;
        cursor = behind;
    }
    return cursor;
}

// "D.O.B.", "F.N.": letters with a point behind each are one word.
FoldedWord read_abbreviation(std::string_view text, std::size_t& at) {
    FoldedWord folded;
    while (at < text.size() && is_letter(text[at]) && (at + 1 >= text.size() || !is_word_at(text, at + 1))) {
        folded.add(to_lower(text[at++]));
        if (at >= text.size() || text[at] != '.') break;
        ++at;
    }
    return folded;
}

class Scanner {
public:
    Scanner(std::string_view text, TextUse use) : text_(text), prose_(use == TextUse::prose) {}

    TextSigns scan() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (is_digit(c)) take_number();
            else if (is_word_at(text_, at_) && c != '_') take_word();
            else take_mark(c);
        }
        return signs_;
    }

private:
    void found(Identifier identifier) { signs_.identifiers |= static_cast<std::uint8_t>(identifier); }
    void found_if(bool condition, Identifier identifier) {
        if (condition) found(identifier);
    }
    void found_unless_of_staff(bool condition, std::size_t at, Identifier identifier) {
        if (condition && owner_before(text_, at) != Owner::staff) found(identifier);
    }
    // "Hospital address: 12 Main Street"
    bool is_behind_word_of_staff(std::size_t at) const {
        const auto word = word_before(text_, at);
        return owner_before(word, word.size()) == Owner::staff;
    }
    // Where the last number before `at` begins.
    std::size_t number_before(std::size_t at) const {
        while (at > 0 && !is_digit(text_[at - 1])) --at;
        while (at > 0 && is_digit(text_[at - 1])) --at;
        return at;
    }
    bool begins_token(std::size_t at) const {
        return at == 0 || !(is_alnum(text_[at - 1]) || text_[at - 1] == '.' || text_[at - 1] == '-' || text_[at - 1] == '_');
    }
    bool ends_token(std::size_t at) const {
        return at >= text_.size() || !(is_word_byte(text_[at]) || is_digit(text_[at]) || text_[at] == '_');
    }

    static bool is_numbered(const Word* known) {
        return known != nullptr && (known->text == "case" || known->text == "study" || known->text == "protocol");
    }
    // "Order 456-789-0123", "Lot No. 123-45-6789": numbers of things.
    bool is_number_of_a_thing(std::size_t at) const {
        for (int words = 0; words < 3; ++words) {
            const auto word = word_before(text_, at);
            const auto* known = word.empty() ? nullptr : known_word(word);
            if (is_role(known, {WordRole::number_label}) || is_numbered(known)) return true;
            if (!is_role(known, {WordRole::filler})) return false;
            at = static_cast<std::size_t>(word.data() - text_.data());
        }
        return false;
    }

    void take_mark(char c) {
        if (c == '.' || c == '\n' || c == ';') comparing_ = false;
        if (c == '@') found_if(is_email_at(text_, at_), Identifier::email);
        else if (c == '^') found_if(is_person_name_at(text_, at_), Identifier::person_name);
        else if (c == '+' && prose_) found_unless_of_staff(is_international_phone({text_, at_}), at_, Identifier::phone);
        else if (c == '(' && prose_)
            found_unless_of_staff(is_american_phone({text_, at_}) && !is_number_of_a_thing(at_), at_, Identifier::phone);
        at_ += std::max<std::size_t>(mark_size(text_, at_), 1);
    }

    void take_number() {
        if (begins_token(at_)) {
            const auto token = id_token({text_, at_});
            const auto end = at_ + token.size();
            if (is_national_id(token, false) && !is_number_of_a_thing(at_) && !is_measure_behind({text_, end}))
                found(Identifier::national_id);
            if (is_ssn(token) && ends_token(end) && !is_number_of_a_thing(at_)) found(Identifier::bare_ssn);
            if (prose_ && text_.size() - at_ >= 12 && text_[at_ + 3] == '-' && is_american_phone({text_, at_}) &&
                !is_number_of_a_thing(at_))
                found_unless_of_staff(true, at_, Identifier::phone);
        }
        while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.' || text_[at_] == '-')) ++at_;
        if (text_[at_ - 1] == '.') comparing_ = false;
    }

    void take_word() {
        const auto begin = at_;
        auto folded = read_word(text_, at_);
        const bool dotted = folded.size == 1 && at_ + 1 < text_.size() && text_[at_] == '.' && is_letter(text_[at_ + 1]);
        if (dotted) {
            auto end = begin;
            const auto abbreviation = read_abbreviation(text_, end);
            if (abbreviation.size > 1) folded = abbreviation, at_ = end;
        }
        const auto* word = find_word(folded.hash.value, folded.size);
        if (word != nullptr) {
            take_region(*word, begin);
            if (!comparing_) signs_.sides |= word->side;
            comparing_ = comparing_ || word->role == WordRole::compares;
            if (prose_ && word->role != WordRole::plain) take_label(*word, begin);
        } else if (begins_token(begin)) {
            if (folded.size == 1) take_letter(begin);
            if (folded.size == 4 && at_ < text_.size() && is_digit(text_[at_]))
                found_if(is_curp(text_.substr(begin, 18)) && ends_token(begin + 18), Identifier::national_id);
        }
        before_ = word;
        before_end_ = at_;
    }

    // "humeral head", "metacarpal neck": parts of bones, and no regions.
    void take_region(const Word& word, std::size_t begin) {
        const bool of_bone = (word.regions == head || word.regions == neck) && before_ != nullptr && (before_->regions & limbs) != 0 &&
                             text_.substr(before_end_, begin - before_end_) == " ";
        if (!of_bone) signs_.regions |= word.regions;
    }

    void take_letter(std::size_t begin) {
        if (prose_ && (text_[begin] | 0x20) == 'c')
            found_unless_of_staff(is_spanish_street({text_, at_}), begin, Identifier::street_address);
        if ((text_[begin] | 0x20) >= 'x' && is_national_id(id_token({text_, begin}), false) && !is_number_of_a_thing(begin))
            found(Identifier::national_id);
    }

    void take_label(const Word& word, std::size_t begin) {
        if (is_role(&word, {WordRole::no_name, WordRole::filler, WordRole::number_label, WordRole::first_name, WordRole::compares})) return;
        bool colon = false;
        const auto value = value_behind({text_, at_}, colon);
        switch (word.role) {
            case WordRole::name_label: return found_if(colon && begins_with_name(value, {.words = 1}), Identifier::labelled_name);
            case WordRole::name_word: {
                const bool prefixed = is_role(before_, {WordRole::name_prefix}) && names_a_person(begin);
                return found_if(colon && names_a_person(begin) && begins_with_name(value, {.words = prefixed ? 1 : 2}),
                                Identifier::labelled_name);
            }
            case WordRole::person_word: {
                const bool in_capitals = at_ - begin > 1 && is_upper(text_[begin + 1]);
                const NameWanted wanted{.words = 2, .first_name = true, .or_capitals = !in_capitals};
                return found_if(colon && names_a_person(begin) && begins_with_name(value, wanted), Identifier::labelled_name);
            }
            case WordRole::title:
                return found_if(!colon && begins_with_name(value, {.words = 2, .first_name = true}) && !has_credentials(value),
                                Identifier::labelled_name);
            case WordRole::phone_label: return found_unless_of_staff(is_labelled_phone(value), value.at, Identifier::phone);
            case WordRole::phone_word:
                return found_unless_of_staff(is_labelled_phone(value, colon ? 7 : 9) && (colon || !is_time_stamp(value)), value.at,
                                             Identifier::phone);
            case WordRole::dni_label:
                return found_if(is_labelled_dni(value) || is_national_id(id_token(value), true), Identifier::national_id);
            case WordRole::id_label:
                return found_if(is_id_behind(begin, value, colon) || is_curp(value.rest().substr(0, 18)), Identifier::national_id);
            case WordRole::ssn_label: return found_if(is_labelled_ssn(value), Identifier::national_id);
            case WordRole::ssn_tail: return found_if(is_behind(begin, "social") && is_labelled_ssn(value), Identifier::national_id);
            case WordRole::health_label: return found_if(is_labelled_health_id(value), Identifier::national_id);
            case WordRole::birth_label: return found_if(begins_with_full_date(value.rest()), Identifier::birth_date);
            case WordRole::birth_sign: {
                const bool is_label = colon || text_[at_ - 1] == '.';
                return found_if(is_label && begins_with_full_date(value.rest()), Identifier::birth_date);
            }
            case WordRole::birth_tail: return found_if(is_birth_tail(begin) && begins_with_full_date(value.rest()), Identifier::birth_date);
            case WordRole::address_label:
                return found_if(colon && is_labelled_address(value) && !is_behind_word_of_staff(begin), Identifier::street_address);
            case WordRole::street_after:
                if (!is_number_before_street(text_, begin)) return;
                return found_unless_of_staff(true, number_before(begin), Identifier::street_address);
            case WordRole::street_before:
                return found_unless_of_staff(is_street_then_number({text_, at_}, StreetNames::capitalised), begin,
                                             Identifier::street_address);
            case WordRole::street_always:
                return found_unless_of_staff(is_street_then_number({text_, at_}, StreetNames::any), begin, Identifier::street_address);
            case WordRole::box:
                return found_unless_of_staff((is_behind(begin, "po") || is_behind(begin, "p.o")) && is_digit(value.peek()), begin,
                                             Identifier::street_address);
            default: return;
        }
    }

    bool is_behind(std::size_t at, std::string_view wanted) const {
        const auto word = word_before(text_, at);
        if (wanted.find('.') == std::string_view::npos) return lower_of(word).view() == wanted;
        return at >= 5 && lower_of(text_.substr(at - 5, 3)).view() == wanted;
    }
    // "Fecha nac.", "F. Nac", "Fecha de nac", "Data de nasc.", "Dt. nasc.".
    bool is_birth_tail(std::size_t at) const {
        if (is_behind(at, "de")) at = static_cast<std::size_t>(word_before(text_, at).data() - text_.data());
        const auto word = lower_of(word_before(text_, at));
        return word.view() == "fecha" || word.view() == "fec" || word.view() == "f" || word.view() == "data" || word.view() == "dt";
    }

    // A run is a number of a person with a colon or a hyphen only: "Run 123456785 of the sequence" is none.
    bool is_id_behind(std::size_t begin, Cursor value, bool colon) const {
        const auto token = id_token(value);
        const bool counted = lower_of(text_.substr(begin, at_ - begin)).view() == "run" && !colon;
        return is_national_id(token, true) && (!counted || token.find('-') != std::string_view::npos);
    }

    // "Study name: Chest Routine" is no person: the word before "name" decides.
    bool names_a_person(std::size_t begin) const {
        const auto gap = text_.substr(before_end_, begin - before_end_);
        if (before_end_ == 0 || gap.find_first_not_of(" '\xe2\x80\x99") != std::string_view::npos) return true;
        return is_role(before_,
                       {WordRole::name_prefix, WordRole::name_joint, WordRole::person_word, WordRole::name_word, WordRole::relative});
    }

    static constexpr unsigned limbs = upper_limb | lower_limb;

    std::string_view text_;
    bool prose_;
    std::size_t at_ = 0;
    TextSigns signs_;
    const Word* before_ = nullptr;
    std::size_t before_end_ = 0;
    bool comparing_ = false;
};

}  // namespace

TextSigns signs_of(std::string_view text, TextUse use) {
    return Scanner(text, use).scan();
}

}  // namespace data_center_classifier::domain
