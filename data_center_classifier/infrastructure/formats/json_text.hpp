// What the readers of this room share about text: UTF-8, JSON strings and numbers, and canonical objects.
#pragma once

#include "kernel/json_text.hpp"
#include "kernel/utf8.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data_center_classifier::infrastructure::formats {

using kernel::append_json_string;
using kernel::not_utf8_at;

// "gzip" or "zstd" for what begins as one of them does, else "".
std::string_view packing_of(std::string_view bytes);

// True for a number as RFC 8259 writes it.
bool is_json_number(std::string_view text);

// Writes one JSON object at the end of a text: members in any order; closing sorts them by key.
// Objects may nest (a member's value may be another ObjectWriter's object) when all share `members`.
class ObjectWriter {
public:
    struct Member {
        std::size_t begin;     // of the member in the text
        std::size_t key_size;  // with the quotes
        std::size_t source;    // where the sender wrote it
    };

    ObjectWriter(std::string& out, std::vector<Member>& members);
    // Starts a member, which the sender wrote at `source`; the caller appends its value to the text then.
    void key(std::string_view name, std::size_t source);
    // Where two members of one name came from, the second in the order of the sender.
    struct Twice {
        std::size_t first, second;
    };
    // Ends the object. Nothing but the braces stands there when it has no members. When two members have one name, the object is not to be
    // used.
    std::optional<Twice> close();
    bool empty() const { return members_.size() == first_; }

private:
    std::optional<Twice> reorder();

    std::string& out_;
    std::vector<Member>& members_;
    std::size_t first_;
    std::size_t begin_;
};

}  // namespace data_center_classifier::infrastructure::formats
