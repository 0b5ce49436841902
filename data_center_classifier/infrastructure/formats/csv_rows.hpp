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
// Memory: one row, bounded by `record_bytes_max`; a larger one is passed over to its end and refused.
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

    void begin_cell(std::string_view chunk, std::size_t& at);
    void plain_part(std::string_view chunk, std::size_t& at, const Sink& sink);
    void quoted_part(std::string_view chunk, std::size_t& at);
    void after_quote(std::string_view chunk, std::size_t& at);
    void count(std::size_t bytes);
    void take(std::string_view part);
    void end_cell();
    void end_row(const Sink& sink);
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
    std::string text_;               // the cells, each ended by a NUL, so that two of them never make one character
    std::vector<std::size_t> ends_;  // of the cells in text_
    Row row_;
};

}  // namespace data_center_classifier::infrastructure::formats
