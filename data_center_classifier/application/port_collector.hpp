// The port through which intake hands what it took in to the collector: an ordered, durable log. Contract suite:
// port_collector_contract.hpp.
#pragma once

#include "kernel/event_raw_data.hpp"
#include "kernel/task.hpp"

#include <cstdint>
#include <vector>

namespace data_center_classifier::application {

// Place of an event in the log: a later one has a greater one, with gaps; from 1, below 2^62.
using LogPosition = std::uint64_t;

// The places of the first and the last event of one append; nothing of others lies between them.
struct Appended {
    LogPosition first = 0;
    LogPosition last = 0;
    friend bool operator==(const Appended&, const Appended&) = default;
};

class Collector {
public:
    virtual ~Collector() = default;
    // Appends them in their order, as neighbours; success means that they are on disk.
    // busy: nothing was written. Any other error does not say whether something was, or how many of the first; if so, then before
    // everything whose append began after the error was told. Thread-safe; 1..10,000 events.
    virtual kernel::Task<Appended> append(std::vector<kernel::RawDataEvent> events) = 0;
};

}  // namespace data_center_classifier::application
