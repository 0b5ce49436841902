// What tells a log of the same history from another.
#pragma once

#include "platform/event_store/event_store.hpp"

#include <chrono>

namespace platform::event_store {

inline constexpr std::chrono::seconds log_read_wait{1};  // for a message that the log holds

// Whether the log holds the table's event of that sequence where it should: at the same place, for nobody else appends to the topic. fault
// "log-foreign" otherwise. REQUIRES: both have it.
kernel::Result<void> check_common_event(EventStore& store, log::EventLog& log, const std::string& topic, const std::string& producer,
                                        std::uint64_t sequence);

}  // namespace platform::event_store
