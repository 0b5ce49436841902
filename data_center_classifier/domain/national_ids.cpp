// National ids: recognised by shape and check digit, so that measurements, dates and UIDs are left alone.
#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/domain/text_signs.hpp"

#include <algorithm>

namespace data_center_classifier::domain {
namespace {

// True when `text` has the shape `mask`: '9' a digit, 'A' a letter, anything else itself.
bool has_shape(std::string_view text, std::string_view mask) {
    return text.size() == mask.size() && std::equal(text.begin(), text.end(), mask.begin(), [](char c, char wanted) {
               if (wanted == '9') return is_digit(c);
               if (wanted == 'A') return is_letter(c);
               return c == wanted;
           });
}

struct Digits {
    ShortText kept;
    int operator[](std::size_t i) const { return kept.view()[i] - '0'; }
    std::size_t size() const { return kept.view().size(); }
};
Digits digits_of(std::string_view text) {
    Digits digits;
    for (const char c : text)
        if (is_digit(c)) digits.kept.push(c);
    return digits;
}

char dni_letter(std::uint32_t number) {
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23];
}

// Numbers below 100,000 were hardly ever given out, and zeros in front are how pseudonyms are counted.
bool is_dni(std::string_view text) {
    if (!has_shape(text, "99999999A") && !has_shape(text, "99999999-A") && !has_shape(text, "99.999.999-A") &&
        !has_shape(text, "99.999.999A"))
        return false;
    const auto number = number_of<std::uint32_t>(digits_of(text).kept.view()).value_or(0);
    return number >= 100'000 && to_upper(text.back()) == dni_letter(number);
}

// X, Y and Z begin the numbers of foreigners. K, L and M those of children and Spaniards abroad, which look like a serial number.
bool is_nie(std::string_view text, bool labelled) {
    if (!has_shape(text, "A9999999A") && !has_shape(text, "A-9999999-A")) return false;
    const char letter = to_upper(text.front());
    const auto first = std::string_view("XYZ").find(letter);
    const bool of_child = labelled && (letter == 'K' || letter == 'L' || letter == 'M');
    if (first == std::string_view::npos && !of_child) return false;
    const auto number = number_of<std::uint32_t>(digits_of(text).kept.view()).value_or(0);
    return to_upper(text.back()) == dni_letter((of_child ? 0 : static_cast<std::uint32_t>(first) * 10'000'000) + number);
}

bool is_rut(std::string_view text, bool labelled) {
    if (text.size() < 3) return false;
    const auto body = text.substr(0, text.size() - 1);
    const bool dotted = has_shape(body, "99.999.999-") || has_shape(body, "9.999.999-");
    const bool plain = labelled && (has_shape(body, "99999999-") || has_shape(body, "9999999-") || has_shape(body, "99999999"));
    if (!dotted && !plain) return false;
    const auto digits = digits_of(body);
    int sum = 0, factor = 2;
    for (std::size_t i = digits.size(); i-- > 0; factor = factor == 7 ? 2 : factor + 1) sum += digits[i] * factor;
    const int check = 11 - sum % 11;
    const char wanted = check == 11 ? '0' : check == 10 ? 'K' : static_cast<char>('0' + check);
    return to_upper(text.back()) == wanted;
}

int cpf_digit(const Digits& digits, std::size_t count) {
    int sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += digits[i] * static_cast<int>(count + 1 - i);
    const int rest = sum * 10 % 11;
    return rest == 10 ? 0 : rest;
}

bool is_cpf(std::string_view text, bool labelled) {
    if (!has_shape(text, "999.999.999-99") && !(labelled && has_shape(text, "99999999999"))) return false;
    const auto digits = digits_of(text);
    const auto view = digits.kept.view();
    if (view.find_first_not_of(view[0]) == std::string_view::npos) return false;
    return cpf_digit(digits, 9) == digits[9] && cpf_digit(digits, 10) == digits[10];
}

}  // namespace

bool is_ssn(std::string_view token) {
    if (!has_shape(token, "999-99-9999")) return false;
    const auto area = token.substr(0, 3);
    return area != "000" && area != "666" && area.front() != '9' && token.substr(4, 2) != "00" && token.substr(7) != "0000";
}

bool is_national_id(std::string_view token, bool labelled) {
    if (token.size() < 8 || token.size() > 14) return false;
    return is_dni(token) || is_nie(token, labelled) || is_rut(token, labelled) || is_cpf(token, labelled);
}

}  // namespace data_center_classifier::domain
