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

// Rows end with LF, CRLF or CR. Blank lines are counted and passed over. A quote inside an unquoted cell is a character like any other.
// Memory: one row twice, bounded by `record_bytes_max`; a larger one is refused and passed over.
//
// A quote that nobody closes would take all that follows with it. So a row of several lines that grows too large, ends with the file or has
// something behind a closing quote is refused, and reading goes on at its second line: what was taken for its text are rows again. That is
// done for `again_rows_max` full rows of a file; from then on lines that are read again end with themselves, so that no file takes more
// time than twice its bytes.
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
    void finish(const Sink& sink);  // a last row without line end

private:
    enum class At { row, cell, plain, quoted, quote };

    static constexpr std::size_t again_rows_max = 64;

    void step(std::string_view chunk, std::size_t& at, const Sink& sink);
    void begin_cell(std::string_view chunk, std::size_t& at);
    void plain_part(std::string_view chunk, std::size_t& at, const Sink& sink);
    std::size_t until_too_large(std::size_t bytes) const;
    bool too_large() const { return row_bytes_ > limits_.record_bytes_max; }
    void quoted_part(std::string_view chunk, std::size_t& at);
    void after_quote(std::string_view chunk, std::size_t& at);
    void count(std::size_t bytes);
    void take(std::string_view part);
    void end_cell();
    void end_row(const Sink& sink);
    void refuse_open_quote(std::string found);
    std::string lose(const Sink& sink);
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
    bool crossed_ = false;       // the row has more than one line
    bool cell_crossed_ = false;  // its quoted cell has
    bool lost_ = false;          // the row is to be given up, and its further lines to be read again
    bool first_end_is_cr_ = false;
    std::string again_;              // its bytes from its second line on
    std::size_t again_left_;         // bytes that may be read again as what they are
    std::size_t strict_left_ = 0;    // bytes to come, read again, in which no quoted cell crosses a line
    std::string text_;               // the cells, each ended by a NUL, so that two of them never make one character
    std::vector<std::size_t> ends_;  // of the cells in text_
    Row row_;
};

}  // namespace data_center_classifier::infrastructure::formats
