// Scorecards from counters, and what follows from them: the grade of a data centre.
#pragma once

#include "data_center_classifier/application/port_counters.hpp"
#include "data_center_classifier/application/service_data_centers.hpp"
#include "data_center_classifier/domain/model_scorecard.hpp"

#include <map>
#include <shared_mutex>
#include <span>

namespace data_center_classifier::application {

struct FeedScore {
    std::string feed;
    std::uint64_t records = 0;
    double score = 0, score_lower = 0;
    char grade = 'E';
};
struct CenterScorecard {
    kernel::DataCenterId center;
    domain::Scorecard card;
    std::vector<FeedScore> feeds;  // most records first
    std::vector<Example> examples;
};

// Blocking.
kernel::Result<CenterScorecard> scorecard_of(Counters& counters, const domain::Rubric& rubric, const kernel::DataCenterId& center,
                                             kernel::Timestamp now);

// How each centre stands now, by the window's counters. Thread-safe; in memory.
struct Standing {
    char grade = '-';
    double score = 0, score_lower = 0;
    std::uint64_t records = 0;
    bool provisional = true;
};
class Standings {
public:
    void put(const std::string& center, Standing standing);
    Standing of(std::string_view center) const;

private:
    mutable std::shared_mutex mutex_;
    std::map<std::string, Standing, std::less<>> standings_;
};

// Grades a centre from the sums of its window, and records a change as an event of the centre. Blocking; one thread.
class ClassifyDataCenters {
public:
    ClassifyDataCenters(const domain::Rubric& rubric, DataCenterCache& cache, ManageDataCenters& manage, Standings& standings)
        : rubric_(rubric), cache_(cache), manage_(manage), standings_(standings) {}

    // `counts` has one entry a check of the rubric. A centre that is not registered is passed by.
    kernel::Result<void> handle(const kernel::DataCenterId& center, std::span<const domain::CheckCount> counts, std::uint64_t records);

private:
    const domain::Rubric& rubric_;
    DataCenterCache& cache_;
    ManageDataCenters& manage_;
    Standings& standings_;
};

}  // namespace data_center_classifier::application
