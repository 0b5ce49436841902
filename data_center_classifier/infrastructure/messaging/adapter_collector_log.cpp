// No producer is named: a record that is appended twice is dropped by who reads it, by its content.
#include "data_center_classifier/infrastructure/messaging/adapter_collector_log.hpp"

#include "platform/runtime/coroutine.hpp"

namespace data_center_classifier::infrastructure::messaging {

kernel::Task<application::Appended> CollectorLog::append(std::vector<kernel::RawDataEvent> events) {
    std::vector<kernel::Envelope> envelopes;
    envelopes.reserve(events.size());
    for (auto& event : events) envelopes.push_back(kernel::to_envelope(std::move(event)));
    auto appended = co_await log_.append(std::string(kernel::raw_data_topic), std::move(envelopes));
    if (!appended) co_return std::move(appended).error();
    co_return application::Appended{.first = appended->first.value, .last = appended->last.value};
}

}  // namespace data_center_classifier::infrastructure::messaging
