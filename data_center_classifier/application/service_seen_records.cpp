// One entry a record key: a small one while all is settled (durable, no doubt), which is so of nearly all of them, and a large one while it
// is not. `seen` is what the latest claim wants, or the latest that is durable; `before` what is known to be in the log behind a claim that
// is in flight.
//
// The log tells the positions of a batch's first and last record, and may leave gaps between them. Each record is kept at the greatest
// place where it can be: `last` for the last, one less for each one before it. That may be too far, never too near, and decides everything
// as its true place would:
//   Two records of a batch: their places rise with their order.
//   Of different batches: each lies between `first` and `last` of its own, which are true, and batches do not overlap.
//   Against the beginning of a batch (doubt_until, doubt_of_all): the same, so that a record is "not before it" only if it truly is not.
//   Against what is projected: at or below it, then truly so, and the index has it. Truly below it but not yet by its place, it stays in
//   memory for a little longer, until the batch's last is projected, which is a place that the projection comes to.
// A batch lies behind the log's end at load(), too: nothing was in flight then.
#include "data_center_classifier/application/service_seen_records.hpp"

#include "kernel/check.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <deque>
#include <mutex>
#include <set>

namespace data_center_classifier::application {
namespace {

// Record keys are digests already: mixing them again would only cost time.
struct AsIs {
    using is_avalanching = void;
    std::size_t operator()(RecordKey key) const noexcept { return key; }
};

struct Durable {
    Seen seen;
    LogPosition position = 0;  // 0: none
};

enum class Standing : std::uint8_t { in_flight, durable, in_doubt };

struct Entry {
    Seen seen;
    Standing standing = Standing::in_flight;
    bool leaving = false;      // stands in the queue of those that leave
    std::uint64_t token = 0;   // of the batch that set `seen`
    LogPosition position = 0;  // when durable
    Durable before;            // durable content that `seen` replaces, while it is in flight
    // Something of this record may lie in the log that nobody heard of: before what batches of this token or later append (0: nothing), or
    // before this position.
    std::uint64_t doubt_since = 0;
    LogPosition doubt_until = 0;

    // Once the index has this, and no doubt is open, it knows all that memory knows of a record that is not in flight.
    LogPosition end() const { return std::max({position, before.position, doubt_until}); }
    bool is_settled() const { return standing == Standing::durable && leaving && doubt_since == 0 && doubt_until == 0; }
};

// A settled entry: durable and leaving, and nobody doubts it.
class Settled {
public:
    explicit Settled(const Durable& what)
        : content_(what.seen.content), position_and_status_(what.position << status_bits | static_cast<std::uint64_t>(what.seen.status)) {
        CHECK(what.position >> (64 - status_bits) == 0, "a position in the log is below 2^62");
    }
    LogPosition position() const { return position_and_status_ >> status_bits; }
    Seen seen() const { return {.content = content_, .status = static_cast<SeenStatus>(position_and_status_ & ((1U << status_bits) - 1))}; }
    Entry entry() const {
        Entry entry;
        entry.seen = seen();
        entry.standing = Standing::durable;
        entry.leaving = true;
        entry.position = position();
        return entry;
    }

private:
    static constexpr unsigned status_bits = 2;
    ContentPrefix content_;
    std::uint64_t position_and_status_;
};
static_assert(sizeof(std::pair<const RecordKey, Settled>) == 32, "a record that waits for the index costs little");

// The doubt about every record that memory does not know for certain.
struct DoubtOfAll {
    std::uint64_t since = 0;
    LogPosition until = 0;
    bool any() const { return since > 0 || until > 0; }
};

}  // namespace

using Known = SeenRecords::Known;

struct SeenRecords::State {
    explicit State(Limits with) : limits(with) {}

    Limits limits;
    mutable std::mutex mutex;
    boost::unordered_flat_map<RecordKey, Settled, AsIs> settled;
    boost::unordered_flat_map<RecordKey, Entry, AsIs> unsettled;  // a key is in one of the two at most
    boost::unordered_flat_set<RecordKey, AsIs> fingerprints;
    bool fingerprints_complete = true;
    struct Leaving {
        LogPosition position;
        RecordKey key;
    };
    std::deque<Leaving> leaving;                             // nearly sorted by position; a key at most once
    std::set<std::pair<std::uint64_t, RecordKey>> doubtful;  // (doubt_since, key) of each entry whose doubt is open
    DoubtOfAll doubt_of_all;
    std::uint64_t next_token = 1;
    LogPosition projected = 0;
    std::multiset<LogPosition> pins;  // `projected` at the beginning of each look-up that is going on: few

