// For tests: the port Collector in memory.
#pragma once

#include "data_center_classifier/application/port_collector.hpp"
#include "platform/runtime/coroutine.hpp"

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace data_center_classifier::application {

// Fails when it is told to, before or after the write. Thread-safe, but for being told.
class MemoryCollector final : public Collector {
public:
    std::optional<kernel::Error> before, after;

    kernel::Task<LogPosition> append(std::vector<kernel::RawDataEvent> events) override {
        if (before) co_return *before;
        const auto first = add(std::move(events));
        if (after) co_return *after;
        co_return first;
    }
    std::vector<kernel::RawDataEvent> written() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }

private:
    LogPosition add(std::vector<kernel::RawDataEvent> events) {
        const std::lock_guard lock(mutex_);
        const LogPosition first = events_.size() + 1;
        for (auto& event : events) events_.push_back(std::move(event));
        return first;
    }

    mutable std::mutex mutex_;
    std::vector<kernel::RawDataEvent> events_;
};

}  // namespace data_center_classifier::application
