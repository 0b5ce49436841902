// When a centre's grade follows its score.
#include "data_center_classifier/application/service_scorecard.hpp"

#include "data_center_classifier/application/fake_data_centers.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace data_center_classifier::application {
namespace {

// A rubric of one check: the score follows from how many of many records pass.
struct World {
    World() {
        rubric.version = "test-1";
        rubric.dimension_weight = {1, 1, 1, 1, 1, 0};
        domain::Check check{};
        check.id = "C-1";
        check.dimension = domain::Dimension::completeness;
        rubric.checks = {check};
        EXPECT_TRUE(manage.handle(id, domain::RegisterDataCenter{id, "St Mary"}));
    }
    // Tells the sums, and gives the score that the grade rests on.
    double tell(std::uint64_t passed) {
        const domain::CheckCount count{.pass = passed, .fail = records - passed};
        EXPECT_TRUE(classify.handle(id, std::span(&count, 1), records));
        return standings.of(id.value).score_lower;
    }
    char grade() const { return cache.sender(id.value)->grade.front(); }

    static constexpr std::uint64_t records = 100'000;
    const kernel::DataCenterId id{"st-mary"};
    domain::Rubric rubric;
    MemoryDataCenters store;
    DataCenterCache cache;
    kernel::FixedClock clock{kernel::Timestamp{}};
    ManageDataCenters manage{store, cache, clock, [] {}};
    Standings standings;
    ClassifyDataCenters classify{rubric, cache, manage, standings};
};

TEST(grades, are_never_further_than_the_margin_from_what_the_score_says_and_change_only_when_it_is_clear) {
    EXPECT_TRUE(rc::check("the grade after any scores", [] {
        World world;
        const auto near_a_cut_off = rc::gen::map(rc::gen::pair(rc::gen::element(60, 70, 80, 90), rc::gen::inRange(-900, 900)),
                                                 [](const auto& one) { return one.first * 1000 + one.second; });
        const auto scores = *rc::gen::container<std::vector<int>>(rc::gen::oneOf(rc::gen::inRange(0, 100'000), near_a_cut_off));
        for (const auto passed : scores) {
            const auto before = world.grade();
            const auto score = world.tell(static_cast<std::uint64_t>(passed));
            const auto after = world.grade();
            RC_ASSERT(after >= domain::grade_of(score + 0.5, world.rubric) && after <= domain::grade_of(score - 0.5, world.rubric));
            if (before == '-' || before == after) continue;
            RC_ASSERT(domain::grade_of(score - 0.5, world.rubric) < before || domain::grade_of(score + 0.5, world.rubric) > before);
        }
    }));
}

TEST(grades, a_score_that_falls_onto_a_lower_cut_off_takes_the_best_grade_away) {
    World world;
    world.tell(99'000);
    EXPECT_EQ(world.grade(), 'A');
    world.tell(70'100);  // near the cut-off of C, far from that of A
    EXPECT_EQ(world.grade(), 'D');
}

TEST(grades, a_score_that_crosses_a_cut_off_by_less_than_the_margin_changes_nothing) {
    World world;
    world.tell(89'800);
    EXPECT_EQ(world.grade(), 'B');
    world.tell(90'300);
    EXPECT_EQ(world.grade(), 'B');
    world.tell(91'000);
    EXPECT_EQ(world.grade(), 'A');
    world.tell(89'900);
    EXPECT_EQ(world.grade(), 'A');
}

}  // namespace
}  // namespace data_center_classifier::application
