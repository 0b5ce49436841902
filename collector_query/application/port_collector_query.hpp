// The ports of the read side: projected records and receipts (contract suite: port_collector_query_contract.hpp), and access tokens
// (port_access_tokens_contract.hpp).
//
// Thread-safe and blocking: called on the blocking pool. Each call sees one committed state. Errors: busy, unavailable or fault.
#pragma once

#include "collector_query/domain/model_data_query.hpp"
#include "kernel/clock.hpp"
#include "kernel/ids.hpp"
#include "kernel/result.hpp"

#include <optional>
#include <string>
#include <vector>

namespace collector_query::application {

// One record as it is now.
struct DataItem {
    std::int64_t id = 0;    // dense, in order of first collection
    double sort_value = 0;  // what the query sorts by
    kernel::DataId data_id;
    kernel::DataCenterId data_center_id;
    kernel::RecordId record_id;
    std::uint64_t version = 0;
    double score = 0;
    int grade = 0;  // rank
    kernel::Timestamp received_at, collected_at;
    bool retracted = false;
    // What filters compare, where it is known: the record holds its fields as they were sent.
    std::optional<double> age_years;
    std::string sex_normal, modality_normal, body_part_normal;  // "" for none
    std::optional<std::chrono::sys_days> study_day;             // of study_date, else of diagnosis_date
    std::string record;                                         // JSON object without members that name any of the above
};

struct DataPage {
    std::vector<DataItem> items;
    bool more = false;                   // there are rows after the last one
    std::optional<std::uint64_t> count;  // of all rows that fit the filters, when asked
};

// One event of a record's history.
struct DataVersion {
    std::uint64_t version = 0;
    std::string type;  // "collected", "amended", "retracted"
    kernel::DataCenterId data_center_id;
    kernel::RecordId record_id;
    kernel::ReceiptId receipt_id;  // "" for a retraction
    double score = 0;
    int grade = 0;
    std::string interface, rubric;
    kernel::Timestamp received_at, collected_at;
    std::string record;  // as in DataItem; "{}" for a retraction
};

struct Receipt {
    kernel::ReceiptId receipt_id;
    kernel::DataId data_id;
    kernel::DataCenterId data_center_id;
    kernel::RecordId record_id;
    bool quarantined = false;
    // What became of its content: taken back, from quarantine too; or replaced by other content. Neither as long as it is the current one.
    bool retracted = false, superseded = false;
    std::optional<kernel::Timestamp> received_at, collected_at, queryable_at;
};

class CollectedDataView {
public:
    virtual ~CollectedDataView() = default;
    // The rows after query.after in the query's order, at most query.limit.
    virtual kernel::Result<DataPage> find(const domain::DataQuery& query) = 0;
    virtual kernel::Result<std::optional<DataItem>> get(const kernel::DataId& data_id) = 0;
    // Oldest first; empty for an unknown record.
    virtual kernel::Result<std::vector<DataVersion>> history(const kernel::DataId& data_id) = 0;
    virtual kernel::Result<std::optional<Receipt>> receipt(const kernel::ReceiptId& receipt_id) = 0;
};

// An access token as it is stored: never the token, only its SHA-256.
struct AccessToken {
    std::string id;    // 16 hex digits, the public part
    std::string role;  // "researcher" or "operator"
    std::string hash;  // 64 hex digits
    bool revoked = false;
};

class AccessTokens {
public:
    virtual ~AccessTokens() = default;
    // A revocation that was committed before the call is seen.
    virtual kernel::Result<std::optional<AccessToken>> find_token(std::string_view id) = 0;
};

}  // namespace collector_query::application
