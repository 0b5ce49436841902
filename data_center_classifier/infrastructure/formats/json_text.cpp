// UTF-8, JSON strings and numbers, and canonical objects.
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace data_center_classifier::infrastructure::formats {
namespace {

// Length of the UTF-8 sequence at `at`, or 0 when there is none.
std::size_t sequence_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) -> unsigned { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = lead == 0xED && byte(1) > 0x9F;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const bool overlong = lead == 0xF0 && byte(1) < 0x90;
        const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
        return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

constexpr auto needs_escape = [] {
    std::array<bool, 256> table{};
    for (std::size_t i = 0; i < 0x20; ++i) table[i] = true;
    table['"'] = table['\\'] = true;
    return table;
}();

void append_escaped(std::string& out, char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    const auto value = static_cast<unsigned char>(c);
    out += "\\u00";
    out += hex[value >> 4U];
    out += hex[value & 15U];
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Takes the digits at the front away; false when there are none.
bool take_digits(std::string_view& text) {
    const auto size = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    text.remove_prefix(size);
    return size > 0;
}

}  // namespace

std::size_t not_utf8_at(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto size = sequence_at(text, at);
        if (size == 0) return at;
        at += size;
    }
    return std::string_view::npos;
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!needs_escape[static_cast<unsigned char>(text[at])]) continue;
        out += text.substr(plain, at - plain);
        append_escaped(out, text[at]);
        plain = at + 1;
    }
    out += text.substr(plain);
    out += '"';
}

bool is_json_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.starts_with('0')) {
        text.remove_prefix(1);
    } else if (!take_digits(text)) {
        return false;
    }
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    return text.empty();
}

ObjectWriter::ObjectWriter(std::string& out, std::vector<Member>& members)
    : out_(out), members_(members), first_(members.size()), begin_(out.size()) {
    out_ += '{';
}

void ObjectWriter::key(std::string_view name, std::size_t source) {
    if (!empty()) out_ += ',';
    const auto begin = out_.size();
    append_json_string(out_, name);
    members_.push_back({.begin = begin, .key_size = out_.size() - begin, .source = source});
    out_ += ':';
}

std::optional<std::size_t> ObjectWriter::close() {
    // Without the closing quote, so that a name comes before those that it begins.
    const auto key_of = [&](const Member& member) { return std::string_view(out_).substr(member.begin, member.key_size - 1); };
    const auto mine = std::span(members_).subspan(first_);
    const auto unordered = std::ranges::adjacent_find(mine, [&](const auto& a, const auto& b) { return key_of(a) >= key_of(b); });
    std::optional<std::size_t> twice;
    if (unordered != mine.end()) twice = reorder();
    out_ += '}';
    members_.resize(first_);
    return twice;
}

std::optional<std::size_t> ObjectWriter::reorder() {
    struct Slice {
        std::string_view key, member;
        std::size_t source;
    };
    const std::string text = out_.substr(begin_);
    std::vector<Slice> slices;
    slices.reserve(members_.size() - first_);
    for (auto i = first_; i < members_.size(); ++i) {
        const auto begin = members_[i].begin - begin_;
        const auto end = i + 1 < members_.size() ? members_[i + 1].begin - begin_ - 1 : text.size();  // -1: the comma
        slices.push_back({.key = std::string_view(text).substr(begin, members_[i].key_size - 1),
                          .member = std::string_view(text).substr(begin, end - begin),
                          .source = members_[i].source});
    }
    // Equal keys stay in the order in which they were written: their members are parts of one text.
    std::ranges::sort(slices,
                      [](const auto& a, const auto& b) { return a.key != b.key ? a.key < b.key : a.member.data() < b.member.data(); });
    out_.resize(begin_ + 1);
    std::optional<std::size_t> twice;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        if (i > 0 && slices[i].key == slices[i - 1].key && !twice) twice = slices[i].source;
        if (i > 0) out_ += ',';
        out_ += slices[i].member;
    }
    return twice;
}

}  // namespace data_center_classifier::infrastructure::formats
