// JSON numbers and canonical objects.
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <algorithm>
#include <span>

namespace data_center_classifier::infrastructure::formats {
namespace {

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

std::string_view packing_of(std::string_view bytes) {
    if (bytes.starts_with("\x1F\x8B")) return "gzip";
    return bytes.starts_with("\x28\xB5\x2F\xFD") ? "zstd" : "";
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

std::optional<ObjectWriter::Twice> ObjectWriter::close() {
    // Without the closing quote, so that a name comes before those that it begins.
    const auto key_of = [&](const Member& member) { return std::string_view(out_).substr(member.begin, member.key_size - 1); };
    const auto mine = std::span(members_).subspan(first_);
    const auto unordered = std::ranges::adjacent_find(mine, [&](const auto& a, const auto& b) { return key_of(a) >= key_of(b); });
    std::optional<Twice> twice;
    if (unordered != mine.end()) twice = reorder();
    out_ += '}';
    members_.resize(first_);
    return twice;
}

std::optional<ObjectWriter::Twice> ObjectWriter::reorder() {
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
    std::optional<Twice> twice;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        if (i > 0 && slices[i].key == slices[i - 1].key && !twice) twice = {.first = slices[i - 1].source, .second = slices[i].source};
        if (i > 0) out_ += ',';
        out_ += slices[i].member;
    }
    return twice;
}

}  // namespace data_center_classifier::infrastructure::formats
