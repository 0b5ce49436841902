// The arithmetic of scorecards: rates, Wilson bounds, a weighted geometric mean, what each part costs, and the cheapest way up.
#include "data_center_classifier/domain/model_scorecard.hpp"

#include "kernel/check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace data_center_classifier::domain {
namespace {

double floored(double rate) {
    return std::clamp(rate, rate_floor, 1.0);
}

// What a dimension takes away, in the logarithm of the score.
double log_cost(double weight, double rate) {
    return weight * std::log(1 / floored(rate));
}

std::vector<DimensionScore> dimensions_of(const Rubric& rubric, std::span<const CheckCount> counts) {
    std::vector<DimensionScore> dimensions(dimension_count);
    std::array<WeightedRate, dimension_count> rates{};
    for (std::size_t d = 0; d < dimension_count; ++d) dimensions[d].dimension = static_cast<Dimension>(d);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const auto& check = rubric.checks[i];
        const auto d = static_cast<std::size_t>(check.dimension);
        const auto judged = counts[i].pass + counts[i].fail;
        rates[d].passed += check.weight * static_cast<double>(counts[i].pass);
        rates[d].judged += check.weight * static_cast<double>(judged);
        dimensions[d].judged = std::max(dimensions[d].judged, judged);
    }
    double weights = 0;
    for (std::size_t d = 0; d < dimension_count; ++d) {
        auto& dimension = dimensions[d];
        if (rates[d].judged <= 0) continue;
        dimension.rate = rates[d].passed / rates[d].judged;
        dimension.lower = wilson_lower(dimension.rate, static_cast<double>(dimension.judged));
        dimension.weight = rubric.dimension_weight[d];
        weights += dimension.weight;
    }
    for (auto& dimension : dimensions) dimension.weight = weights > 0 ? dimension.weight / weights : 0;
    return dimensions;
}

double lower_score(const std::vector<DimensionScore>& dimensions) {
    double cost = 0;
    for (const auto& dimension : dimensions) cost += log_cost(dimension.weight, dimension.lower);
    return 100 * std::exp(-cost);
}

void share_costs(Scorecard& card) {
    double total = 0;
    for (const auto& dimension : card.dimensions) total += log_cost(dimension.weight, dimension.rate);
    card.score = 100 * std::exp(-total);
    for (auto& dimension : card.dimensions)
        if (total > 0) dimension.cost = (100 - card.score) * log_cost(dimension.weight, dimension.rate) / total;
}

std::vector<FailingCheck> failing_checks(const Rubric& rubric, std::span<const CheckCount> counts,
                                         const std::vector<DimensionScore>& dimensions) {
    std::array<double, dimension_count> failed{};
    const auto weight_failed = [&](std::size_t i) { return rubric.checks[i].weight * static_cast<double>(counts[i].fail); };
    for (std::size_t i = 0; i < counts.size(); ++i) failed[static_cast<std::size_t>(rubric.checks[i].dimension)] += weight_failed(i);
    std::vector<FailingCheck> failing;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i].fail == 0) continue;
        const auto d = static_cast<std::size_t>(rubric.checks[i].dimension);
        failing.push_back({.check = i, .count = counts[i], .cost = failed[d] > 0 ? dimensions[d].cost * weight_failed(i) / failed[d] : 0});
    }
    std::sort(failing.begin(), failing.end(),
              [](const auto& a, const auto& b) { return a.cost != b.cost ? a.cost > b.cost : a.check < b.check; });
    return failing;
}

// The dimensions that are raised, and the score when each has gone the same part of its way to 1.
class Ascent {
public:
    Ascent(std::vector<DimensionScore> dimensions, std::vector<std::size_t> raised)
        : dimensions_(std::move(dimensions)), raised_(std::move(raised)), from_(dimensions_) {}

    double score_at(double part) {
        for (const auto d : raised_) raise(d, from_[d].rate + part * (1 - from_[d].rate));
        return lower_score(dimensions_);
    }
    // The rates that suffice, in hundredths; nothing when not even 1 does.
    std::optional<std::vector<double>> rates_above(double cut_off) {
        if (score_at(1) <= cut_off) return std::nullopt;
        double low = 0, high = 1;
        for (int step = 0; step < 40; ++step) {
            const double middle = (low + high) / 2;
            (score_at(middle) > cut_off ? high : low) = middle;
        }
        std::vector<double> rates;
        rates.reserve(raised_.size());
        for (const auto d : raised_) rates.push_back(std::min(1.0, std::ceil(100 * (from_[d].rate + high * (1 - from_[d].rate))) / 100));
        return rates;
    }

private:
    void raise(std::size_t d, double rate) { dimensions_[d].lower = wilson_lower(rate, static_cast<double>(dimensions_[d].judged)); }

