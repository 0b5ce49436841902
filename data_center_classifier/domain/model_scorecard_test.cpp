// The scorecard's arithmetic.
#include "data_center_classifier/domain/model_scorecard.hpp"

#include "data_center_classifier/domain/test_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <numeric>

namespace data_center_classifier::domain {
namespace {

Check check_of(Dimension dimension, double weight) {
    return {.id = "X",
            .dimension = dimension,
            .field = "",
            .severity = Severity::investigative,
            .weight = weight,
            .function = "",
            .title = "",
            .expected = "",
            .mend = "",
            .run = nullptr};
}

// Two checks a dimension, of weight 1 and 3.
Rubric two_a_dimension() {
    Rubric rubric = test::every_check();
    rubric.checks.clear();
    for (std::size_t d = 0; d < dimension_count; ++d)
        for (const double weight : {1.0, 3.0}) rubric.checks.push_back(check_of(static_cast<Dimension>(d), weight));
    return rubric;
}

// One check a dimension with these rates, of n records each.
Scorecard card_of(std::array<double, dimension_count> rates, std::uint64_t n) {
    Rubric rubric = test::every_check();
    rubric.checks.clear();
    std::vector<CheckCount> counts;
    for (std::size_t d = 0; d < dimension_count; ++d) {
        rubric.checks.push_back(check_of(static_cast<Dimension>(d), 1));
        const auto passed = static_cast<std::uint64_t>(std::llround(rates[d] * static_cast<double>(n)));
        counts.push_back({.pass = passed, .fail = n - passed, .skip = 0});
    }
    return scorecard(rubric, counts, n);
}

TEST(wilson, bounds_are_those_of_the_books) {
    EXPECT_NEAR(wilson_lower(1, 5), 0.57, 0.005);
    EXPECT_NEAR(wilson_lower(1, 73), 0.95, 0.005);
    EXPECT_NEAR(wilson_lower(1, 500), 0.99, 0.005);
    EXPECT_EQ(wilson_lower(0, 100), 0);
    EXPECT_EQ(wilson_lower(1, 0), 0);
}

TEST(grades, lie_above_their_cut_offs) {
    const Rubric rubric;
    EXPECT_EQ(grade_of(90.1, rubric), 'A');
    EXPECT_EQ(grade_of(90, rubric), 'B');
    EXPECT_EQ(grade_of(70.5, rubric), 'C');
    EXPECT_EQ(grade_of(60.5, rubric), 'D');
    EXPECT_EQ(grade_of(0, rubric), 'E');
}

TEST(scorecard, without_records_has_no_grade) {
    const auto rubric = two_a_dimension();
    const auto card = scorecard(rubric, std::vector<CheckCount>(rubric.checks.size()), 0);
    EXPECT_EQ(card.grade, '-');
    EXPECT_TRUE(card.provisional);
    EXPECT_FALSE(card.lift);
}

TEST(scorecard, is_the_weighted_geometric_mean_of_the_rates) {
    const auto card = card_of({0.985, 0.91, 0.96, 0.78, 0.99, 1}, 100'000);
    const double expected =
        100 *
        std::exp((0.25 * std::log(0.985) + 0.25 * std::log(0.91) + 0.20 * std::log(0.96) + 0.15 * std::log(0.78) + 0.10 * std::log(0.99)) /
                 0.95);
    EXPECT_NEAR(card.score, expected, 1e-9);
    EXPECT_LT(card.score_lower, card.score);
    EXPECT_FALSE(card.provisional);
}

TEST(scorecard, few_records_are_graded_by_what_they_prove) {
    const auto few = card_of({1, 1, 1, 1, 1, 1}, 5);
    EXPECT_DOUBLE_EQ(few.score, 100);
    EXPECT_EQ(few.grade, 'E');
    EXPECT_TRUE(few.provisional);
    EXPECT_FALSE(few.lift);
    const auto many = card_of({1, 1, 1, 1, 1, 1}, 500);
    EXPECT_EQ(many.grade, 'A');
    EXPECT_FALSE(many.provisional);
}

TEST(scorecard, the_lift_reaches_the_next_grade_and_no_smaller_one_of_hundredths_does) {
    const auto card = card_of({0.95, 0.92, 0.95, 0.60, 0.99, 1}, 100'000);
    ASSERT_EQ(card.grade, 'B');
    ASSERT_TRUE(card.lift);
    EXPECT_EQ(card.lift->steps[0].dimension, Dimension::timeliness);
    EXPECT_EQ(card.lift->grade, 'A');
    EXPECT_NEAR(card.lift->steps[0].from, 0.60, 1e-9);
    EXPECT_NEAR(card.lift->steps[0].to * 100, std::round(card.lift->steps[0].to * 100), 1e-9);
    EXPECT_EQ(card_of({0.95, 0.92, 0.95, card.lift->steps[0].to, 0.99, 1}, 100'000).grade, 'A');
    EXPECT_EQ(card_of({0.95, 0.92, 0.95, card.lift->steps[0].to - 0.01, 0.99, 1}, 100'000).grade, 'B');
    ASSERT_EQ(card.lift->steps.size(), 1U);
    EXPECT_THAT(to_text(*card.lift), testing::MatchesRegex("timeliness 0.60 -> 0.[0-9][0-9] makes this centre A"));
}

TEST(scorecard, lifts_as_few_dimensions_as_together_raise_the_grade) {
    std::array poor{0.45, 0.45, 0.45, 0.45, 0.45, 1.0};
    const auto low = card_of(poor, 100'000);
    ASSERT_EQ(low.grade, 'E');
    ASSERT_TRUE(low.lift);
    ASSERT_EQ(low.lift->steps.size(), 2U);
    auto lifted = poor;
    for (const auto& step : low.lift->steps) {
        EXPECT_GT(step.to, step.from);
        lifted[static_cast<std::size_t>(step.dimension)] = step.to;
    }
    EXPECT_EQ(card_of(lifted, 100'000).grade, 'D');
    for (std::size_t d = 0; d + 1 < dimension_count; ++d) {
        auto alone = poor;
        alone[d] = 1;
        EXPECT_EQ(card_of(alone, 100'000).grade, 'E');
    }
}

TEST(scorecard, privacy_is_listed_and_costs_no_points) {
    const auto card = card_of({1, 0.9, 1, 1, 1, 0.5}, 1000);
    ASSERT_EQ(card.failing.size(), 2U);
    EXPECT_GT(card.failing[0].cost, 0);
    EXPECT_EQ(card.failing[1].check, static_cast<std::size_t>(Dimension::privacy));
    EXPECT_EQ(card.failing[1].cost, 0);
}

TEST(scorecard, a_dimension_that_was_not_judged_has_no_weight) {
    auto rubric = two_a_dimension();
    std::vector<CheckCount> counts(rubric.checks.size());
    counts[0].pass = 90;
    counts[0].fail = 10;
    const auto card = scorecard(rubric, counts, 100);
    EXPECT_NEAR(card.score, 90, 1e-9);
    EXPECT_DOUBLE_EQ(card.dimensions[0].weight, 1);
    EXPECT_DOUBLE_EQ(card.dimensions[1].weight, 0);
    EXPECT_EQ(card.dimensions[1].rate, 1);
}

std::vector<CheckCount> counts_from(const std::vector<std::uint16_t>& numbers, std::size_t size, std::uint64_t records) {
    std::vector<CheckCount> counts(size);
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t number = i < numbers.size() ? numbers[i] : 7919 * i;
        counts[i].pass = number % (records + 1);
        counts[i].fail = (number / 7) % (records - counts[i].pass + 1);
        counts[i].skip = records - counts[i].pass - counts[i].fail;
    }
    return counts;
}

TEST(scorecard, costs_add_up_and_no_failure_ever_helps) {
    const auto rubric = two_a_dimension();
    EXPECT_TRUE(rc::check("costs", [&](const std::vector<std::uint16_t>& numbers, std::uint16_t any, std::uint8_t which) {
        const std::uint64_t records = 1U + any;
        auto counts = counts_from(numbers, rubric.checks.size(), records);
        const auto card = scorecard(rubric, counts, records);
        double dimensions = 0, checks = 0;
        for (const auto& dimension : card.dimensions) dimensions += dimension.cost;
        for (const auto& check : card.failing) checks += check.cost;
        RC_ASSERT(card.score >= 0 && card.score <= 100);
        RC_ASSERT(card.score_lower <= card.score + 1e-9);
        RC_ASSERT(std::abs(dimensions - (100 - card.score)) < 1e-6);
        RC_ASSERT(std::abs(checks - (100 - card.score)) < 1e-6);
        if (card.lift) {
            RC_ASSERT(card.lift->grade == card.grade - 1);
            for (const auto& step : card.lift->steps) RC_ASSERT(step.to > step.from && step.to <= 1);
        }

        auto& mended = counts[which % counts.size()];
        if (mended.fail == 0) return;
        ++mended.pass;
        --mended.fail;
        const auto better = scorecard(rubric, counts, records);
        RC_ASSERT(better.score >= card.score - 1e-9);
        RC_ASSERT(better.score_lower >= card.score_lower - 1e-9);
    }));
}

}  // namespace
}  // namespace data_center_classifier::domain
