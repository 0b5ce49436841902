// Widths follow Unicode's East Asian Width by ranges: exact enough for names of hospitals, small enough to read.
#include "acopio/terminal.hpp"

#include "kernel/check.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace acopio {
namespace {

constexpr char32_t replacement = 0xFFFD;
constexpr std::string_view replacement_utf8 = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "\xE2\x80\xA6";
constexpr auto redraw_interval = std::chrono::milliseconds(100);

struct CodePoint {
    char32_t value = replacement;
    std::size_t bytes = 1;
};

// The first code point of `text`; broken UTF-8 is one replacement character a byte. REQUIRES: not empty.
CodePoint first_code_point(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return {lead, 1};
    const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
    char32_t value = lead & (0x7Fu >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0u) != 0x80u) return {};
        value = (value << 6) | (next & 0x3Fu);
    }
    constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < smallest[bytes] || value > 0x10FFFF || surrogate) return {};
    return {value, bytes};
}

bool in_ranges(char32_t value, auto ranges) {
    return std::ranges::any_of(ranges, [value](const auto& range) { return value >= range.first && value <= range.second; });
}

using Range = std::pair<char32_t, char32_t>;
constexpr std::array<Range, 8> zero_width{{{0x0300, 0x036F},
                                           {0x0483, 0x0489},
                                           {0x0591, 0x05BD},
                                           {0x064B, 0x065F},
                                           {0x1AB0, 0x1AFF},
                                           {0x200B, 0x200F},
                                           {0x20D0, 0x20FF},
                                           {0xFE00, 0xFE0F}}};
constexpr std::array<Range, 10> double_width{{{0x1100, 0x115F},
                                              {0x2E80, 0xA4CF},
                                              {0xAC00, 0xD7A3},
                                              {0xF900, 0xFAFF},
                                              {0xFE30, 0xFE6F},
                                              {0xFF00, 0xFF60},
                                              {0xFFE0, 0xFFE6},
                                              {0x1F300, 0x1F64F},
                                              {0x1F900, 0x1F9FF},
                                              {0x20000, 0x3FFFD}}};
// Marks that turn the direction of text, or hide it: a name could pretend to be another.
constexpr std::array<Range, 3> deceptive{{{0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069}}};

std::size_t width_of(char32_t value) {
    if (in_ranges(value, zero_width)) return 0;
    return in_ranges(value, double_width) ? 2 : 1;
}

std::string_view code_of(Tone tone) {
    switch (tone) {
        case Tone::strong: return "\x1b[1m";
        case Tone::dim: return "\x1b[2m";
        case Tone::good: return "\x1b[32m";
        case Tone::warn: return "\x1b[33m";
        case Tone::bad: return "\x1b[31m";
        case Tone::plain: break;
    }
    return "";
}

void write_to_stderr(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

}  // namespace

Screen screen_of(int file_descriptor) {
    Screen screen;
    screen.terminal = isatty(file_descriptor) == 1;
    if (!screen.terminal) return screen;
    const char* no_colour = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    screen.colour = (no_colour == nullptr || *no_colour == '\0') && term != nullptr && std::string_view(term) != "dumb";
    winsize size{};
    const bool known = ioctl(file_descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    screen.width = known ? size.ws_col : 80;
    return screen;
}

std::string paint(std::string_view text, Tone tone, bool colour) {
    if (!colour || tone == Tone::plain || text.empty()) return std::string(text);
    return std::string(code_of(tone)).append(text).append("\x1b[0m");
}

Tone tone_of_grade(std::string_view grade) {
    if (grade == "A" || grade == "B") return Tone::good;
    if (grade == "C" || grade == "D") return Tone::warn;
    return grade == "E" ? Tone::bad : Tone::dim;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto point = first_code_point(text);
        const bool control =
            point.value < 0x20 || (point.value >= 0x7F && point.value < 0xA0) || point.value == 0x2028 || point.value == 0x2029;
        const bool broken = point.value == replacement && point.bytes == 1;
        if (control || broken || in_ranges(point.value, deceptive)) out += replacement_utf8;
        else out += text.substr(0, point.bytes);
        text.remove_prefix(point.bytes);
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto point = first_code_point(text);
        width += width_of(point.value);
        text.remove_prefix(point.bytes);
    }
    return width;
}

std::string cut(std::string_view text, std::size_t columns) {
    if (display_width(text) <= columns) return std::string(text);
    if (columns == 0) return "";
    std::size_t width = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        const auto point = first_code_point(text.substr(end));
        if (width + width_of(point.value) + 1 > columns) break;
        width += width_of(point.value);
        end += point.bytes;
    }
    return std::string(text.substr(0, end)).append(ellipsis);
}

std::string human_count(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<std::size_t>(at), ",");
    return text;
}

std::string human_decimal(double value, int digits) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return {text.data(), std::min(static_cast<std::size_t>(std::max(size, 0)), text.size() - 1)};
}

std::string human_percent(double rate) {
    return human_decimal(rate * 100, 1) + " %";
}

