// CsvRows: a state machine over bytes that may be cut anywhere.
#include "data_center_classifier/infrastructure/formats/csv_rows.hpp"

#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <simdjson.h>
#include <algorithm>
#include <utility>

namespace data_center_classifier::infrastructure::formats {

CsvRows::CsvRows(char separator, Limits limits)
    : separator_(separator), limits_(limits), again_left_(again_rows_max * limits.record_bytes_max) {
    for (const char c : {separator, '\r', '\n'}) ends_plain_[static_cast<unsigned char>(c)] = true;
    row_.line = line_;
}

void CsvRows::feed(std::string_view chunk, const Sink& sink) {
    std::string buffer;  // what is read again, and the chunk's rest
    for (std::size_t at = 0; at < chunk.size();) {
        const auto from = at;
        const bool several_lines = crossed_;
        step(chunk, at, sink);
        strict_left_ -= std::min(strict_left_, at - from);
        if (several_lines && crossed_) again_ += chunk.substr(from, at - from);
        if (crossed_ && too_large()) {
            if (at_ == At::quoted) refuse_open_quote("none within " + std::to_string(limits_.record_bytes_max) + " bytes");
            lost_ = true;
        }
        if (!lost_) continue;
        auto again = lose(sink);
        if (again.size() <= at) {
            at -= again.size();
            continue;
        }
        again += chunk.substr(at);
        buffer = std::move(again);
        chunk = buffer;
        at = 0;
    }
}

void CsvRows::step(std::string_view chunk, std::size_t& at, const Sink& sink) {
    switch (at_) {
        case At::row:
        case At::cell: begin_cell(chunk, at); break;
        case At::plain: plain_part(chunk, at, sink); break;
        case At::quoted: quoted_part(chunk, at); break;
        case At::quote: after_quote(chunk, at); break;
    }
}

void CsvRows::begin_cell(std::string_view chunk, std::size_t& at) {
    const bool lf_of_crlf = at_ == At::row && after_cr_ && chunk[at] == '\n';
    after_cr_ = false;
    if (lf_of_crlf) {
        ++at;
    } else if (chunk[at] == '"') {
        at_ = At::quoted;
        quote_line_ = line_;
        cell_crossed_ = false;
        count(1);
        ++at;
    } else {
        at_ = At::plain;
    }
}

void CsvRows::plain_part(std::string_view chunk, std::size_t& at, const Sink& sink) {
    const auto rest = chunk.substr(at);
    const auto end = std::ranges::find_if(rest, [this](char c) { return ends_plain_[static_cast<unsigned char>(c)]; });
    const auto size = static_cast<std::size_t>(end - rest.begin());
    const auto part = rest.substr(0, until_too_large(size));
    take(part);
    at += part.size();
    if (part.size() < size || at == chunk.size() || (crossed_ && too_large())) return;
    const char c = chunk[at++];
    if (c == separator_) {
        count(1);
        end_cell();
        at_ = At::cell;
        return;
    }
    after_cr_ = c == '\r';
    end_cell();
    end_row(sink);
}

// Of so many bytes those up to the first that is too much: a row is given up at the same byte however its bytes came.
std::size_t CsvRows::until_too_large(std::size_t bytes) const {
    return too_large() ? bytes : std::min(bytes, limits_.record_bytes_max - row_bytes_ + 1);
}

void CsvRows::quoted_part(std::string_view chunk, std::size_t& at) {
    const auto rest = chunk.substr(at);
    const auto size = std::min(rest.find('"'), rest.size());
    auto part = rest.substr(0, until_too_large(size));
    if (const auto line_end = part.find_first_of("\r\n"); line_end != std::string_view::npos) {
        if (!crossed_) part = part.substr(0, line_end + 1);
        cell_crossed_ = true;
    }
    take(part);
    line_ += static_cast<std::uint64_t>(std::ranges::count(part, '\n'));
    at += part.size();
    if (cell_crossed_ && !crossed_) {
        crossed_ = true;
        first_end_is_cr_ = part.back() == '\r';
        lost_ = strict_left_ > 0;
        if (lost_) refuse_open_quote("the end of the line");
        return;
    }
    if (part.size() < size || at == chunk.size() || (crossed_ && too_large())) return;
    count(1);
    ++at;
    at_ = At::quote;
}

void CsvRows::after_quote(std::string_view chunk, std::size_t& at) {
    const char c = chunk[at];
    if (c == '"') {
        take("\"");
        ++at;
        at_ = At::quoted;
        return;
    }
    if (!ends_plain_[static_cast<unsigned char>(c)] && cell_crossed_) {
        refuse("csv-quote-misplaced",
               "something follows the quote that closes the one opened in line " + std::to_string(quote_line_) + ", column " +
                   std::to_string(row_.width + 1),
               "the separator or the end of the line", "another character",
               "close each quote in its own value, and double the quotes inside a quoted one", quote_line_);
        lost_ = true;
    } else if (!ends_plain_[static_cast<unsigned char>(c)]) {
        refuse("csv-quote-misplaced", "something follows a closing quote", "the separator or the end of the line", "another character",
               "double the quotes inside a quoted value", line_);
    }
    at_ = At::plain;
}

void CsvRows::count(std::size_t bytes) {
    row_bytes_ += bytes;
    if (row_bytes_ <= limits_.record_bytes_max) return;
    refuse("record-too-large", "the row is larger than a record may be", "at most " + std::to_string(limits_.record_bytes_max) + " bytes",
           "more", "send references to images and documents, not their content; look for a quote that is not closed", row_.line);
}

void CsvRows::take(std::string_view part) {
    count(part.size());
    if (!row_.refusal) text_ += part;
}

void CsvRows::end_cell() {
    ++row_.width;
    if (row_.refusal || row_.width > limits_.columns_max) return;
    ends_.push_back(text_.size());
    text_ += '\0';
}

void CsvRows::end_row(const Sink& sink) {
    if (row_bytes_ > 0) {
        if (!row_.refusal) check_text();
        std::size_t begin = 0;
        for (const auto end : ends_) {
            row_.cells.push_back(std::string_view(text_).substr(begin, end - begin));
            begin = end + 1;
        }
        sink(row_);
    }
    ++line_;
    row_.line = line_;
    row_.width = 0;
    row_.cells.clear();
    row_.refusal.reset();
    row_bytes_ = 0;
    text_.clear();
    ends_.clear();
    at_ = At::row;
    crossed_ = lost_ = false;
    again_.clear();
}

void CsvRows::refuse_open_quote(std::string found) {
    row_.refusal.reset();  // it explains whatever else is wrong
    refuse("csv-quote-open",
           "the quote opened in line " + std::to_string(quote_line_) + ", column " + std::to_string(row_.width + 1) + " is not closed",
           "a closing quote", std::move(found), "double the quotes inside a quoted value, and close every one", quote_line_);
}

// Ends the row where it is. What is to be read again: its further lines.
std::string CsvRows::lose(const Sink& sink) {
    auto again = std::exchange(again_, {});
    const auto next_line = row_.line + 1;
    end_cell();
    end_row(sink);
    line_ = row_.line = next_line;
    after_cr_ = first_end_is_cr_;
    if (again.size() > again_left_) strict_left_ = again.size();
    else again_left_ -= again.size();
    return again;
}

void CsvRows::finish(const Sink& sink) {
    while (at_ == At::quoted && crossed_) {
        refuse_open_quote("the end of the file");
        const auto again = lose(sink);
        feed(again, sink);
    }
    if (row_bytes_ == 0) return;
    if (at_ == At::quoted) refuse_open_quote("the end of the file");
    end_cell();
    end_row(sink);
}

// The first thing that is wrong stays.
void CsvRows::refuse(std::string code, std::string detail, std::string expected, std::string found, std::string mend, std::uint64_t line) {
    if (row_.refusal) return;
    row_.refusal = Refusal{.code = std::move(code),
                           .detail = std::move(detail),
                           .pointer = {},
                           .line = line,
                           .column = row_.width + 1,
                           .expected = std::move(expected),
                           .found = std::move(found),
                           .mend = std::move(mend)};
}

void CsvRows::check_text() {
    if (simdjson::validate_utf8(text_)) return;
    const auto wrong = not_utf8_at(text_);
    const auto cell = static_cast<std::uint64_t>(std::ranges::lower_bound(ends_, wrong) - ends_.begin());
    refuse("text-not-utf8", "a byte is not UTF-8", "UTF-8", "a byte of another encoding", "export the data as UTF-8", row_.line);
    row_.refusal->column = cell + 1;
}

}  // namespace data_center_classifier::infrastructure::formats
