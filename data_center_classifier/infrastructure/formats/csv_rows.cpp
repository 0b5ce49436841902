// CsvRows: a state machine over bytes that may be cut anywhere.
#include "data_center_classifier/infrastructure/formats/csv_rows.hpp"

#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <simdjson.h>
#include <algorithm>

namespace data_center_classifier::infrastructure::formats {

CsvRows::CsvRows(char separator, Limits limits) : separator_(separator), limits_(limits) {
    for (const char c : {separator, '\r', '\n'}) ends_plain_[static_cast<unsigned char>(c)] = true;
    row_.line = line_;
}

void CsvRows::feed(std::string_view chunk, const Sink& sink) {
    for (std::size_t at = 0; at < chunk.size();) {
        switch (at_) {
            case At::row:
            case At::cell: begin_cell(chunk, at); break;
            case At::plain: plain_part(chunk, at, sink); break;
            case At::quoted: quoted_part(chunk, at); break;
            case At::quote: after_quote(chunk, at); break;
        }
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
        count(1);
        ++at;
    } else {
        at_ = At::plain;
    }
}

void CsvRows::plain_part(std::string_view chunk, std::size_t& at, const Sink& sink) {
    const auto rest = chunk.substr(at);
    const auto end = std::ranges::find_if(rest, [this](char c) { return ends_plain_[static_cast<unsigned char>(c)]; });
    const auto part = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    take(part);
    at += part.size();
    if (at == chunk.size()) return;
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

void CsvRows::quoted_part(std::string_view chunk, std::size_t& at) {
    const auto quote = chunk.find('"', at);
    const auto part = chunk.substr(at, quote == std::string_view::npos ? quote : quote - at);
    take(part);
    line_ += static_cast<std::uint64_t>(std::ranges::count(part, '\n'));
    at += part.size();
    if (quote == std::string_view::npos) return;
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
    if (!ends_plain_[static_cast<unsigned char>(c)])
        refuse("csv-quote-misplaced", "something follows a closing quote", "the separator or the end of the line", "another character",
               "double the quotes inside a quoted value", line_);
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
}

void CsvRows::finish(const Sink& sink) {
    if (row_bytes_ == 0) return;
    if (at_ == At::quoted) {
        row_.refusal.reset();  // it explains whatever else is wrong
        refuse("csv-quote-open", "a quoted value is not closed when the file ends", "a closing quote", "the end of the file",
               "double the quotes inside a quoted value, and close every one", quote_line_);
    }
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