    bool maybe_indexed(RecordKey key) const { return !fingerprints_complete || fingerprints.contains(key); }

    void remember(RecordKey key) {
        if (fingerprints.size() < limits.fingerprints_max) {
            fingerprints.insert(key);
        } else if (!fingerprints.contains(key)) {
            fingerprints_complete = false;
        }
    }

    // What is indexed, and was when the oldest look-up that is going on began.
    LogPosition passed() const { return pins.empty() ? projected : *pins.begin(); }

    void forget_all() {
        const auto until = passed();
        if (doubt_of_all.until <= until) doubt_of_all.until = 0;
        while (!leaving.empty() && leaving.front().position <= until) {
            const auto key = leaving.front().key;
            leaving.pop_front();
            if (const auto found = settled.find(key); found != settled.end()) {
                if (found->second.position() <= until) settled.erase(found);
                else leaving.push_back({found->second.position(), key});
                continue;
            }
            const auto found = unsettled.find(key);
            if (found == unsettled.end()) continue;
            auto& entry = found->second;
            entry.leaving = false;
            // Those in flight and in open doubt come back when that ends.
            if (entry.standing == Standing::in_flight || entry.doubt_since > 0) continue;
            if (entry.end() <= until) unsettled.erase(found);
            else let_leave(key, entry);
        }
    }
    void let_leave(RecordKey key, Entry& entry) {
        if (entry.leaving || entry.standing == Standing::in_flight || entry.doubt_since > 0) return;
        entry.leaving = true;
        leaving.push_back({entry.end(), key});
    }

    std::size_t recent_size() const { return settled.size() + unsettled.size(); }
    // What memory knows of the record, as it stands.
    std::optional<Entry> known(RecordKey key) const {
        if (const auto found = settled.find(key); found != settled.end()) return found->second.entry();
        if (const auto found = unsettled.find(key); found != unsettled.end()) return found->second;
        return std::nullopt;
    }
    // The record's entry, to be changed; a new one is in flight. keep_small() when done.
    Entry& open(RecordKey key) {
        const auto [entry, added] = unsettled.try_emplace(key);
        if (!added) return entry->second;
        if (const auto found = settled.find(key); found != settled.end()) {
            entry->second = found->second.entry();
            settled.erase(found);
        }
        return entry->second;
    }
    void keep_small(RecordKey key) {
        const auto found = unsettled.find(key);
        if (found == unsettled.end() || !found->second.is_settled()) return;
        settled.insert_or_assign(key, Settled({found->second.seen, found->second.position}));
        unsettled.erase(found);
    }

    void settle(Entry& entry, RecordKey key, Durable what) {
        entry.seen = what.seen;
        entry.standing = Standing::durable;
        entry.position = what.position;
        entry.before = {};
        let_leave(key, entry);
    }
    void settle_in_doubt(Entry& entry, RecordKey key) {
        if (entry.before.position > 0) return settle(entry, key, entry.before);
        entry.standing = Standing::in_doubt;
        entry.position = 0;
        let_leave(key, entry);
    }

