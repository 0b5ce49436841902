// Cursor: reading a text byte by byte, and word by word as the table of words has them. What the scanners of text share.
#pragma once

#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/domain/text_words.hpp"

#include <algorithm>
#include <initializer_list>

namespace data_center_classifier::domain {

constexpr bool is_alnum(char c) {
    return is_letter(c) || is_digit(c);
}

// U+0080..U+00BF and U+2000..U+203F ("º", blanks that do not break, dashes, curly quotes) are no letters; how many bytes such a mark has.
constexpr std::size_t mark_size(std::string_view text, std::size_t at) {
    if (text[at] == '\xc2' && at + 1 < text.size()) return 2;
    if (text[at] == '\xe2' && at + 2 < text.size() && text[at + 1] == '\x80') return 3;
    return 0;
}
constexpr bool is_word_at(std::string_view text, std::size_t at) {
    return is_letter(text[at]) || text[at] == '_' || (static_cast<unsigned char>(text[at]) >= 0x80 && mark_size(text, at) == 0);
}
// A capital letter, as far as A to Z and their accents go.
constexpr bool is_capital_at(std::string_view text, std::size_t at) {
    if (at >= text.size()) return false;
    return is_upper(text[at]) || (text[at] == '\xc3' && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0x9f);
}

// Bytes behind the end read as NUL, which no pattern accepts.
struct Cursor {
    std::string_view text;
    std::size_t at = 0;

    char peek(std::size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
    bool end() const { return at >= text.size(); }
    std::string_view rest() const { return text.substr(std::min(at, text.size())); }
    bool at_word() const { return !end() && is_word_at(text, at); }
    void skip(std::string_view any) {
        while (!end() && any.find(text[at]) != std::string_view::npos) ++at;
    }
    bool take(std::string_view prefix) {
        if (!rest().starts_with(prefix)) return false;
        at += prefix.size();
        return true;
    }
    std::size_t digits(std::size_t most) {
        const auto begin = at;
        while (at - begin < most && is_digit(peek())) ++at;
        return at - begin;
    }
    std::string_view word() {
        const auto begin = at;
        while (at_word()) ++at;
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

inline FoldedWord read_word(std::string_view text, std::size_t& at) {
    FoldedWord folded;
    for (; at < text.size() && is_word_at(text, at); ++at) {
        const char plain = text[at] == '\xc3' && at + 1 < text.size() ? unaccented(text[at + 1]) : '\0';
        if (plain != '\0') ++at;
        folded.add(plain != '\0' ? plain : to_lower(text[at]));
    }
    return folded;
}

inline const Word* known_word(std::string_view text) {
    std::size_t at = 0;
    const auto folded = read_word(text, at);
    return find_word(folded.hash.value, folded.size);
}

inline bool is_role(const Word* word, std::initializer_list<WordRole> roles) {
    return word != nullptr && std::find(roles.begin(), roles.end(), word->role) != roles.end();
}

// Nobody is called so: a word of studies and forms, or of bodies.
inline bool is_no_name(const Word* word) {
    if (word == nullptr) return false;
    const bool surname = word->text == "izquierdo" || word->text == "derecho";
    return word->regions != 0 || (word->side != 0 && !surname) ||
           is_role(word, {WordRole::no_name, WordRole::number_label, WordRole::filler, WordRole::title, WordRole::compares});
}

// The word that ends at `at`, but for blanks and the marks of labels; empty when there is none.
inline std::string_view word_before(std::string_view text, std::size_t at) {
    constexpr std::string_view marks = " \t.:#=/\"'\xc2\xba\xb0";
    while (at > 0 && marks.find(text[at - 1]) != std::string_view::npos) --at;
    const auto end = at;
    while (at > 0 && is_word_byte(text[at - 1])) --at;
    return text.substr(at, end - at);
}

}  // namespace data_center_classifier::domain
