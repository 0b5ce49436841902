// A scorecard is made anew from counters each time it is asked for; only a change of the grade is an event.
#include "data_center_classifier/application/service_scorecard.hpp"

#include <algorithm>

namespace data_center_classifier::application {
namespace {

// Once it is no longer provisional, a grade changes only when the score would still call for a change if it were this much nearer to the
// present grade: no flapping, and the grade is never further than this from what the score says.
constexpr double margin_points = 0.5;

std::optional<std::size_t> index_of(const domain::Rubric& rubric, std::string_view check_id) {
    for (std::size_t i = 0; i < rubric.checks.size(); ++i)
        if (rubric.checks[i].id == check_id) return i;
    return std::nullopt;
}

struct Sums {
    std::vector<domain::CheckCount> counts;
    std::uint64_t records = 0;
};

void add(Sums& sums, std::size_t check, const domain::CheckCount& count) {
    sums.counts[check].pass += count.pass;
    sums.counts[check].fail += count.fail;
    sums.counts[check].skip += count.skip;
}

// 'A' is less than 'B', and better.
bool is_clear_of(char present, double score, const domain::Rubric& rubric) {
    return domain::grade_of(score - margin_points, rubric) < present || domain::grade_of(score + margin_points, rubric) > present;
}

}  // namespace

kernel::Result<CenterScorecard> scorecard_of(Counters& counters, const domain::Rubric& rubric, const kernel::DataCenterId& center,
                                             kernel::Timestamp now) {
    auto rows = counters.counts(center, rubric.version, window_begin(now));
    if (!rows) return std::move(rows).error();
    const Sums none{.counts = std::vector<domain::CheckCount>(rubric.checks.size()), .records = 0};
    Sums total = none;
    std::map<std::string, Sums> by_feed;
    for (const auto& feed : rows->feeds) {
        by_feed.try_emplace(feed.feed, none).first->second.records = feed.records;
        total.records += feed.records;
    }
    for (const auto& row : rows->checks) {
        const auto check = index_of(rubric, row.check_id);
        if (!check) continue;
        add(total, *check, row.count);
        add(by_feed.try_emplace(row.feed, none).first->second, *check, row.count);
    }
    CenterScorecard out{.center = center,
                        .card = domain::scorecard(rubric, total.counts, total.records),
                        .feeds = {},
                        .examples = std::move(rows->examples)};
    for (const auto& [feed, sums] : by_feed) {
        const auto card = domain::scorecard(rubric, sums.counts, sums.records);
        out.feeds.push_back(
            {.feed = feed, .records = sums.records, .score = card.score, .score_lower = card.score_lower, .grade = card.grade});
    }
    std::sort(out.feeds.begin(), out.feeds.end(),
              [](const FeedScore& a, const FeedScore& b) { return a.records != b.records ? a.records > b.records : a.feed < b.feed; });
    return out;
}

void Standings::put(const std::string& center, Standing standing) {
    const std::unique_lock lock(mutex_);
    standings_.insert_or_assign(center, standing);
}

Standing Standings::of(std::string_view center) const {
    const std::shared_lock lock(mutex_);
    const auto found = standings_.find(center);
    return found == standings_.end() ? Standing{} : found->second;
}

kernel::Result<void> ClassifyDataCenters::handle(const kernel::DataCenterId& id, std::span<const domain::CheckCount> counts,
                                                 std::uint64_t records) {
    const auto card = domain::scorecard(rubric_, counts, records);
    standings_.put(id.value, {.grade = card.grade,
                              .score = card.score,
                              .score_lower = card.score_lower,
                              .records = card.records,
                              .provisional = card.provisional});
    const auto sender = cache_.sender(id.value);
    if (!sender || card.grade == '-' || sender->grade == std::string(1, card.grade)) return kernel::ok();
    const bool first = sender->grade == domain::no_grade;
    if (!first && !card.provisional && !is_clear_of(sender->grade.front(), card.score_lower, rubric_)) return kernel::ok();
    const auto why = card.failing.empty() ? std::string() : rubric_.checks[card.failing.front().check].id;
    auto done =
        manage_.handle(id, domain::ClassifyDataCenter{.grade = card.grade, .score = card.score, .why = why, .rubric = rubric_.version});
    if (!done) return std::move(done).error();
    return kernel::ok();
}

}  // namespace data_center_classifier::application
