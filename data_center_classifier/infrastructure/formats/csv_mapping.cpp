// Mappings are an operator's: what they say may be quoted.
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <map>

namespace data_center_classifier::infrastructure::formats {
namespace {

using kernel::Error;
using kernel::ErrorKind;

constexpr std::size_t columns_max = 1000;
constexpr std::size_t column_bytes_max = 500;

std::string quoted(std::string_view name) {
    return '"' + std::string(name) + '"';
}

std::string field_names() {
    std::string names = "data_center_id";
    for (std::size_t i = 0; i < domain::field_count; ++i) names.append(", ").append(domain::info(static_cast<domain::FieldId>(i)).name);
    return names;
}

Error leads_nowhere(std::string_view column) {
    return {ErrorKind::incorrect, "field-unknown",
            "the column " + quoted(column) + " leads to what is no field; the fields are " + field_names()};
}

Error twice(std::string_view one, std::string_view other, const std::string& field) {
    return {ErrorKind::incorrect, "mapping-field-twice", "the columns " + quoted(one) + " and " + quoted(other) + " both lead to " + field};
}

}  // namespace

kernel::Result<void> check_mapping(const CsvReader::Mapping& mapping) {
    if (mapping.size() > columns_max) return Error{ErrorKind::incorrect, "mapping-too-large", "a mapping has at most 1000 columns"};
    std::map<std::string_view, std::string_view> columns;  // by field
    for (const auto& [column, field] : mapping) {
        if (column.size() > column_bytes_max)
            return Error{ErrorKind::incorrect, "mapping-too-large", "a column's name has at most 500 bytes"};
        if (!domain::field_named(field) && field != "data_center_id") return leads_nowhere(column);
        if (const auto [other, fresh] = columns.emplace(field, column); !fresh) return twice(other->second, column, field);
    }
    return kernel::ok();
}

}  // namespace data_center_classifier::infrastructure::formats
