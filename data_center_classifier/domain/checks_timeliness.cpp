// Timeliness: records come soon after the fact.
#include "data_center_classifier/domain/checks.hpp"

namespace data_center_classifier::domain {
namespace {

// A whole day counts to its end.
Outcome arrived_in_time(const Facts& facts) {
    const auto& event = facts.report ? facts.report : facts.study;
    if (!event) return Outcome::skip;
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
