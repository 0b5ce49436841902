// The port to what the projection of raw-data has counted. Blocking, thread-safe: for the blocking pool. Contract suite:
// port_counters_contract.hpp.
#pragma once

#include "data_center_classifier/domain/model_scorecard.hpp"
#include "kernel/clock.hpp"
#include "kernel/ids.hpp"
#include "kernel/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace data_center_classifier::application {

// Hours since 1970 in UTC: the grain of the counters.
using Hour = std::int64_t;
inline Hour hour_of(kernel::Timestamp time) {
    return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
}
inline constexpr int window_days = 28;
inline Hour window_begin(kernel::Timestamp now) {
    return hour_of(now) - 24 * window_days;
}

struct CheckCountRow {
    std::string feed, check_id;
    domain::CheckCount count;
};
struct FeedRecords {
    std::string feed;
    std::uint64_t records = 0;
};
struct Example {
    std::string check_id, record_id;
};
struct CenterCounts {
    std::vector<CheckCountRow> checks;
    std::vector<FeedRecords> feeds;
    std::vector<Example> examples;  // at most three a check
};
struct QuarantinedRecord {
    std::uint64_t position = 0;  // in the log: the key of its page
    kernel::RecordId record_id;
    kernel::ReceiptId receipt_id;
    kernel::Timestamp received_at;
    std::vector<std::string> reasons;  // ids of the required checks that failed
};

class Counters {
public:
    virtual ~Counters() = default;
    // Sums from that hour on.
    virtual kernel::Result<CenterCounts> counts(const kernel::DataCenterId& center, std::string_view rubric, Hour from) = 0;
    // Quarantined records, latest first, of positions below `before` (0: from the latest).
    virtual kernel::Result<std::vector<QuarantinedRecord>> quarantined(const kernel::DataCenterId& center, std::uint64_t before,
                                                                       std::size_t count_max) = 0;
};

}  // namespace data_center_classifier::application