    // The append of `one` by the batch of that token ended nobody knows how.
    void doubt(const SeenRecords::Written& one, std::uint64_t token) {
        const bool added = !known(one.key);
        auto& entry = open(one.key);
        if (entry.doubt_since > 0) doubtful.erase({entry.doubt_since, one.key});
        entry.doubt_since = next_token;
        doubtful.emplace(next_token, one.key);
        if (added) entry.seen = one.seen;
        if (added || (entry.token == token && entry.standing == Standing::in_flight)) settle_in_doubt(entry, one.key);
        while (doubtful.size() > limits.doubts_max) lend_oldest_doubt();
    }
    void lend_oldest_doubt() {
        const auto [since, key] = *doubtful.begin();
        doubtful.erase(doubtful.begin());
        const auto found = unsettled.find(key);
        auto& entry = found->second;
        doubt_of_all.since = std::max(doubt_of_all.since, since);
        entry.doubt_since = 0;
        if (entry.standing == Standing::in_doubt) {
            doubt_of_all.until = std::max(doubt_of_all.until, entry.end());
            unsettled.erase(found);
        } else {
            let_leave(key, entry);
            keep_small(key);
        }
    }
    // A batch of that token lies in the log from `first` on: what failed before it was claimed lies before it, or nowhere.
    void end_doubts(std::uint64_t token, LogPosition first) {
        while (!doubtful.empty() && doubtful.begin()->first <= token) {
            const auto key = doubtful.begin()->second;
            doubtful.erase(doubtful.begin());
            auto& entry = unsettled.find(key)->second;
            entry.doubt_since = 0;
            entry.doubt_until = std::max(entry.doubt_until, first);
            let_leave(key, entry);
        }
        if (doubt_of_all.since == 0 || doubt_of_all.since > token) return;
        doubt_of_all = {.since = 0, .until = std::max(doubt_of_all.until, first)};
    }

    // Whether what is durable in this entry is the latest that anybody was told of.
    bool is_certain(const Entry& entry) const {
        return entry.doubt_since == 0 && doubt_of_all.since == 0 && entry.position >= std::max(entry.doubt_until, doubt_of_all.until);
    }

