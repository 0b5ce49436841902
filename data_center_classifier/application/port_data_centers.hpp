// The port to the event store of the aggregate DataCenter. Contract suite: port_data_centers_contract.hpp.
#pragma once

#include "data_center_classifier/domain/model_data_center.hpp"
#include "kernel/result.hpp"

#include <vector>

namespace data_center_classifier::application {

// Blocking; one caller at a time.
class DataCenters {
public:
    virtual ~DataCenters() = default;
    // Every data centre, from its events.
    virtual kernel::Result<std::vector<domain::DataCenter>> load() = 0;
    // Appends one event as `version` of its aggregate; success means that it is on disk. conflict when that version exists already.
    virtual kernel::Result<void> append(const kernel::DataCenterEvent& event, std::uint64_t version) = 0;
};

}  // namespace data_center_classifier::application
