// One entry a record key. `current` is what the latest claim wants; `durable` what is known to be in the log behind a claim that is in
// flight.
#include "data_center_classifier/application/service_seen_records.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <deque>
#include <mutex>
#include <set>

namespace data_center_classifier::application {
namespace {

// After an append whose end is unknown, the messages may lie anywhere in the next ones: at most what may be in flight at once.
constexpr LogPosition doubt_width = 100'000;

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
    std::uint64_t token = 0;   // of the batch that set `seen`
    LogPosition position = 0;  // when durable or in doubt
    // Up to here in the log something of this record may lie that nobody heard of, newer than what is durable; 0: nothing.
    LogPosition doubt_until = 0;
    Durable before;  // durable content that `seen` replaces, while it is in flight
};

}  // namespace

struct SeenRecords::State {
    explicit State(Limits with) : limits(with) {}

    Limits limits;
    mutable std::mutex mutex;
    boost::unordered_flat_map<RecordKey, Entry, AsIs> recent;
    boost::unordered_flat_set<RecordKey, AsIs> fingerprints;
    bool fingerprints_complete = true;
    struct Leaving {
        LogPosition position;
        RecordKey key;
    };
    std::deque<Leaving> leaving;   // nearly sorted by position
    std::deque<Leaving> in_doubt;  // apart: their positions lie far ahead and would keep the others waiting
    std::uint64_t next_token = 1;
    LogPosition highest = 0;
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

    // Forgets entries whose place in the log is indexed by now, and was when the oldest look-up that is going on began.
    void forget_all() {
        const auto passed = pins.empty() ? projected : *pins.begin();
        forget(leaving, passed);
        forget(in_doubt, passed);
    }
    void forget(std::deque<Leaving>& queue, LogPosition passed) {
        while (!queue.empty() && queue.front().position <= passed) {
            const auto found = recent.find(queue.front().key);
            if (found != recent.end() && found->second.standing != Standing::in_flight && found->second.position <= passed &&
                found->second.doubt_until <= passed)
                recent.erase(found);
            queue.pop_front();
        }
    }

    void settle(Entry& entry, RecordKey key, Seen seen, LogPosition position) {
        entry.seen = seen;
        entry.standing = Standing::durable;
        entry.position = position;
        entry.before = {};
        leaving.push_back({position, key});
    }

    // The append of `one` by the batch of that token ended nobody knows how.
    void doubt(const SeenRecords::Written& one, std::uint64_t token) {
        const auto until = highest + doubt_width;
        const auto [found, added] = recent.try_emplace(one.key);
        auto& entry = found->second;
        entry.doubt_until = until;
        in_doubt.push_back({until, one.key});
        if (!added && (entry.token != token || entry.standing != Standing::in_flight)) return;
        if (added) entry.seen = one.seen;
        entry.standing = Standing::in_doubt;
        entry.position = until;
    }
};

namespace {

using Known = SeenRecords::Known;

Known compare(const Seen& latest, const Seen& wanted) {
    if (latest.status == SeenStatus::retracted) return Known::fresh;
    return latest.content == wanted.content ? Known::repeated : Known::changed;
}

Known compare(const Entry& entry, const Seen& wanted, std::uint64_t token) {
    const auto known = compare(entry.seen, wanted);
    if (known != Known::repeated) return known;
    if (entry.standing == Standing::in_doubt) return Known::fresh;
    if (entry.standing == Standing::durable) return entry.doubt_until > 0 ? Known::repeated_waiting : known;
    return entry.token == token ? Known::repeated_in_batch : Known::repeated_waiting;
}

}  // namespace

SeenRecords::SeenRecords(Limits limits) : state_(std::make_unique<State>(limits)) {}
SeenRecords::~SeenRecords() = default;

kernel::Result<void> SeenRecords::load(SeenIndex& index) {
    const std::lock_guard lock(state_->mutex);
    return index.each_key([this](RecordKey key) { state_->remember(key); });
}

