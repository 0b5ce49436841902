// Counters move only after the commit, so that a batch that is tried again is counted once.
#include "collector_command/infrastructure/messaging/adapter_raw_data_consumer.hpp"

namespace collector_command::infrastructure::messaging {
namespace {

platform::runtime::Counter counter_of(platform::runtime::Metrics& metrics, const char* type) {
    return metrics.counter("acopio_command_events_total", "Messages of raw-data by what they became on the write side.", {{"type", type}});
}

kernel::Result<std::vector<kernel::RawDataEvent>> decoded(const std::vector<platform::log::Message>& batch) {
    std::vector<kernel::RawDataEvent> events;
    events.reserve(batch.size());
    for (const auto& message : batch) {
        auto event = kernel::raw_data_event_from(message.envelope);
        if (!event) return std::move(event).error();
        events.push_back(std::move(*event));
    }
    return events;
}

}  // namespace

RawDataConsumer::RawDataConsumer(application::CollectorRepo& repo, const kernel::Clock& clock, platform::runtime::Metrics& metrics,
                                 std::function<void()> wake_relay)
    : repo_(repo),
      use_case_(repo, clock),
      wake_relay_(std::move(wake_relay)),
      collected_(counter_of(metrics, "collected")),
      amended_(counter_of(metrics, "amended")),
      retracted_(counter_of(metrics, "retracted")),
      unchanged_(counter_of(metrics, "unchanged")),
      quarantined_(counter_of(metrics, "quarantined")) {}

kernel::Result<void> RawDataConsumer::handle(const std::vector<platform::log::Message>& batch) {
    if (store_doubtful_) {
        if (auto restored = repo_.rolled_back(); !restored) return restored;
        store_doubtful_ = false;
    }
    auto events = decoded(batch);
    if (!events) return std::move(events).error();
    auto outcome = use_case_.handle(std::move(*events));
    if (!outcome) return std::move(outcome).error();
    pending_ = *outcome;
    return kernel::ok();
}

void RawDataConsumer::committed(platform::log::Position) {
    const auto done = std::exchange(pending_, {});
    collected_.add(static_cast<double>(done.collected));
    amended_.add(static_cast<double>(done.amended));
    retracted_.add(static_cast<double>(done.retracted));
    unchanged_.add(static_cast<double>(done.unchanged));
    quarantined_.add(static_cast<double>(done.quarantined));
    if (done.collected + done.amended + done.retracted > 0) wake_relay_();
}

void RawDataConsumer::rolled_back() {
    pending_ = {};
    store_doubtful_ = !repo_.rolled_back();
}

}  // namespace collector_command::infrastructure::messaging
