// Timeliness: records come soon after the fact.
#include "data_center_classifier/domain/checks.hpp"

namespace data_center_classifier::domain {
namespace {

// By the report's date, or the study's without one. One that cannot be read, or has not come yet, proves nothing: it is not in time. A
// whole day counts to its end.
Outcome arrived_in_time(const Facts& facts) {
    const bool reported = facts.has(FieldId::report_date);
    if (!reported && facts.missing(FieldId::study_date)) return Outcome::skip;
    const auto& event = reported ? facts.report : facts.study;
    if (!event || facts.is_in_future(*event)) return Outcome::fail;
    return pass_if(facts.context.received_at <= event->last + facts.context.delay_max);
}

Outcome reported_within_30_days(const Facts& facts) {
    if (!facts.study || !facts.report) return Outcome::skip;
    return pass_if(facts.report->first <= facts.study->last + std::chrono::days(30));
}

}  // namespace

std::span<const NamedCheck> timeliness_checks() {
    static constexpr auto checks = std::to_array<NamedCheck>({
        {"arrived_in_time", arrived_in_time},
        {"reported_within_30_days", reported_within_30_days},
    });
    return checks;
}

}  // namespace data_center_classifier::domain
