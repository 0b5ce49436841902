// For tests: the port DataCenters in memory.
#pragma once

#include "data_center_classifier/application/port_data_centers.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace data_center_classifier::application {

class MemoryDataCenters final : public DataCenters {
public:
    std::map<std::string, domain::DataCenter> centers;
    std::optional<kernel::Error> fails;  // each append, when set

    kernel::Result<std::vector<domain::DataCenter>> load() override {
        std::vector<domain::DataCenter> all;
        for (const auto& [id, center] : centers) all.push_back(center);
        return all;
    }
    kernel::Result<void> append(const kernel::DataCenterEvent& event, std::uint64_t version) override {
        if (fails) return *fails;
        const auto& id = kernel::data_center_of(event).value;
        auto center = centers.contains(id) ? centers[id] : domain::DataCenter{};
        if (version != center.version + 1) return kernel::Error{kernel::ErrorKind::conflict, "version-exists", ""};
        centers[id] = domain::apply(std::move(center), event);
        return kernel::ok();
    }
};

}  // namespace data_center_classifier::application
