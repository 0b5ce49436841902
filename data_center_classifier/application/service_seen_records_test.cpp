// What is remembered between the log and the index; and a model test that plays random interleavings against a pretended log.
#include "data_center_classifier/application/service_seen_records.hpp"

#include "data_center_classifier/application/fake_seen_index.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <limits>
#include <map>

namespace data_center_classifier::application {
namespace {

using Known = SeenRecords::Known;

Seen content(std::uint64_t number, SeenStatus status = SeenStatus::accepted) {
    return {.content = {number, number}, .status = status};
}

SeenRecords::Batch claim(SeenRecords& seen, RecordKey key, const Seen& wanted, std::optional<Seen> indexed = {}) {
    const SeenRecords::Claim one{.key = key, .seen = wanted, .indexed = indexed};
    return *seen.claim(std::span(&one, 1));
}
void appended(SeenRecords& seen, const SeenRecords::Batch& batch, RecordKey key, const Seen& what, LogPosition position) {
    const SeenRecords::Written one{key, what};
    seen.appended(batch.token, std::span(&one, 1), {.first = position, .last = position});
}
void failed(SeenRecords& seen, const SeenRecords::Batch& batch, RecordKey key, const Seen& what, bool nothing_written) {
    const SeenRecords::Written one{key, what};
    seen.failed(batch.token, std::span(&one, 1), nothing_written);
}

TEST(seen_records, a_record_is_fresh_then_waiting_then_repeated_then_changed) {
    SeenRecords seen;
    const auto first = claim(seen, 7, content(1));
    EXPECT_EQ(first.decisions[0].known, Known::fresh);
    const auto second = claim(seen, 7, content(1));
    EXPECT_EQ(second.decisions[0].known, Known::repeated_waiting);
    EXPECT_TRUE(second.decisions[0].append()) << "nobody knows yet that the first is on disk";
    appended(seen, first, 7, content(1), 1);
    appended(seen, second, 7, content(1), 2);
    EXPECT_EQ(claim(seen, 7, content(1)).decisions[0].known, Known::repeated);
    EXPECT_EQ(claim(seen, 7, content(2)).decisions[0].known, Known::changed);
}

TEST(seen_records, the_same_content_twice_in_a_batch_is_written_once) {
    SeenRecords seen;
    const SeenRecords::Claim both[] = {{.key = 7, .seen = content(1), .indexed = {}}, {.key = 7, .seen = content(1), .indexed = {}}};
    const auto batch = *seen.claim(both);
    EXPECT_EQ(batch.decisions[0].known, Known::fresh);
    EXPECT_EQ(batch.decisions[1].known, Known::repeated_in_batch);
    EXPECT_FALSE(batch.decisions[1].append());
}

TEST(seen_records, a_repeat_keeps_the_status_of_the_record) {
    SeenRecords seen;
    const auto quarantined = content(1, SeenStatus::quarantined);
    appended(seen, claim(seen, 7, quarantined), 7, quarantined, 1);
    const auto again = claim(seen, 7, quarantined);
    EXPECT_EQ(again.decisions[0].known, Known::repeated);
    EXPECT_EQ(again.decisions[0].status, SeenStatus::quarantined);
    appended(seen, claim(seen, 8, content(1)), 8, content(1), 2);
    EXPECT_EQ(claim(seen, 8, quarantined).decisions[0].status, SeenStatus::accepted) << "a stricter rubric does not take it away again";
}

TEST(seen_records, what_another_rubric_lets_out_of_quarantine_is_written) {
    SeenRecords seen;
    const auto quarantined = content(1, SeenStatus::quarantined);
    appended(seen, claim(seen, 7, quarantined), 7, quarantined, 1);
    EXPECT_EQ(claim(seen, 7, content(1)).decisions[0].known, Known::changed);
    EXPECT_EQ(claim(seen, 8, content(1), quarantined).decisions[0].known, Known::changed) << "as the index knows it";
}

TEST(seen_records, only_a_retraction_that_is_durable_is_believed) {
    SeenRecords seen;
    const auto taken_back = content(0, SeenStatus::retracted);
    EXPECT_EQ(claim(seen, 9, taken_back).decisions[0].known, Known::unknown);
    EXPECT_EQ(seen.recent_size(), 0U);
    appended(seen, claim(seen, 7, content(1)), 7, content(1), 1);
    failed(seen, claim(seen, 7, taken_back), 7, taken_back, false);
    const auto again = claim(seen, 7, taken_back);
    EXPECT_TRUE(again.decisions[0].append()) << "after an append whose end is unknown";
    EXPECT_TRUE(claim(seen, 7, taken_back).decisions[0].append()) << "while one is in flight";
    appended(seen, again, 7, taken_back, 2);
    seen.projected(2);
    EXPECT_FALSE(claim(seen, 8, taken_back, taken_back).decisions[0].append());
}

TEST(seen_records, what_was_not_written_is_forgotten_and_what_may_have_been_is_written_again) {
    SeenRecords seen;
    failed(seen, claim(seen, 7, content(1)), 7, content(1), true);
    EXPECT_EQ(seen.recent_size(), 0U);
    EXPECT_EQ(claim(seen, 7, content(1)).decisions[0].known, Known::fresh);
    failed(seen, claim(seen, 8, content(1)), 8, content(1), false);
    EXPECT_EQ(seen.doubts_size(), 1U);
    EXPECT_TRUE(claim(seen, 8, content(1)).decisions[0].append());
}

TEST(seen_records, a_change_that_was_not_written_leaves_what_was_durable) {
    SeenRecords seen;
    appended(seen, claim(seen, 7, content(1)), 7, content(1), 1);
    failed(seen, claim(seen, 7, content(2)), 7, content(2), true);
    EXPECT_EQ(claim(seen, 7, content(1)).decisions[0].known, Known::repeated);
}

TEST(seen_records, a_record_that_was_taken_back_is_fresh) {
    SeenRecords seen;
    EXPECT_EQ(claim(seen, 7, content(1), content(1, SeenStatus::retracted)).decisions[0].known, Known::fresh);
}

TEST(seen_records, what_is_indexed_leaves_memory_and_is_looked_up) {
    SeenRecords seen;
    const RecordKey keys[] = {7, 8};
    EXPECT_TRUE(seen.to_look_up(keys).keys.empty()) << "never seen: no look-up";
    appended(seen, claim(seen, 7, content(1)), 7, content(1), 1);
    EXPECT_TRUE(seen.to_look_up(keys).keys.empty()) << "recent: no look-up";
    seen.projected(1);
    EXPECT_EQ(seen.recent_size(), 0U);
    EXPECT_EQ(seen.to_look_up(keys).keys, std::vector<RecordKey>{7});
    EXPECT_EQ(claim(seen, 7, content(1), content(1)).decisions[0].known, Known::repeated);
}

TEST(seen_records, fingerprints_are_loaded_from_the_index) {
    MapIndex index;
    index.rows = {{7, content(1)}};
    SeenRecords seen;
    ASSERT_TRUE(seen.load(index, 3, 3));
    const RecordKey keys[] = {8, 7, 7};
    EXPECT_EQ(seen.to_look_up(keys).keys, (std::vector<RecordKey>{7, 7}));
    EXPECT_EQ(seen.fingerprints_size(), 1U);
}

TEST(seen_records, beyond_the_bound_of_fingerprints_every_key_is_looked_up) {
    MapIndex index;
    index.rows = {{1, content(1)}, {2, content(1)}, {3, content(1)}};
    SeenRecords seen({.recent_max = 10, .fingerprints_max = 2});
    ASSERT_TRUE(seen.load(index, 3, 3));
    const RecordKey keys[] = {99};
    EXPECT_EQ(seen.to_look_up(keys).keys.size(), 1U);
}

TEST(seen_records, a_full_memory_is_busy_before_anything_is_claimed) {
    SeenRecords seen({.recent_max = 1, .fingerprints_max = 100});
    const SeenRecords::Claim both[] = {{.key = 1, .seen = content(1), .indexed = {}}, {.key = 2, .seen = content(1), .indexed = {}}};
    const auto refused = seen.claim(both);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(seen.recent_size(), 0U);
}

TEST(seen_records, of_two_claims_the_one_that_lies_later_in_the_log_is_remembered_though_the_other_was_indexed_first) {
    SeenRecords seen;
    const auto taken_back = content(0, SeenStatus::retracted);
    const auto first = claim(seen, 7, taken_back, content(1));
    const auto second = claim(seen, 7, content(1), content(1));
    appended(seen, second, 7, content(1), 1);
    seen.projected(1);
    appended(seen, first, 7, taken_back, 2);
    EXPECT_EQ(claim(seen, 7, content(1), content(1)).decisions[0].known, Known::fresh);
}

TEST(seen_records, what_may_have_been_written_behind_a_durable_content_makes_it_doubtful) {
    SeenRecords seen;
    const auto taken_back = content(0, SeenStatus::retracted);
    const auto first = claim(seen, 7, taken_back, content(1));
    const auto second = claim(seen, 7, content(1), content(1));
    appended(seen, second, 7, content(1), 1);
    failed(seen, first, 7, taken_back, false);
    seen.projected(1);
    EXPECT_TRUE(claim(seen, 7, content(1), content(1)).decisions[0].append());
}

TEST(seen_records, doubt_ends_with_the_first_append_that_was_claimed_after_the_failure_was_told) {
    SeenRecords seen;
    const auto early = claim(seen, 1, content(1));
    failed(seen, claim(seen, 7, content(1)), 7, content(1), false);
    appended(seen, early, 1, content(1), 1);
    EXPECT_EQ(seen.doubts_size(), 1U) << "claimed before: it may lie before what failed";
    appended(seen, claim(seen, 2, content(1)), 2, content(1), 3);
    EXPECT_EQ(seen.doubts_size(), 0U);
    seen.projected(2);
    EXPECT_EQ(seen.recent_size(), 2U) << "the index has all before 3, and not 3";
    seen.projected(3);
    EXPECT_EQ(seen.recent_size(), 0U);
    SeenRecords other;
    failed(other, claim(other, 7, content(1)), 7, content(1), false);
    appended(other, claim(other, 7, content(1)), 7, content(1), 2);
    EXPECT_EQ(claim(other, 7, content(1)).decisions[0].known, Known::repeated) << "behind all that failed";
    other.projected(2);
    EXPECT_EQ(other.recent_size(), 0U);
}

TEST(seen_records, a_log_that_takes_nothing_does_not_fill_the_memory_and_the_oldest_doubts_are_lent_to_all) {
    SeenRecords seen({.recent_max = 2, .fingerprints_max = 100, .doubts_max = 3});
    for (RecordKey key = 1; key <= 50; ++key) failed(seen, claim(seen, key, content(1)), key, content(1), false);
    for (int i = 0; i < 50; ++i) failed(seen, claim(seen, 50, content(1)), 50, content(1), false);
    EXPECT_EQ(seen.recent_size(), 3U);
    EXPECT_EQ(seen.doubts_size(), 3U);
    const auto taken_back = content(0, SeenStatus::retracted);
    auto batch = claim(seen, 1, content(2), content(2));
    EXPECT_EQ(batch.decisions[0].known, Known::repeated_waiting) << "the index may not have what failed";
    EXPECT_TRUE(claim(seen, 99, taken_back).decisions[0].append());
    failed(seen, batch, 1, content(2), true);
    appended(seen, claim(seen, 60, content(1)), 60, content(1), 9);
    seen.projected(9);
    EXPECT_EQ(seen.doubts_size(), 0U);
    EXPECT_EQ(claim(seen, 1, content(2), content(2)).decisions[0].known, Known::repeated);
}

TEST(seen_records, one_record_that_changes_all_the_time_leaves_as_one) {
    SeenRecords seen;
    for (LogPosition position = 1; position <= 1000; ++position) {
        appended(seen, claim(seen, 7, content(position)), 7, content(position), position);
        if (position % 3 == 0) seen.projected(position - 2);
        EXPECT_EQ(seen.recent_size(), 1U);
    }
    seen.projected(1000);
    EXPECT_EQ(seen.recent_size(), 0U);
}

TEST(seen_records, what_was_indexed_before_its_append_was_told_is_looked_up) {
    SeenRecords seen;
    const RecordKey keys[] = {7};
    const auto batch = claim(seen, 7, content(1));
    seen.projected(1);
    const auto asked = seen.to_look_up(keys);
    EXPECT_EQ(asked.keys, std::vector<RecordKey>{7}) << "it may leave before the claim";
    appended(seen, batch, 7, content(1), 1);
    EXPECT_EQ(seen.recent_size(), 0U);
    EXPECT_EQ(claim(seen, 7, content(1), content(1)).decisions[0].known, Known::repeated);
}

TEST(seen_records, an_index_that_lies_behind_the_log_is_not_believed_until_it_has_caught_up) {
    MapIndex index;
    index.rows = {{7, content(1)}};
    SeenRecords seen;
    ASSERT_TRUE(seen.load(index, 3, 8));
    const auto taken_back = content(0, SeenStatus::retracted);
    EXPECT_TRUE(claim(seen, 9, taken_back).decisions[0].append()) << "it may stand in what nobody has read";
    auto batch = claim(seen, 7, content(1), content(1));
    EXPECT_EQ(batch.decisions[0].known, Known::repeated_waiting);
    appended(seen, batch, 7, content(1), 9);
    EXPECT_EQ(claim(seen, 7, content(1)).decisions[0].known, Known::repeated);
    seen.projected(9);
    EXPECT_EQ(claim(seen, 10, taken_back).decisions[0].known, Known::unknown);
    EXPECT_EQ(claim(seen, 7, content(1), content(1)).decisions[0].known, Known::repeated);
}

// A log whose positions are (batch, place in it): nearly as large as they can be, and far apart.
TEST(seen_records, gaps_between_positions_change_nothing) {
    SeenRecords seen;
    constexpr LogPosition far = (LogPosition{1} << 62U) - 2'000;
    const SeenRecords::Claim three[] = {{.key = 1, .seen = content(1), .indexed = {}},
                                        {.key = 1, .seen = content(2), .indexed = {}},
                                        {.key = 2, .seen = content(1), .indexed = {}}};
    failed(seen, claim(seen, 9, content(1)), 9, content(1), false);
    const auto before = claim(seen, 3, content(1));
    const auto batch = *seen.claim(three);
    const auto after = claim(seen, 4, content(1));
    const SeenRecords::Written written[] = {{1, content(1)}, {1, content(2)}, {2, content(1)}};
    appended(seen, before, 3, content(1), far);
    EXPECT_EQ(seen.doubts_size(), 0U);
    seen.appended(batch.token, written, {.first = far + 100, .last = far + 900});
    appended(seen, after, 4, content(1), far + 1'999);
    EXPECT_EQ(claim(seen, 1, content(2)).decisions[0].known, Known::repeated) << "the later one of a batch is the latest";
    EXPECT_EQ(claim(seen, 2, content(1)).decisions[0].known, Known::repeated);
    EXPECT_EQ(seen.recent_size(), 5U);
    seen.projected(far);
    EXPECT_EQ(seen.recent_size(), 3U) << "the doubt ended there, too";
    seen.projected(far + 500);
    EXPECT_EQ(seen.recent_size(), 3U) << "they may lie behind that";
    seen.projected(far + 900);
    EXPECT_EQ(seen.recent_size(), 1U);
    seen.projected(far + 1'999);
    EXPECT_EQ(seen.recent_size(), 0U);
}

// The model: a log that is a list, an index that follows it, and batches that are at any stage in any order. Positions have gaps of up to
// `gap_max`.
class World {
public:
    explicit World(LogPosition gap_max) : gap_max_(gap_max) {}

    struct Step {
        int what, key, number, count;
    };

    void play(const Step& step) {
        ++now_;
        switch (step.what) {
            case 0:
            case 1: look_up(step); break;
            case 2: claim_looked_up(step); break;
            case 3: write(step); break;
            case 4: tell(step); break;
            case 5: fail(step); break;
            default: project(step); break;
        }
    }
    void settle() {
        while (!looked_up_.empty()) claim_looked_up({0, 0, 0, 0});
        while (!claimed_.empty()) write({0, 0, 0, 0});
        while (!written_.empty()) tell({0, 0, 0, 0});
        // The first batch that is taken after a failure ends its doubt.
        const SeenRecords::Claim fresh{.key = 99, .seen = content(1), .indexed = {}};
        looked_up_.push_back({.claims = {fresh}, .asked = {}, .begun = now_, .decided = {}, .to_write = {}, .first = 0});
        claim_looked_up({0, 0, 0, 0});
        write({0, 0, 0, 0});
        tell({0, 0, 0, 0});
        projected_ = log_.size();
        seen_.projected(log_.back().position);
        RC_ASSERT(seen_.doubts_size() == 0U);
        RC_ASSERT(seen_.recent_size() == 0U);
    }

private:
    struct Entry {
        RecordKey key;
        Seen seen;
        LogPosition position = 0;
        int answered = std::numeric_limits<int>::max();  // the step at which its sender got its answer
    };
    struct Batch {
        std::vector<SeenRecords::Claim> claims;
        std::shared_ptr<SeenRecords::LookUp> asked;
        int begun = 0;  // the step at which its keys were looked up
        SeenRecords::Batch decided;
        std::vector<SeenRecords::Written> to_write;
        std::size_t first = 0;  // number in the log
    };
    using Batches = std::vector<Batch>;

    static Batch take(Batches& from, int which) {
        const auto at = from.begin() + which % static_cast<int>(from.size());
        auto batch = std::move(*at);
        from.erase(at);
        return batch;
    }
    // The latest of a key among the first `size` of the log.
    std::optional<Seen> latest(RecordKey key, std::size_t size) const {
        for (auto i = size; i > 0; --i)
            if (log_[i - 1].key == key) return log_[i - 1].seen;
        return std::nullopt;
    }

    void look_up(const Step& step) {
        Batch batch{.claims = {}, .asked = {}, .begun = now_, .decided = {}, .to_write = {}, .first = 0};
        std::vector<RecordKey> keys;
        for (int i = 0; i <= step.count % 5; ++i) keys.push_back(static_cast<RecordKey>((step.key + i) % 3 + 1));
        batch.asked = std::make_shared<SeenRecords::LookUp>(seen_.to_look_up(keys));
        const auto& asked = batch.asked->keys;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const bool retract = step.number % 7 == 0 && keys.size() == 1;
            SeenRecords::Claim claim{
                .key = keys[i], .seen = content((static_cast<std::uint64_t>(step.number) + i / 3) % 3 + 1), .indexed = {}};
            if (retract) claim.seen = {.content = {}, .status = SeenStatus::retracted};
            if (std::ranges::find(asked, keys[i]) != asked.end()) claim.indexed = latest(keys[i], projected_);
            batch.claims.push_back(claim);
        }
        looked_up_.push_back(std::move(batch));
    }
    void claim_looked_up(const Step& step) {
        if (looked_up_.empty()) return;
        auto batch = take(looked_up_, step.key);
        batch.decided = *seen_.claim(batch.claims);
        batch.asked.reset();
        for (std::size_t i = 0; i < batch.claims.size(); ++i) {
            const auto& claim = batch.claims[i];
            const auto known = batch.decided.decisions[i].known;
            if (batch.decided.decisions[i].append()) batch.to_write.push_back({claim.key, claim.seen});
            if (known == Known::repeated) RC_ASSERT(is_durable(claim, batch.begun));
            if (known == Known::unknown) RC_ASSERT(was_never(claim.key, batch.begun));
            if (known == Known::repeated_in_batch) RC_ASSERT(last_to_write(batch, claim.key) == claim.seen.content);
        }
        if (!batch.to_write.empty()) claimed_.push_back(std::move(batch));
    }
    // In the log, and followed by nothing of that record that was answered before this batch began: a sender whose request is still on its
    // way may come after it.
    bool is_durable(const SeenRecords::Claim& claim, int begun) const {
        for (auto entry = log_.rbegin(); entry != log_.rend(); ++entry) {
            if (entry->key != claim.key) continue;
            if (entry->seen.status == claim.seen.status && entry->seen.content == claim.seen.content) return true;
            if (entry->answered < begun) return false;
        }
        return false;
    }
    bool was_never(RecordKey key, int begun) const {
        return std::ranges::none_of(log_, [&](const Entry& entry) { return entry.key == key && entry.answered < begun; });
    }
    static std::optional<ContentPrefix> last_to_write(const Batch& batch, RecordKey key) {
        std::optional<ContentPrefix> last;
        for (const auto& one : batch.to_write)
            if (one.key == key) last = one.seen.content;
        return last;
    }
    // The first `count` of what it is to write.
    void append(Batch& batch, std::size_t count) {
        batch.first = log_.size();
        for (const auto& one : std::span(batch.to_write).first(count)) {
            const auto before = log_.empty() ? 0 : log_.back().position;
            const auto gap = gap_max_ == 0 ? 0 : (log_.size() * 7 + static_cast<std::size_t>(now_)) % (gap_max_ + 1);
            log_.push_back({.key = one.key, .seen = one.seen, .position = before + 1 + gap});
        }
    }
    void answered(const Batch& batch) {
        for (auto i = batch.first; i < log_.size() && i < batch.first + batch.to_write.size(); ++i) log_[i].answered = now_;
    }
    void write(const Step& step) {
        if (claimed_.empty()) return;
        auto batch = take(claimed_, step.key);
        append(batch, batch.to_write.size());
        written_.push_back(std::move(batch));
    }
    void tell(const Step& step) {
        if (written_.empty()) return;
        const auto batch = take(written_, step.key);
        const auto last = batch.first + batch.to_write.size() - 1;
        seen_.appended(batch.decided.token, batch.to_write, {.first = log_[batch.first].position, .last = log_[last].position});
        answered(batch);
    }
    void fail(const Step& step) {
        if (claimed_.empty()) return;
        auto batch = take(claimed_, step.key);
        const bool nothing_written = step.number % 3 == 0;
        if (step.number % 3 == 1) {
            append(batch, 1 + static_cast<std::size_t>(step.count) % batch.to_write.size());  // all, or a first part
            answered(batch);
        }
        seen_.failed(batch.decided.token, batch.to_write, nothing_written);
    }
    void project(const Step& step) {
        projected_ = std::min(log_.size(), projected_ + static_cast<std::size_t>(step.count));
        if (projected_ > 0) seen_.projected(log_[projected_ - 1].position);
    }

    LogPosition gap_max_;
    SeenRecords seen_{{.recent_max = 1'000, .fingerprints_max = 1'000, .doubts_max = 1}};
    std::vector<Entry> log_;
    std::size_t projected_ = 0;
    int now_ = 0;
    Batches looked_up_, claimed_, written_;
};

constexpr int rounds = 20;  // of a hundred cases

void play_any_interleaving(LogPosition gap_max) {
    for (int round = 0; round < rounds; ++round)
        ASSERT_TRUE(rc::check("look-ups, claims, appends, failures and projections in any order",
                              [gap_max](const std::vector<std::tuple<int, int, int, int>>& steps) {
                                  World world(gap_max);
                                  const auto positive = [](int value) { return static_cast<int>(static_cast<unsigned>(value) % 1000U); };
                                  for (const auto& [what, key, number, count] : steps)
                                      world.play({positive(what) % 7, positive(key), positive(number), positive(count) % 8});
                                  world.settle();
                              }));
}
TEST(seen_records, says_repeated_only_of_what_is_durable_and_was_the_latest_in_any_interleaving) {
    play_any_interleaving(0);
}
TEST(seen_records, and_likewise_when_positions_have_gaps) {
    play_any_interleaving(5);
}

}  // namespace
}  // namespace data_center_classifier::application
