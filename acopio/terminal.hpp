// What people see: colours when somebody looks, tables that line up in UTF-8, a progress bar, and numbers for reading.
//
// Nothing here is thread-safe; one thread writes to a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acopio {

enum class Tone : std::uint8_t { plain, strong, dim, good, warn, bad };

// One output stream as a person sees it.
struct Screen {
    bool terminal = false;  // a person looks: progress is shown
    bool colour = false;    // a terminal, NO_COLOR is not set, and TERM is not "dumb"
    std::size_t width = 0;  // columns; 0 when it is no terminal: nothing is cut
};
Screen screen_of(int file_descriptor);

// `text` in the tone's colour, or as it is without `colour`.
std::string paint(std::string_view text, Tone tone, bool colour);
Tone tone_of_grade(std::string_view grade);

// Text that comes from elsewhere, safe to print: control characters and bytes that are no UTF-8 become U+FFFD. Line feeds too.
std::string printable(std::string_view text);
// Columns that printable text takes: combining marks take none, East Asian wide characters and emoji two.
std::size_t display_width(std::string_view text);
// Cut to `columns`, with an ellipsis when something was cut off.
std::string cut(std::string_view text, std::size_t columns);

std::string human_count(std::uint64_t count);                    // 1,234,567
std::string human_bytes(std::uint64_t bytes);                    // 812 B, 1.5 kB, 12.3 MB (powers of 1000)
std::string human_duration(std::chrono::milliseconds duration);  // 42 ms, 3.2 s, 2 min 05 s, 3 h 07 min
std::string human_decimal(double value, int digits);             // 86.20
std::string human_percent(double rate);                          // 97.6 %

struct Cell {
    Cell(std::string content, Tone shade = Tone::plain) : text(std::move(content)), tone(shade) {}
    Cell(const char* content) : text(content) {}
    std::string text;
    Tone tone = Tone::plain;
};

// Columns side by side, two spaces between, a header line above. Cells are made printable. On a screen, columns with a `spare` that hold
// only "-" are left out, then those with the highest `spare` until the rest fits; what is too wide still is cut, from the left when
// any has a `spare`, else it alone. Without a screen width all is shown whole.
class Table {
public:
    enum class Align : std::uint8_t { left, right };
    struct Column {
        std::string title;
        Align align = Align::left;
        int spare = 0;  // 0: always shown
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    // One cell for each column.
    void add(std::vector<Cell> row);
    bool empty() const { return rows_.empty(); }
    std::string text(const Screen& screen, std::string_view indent = "") const;
    // The titles that did not fit: "sex, age".
    std::string left_out(const Screen& screen) const;

private:
    struct Layout {
        std::vector<std::size_t> shown;   // columns
        std::vector<std::size_t> widths;  // of all columns
        std::string left_out;
    };
    Layout layout(const Screen& screen, std::size_t indent) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

// One line of progress, at most `width` columns. `total` 0: unknown, so neither bar nor time left.
std::string progress_line(std::string_view label, std::uint64_t done, std::uint64_t total, std::chrono::milliseconds elapsed,
                          std::size_t width, bool bytes);

// Draws progress_line on standard error, at most ten times a second, and only when a person looks. Erased when it ends.
class Progress {
public:
    enum class Unit : std::uint8_t { bytes, items };
    Progress(std::string label, std::uint64_t total, Unit unit);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void update(std::uint64_t done);
    // Takes the line away, so that something else can be printed.
    void erase();

private:
    std::string label_;
    std::uint64_t total_;
    Unit unit_;
    Screen screen_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point drawn_{};
    bool visible_ = false;
};

}  // namespace acopio
