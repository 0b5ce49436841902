// What the columns of a CSV file mean: its header against the names of the fields, the centre's mapping and the common names.
#pragma once

#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data_center_classifier::infrastructure::formats {

struct CsvColumns {
    enum class Target { field, data_center_id, extension };
    struct Column {
        Target target = Target::extension;
        domain::FieldId field{};
        std::optional<domain::FieldId> also;  // a second one: the id of an image is that of its record, too
        std::string key;                      // of an extension: its name as JSON text with the colon
        CsvReader::Column use;
    };
    std::vector<Column> columns;
    std::vector<std::size_t> extensions;  // places of the extension columns in the order of canonical JSON
};

// The separator of a header row: the one of , ; | and tab that occurs most outside quotes.
char separator_of(std::string_view header);

// Exact names win over the mapping, the mapping over the common names; a common name never takes a field that one of the others has,
// and of several common names of one field the best has it (common_names.hpp). Refused are two exact names or two mapped columns of one
// field. A repeated extension gets a number: "View_2".
// A column without a name becomes the extension "column_N". Names are never quoted in a refusal: a file without header has a patient there.
Read<CsvColumns> columns_of(const std::vector<std::string_view>& names, const CsvReader::Mapping& mapping);

}  // namespace data_center_classifier::infrastructure::formats
