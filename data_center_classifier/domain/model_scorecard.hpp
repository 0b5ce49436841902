// Scorecard: how good a data centre's data is, as a pure function of counters and rubric.
//
// Privacy is a gate and no dimension of the score: its weight and cost are 0. A record that fails it is in quarantine and scores 0 itself;
// here its failed checks are listed among `failing` with cost 0, behind those that cost points.
#pragma once

#include "data_center_classifier/domain/model_rubric.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace data_center_classifier::domain {

// Rates below this count as this, so that one dimension that fails altogether costs much and yet leaves the others a meaning.
inline constexpr double rate_floor = 0.01;

// Sums over a window for one check.
struct CheckCount {
    std::uint64_t pass = 0, fail = 0, skip = 0;
};

struct DimensionScore {
    Dimension dimension = Dimension::conformance;
    double rate = 1;   // sum(w pass) / sum(w (pass + fail)); 1 when nothing was judged
    double lower = 0;  // Wilson lower 95 % bound
    double weight = 0;
    double cost = 0;           // points of the score that it costs; the costs of all dimensions sum to 100 - score
    std::uint64_t judged = 0;  // records: the most that any check of the dimension judged; n of the Wilson bound
};

struct FailingCheck {
    std::size_t check;  // index into rubric.checks
    CheckCount count;
    double cost = 0;  // points; within a dimension they sum to its cost
};

// The smallest set of changes that raises the grade: the one dimension that needs the least, or as few as do it together. `to` is rounded
// up to hundredths, so that what is shown suffices.
struct Lift {
    struct Step {
        Dimension dimension;
        double from = 0, to = 0;
    };
    std::vector<Step> steps;
    char grade = 'A';  // reached with all the steps
};
std::string to_text(const Lift& lift);  // "timeliness 0.78 -> 0.86 makes this centre A"

struct Scorecard {
    std::string rubric;
    std::uint64_t records = 0;
    double score = 0;         // weighted geometric mean of the rates, 0..100
    double score_lower = 0;   // the same of the Wilson bounds: the grade rests on it
    char grade = 'E';         // 'A'..'E'; '-' without records
    bool provisional = true;  // fewer records than the rubric's cut-off
    std::vector<DimensionScore> dimensions;
    std::vector<FailingCheck> failing;  // dearest first
    std::optional<Lift> lift;           // none at A, or when no rates raise the grade (too few records)
};

// `counts` has one entry per check of the rubric. `records`: how many were judged.
Scorecard scorecard(const Rubric& rubric, std::span<const CheckCount> counts, std::uint64_t records);

// Weights passed and judged, of one dimension.
struct WeightedRate {
    double passed = 0, judged = 0;
};
// 0..100: the weighted geometric mean of the rates of the dimensions that were judged; 100 when none was.
double score_of(std::span<const WeightedRate, dimension_count> rates, const Rubric& rubric);

// 'A'..'E'; above a cut-off, not at it.
char grade_of(double score, const Rubric& rubric);
double wilson_lower(double rate, double n);  // 95 %, z = 1.959964; 5/5 -> .57, 73/73 -> .95, 500/500 -> .99

}  // namespace data_center_classifier::domain
