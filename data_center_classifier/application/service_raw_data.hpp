// Use cases of intake: receive raw data, and take a record back. Identity, what is known of it, verdicts, then one durable append.
#pragma once

#include "data_center_classifier/application/identity.hpp"
#include "data_center_classifier/application/port_collector.hpp"
#include "data_center_classifier/application/service_data_centers.hpp"
#include "data_center_classifier/application/service_seen_records.hpp"
#include "data_center_classifier/domain/judge.hpp"
#include "platform/runtime/blocking_pool.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace data_center_classifier::application {

// Most records of one batch: what one append may hold, with room.
inline constexpr std::size_t batch_records_max = 5'000;

// One record that could be read, and who sent it.
struct Incoming {
    Sender sender;
    domain::RawData record;
    std::string content;    // canonical JSON without the record id
    std::string interface;  // "json", "ndjson", "csv"
};

enum class Status : std::uint8_t { accepted, duplicate, quarantined, refused };
std::string_view to_text(Status status);

struct Outcome {
    Status status = Status::refused;
    bool repeated = false;  // identical content was taken in before
    kernel::RecordId record_id;
    bool record_id_derived = false;
    kernel::DataId data_id;
    kernel::ReceiptId receipt_id;
    double score = 0;
    std::vector<std::uint16_t> failed;     // indices into rubric.checks
    std::optional<kernel::Error> refusal;  // of a refused one
};

class ReceiveRawData {
public:
    struct Ports {
        SeenRecords& seen;
        SeenIndex& index;
        Collector& collector;
        platform::runtime::BlockingPool& pool;
        const kernel::Clock& clock;
    };
    ReceiveRawData(Ports ports, const domain::Rubric& rubric) : ports_(ports), rubric_(rubric) {}

    // Outcomes in the order of the items, once everything that had to be stored is durable. An error concerns all: busy means that nothing
    // of this batch was written, so that it can be tried again with the same items; after any other the sender repeats, and gets the same
    // receipts. REQUIRES: 1..batch_records_max items. Runs on the caller's executor; only look-ups of old records go to the pool.
    kernel::Task<std::vector<Outcome>> receive(std::shared_ptr<const std::vector<Incoming>> items);

    // The centre takes a record back. not_found "record-unknown" when it certainly never sent it, or took it back already and that is
    // durable. Otherwise it is appended, again after an append whose end is unknown, and success means that it is durable.
    kernel::Task<kernel::DataId> retract(Sender sender, kernel::RecordId record_id);

    const domain::Rubric& rubric() const { return rubric_; }

private:
    class Ticket;
    kernel::Task<Ticket> claim(std::vector<SeenRecords::Claim> claims);
    kernel::Task<> append(Ticket ticket, std::vector<kernel::RawDataEvent> events);

    Ports ports_;
    const domain::Rubric& rubric_;
};

}  // namespace data_center_classifier::application
