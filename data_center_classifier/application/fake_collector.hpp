// For tests: the port Collector in memory.
#pragma once

#include "data_center_classifier/application/port_collector.hpp"
#include "platform/runtime/coroutine.hpp"

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace data_center_classifier::application {

// Fails when it is told to, before or after the write. Leaves gaps between positions, as a log may. Thread-safe, but for being told.
class MemoryCollector final : public Collector {
public:
    std::optional<kernel::Error> before, after;

    kernel::Task<Appended> append(std::vector<kernel::RawDataEvent> events) override {
        if (before) co_return *before;
        const auto appended = add(std::move(events));
        if (after) co_return *after;
        co_return appended;
    }
    std::vector<kernel::RawDataEvent> written() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }
    // Of the event of that number, from 0. Events of one append have small gaps between them, appends a large one: as in a log whose
    // positions are (batch, place in it).
    LogPosition position(std::size_t number) const {
        const std::lock_guard lock(mutex_);
        return positions_.at(number);
    }

private:
    Appended add(std::vector<kernel::RawDataEvent> events) {
        const std::lock_guard lock(mutex_);
        const LogPosition first = (positions_.empty() ? 0 : positions_.back()) + 1'000;
        auto position = first;
        for (auto& event : events) {
            events_.push_back(std::move(event));
            positions_.push_back(position);
            position += 1 + events_.size() % 3;
        }
        return {.first = first, .last = positions_.back()};
    }

    mutable std::mutex mutex_;
    std::vector<kernel::RawDataEvent> events_;
    std::vector<LogPosition> positions_;
};

}  // namespace data_center_classifier::application
