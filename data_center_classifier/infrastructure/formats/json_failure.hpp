// Why JSON could not be read and where: what simdjson says, and what it does not say, in words for people.
#pragma once

#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <simdjson.h>
#include <algorithm>
#include <string>
#include <string_view>

namespace data_center_classifier::infrastructure::formats {

// A refusal and where in the text that was read it arose; lines are counted only when it is known what the text was a part of.
struct Failure {
    Refusal refusal;
    std::size_t offset = 0;
};

// What is said where nothing better is known.
inline constexpr std::string_view plainly_broken = "the JSON is broken here";

// What a JSON text is, by its first character; never what it says.
std::string kind_of(std::string_view json);
Failure broken(std::size_t offset, std::string detail, std::string expected = {},
               std::string mend = "send JSON as RFC 8259 has it; a JSON library writes it right");
// With what other languages and people write for JSON, if it is that.
Failure broken_at(std::size_t offset, std::string_view json);
bool is_wide(std::string_view text);
Failure wide();
Failure twice(std::size_t offset, std::string pointer);
Failure in_and_beside_extensions(std::size_t offset);
Failure packed(std::string_view how);
Failure not_an_object(std::string_view json);
Failure too_large(std::size_t size, std::size_t size_max);
Failure something_follows(std::size_t offset, std::string_view json);
Failure failure_of(simdjson::error_code error, std::size_t offset, std::string_view json);

// Lines and columns of places in one text, asked for from front to back: one pass over the text, however many there are.
class Places {
public:
    explicit Places(std::string_view text) : text_(text) {}

    Refusal placed(Failure failure) {
        for (const auto end = std::min(failure.offset, text_.size()); at_ < end; ++at_) {
            if (text_[at_] != '\n') continue;
            ++line_;
            line_begin_ = at_ + 1;
        }
        failure.refusal.line = line_;
        failure.refusal.column = std::max(failure.offset, line_begin_) - line_begin_ + 1;
        return std::move(failure.refusal);
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::uint64_t line_ = 1;
    std::size_t line_begin_ = 0;
};

}  // namespace data_center_classifier::infrastructure::formats
