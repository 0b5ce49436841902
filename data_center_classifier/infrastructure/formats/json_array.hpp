// Cutting the text of a JSON array into those of its items.
#pragma once

#include "data_center_classifier/infrastructure/formats/json_failure.hpp"

#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

namespace data_center_classifier::infrastructure::formats {

struct ItemRange {
    std::size_t begin, size;
};

// The items of the array at the beginning, by brackets and quotes alone; each is still to be read.
std::variant<std::vector<ItemRange>, Failure> items_of_array(std::string_view json, std::size_t items_max);

}  // namespace data_center_classifier::infrastructure::formats