    std::vector<DimensionScore> dimensions_;
    std::vector<std::size_t> raised_;
    std::vector<DimensionScore> from_;
};

std::optional<Lift> lift_of_one(const Scorecard& card, std::span<const std::size_t> places, double cut_off, char grade) {
    std::optional<Lift> best;
    for (const auto d : places) {
        const auto& dimension = card.dimensions[d];
        const auto to = Ascent(card.dimensions, {d}).rates_above(cut_off);
        if (!to || (best && to->front() - dimension.rate >= best->steps[0].to - best->steps[0].from)) continue;
        best = Lift{.steps = {{.dimension = dimension.dimension, .from = dimension.rate, .to = to->front()}}, .grade = grade};
    }
    return best;
}

// What each dimension can add to the logarithm of the score does not depend on the others: those that can add most are the fewest.
std::optional<Lift> lift_of(const Scorecard& card, const Rubric& rubric) {
    if (card.grade == 'A') return std::nullopt;
    const auto wanted = static_cast<std::size_t>(card.grade - 'A' - 1);
    const auto grade = static_cast<char>('A' + wanted);
    const double cut_off = rubric.grade_above[wanted];
    std::vector<std::size_t> places;
    for (std::size_t d = 0; d < card.dimensions.size(); ++d)
        if (card.dimensions[d].weight > 0 && card.dimensions[d].rate < 1) places.push_back(d);
    if (auto one = lift_of_one(card, places, cut_off, grade)) return one;
    std::sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
        const double with_a = Ascent(card.dimensions, {a}).score_at(1), with_b = Ascent(card.dimensions, {b}).score_at(1);
        return with_a != with_b ? with_a > with_b : a < b;
    });
    for (std::size_t count = 2; count <= places.size(); ++count) {
        const std::vector raised(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(count));
        const auto rates = Ascent(card.dimensions, raised).rates_above(cut_off);
        if (!rates) continue;
        Lift lift{.steps = {}, .grade = grade};
        for (std::size_t i = 0; i < count; ++i) {
            const auto& dimension = card.dimensions[raised[i]];
            lift.steps.push_back({.dimension = dimension.dimension, .from = dimension.rate, .to = (*rates)[i]});
        }
        return lift;
    }
    return std::nullopt;
}

}  // namespace

std::string to_text(const Lift& lift) {
    std::string text;
    for (const auto& step : lift.steps) {
        std::array<char, 64> change{};
        const int size = std::snprintf(change.data(), change.size(), " %.2f -> %.2f", step.from, step.to);
        text += text.empty() ? "" : " and ";
        text += to_text(step.dimension);
        text.append(change.data(), static_cast<std::size_t>(size));
    }
    return text + (lift.steps.size() == 1 ? " makes" : " together make") + " this centre " + lift.grade;
}

double wilson_lower(double rate, double n) {
    if (n <= 0) return 0;
    constexpr double z = 1.959964, z2 = z * z;
    const double centre = rate + z2 / (2 * n);
    const double spread = z * std::sqrt(std::max(0.0, rate * (1 - rate) / n + z2 / (4 * n * n)));
    return std::clamp((centre - spread) / (1 + z2 / n), 0.0, 1.0);
}

char grade_of(double score, const Rubric& rubric) {
    const auto better =
        std::count_if(rubric.grade_above.begin(), rubric.grade_above.end(), [&](double cut_off) { return score <= cut_off; });
    return static_cast<char>('A' + better);
}

double score_of(std::span<const WeightedRate, dimension_count> rates, const Rubric& rubric) {
    double cost = 0, weights = 0;
    for (std::size_t d = 0; d < dimension_count; ++d) {
        if (rates[d].judged <= 0) continue;
        cost += log_cost(rubric.dimension_weight[d], rates[d].passed / rates[d].judged);
        weights += rubric.dimension_weight[d];
    }
    return weights > 0 ? 100 * std::exp(-cost / weights) : 100;
}

Scorecard scorecard(const Rubric& rubric, std::span<const CheckCount> counts, std::uint64_t records) {
    CHECK(counts.size() == rubric.checks.size(), "there is one count per check");
    Scorecard card{.rubric = rubric.version, .records = records, .dimensions = dimensions_of(rubric, counts), .failing = {}, .lift = {}};
    card.provisional = static_cast<double>(records) < rubric.provisional_below_records;
    if (records == 0) {
        card.grade = '-';
        return card;
    }
    share_costs(card);
    card.score_lower = lower_score(card.dimensions);
    card.grade = grade_of(card.score_lower, rubric);
    card.failing = failing_checks(rubric, counts, card.dimensions);
    card.lift = lift_of(card, rubric);
    return card;
}

}  // namespace data_center_classifier::domain
