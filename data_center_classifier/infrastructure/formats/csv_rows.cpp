// CsvRows: a state machine over bytes that may be cut anywhere.
#include "data_center_classifier/infrastructure/formats/csv_rows.hpp"

#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <simdjson.h>
#include <algorithm>
#include <utility>

namespace data_center_classifier::infrastructure::formats {
namespace {

constexpr std::size_t first_cell_bytes = 64;  // of a first cell are looked at

unsigned kind_of(char c) {
    if (c >= '0' && c <= '9') return 1;
    if (c >= 'A' && c <= 'Z') return 2;
    if (c >= 'a' && c <= 'z') return 4;
    if (c == ' ' || c == '\t') return 8;
    return static_cast<unsigned char>(c) < 0x80 ? 16 : 32;
}
unsigned kinds_of(std::string_view cell) {
    unsigned kinds = 0;
    for (const char c : cell) kinds |= kind_of(c);
    return kinds;
}

// The cell at the front of a line's rest; npos when a quote of it is not where RFC 4180 has it, or not closed.
std::size_t strict_cell_size(std::string_view rest, char separator) {
    if (!rest.starts_with('"')) {
        const auto size = std::min(rest.find(separator), rest.size());
        return rest.substr(0, size).find('"') == std::string_view::npos ? size : std::string_view::npos;
    }
    auto close = rest.find('"', 1);
    while (close != std::string_view::npos && rest.substr(close + 1).starts_with('"')) close = rest.find('"', close + 2);
    const bool ends = close != std::string_view::npos && (close + 1 == rest.size() || rest[close + 1] == separator);
    return ends ? close + 1 : std::string_view::npos;
}

}  // namespace

CsvRows::CsvRows(char separator, Limits limits)
    : separator_(separator), limits_(limits), again_left_(again_rows_max * limits.record_bytes_max) {
    for (const char c : {separator, '\r', '\n'}) ends_plain_[static_cast<unsigned char>(c)] = true;
    row_.line = line_;
}

void CsvRows::feed(std::string_view chunk, const Sink& sink) {
    std::string buffer;  // what is read again, and the chunk's rest
    for (std::size_t at = 0; at < chunk.size();) {
        const auto from = at;
        const bool keeps = cell_crossed_ && !over_ && (at_ == At::quoted || at_ == At::quote);
        step(chunk, at, sink);
        const auto again_read = std::min(again_now_, at - from);
        again_now_ -= again_read;
        again_left_ += at - from - again_read;
        if (keeps) kept_ += chunk.substr(from, at - from);
        if (at_ == At::quoted && too_large() && !over_) lose_for_size();
        if (lost_ == Lost::misplaced) lose(sink, false);
        if (again_.empty()) continue;
        // The bytes to be read again are the last ones that were read.
        auto again = std::exchange(again_, {});
        again_now_ += again.size();
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
        case At::passing: passing_part(chunk, at, sink); break;
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
        cell_crossed_ = cell_misplaced_ = after_cr_in_quotes_ = false;
        kept_.clear();
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
    if (part.size() < size || at == chunk.size()) return;
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
    const auto line_end = cell_crossed_ ? std::string_view::npos : part.find_first_of("\r\n");
    const bool crosses = line_end != std::string_view::npos;
    if (crosses) part = part.substr(0, line_end + 1);
    take(part);
    if (crosses || cell_crossed_) count_lines(part);
    at += part.size();
    if (crosses) {
        cell_crossed_ = true;
        first_end_is_cr_ = part.back() == '\r';
        if (cell_misplaced_ && !too_large()) lost_ = Lost::misplaced;
        return;
    }
    if (part.size() < size || at == chunk.size() || (too_large() && !over_)) return;
    count(1);
    ++at;
    after_cr_in_quotes_ = false;
    at_ = At::quote;
}

void CsvRows::count_lines(std::string_view part) {
    for (const char c : part) {
        if (c == '\r' || (c == '\n' && !after_cr_in_quotes_)) ++line_;
        after_cr_in_quotes_ = c == '\r';
    }
}

void CsvRows::after_quote(std::string_view chunk, std::size_t& at) {
    const char c = chunk[at];
    if (ends_plain_[static_cast<unsigned char>(c)]) {
        at_ = At::plain;
        return;
    }
    at_ = At::quoted;
    if (c == '"') {
        take("\"");
        ++at;
        return;
    }
    if (too_large()) return;  // it is passed over
    cell_misplaced_ = true;
    refuse("csv-quote-misplaced", "something follows the quote that closes the one opened in " + quote_place(),
           "the separator or the end of the line", "another character",
           "close each quote in its own value, and double the quotes inside a quoted one", quote_line_);
    if (cell_crossed_) lost_ = Lost::misplaced;
}

// From here on, lines are passed over, until one looks like a row.
void CsvRows::pass_lines(std::uint64_t from) {
    at_ = At::passing;
    passed_from_ = line_ = from;
    passed_line_.clear();
    passed_line_broken_ = false;
}

void CsvRows::passing_part(std::string_view chunk, std::size_t& at, const Sink& sink) {
    const auto rest = chunk.substr(at);
    if (std::exchange(after_cr_, false) && rest.front() == '\n') {
        ++at;
        return;
    }
    const auto line_end = rest.find_first_of("\r\n");
    const auto part = rest.substr(0, line_end);
    row_bytes_ += part.size();
    passed_line_broken_ = passed_line_broken_ || part.size() > limits_.record_bytes_max - passed_line_.size();
    if (!passed_line_broken_) passed_line_ += part;
    at += part.size();
    if (line_end == std::string_view::npos) return;
    const char end = chunk[at++];
    ++row_bytes_;
    if (!passed_line_broken_ && looks_like_row(passed_line_)) {
        again_ = std::exchange(passed_line_, {}) + end;
        end_passing(sink);
        return;
    }
    after_cr_ = end == '\r';
    ++line_;
    passed_line_.clear();
    passed_line_broken_ = false;
}

void CsvRows::end_passing(const Sink& sink) {
    if (line_ > passed_from_)
        row_.refusal->detail += "; nothing is read of lines " + std::to_string(passed_from_) + " to " + std::to_string(line_ - 1);
    deliver(sink);
}

void CsvRows::count(std::size_t bytes) {
    row_bytes_ += bytes;
    if (too_large()) refuse_too_large();
}

void CsvRows::refuse_too_large() {
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
    if (over_ && line_ > row_.line) row_.refusal->detail += "; the row ends in line " + std::to_string(line_);
    ++line_;
    deliver(sink);
}

// The next row begins in line `line_`.
void CsvRows::deliver(const Sink& sink) {
    if (row_bytes_ > 0) {
        if (!row_.refusal) check_text();
        std::size_t begin = 0;
        for (const auto end : ends_) {
            row_.cells.push_back(std::string_view(text_).substr(begin, end - begin));
            begin = end + 1;
        }
        if (!row_.refusal && header_width_ == 0) header_width_ = row_.width;
        else if (!row_.refusal && row_.width == header_width_) learn();
        sink(row_);
    }
    row_.line = line_;
    row_.width = 0;
    row_.cells.clear();
    row_.refusal.reset();
    row_bytes_ = 0;
    text_.clear();
    ends_.clear();
    at_ = At::row;
    cell_crossed_ = over_ = false;
}

// How first cells look.
void CsvRows::learn() {
    if (ends_.empty()) return;
    const auto kinds = kinds_of(std::string_view(text_).substr(0, std::min(ends_.front(), first_cell_bytes)));
    kinds_any_ |= kinds;
    kinds_all_ &= kinds;
}

bool CsvRows::looks_like_row(std::string_view line) const {
    std::size_t width = 0;
    std::string_view first;
    for (std::size_t begin = 0; begin <= line.size();) {
        const auto size = strict_cell_size(line.substr(begin), separator_);
        if (size == std::string_view::npos) return false;
        if (width++ == 0) first = line.substr(0, size);
        begin += size + 1;
    }
    if (first.starts_with('"')) first = first.substr(1, first.size() - 2);
    if (width != header_width_ || width < 2) return false;
    if (kinds_any_ == 0) return width > 2;
    const auto kinds = kinds_of(first.substr(0, first_cell_bytes));
    return (kinds & ~kinds_any_) == 0 && (kinds_all_ & ~kinds) == 0;
}

// Of its complete lines; `all`: the last one is.
bool CsvRows::are_rows(std::string_view text, bool all) const {
    std::size_t lines = 0, rows = 0;
    if (first_end_is_cr_ && text.starts_with('\n')) text.remove_prefix(1);
    while (!text.empty()) {
        const auto end = text.find_first_of("\r\n");
        if (end == std::string_view::npos && !all) break;
        ++lines;
        if (looks_like_row(text.substr(0, end))) ++rows;
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
    }
    return rows > 0 && rows * 2 >= lines;
}

std::string CsvRows::quote_place() const {
    return "line " + std::to_string(quote_line_) + ", column " + std::to_string(row_.width + 1);
}

void CsvRows::refuse_open_quote(std::string found) {
    row_.refusal.reset();  // it explains whatever else is wrong
    refuse("csv-quote-open", "the quote opened in " + quote_place() + " is not closed", "a closing quote", std::move(found),
           "double the quotes inside a quoted value, and close every one", quote_line_);
}

// A large value may be a table of its own: nothing of it is read as rows.
void CsvRows::lose_for_size() {
    over_ = true;
    kept_ = {};
    row_.refusal.reset();
    refuse_too_large();
    row_.refusal->detail += "; or the quote opened in " + quote_place() + " is not closed";
}

// The quote of the cell is wrong. What follows its line is rows again, or passed over.
void CsvRows::lose(const Sink& sink, bool at_end) {
    lost_ = Lost::no;
    learn();
    again_ = std::exchange(kept_, {});
    after_cr_ = first_end_is_cr_;
    if (again_.size() > again_left_) {
        again_ = {};
        pass_lines(line_);
        after_cr_ = false;
        passed_line_broken_ = true;  // of this line the rest is left
        return;
    }
    again_left_ -= again_.size();
    if (are_rows(again_, at_end)) {
        line_ = quote_line_ + 1;
        deliver(sink);
    } else {
        pass_lines(quote_line_ + 1);
    }
}

std::optional<Refusal> CsvRows::finish(const Sink& sink) {
    while (true) {
        if (at_ == At::passing && !passed_line_.empty() && !passed_line_broken_ && looks_like_row(passed_line_)) {
            again_ = std::exchange(passed_line_, {});
            end_passing(sink);
        } else if (at_ == At::quoted && cell_crossed_ && !over_) {
            refuse_open_quote("the end of the file");
            lose(sink, true);
        } else {
            break;
        }
        const auto again = std::exchange(again_, {});
        again_now_ += again.size();
        feed(again, sink);
    }
    if (row_bytes_ == 0) return std::nullopt;
    std::optional<Refusal> unread;
    if (at_ == At::passing || at_ == At::quoted) {
        if (at_ == At::quoted && !row_.refusal) refuse_open_quote("the end of the file");
        if (too_large()) {
            unread = Refusal{.code = "csv-quote-open",
                             .detail = "nothing was read from line " + std::to_string(row_.line) + " on: the quote opened in " +
                                       quote_place() + " is not closed, or not where its value ends",
                             .pointer = {},
                             .line = row_.line,
                             .column = row_.width + 1,
                             .expected = "a closing quote",
                             .found = "the end of the file",
                             .mend = "double the quotes inside a quoted value, and close every one; then send the file again"};
        }
    }
    if (at_ == At::passing) {
        if (!passed_line_.empty() || passed_line_broken_) ++line_;
        end_passing(sink);
    } else {
        end_cell();
        end_row(sink);
    }
    return unread;
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
