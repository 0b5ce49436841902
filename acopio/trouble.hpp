// Many refused records as a few groups that a person can act on: by code, with how many, where the first ones are, and how to mend them.
#pragma once

#include "acopio/source_file.hpp"
#include "acopio/terminal.hpp"
#include "kernel/result.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace acopio {

// How many records became what.
struct Totals {
    std::uint64_t accepted = 0, duplicate = 0, quarantined = 0, refused = 0;
    std::uint64_t all() const { return accepted + duplicate + quarantined + refused; }
};

// Why one record was refused: the words of a problem (RFC 9457).
struct Trouble {
    std::string code, detail, mend;
    std::optional<std::uint64_t> line;  // in NDJSON and CSV, from 1
    std::optional<std::uint64_t> item;  // in a JSON array, from 0
};
// From the problem of an item; `index` is the item's.
Trouble trouble_from(const boost::json::object& problem, std::uint64_t index);

// Whether a refusal of this code, answered to the whole of a file, is one of the file (which could not be read) and not of the one record
// that a JSON file can be.
bool spoils_the_file(Format format, std::string_view code);
// "What is wrong. What to do", the advice as a sentence of its own.
std::string with_advice(std::string message, std::string_view advice);
// "the file could not be read: why. What to do": incorrect, with the trouble's code.
kernel::Error unreadable(const Trouble& trouble);

// At most `groups_max` codes and `examples_max` places of each are kept, so a file of any length takes no more memory.
class TroubleGroups {
public:
    static constexpr std::size_t groups_max = 100;
    static constexpr std::size_t examples_max = 5;

    void add(const Trouble& trouble);
    bool empty() const { return groups_.empty() && others_ == 0; }
    void clear();
    // Most frequent first.
    std::string text(const Screen& screen) const;
    boost::json::array json() const;

private:
    struct Group {
        std::string code;
        std::string detail, mend;  // of the first
        std::uint64_t count = 0;
        bool lines = false;  // whether `places` are lines
        std::vector<std::uint64_t> places;
    };
    std::vector<const Group*> by_count() const;

    std::map<std::string, Group, std::less<>> groups_;
    std::uint64_t others_ = 0;  // of codes beyond groups_max
};

}  // namespace acopio
