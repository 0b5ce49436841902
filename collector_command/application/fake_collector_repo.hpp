// For tests: the port CollectorRepo in memory, with the transaction around it.
#pragma once

#include "collector_command/application/port_collector_repo.hpp"
#include "kernel/hex.hpp"

#include <map>
#include <tuple>
#include <utility>

namespace collector_command::application {

class MemoryCollectorRepo final : public CollectorRepo {
public:
    std::map<kernel::DataId, domain::CollectedData> states;
    std::vector<kernel::CollectedDataEvent> events;
    int loads = 0;  // calls of load

    void begin() { before_ = {states, events}; }

    kernel::Result<std::vector<domain::CollectedData>> load(const std::vector<kernel::DataId>& ids) override {
        ++loads;
        std::vector<domain::CollectedData> out;
        for (const auto& id : ids) {
            if (!kernel::bytes_from_hex(id.value, 16)) return kernel::Error{kernel::ErrorKind::incorrect, "data-id-broken", ""};
            const auto state = states.find(id);
            out.push_back(state != states.end() ? state->second : domain::CollectedData{});
        }
        return out;
    }
    kernel::Result<void> store(std::vector<kernel::CollectedDataEvent> more, const std::vector<NewState>& changed,
                               kernel::Timestamp /*now*/) override {
        for (auto& event : more) {
            for (const auto& stored : events)
                if (place_of(stored) == place_of(event)) return kernel::Error{kernel::ErrorKind::conflict, "version-exists", ""};
            events.push_back(std::move(event));
        }
        for (const auto& one : changed) {
            if (one.is_new == states.contains(one.data_id)) return kernel::Error{kernel::ErrorKind::conflict, "version-exists", ""};
            states[one.data_id] = one.state;
        }
        return kernel::ok();
    }
    kernel::Result<void> rolled_back() override {
        std::tie(states, events) = before_;
        return kernel::ok();
    }

private:
    static std::pair<kernel::DataId, std::uint64_t> place_of(const kernel::CollectedDataEvent& event) {
        return std::visit([](const auto& one) { return std::pair(one.data_id, one.version); }, event);
    }

    std::pair<std::map<kernel::DataId, domain::CollectedData>, std::vector<kernel::CollectedDataEvent>> before_;
};

}  // namespace collector_command::application
