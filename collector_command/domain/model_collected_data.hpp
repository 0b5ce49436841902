// CollectedData: the aggregate of one record of one data centre: its versions, amendments and retraction. Values and pure functions only.
#pragma once

#include "kernel/event_collected_data.hpp"
#include "kernel/event_raw_data.hpp"

#include <optional>
#include <variant>

namespace collector_command::domain {

// What deciding needs to know. `version` counts every event of the aggregate from 1, without gaps; 0 means that it does not exist.
struct CollectedData {
    std::uint64_t version = 0;
    kernel::ContentHash content_hash;  // of the last collected or amended content; kept through a retraction
    bool retracted = false;
    bool exists() const { return version > 0; }
    friend bool operator==(const CollectedData&, const CollectedData&) = default;
};

// Order: make this content the current one. `facts.version` is ignored.
struct CollectRecord {
    kernel::CollectedDataFacts facts;
};
// Order: the data centre takes its record back. `facts.version` is ignored.
struct RetractRecord {
    kernel::RecordRetracted facts;
};
using Command = std::variant<CollectRecord, RetractRecord>;

const kernel::DataId& data_id_of(const Command& command);

// At most one event per order:
//   unknown record            -> RecordCollected, version 1
//   other content             -> RecordAmended, version + 1
//   the same content again    -> nothing
//   any content, retracted    -> RecordCollected, version + 1: it is taken in anew, also with the content it had
//   retraction                -> RecordRetracted, version + 1; of an unknown or already retracted record nothing
std::optional<kernel::CollectedDataEvent> decide(const CollectedData& state, Command command);

// REQUIRES: the event was decided on this state (its version is state.version + 1).
CollectedData apply(CollectedData state, const kernel::CollectedDataEvent& event);

}  // namespace collector_command::domain
