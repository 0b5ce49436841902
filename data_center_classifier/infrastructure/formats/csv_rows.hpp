// CsvRows: the grammar of CSV (RFC 4180), a chunk at a time: bytes into rows of cells. What the cells mean is CsvReader's.
#pragma once

#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data_center_classifier::infrastructure::formats {

// Rows end with LF, CRLF or CR. Blank lines are counted and passed over. A quote inside an unquoted cell is a character like any other. The
// first row is the header: its width is that of the others.
//
// Text in quotes and rows behind a stray quote look alike, and a false record is worse than a lost row. A row that is too large is refused
// and passed over up to a quote that a separator or a line end follows; when the file has none, finish() says from where nothing was read.
// When a smaller one proves wrong (something follows the closing quote, or the file ends), the lines that were kept since the quote opened
// are rows if at least half of the complete ones, and at least one, look like rows: then the quote's row is refused and they are read
// again. Else they are text, and the row is refused with all up to the first line that looks like a row. A line looks like a row when it
// has the header's width, all its quotes are where RFC 4180 has them, and its first cell is of characters like those of the first cells so
// far.
//
// Memory: one row twice, bounded by `record_bytes_max`. Time: what is read again is at most what was read, and `again_rows_max` full rows.
class CsvRows {
public:
    struct Row {
        std::uint64_t line = 0;               // on which the row begins
        std::size_t width = 0;                // cells, also those beyond `columns_max`
        std::vector<std::string_view> cells;  // at most `columns_max`; they live during the call only
        std::optional<Refusal> refusal;       // the row cannot be used
    };
    using Sink = std::function<void(const Row&)>;

    CsvRows(char separator, Limits limits);
    void feed(std::string_view chunk, const Sink& sink);
    // A last row without line end. The refusal, when more than a row can be was passed over at the end: the rows are not all of the file's.
    std::optional<Refusal> finish(const Sink& sink);

private:
    enum class At { row, cell, plain, quoted, quote, passing };
    enum class Lost { no, misplaced, size };

    static constexpr std::size_t again_rows_max = 64;

    void step(std::string_view chunk, std::size_t& at, const Sink& sink);
    void begin_cell(std::string_view chunk, std::size_t& at);
    void plain_part(std::string_view chunk, std::size_t& at, const Sink& sink);
    std::size_t until_too_large(std::size_t bytes) const;
    bool too_large() const { return row_bytes_ > limits_.record_bytes_max; }
    void quoted_part(std::string_view chunk, std::size_t& at);
    void count_lines(std::string_view part);
    void after_quote(std::string_view chunk, std::size_t& at);
    void passing_part(std::string_view chunk, std::size_t& at, const Sink& sink);
    void pass_lines(std::uint64_t from);
    void end_passing(const Sink& sink);
    void count(std::size_t bytes);
    void take(std::string_view part);
    void end_cell();
    void end_row(const Sink& sink);
    void deliver(const Sink& sink);
    void learn();
    bool looks_like_row(std::string_view line) const;
    bool are_rows(std::string_view text, bool all) const;
    void lose_for_size();
    void lose(const Sink& sink, bool at_end);
    std::string quote_place() const;
    void refuse_open_quote(std::string found);
    void refuse_too_large();
    void refuse(std::string code, std::string detail, std::string expected, std::string found, std::string mend, std::uint64_t line);
    void check_text();

    char separator_;
    Limits limits_;
    std::array<bool, 256> ends_plain_{};
    At at_ = At::row;
    bool after_cr_ = false;
    std::uint64_t line_ = 1;
    std::uint64_t quote_line_ = 1;  // where the quoted cell that is open began
    std::size_t row_bytes_ = 0;
    bool after_cr_in_quotes_ = false;
    bool cell_crossed_ = false;     // the quoted cell has more than one line
    bool cell_misplaced_ = false;   // something follows a quote in it
    bool over_ = false;             // the row is too large: its quoted cells are passed over
    Lost lost_ = Lost::no;          // what was just found out about the row
    bool first_end_is_cr_ = false;  // of the quoted cell's lines
    std::string kept_;              // the quoted cell from its second line on
    std::string again_;             // what is to be read again next
    std::size_t again_left_;        // bytes that may be
    std::size_t again_now_ = 0;     // bytes to come that are
    std::string passed_line_;       // the line that is looked at while lines are passed over
    bool passed_line_broken_ = false;
    std::uint64_t passed_from_ = 0;
    std::size_t header_width_ = 0;
    unsigned kinds_any_ = 0, kinds_all_ = ~0U;  // of characters in the first cells
    std::string text_;                          // the cells, each ended by a NUL, so that two of them never make one character
    std::vector<std::size_t> ends_;             // of the cells in text_
    Row row_;
};

}  // namespace data_center_classifier::infrastructure::formats
