// Kinds of events in "document".
#pragma once

namespace collector_query::infrastructure::db {

enum EventType : int { event_collected = 1, event_amended = 2, event_retracted = 3 };

}  // namespace collector_query::infrastructure::db