std::string human_bytes(std::uint64_t bytes) {
    if (bytes < 1000) return std::to_string(bytes) + " B";
    constexpr std::array<std::string_view, 4> units{" kB", " MB", " GB", " TB"};
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    while (value >= 999.95 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return human_decimal(value, 1).append(units[unit]);
}

std::string human_duration(std::chrono::milliseconds duration) {
    const auto ms = std::max<std::int64_t>(duration.count(), 0);
    if (ms < 1000) return std::to_string(ms) + " ms";
    if (ms < 59'950) return human_decimal(static_cast<double>(ms) / 1000, 1) + " s";
    const auto seconds = (ms + 500) / 1000;
    const auto two = [](std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
    if (seconds < 3600) return std::to_string(seconds / 60) + " min " + two(seconds % 60) + " s";
    return std::to_string(seconds / 3600) + " h " + two(seconds / 60 % 60) + " min";
}

void Table::add(std::vector<Cell> row) {
    CHECK(row.size() == columns_.size(), "a table row has one cell for each column");
    for (auto& cell : row) cell.text = printable(cell.text);
    rows_.push_back(std::move(row));
}

Table::Layout Table::layout(const Screen& screen, std::size_t indent) const {
    Layout out;
    bool any_spare = false;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        auto widest = display_width(columns_[c].title);
        for (const auto& row : rows_) widest = std::max(widest, display_width(row[c].text));
        out.widths.push_back(widest);
        any_spare = any_spare || columns_[c].spare > 0;
        const bool nothing = columns_[c].spare > 0 && std::ranges::all_of(rows_, [c](const auto& row) { return row[c].text == "-"; });
        if (screen.width == 0 || !nothing) out.shown.push_back(c);
    }
    if (screen.width == 0) return out;
    const auto used = [&] {
        std::size_t sum = indent + 2 * (out.shown.size() - 1);
        for (const auto c : out.shown) sum += out.widths[c];
        return sum;
    };
    while (used() > screen.width) {
        const auto most = std::ranges::max_element(out.shown, {}, [this](std::size_t c) { return columns_[c].spare; });
        if (columns_[*most].spare == 0) break;
        out.left_out += (out.left_out.empty() ? "" : ", ") + columns_[*most].title;
        out.shown.erase(most);
    }
    constexpr std::size_t narrowest = 8;
    for (const auto c : out.shown) {
        const auto over = used() > screen.width ? used() - screen.width : 0;
        if ((!any_spare && c != out.shown.back()) || out.widths[c] <= narrowest) continue;
        out.widths[c] -= std::min(over, out.widths[c] - narrowest);
    }
    return out;
}

std::string Table::left_out(const Screen& screen) const {
    return layout(screen, 0).left_out;
}

std::string Table::text(const Screen& screen, std::string_view indent) const {
    const auto [shown, widths, left_out] = layout(screen, display_width(indent));
    std::string out;
    const auto add_line = [&](auto text_of, auto tone_of) {
        out += indent;
        for (const auto c : shown) {
            const bool last = c == shown.back();
            const std::string text = cut(text_of(c), widths[c]);
            const auto padding = std::string(widths[c] - std::min(widths[c], display_width(text)), ' ');
            const bool right = columns_[c].align == Align::right;
            if (right) out += padding;
            out += paint(text, tone_of(c), screen.colour);
            if (!right && !last) out += padding;
            if (!last) out += "  ";
        }
        out += '\n';
    };
    add_line([&](std::size_t c) { return columns_[c].title; }, [](std::size_t) { return Tone::strong; });
    for (const auto& row : rows_) add_line([&](std::size_t c) { return row[c].text; }, [&](std::size_t c) { return row[c].tone; });
    return out;
}

std::string progress_line(std::string_view label, std::uint64_t done, std::uint64_t total, std::chrono::milliseconds elapsed,
                          std::size_t width, bool bytes) {
    constexpr std::size_t bar_columns = 24;
    const auto amount = [bytes](std::uint64_t value) { return bytes ? human_bytes(value) : human_count(value); };
    std::string line = printable(label) + "  ";
    if (total > 0) {
        const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
        const auto full = static_cast<std::size_t>(share * bar_columns);
        line += '[' + std::string(full, '#') + std::string(bar_columns - full, '.') + "] ";
        line += human_decimal(share * 100, 0) + " %  ";
    }
    line += amount(done);
    const double seconds = static_cast<double>(elapsed.count()) / 1000;
    if (seconds >= 0.5 && done > 0) {
        const double rate = static_cast<double>(done) / seconds;
        line += "  " + amount(static_cast<std::uint64_t>(rate)) + "/s";
        if (total > done)
            line += "  " + human_duration(std::chrono::seconds(static_cast<std::int64_t>(static_cast<double>(total - done) / rate) + 1)) +
                    " left";
    }
    return cut(line, width);
}

Progress::Progress(std::string label, std::uint64_t total, Unit unit)
    : label_(std::move(label)), total_(total), unit_(unit), screen_(screen_of(STDERR_FILENO)) {}

Progress::~Progress() {
    erase();
}

void Progress::update(std::uint64_t done) {
    if (!screen_.terminal) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - drawn_ < redraw_interval) return;
    drawn_ = now;
    visible_ = true;
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin_);
    write_to_stderr("\r" + progress_line(label_, done, total_, elapsed, screen_.width - 1, unit_ == Unit::bytes) + "\x1b[K");
}

void Progress::erase() {
    if (visible_) write_to_stderr("\r\x1b[K");
    visible_ = false;
}

}  // namespace acopio
