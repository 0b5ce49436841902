// Published events of the topic "raw-data": what the classifier says of records that it took in. Written by
// data_center_classifier, read by collector_command, collector_query and the classifier's own projections.
// The codec needs no JSON: facts are attributes, `record` passes through as it is. Version 1; golden files in testdata/.
#pragma once

#include "kernel/check_ids.hpp"
#include "kernel/clock.hpp"
#include "kernel/envelope.hpp"
#include "kernel/ids.hpp"
#include "kernel/result.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace kernel {

inline constexpr std::string_view raw_data_topic = "raw-data";

// What the rubric said of one record. Check ids in the rubric's order; a check in neither list was skipped.
struct Verdicts {
    std::string rubric;  // version of the rubric that judged: "acopio-1"
    CheckIds passed;
    CheckIds failed;
    double score = 0;  // 0..100, the record's own score
    friend bool operator==(const Verdicts&, const Verdicts&) = default;
};

// Facts that every accepted or quarantined record carries.
struct RawDataFacts {
    DataCenterId data_center_id;
    RecordId record_id;
    DataId data_id;
    ReceiptId receipt_id;
    ContentHash content_hash;
    std::string interface;  // format it came in: "json", "ndjson", "csv"
    std::string modality;   // normalised DICOM modality, or "-": with interface it names the feed
    Timestamp received_at;
    std::string grade;  // grade of the data centre when the record came: "A".."E", or "-" before the first
    Verdicts verdicts;
    std::string record;  // canonical JSON of the record
    friend bool operator==(const RawDataFacts&, const RawDataFacts&) = default;
};

struct RawDataReceived : RawDataFacts {};
// A `required` check failed: kept for the quarantine desk, passed by on the write side. Reasons: verdicts.failed.
struct RawDataQuarantined : RawDataFacts {};
// The data centre takes a record back.
struct RawDataRetracted {
    DataCenterId data_center_id;
    RecordId record_id;
    DataId data_id;
    Timestamp received_at;
    friend bool operator==(const RawDataRetracted&, const RawDataRetracted&) = default;
};

using RawDataEvent = std::variant<RawDataReceived, RawDataQuarantined, RawDataRetracted>;

// Key of the envelope: the data id, so that all of one record stays in order.
Envelope to_envelope(RawDataEvent event);
// fault "event-not-understood" for an envelope that this version cannot read. A reader that does not need the record leaves it out: it is
// the largest part, and copied.
enum class Record : std::uint8_t { keep, leave_out };
Result<RawDataEvent> raw_data_event_from(const Envelope& envelope, Record record = Record::keep);

}  // namespace kernel
