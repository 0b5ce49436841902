// For tests: the port SeenIndex in memory. Not thread-safe.
#pragma once

#include "data_center_classifier/application/port_seen_index.hpp"

#include <map>

namespace data_center_classifier::application {

class MapIndex final : public SeenIndex {
public:
    std::map<RecordKey, Seen> rows;
    int asked = 0;  // calls of find

    kernel::Result<std::vector<std::optional<Seen>>> find(const std::vector<RecordKey>& keys) override {
        ++asked;
        std::vector<std::optional<Seen>> found;
        for (const auto key : keys) {
            const auto row = rows.find(key);
            found.push_back(row != rows.end() ? std::optional(row->second) : std::nullopt);
        }
        return found;
    }
    kernel::Result<void> each_key(const std::function<void(RecordKey)>& key) override {
        for (const auto& [one, seen] : rows) key(one);
        return kernel::ok();
    }
};

}  // namespace data_center_classifier::application