    Decision decide(const Claim& claim, std::uint64_t token);
    void let_go(RecordKey key, std::uint64_t token);
    Known compare(const Entry& entry, const Seen& wanted, std::uint64_t token) const;
    Known compare(const std::optional<Seen>& indexed, const Seen& wanted) const;
};

namespace {

// As if `latest` were durable and the latest.
Known compare_seen(const Seen& latest, const Seen& wanted) {
    if (wanted.status == SeenStatus::retracted) return latest.status == SeenStatus::retracted ? Known::repeated : Known::changed;
    if (latest.status == SeenStatus::retracted) return Known::fresh;
    // Another version of the rubric lets it pass now.
    if (latest.status == SeenStatus::quarantined && wanted.status == SeenStatus::accepted) return Known::changed;
    return latest.content == wanted.content ? Known::repeated : Known::changed;
}

}  // namespace

Known SeenRecords::State::compare(const Entry& entry, const Seen& wanted, std::uint64_t token) const {
    const auto known = compare_seen(entry.seen, wanted);
    if (known != Known::repeated) return known;
    if (entry.standing == Standing::in_doubt) return Known::fresh;
    if (entry.standing == Standing::durable) return is_certain(entry) ? known : Known::repeated_waiting;
    return entry.token == token ? Known::repeated_in_batch : Known::repeated_waiting;
}

Known SeenRecords::State::compare(const std::optional<Seen>& indexed, const Seen& wanted) const {
    if (!indexed) return wanted.status == SeenStatus::retracted && !doubt_of_all.any() ? Known::unknown : Known::fresh;
    const auto known = compare_seen(*indexed, wanted);
    return known == Known::repeated && doubt_of_all.any() ? Known::repeated_waiting : known;
}

SeenRecords::SeenRecords(Limits limits) : state_(std::make_unique<State>(limits)) {}
SeenRecords::~SeenRecords() = default;

kernel::Result<void> SeenRecords::load(SeenIndex& index, LogPosition projected, LogPosition head) {
    const std::lock_guard lock(state_->mutex);
    state_->projected = projected;
    if (head > projected) state_->doubt_of_all.until = head;
    return index.each_key([this](RecordKey key) { state_->remember(key); });
}

SeenRecords::LookUp SeenRecords::to_look_up(std::span<const RecordKey> keys) {
    const std::lock_guard lock(state_->mutex);
    LookUp asked(*state_, state_->projected);
    state_->pins.insert(state_->projected);
    for (const auto key : keys) {
        const auto known = state_->known(key);
        // The pin keeps what lies behind it. Anything else may leave before the claim: an append is told after the projection has seen it.
        const bool stays = known && known->end() > state_->projected;
        if (!stays && state_->maybe_indexed(key)) asked.keys.push_back(key);
    }
    return asked;
}

SeenRecords::LookUp::~LookUp() {
    if (!state_) return;
    const std::lock_guard lock(state_->mutex);
    state_->pins.erase(state_->pins.find(pin_));
    state_->forget_all();
}

kernel::Result<SeenRecords::Batch> SeenRecords::claim(std::span<const Claim> claims) {
    const std::lock_guard lock(state_->mutex);
    if (state_->recent_size() - state_->doubtful.size() + claims.size() > state_->limits.recent_max)
        return kernel::Error{kernel::ErrorKind::busy, "recent-records-full", "too many records wait to be indexed; retry later"};
    Batch batch{.token = state_->next_token++, .decisions = {}};
    batch.decisions.reserve(claims.size());
    // What it has marked is let go if there is no memory for the rest.
    try {
        for (const auto& claim : claims) batch.decisions.push_back(state_->decide(claim, batch.token));
    } catch (...) {
        for (std::size_t i = 0; i < batch.decisions.size(); ++i)
            if (batch.decisions[i].append()) state_->let_go(claims[i].key, batch.token);
        throw;
    }
    return batch;
}

SeenRecords::Decision SeenRecords::State::decide(const Claim& claim, std::uint64_t token) {
    const auto recent = known(claim.key);
    Decision decision{.known = recent ? compare(*recent, claim.seen, token) : compare(claim.indexed, claim.seen),
                      .status = claim.seen.status};
    if (decision.known == Known::repeated || decision.known == Known::repeated_in_batch)
        decision.status = recent ? recent->seen.status : claim.indexed->status;
    if (!decision.append()) return decision;

    remember(claim.key);
    auto& entry = open(claim.key);
    if (entry.standing == Standing::durable) entry.before = {entry.seen, entry.position};
    entry.seen = claim.seen;
    entry.standing = Standing::in_flight;
    entry.token = token;
    entry.position = 0;
    return decision;
}

// Nothing of what the batch of that token claimed for this key was written.
void SeenRecords::State::let_go(RecordKey key, std::uint64_t token) {
    const auto found = unsettled.find(key);
    if (found == unsettled.end() || found->second.token != token || found->second.standing != Standing::in_flight) return;
    auto& entry = found->second;
    if (entry.before.position == 0 && entry.doubt_since == 0 && entry.doubt_until == 0) {
        unsettled.erase(found);
        return;
    }
    settle_in_doubt(entry, key);
    keep_small(key);
}

void SeenRecords::appended(std::uint64_t token, std::span<const Written> written, Appended where) {
    CHECK(!written.empty() && where.last >= where.first && where.last - where.first >= written.size() - 1, "positions rise in a batch");
    const std::lock_guard lock(state_->mutex);
    state_->end_doubts(token, where.first);
    for (std::size_t i = 0; i < written.size(); ++i) {
        const Durable durable{written[i].seen, where.last - (written.size() - 1 - i)};
        const auto key = written[i].key;
        // A later claim of a record that is new here was projected first. This one may lie behind it in the log.
        const bool added = !state_->known(key);
        if (added && durable.position <= state_->passed()) continue;
        auto& entry = state_->open(key);
        if (entry.standing != Standing::in_flight) {
            if (entry.position < durable.position) state_->settle(entry, key, durable);
        } else {
            // Of two batches in flight, the one that lies later in the log is the latest, whoever claimed first.
            if (entry.before.position < durable.position) entry.before = durable;
            if (entry.token == token || added) state_->settle(entry, key, entry.before);
        }
        state_->keep_small(key);
    }
    state_->forget_all();
}

void SeenRecords::failed(std::uint64_t token, std::span<const Written> written, bool nothing_written) {
    const std::lock_guard lock(state_->mutex);
    for (const auto& one : written) {
        if (nothing_written) state_->let_go(one.key, token);
        else state_->doubt(one, token);
    }
    state_->forget_all();
}

void SeenRecords::projected(LogPosition position) {
    const std::lock_guard lock(state_->mutex);
    state_->projected = std::max(state_->projected, position);
    state_->forget_all();
}

std::size_t SeenRecords::recent_size() const {
    const std::lock_guard lock(state_->mutex);
    return state_->recent_size();
}

std::size_t SeenRecords::doubts_size() const {
    const std::lock_guard lock(state_->mutex);
    return state_->doubtful.size();
}

std::size_t SeenRecords::fingerprints_size() const {
    const std::lock_guard lock(state_->mutex);
    return state_->fingerprints.size();
}

}  // namespace data_center_classifier::application
