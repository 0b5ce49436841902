// Published events of the topic "collected-data": the history of every collected record, in order, numbered densely.
// Written by collector_command's relay, read by collector_query (and by the classifier for corrections).
#pragma once

#include "kernel/clock.hpp"
#include "kernel/envelope.hpp"
#include "kernel/ids.hpp"
#include "kernel/result.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace kernel {

inline constexpr std::string_view collected_data_topic = "collected-data";

struct CollectedDataFacts {
    DataId data_id;
    std::uint64_t version = 0;  // of the aggregate, from 1, dense
    DataCenterId data_center_id;
    RecordId record_id;
    ReceiptId receipt_id;
    ContentHash content_hash;
    std::string interface;
    std::string rubric;
    double score = 0;   // the record's own, 0..100
    std::string grade;  // the data centre's when the record came
    Timestamp received_at;
    Timestamp collected_at;
    std::string record;  // canonical JSON
    friend bool operator==(const CollectedDataFacts&, const CollectedDataFacts&) = default;
};

struct RecordCollected : CollectedDataFacts {};
struct RecordAmended : CollectedDataFacts {};
struct RecordRetracted {
    DataId data_id;
    std::uint64_t version = 0;
    DataCenterId data_center_id;
    RecordId record_id;
    Timestamp received_at;
    Timestamp collected_at;  // when the retraction was decided
    friend bool operator==(const RecordRetracted&, const RecordRetracted&) = default;
};

using CollectedDataEvent = std::variant<RecordCollected, RecordAmended, RecordRetracted>;

// Key of the envelope: the data id. Attribute "sequence" is added by the relay (dense over the topic, from 1).
Envelope to_envelope(CollectedDataEvent event);
Result<CollectedDataEvent> collected_data_event_from(const Envelope& envelope);

}  // namespace kernel
