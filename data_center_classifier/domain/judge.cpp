// judge: facts once, every check in order, then the record's own score by the scorecard's formula.
#include "data_center_classifier/domain/judge.hpp"

#include "data_center_classifier/domain/facts.hpp"
#include "data_center_classifier/domain/model_scorecard.hpp"
#include "kernel/check.hpp"

namespace data_center_classifier::domain {

Judgement judge(const RawData& record, const Rubric& rubric, const JudgeContext& context) {
    const Facts facts(record, context, rubric);
    Judgement judgement;
    judgement.outcomes.reserve(rubric.checks.size());
    std::array<WeightedRate, dimension_count> rates{};
    bool private_data = false;
    for (const auto& check : rubric.checks) {
        CHECK(check.run != nullptr, "a check of a loaded rubric has a function");
        const auto outcome = check.run(facts);
        judgement.outcomes.push_back(outcome);
        if (outcome == Outcome::skip) continue;
        const bool failed = outcome == Outcome::fail;
        auto& rate = rates[static_cast<std::size_t>(check.dimension)];
        rate.judged += check.weight;
        if (!failed) rate.passed += check.weight;
        judgement.quarantine = judgement.quarantine || (failed && check.severity == Severity::required);
        private_data = private_data || (failed && check.dimension == Dimension::privacy);
    }
    judgement.score = private_data ? 0 : score_of(rates, rubric);
    return judgement;
}

}  // namespace data_center_classifier::domain
