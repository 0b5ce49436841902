// Kinds of events in "document".
#pragma once

#include <cstdint>

namespace collector_query::infrastructure::db {

enum EventType : int { event_collected = 1, event_amended = 2, event_retracted = 3 };

// What "receipt".quarantined holds.
inline constexpr std::int64_t receipt_in_order = 0, receipt_quarantined = 1, receipt_retracted = 2;

}  // namespace collector_query::infrastructure::db