SeenRecords::LookUp SeenRecords::to_look_up(std::span<const RecordKey> keys) {
    const std::lock_guard lock(state_->mutex);
    LookUp asked(*state_, state_->projected);
    state_->pins.insert(state_->projected);
    for (const auto key : keys)
        if (!state_->recent.contains(key) && state_->maybe_indexed(key)) asked.keys.push_back(key);
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
    if (state_->recent.size() + claims.size() > state_->limits.recent_max)
        return kernel::Error{kernel::ErrorKind::busy, "recent-records-full", "too many records wait to be indexed; retry later"};
    Batch batch{.token = state_->next_token++, .decisions = {}};
    batch.decisions.reserve(claims.size());
    for (const auto& claim : claims) {
        const auto found = state_->recent.find(claim.key);
        const bool is_recent = found != state_->recent.end();
        Decision decision{.known = Known::fresh, .status = claim.seen.status};
        if (is_recent) {
            decision.known = compare(found->second, claim.seen, batch.token);
        } else if (claim.indexed) {
            decision.known = compare(*claim.indexed, claim.seen);
        }
        if (decision.known == Known::repeated || decision.known == Known::repeated_in_batch)
            decision.status = is_recent ? found->second.seen.status : claim.indexed->status;
        batch.decisions.push_back(decision);
        if (!decision.append()) continue;

        state_->remember(claim.key);
        Entry entry{.seen = claim.seen, .standing = Standing::in_flight, .token = batch.token, .position = 0, .before = {}};
        if (is_recent) {
            entry.doubt_until = found->second.doubt_until;
            entry.before =
                found->second.standing == Standing::durable ? Durable{found->second.seen, found->second.position} : found->second.before;
        }
        state_->recent.insert_or_assign(claim.key, entry);
    }
    return batch;
}

void SeenRecords::appended(std::uint64_t token, std::span<const Written> written, LogPosition first) {
    const std::lock_guard lock(state_->mutex);
    for (std::size_t i = 0; i < written.size(); ++i) {
        const auto position = first + i;
        state_->highest = std::max(state_->highest, position);
        const auto found = state_->recent.find(written[i].key);
        if (found == state_->recent.end()) {
            // A later claim of the record was projected first. This one lies behind it in the log.
            if (position > state_->projected) state_->settle(state_->recent[written[i].key], written[i].key, written[i].seen, position);
            continue;
        }
        auto& entry = found->second;
        if (entry.token == token && entry.standing == Standing::in_flight) {
            // Of two batches in flight, the one that lies later in the log is the latest, whoever claimed first.
            if (entry.before.position > position) state_->settle(entry, found->first, entry.before.seen, entry.before.position);
            else state_->settle(entry, found->first, written[i].seen, position);
        } else if (entry.standing == Standing::in_flight) {
            if (entry.before.position < position) entry.before = {written[i].seen, position};
        } else if (entry.position < position) {
            state_->settle(entry, found->first, written[i].seen, position);
        }
    }
}

void SeenRecords::failed(std::uint64_t token, std::span<const Written> written, bool nothing_written) {
    const std::lock_guard lock(state_->mutex);
    for (const auto& one : written) {
        if (!nothing_written) {
            state_->doubt(one, token);
            continue;
        }
        const auto found = state_->recent.find(one.key);
        if (found == state_->recent.end() || found->second.token != token || found->second.standing != Standing::in_flight) continue;
        auto& entry = found->second;
        if (entry.before.position > 0) {
            state_->settle(entry, one.key, entry.before.seen, entry.before.position);
        } else if (entry.doubt_until > 0) {
            entry.standing = Standing::in_doubt;
            entry.position = entry.doubt_until;
        } else {
            state_->recent.erase(found);
        }
    }
}

void SeenRecords::projected(LogPosition position) {
    const std::lock_guard lock(state_->mutex);
    state_->projected = std::max(state_->projected, position);
    state_->forget_all();
}

std::optional<Seen> SeenRecords::recent(RecordKey key) {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->recent.find(key);
    if (found == state_->recent.end()) return std::nullopt;
    return found->second.seen;
}

std::size_t SeenRecords::recent_size() const {
    const std::lock_guard lock(state_->mutex);
    return state_->recent.size();
}

std::size_t SeenRecords::fingerprints_size() const {
    const std::lock_guard lock(state_->mutex);
    return state_->fingerprints.size();
}

}  // namespace data_center_classifier::application
