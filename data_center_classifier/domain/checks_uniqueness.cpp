// Uniqueness: one key, one record (uniqueness.hpp), and one content, one key. Only the store knows the other records, so without it these
// skip.
#include "data_center_classifier/domain/checks.hpp"
#include "data_center_classifier/domain/uniqueness.hpp"

#include <algorithm>

namespace data_center_classifier::domain {
namespace {

Outcome fail_if(std::optional<bool> found) {
    return found ? pass_if(!*found) : Outcome::skip;
}
Outcome same_key_other_content(const Facts& facts) {
    return fail_if(facts.context.same_key_other_content);
}
// As functions_that_tell_studies_apart, on the fields themselves.
bool tells_studies_apart(const Facts& facts) {
    using enum FieldId;
    constexpr auto telling = std::to_array({image, report, findings, impression, study_date, diagnosis_date});
    return std::any_of(telling.begin(), telling.end(), [&](FieldId field) { return facts.has(field); });
}
Outcome same_content_other_key(const Facts& facts) {
    return tells_studies_apart(facts) ? fail_if(facts.context.same_content_other_key) : Outcome::skip;
}

}  // namespace

std::span<const NamedCheck> uniqueness_checks() {
    static constexpr auto checks = std::to_array<NamedCheck>({
        {"same_key_other_content", same_key_other_content},
        {"same_content_other_key", same_content_other_key},
    });
    return checks;
}

}  // namespace data_center_classifier::domain
