// Published events of the topic "data-centers": the life of every partner data centre. Written by data_center_classifier.
// They hold no secret: a key's hash only.
#pragma once

#include "kernel/clock.hpp"
#include "kernel/envelope.hpp"
#include "kernel/ids.hpp"
#include "kernel/result.hpp"

#include <string>
#include <variant>

namespace kernel {

inline constexpr std::string_view data_centers_topic = "data-centers";

struct DataCenterRegistered {
    DataCenterId data_center_id;
    std::string name;  // as people know it
    Timestamp at;
    friend bool operator==(const DataCenterRegistered&, const DataCenterRegistered&) = default;
};
struct DataCenterKeyIssued {
    DataCenterId data_center_id;
    std::string key_id;    // public part, 16 hex digits
    std::string key_hash;  // SHA-256 of the whole key, 64 hex digits
    Timestamp at;
    friend bool operator==(const DataCenterKeyIssued&, const DataCenterKeyIssued&) = default;
};
struct DataCenterKeyRevoked {
    DataCenterId data_center_id;
    std::string key_id;
    Timestamp at;
    friend bool operator==(const DataCenterKeyRevoked&, const DataCenterKeyRevoked&) = default;
};
struct DataCenterSuspended {
    DataCenterId data_center_id;
    std::string reason;
    Timestamp at;
    friend bool operator==(const DataCenterSuspended&, const DataCenterSuspended&) = default;
};
struct DataCenterResumed {
    DataCenterId data_center_id;
    Timestamp at;
    friend bool operator==(const DataCenterResumed&, const DataCenterResumed&) = default;
};
// The mapping of the centre's CSV columns to fields changed; `mapping` is a JSON object {column: field}.
struct DataCenterMappingStored {
    DataCenterId data_center_id;
    std::string mapping;
    Timestamp at;
    friend bool operator==(const DataCenterMappingStored&, const DataCenterMappingStored&) = default;
};
struct DataCenterClassified {
    DataCenterId data_center_id;
    std::string from;  // grade before, "-" for none
    std::string to;    // "A".."E"
    double score = 0;  // 0..100
    std::string why;   // the check that costs most, for people
    std::string rubric;
    Timestamp at;
    friend bool operator==(const DataCenterClassified&, const DataCenterClassified&) = default;
};

using DataCenterEvent = std::variant<DataCenterRegistered, DataCenterKeyIssued, DataCenterKeyRevoked, DataCenterSuspended,
                                     DataCenterResumed, DataCenterMappingStored, DataCenterClassified>;

const DataCenterId& data_center_of(const DataCenterEvent& event);
Envelope to_envelope(DataCenterEvent event);
Result<DataCenterEvent> data_center_event_from(const Envelope& envelope);

}  // namespace kernel
