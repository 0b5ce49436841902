// The port through which intake hands what it took in to the collector: an ordered, durable log. Contract suite:
// port_collector_contract.hpp.
#pragma once

#include "kernel/event_raw_data.hpp"
#include "kernel/task.hpp"

#include <cstdint>
#include <vector>

namespace data_center_classifier::application {

// Place of an event in the log, from 1.
using LogPosition = std::uint64_t;

class Collector {
public:
    virtual ~Collector() = default;
    // Appends all or none; success means that they are on disk. Gives the position of the first; the others follow it without a gap.
    // busy: nothing was written. Any other error does not say whether something was; if so, then before everything whose append began after
    // the error was told. Thread-safe; 1..10,000 events.
    virtual kernel::Task<LogPosition> append(std::vector<kernel::RawDataEvent> events) = 0;
};

}  // namespace data_center_classifier::application
