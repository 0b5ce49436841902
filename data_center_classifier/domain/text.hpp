// Text helpers that the checks share: ASCII classes, trimming, case without allocation. Bytes only; no locale.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace data_center_classifier::domain {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_letter(char c) {
    return is_upper(c) || is_lower(c);
}
// Bytes from 0x80 on belong to letters for us: accented names and words.
constexpr bool is_word_byte(char c) {
    return is_letter(c) || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr char to_lower(char c) {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char to_upper(char c) {
    return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// A text of at most 64 bytes without allocation; what is longer is cut, so compare lengths first where that matters.
class ShortText {
public:
    constexpr void push(char c) {
        if (size_ < bytes_.size()) bytes_[size_++] = c;
    }
    constexpr void pop() {
        if (size_ > 0) --size_;
    }
    constexpr std::string_view view() const { return {bytes_.data(), size_}; }

private:
    std::array<char, 64> bytes_{};
    std::size_t size_ = 0;
};

constexpr ShortText lower_of(std::string_view text) {
    ShortText lower;
    for (const char c : text.substr(0, 64)) lower.push(to_lower(c));
    return lower;
}
constexpr ShortText upper_of(std::string_view text) {
    ShortText upper;
    for (const char c : text.substr(0, 64)) upper.push(to_upper(c));
    return upper;
}

// The ASCII letter below an accented Latin-1 letter whose UTF-8 is 0xC3 `second`: "á" -> 'a', "Ñ" -> 'n'; 0 for others.
constexpr char unaccented(char second) {
    constexpr std::string_view base = "aaaaaaaceeeeiiiidnooooo.ouuuuy.saaaaaaaceeeeiiiidnooooo.ouuuuy.y";
    const auto index = static_cast<unsigned char>(second) - 0x80U;
    return index < base.size() && base[index] != '.' ? base[index] : '\0';
}

// The whole text as a number, else nullopt.
template <class T>
std::optional<T> number_of(std::string_view text) {
    T number{};
    const auto* begin = text.data();
    const auto* end = begin + text.size();
    const auto [stop, status] = std::from_chars(begin, end, number);
    if (status != std::errc{} || stop != end) return std::nullopt;
    return number;
}

}  // namespace data_center_classifier::domain
