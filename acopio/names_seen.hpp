// What became of the names in a file: the columns of a CSV, and members of JSON records that are no field.
#pragma once

#include "acopio/terminal.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acopio {

// Names only, never what stands under them.
class NamesSeen {
public:
    static constexpr std::size_t members_max = 20;  // different names that are kept; of the others only the number

    void take_columns(std::vector<data_center_classifier::infrastructure::formats::CsvReader::Column> columns) {
        columns_ = std::move(columns);
    }
    // A record's extensions: "" or a JSON object as the readers write it.
    void take_members(std::string_view extensions);

    // A table for people; "" when there is nothing to tell.
    std::string text(const Screen& screen) const;
    // {"columns":[{"column","field"|null,"by"}],"unknown_members":[{"name","records"}],"further_members":0}
    boost::json::object json() const;

private:
    void count(std::string_view name);

    std::vector<data_center_classifier::infrastructure::formats::CsvReader::Column> columns_;
    std::vector<std::pair<std::string, std::uint64_t>> members_;  // by first appearance: name as JSON has it, and records
    std::uint64_t further_ = 0;                                   // occurrences of names beyond members_max
};

}  // namespace acopio
