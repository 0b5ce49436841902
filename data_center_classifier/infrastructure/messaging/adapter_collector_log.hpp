// The port Collector over the topic raw-data of an event log.
#pragma once

#include "data_center_classifier/application/port_collector.hpp"
#include "platform/log/port_event_log.hpp"

namespace data_center_classifier::infrastructure::messaging {

// Durability, order and bounds are the log's. Thread-safe. `log` outlives it.
class CollectorLog final : public application::Collector {
public:
    explicit CollectorLog(platform::log::EventLog& log) : log_(log) {}
    kernel::Task<application::Appended> append(std::vector<kernel::RawDataEvent> events) override;

private:
    platform::log::EventLog& log_;
};

}  // namespace data_center_classifier::infrastructure::messaging
