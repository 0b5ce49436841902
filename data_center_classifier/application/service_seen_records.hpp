// What intake knows of earlier records, so that a retry is answered without writing it again. Three layers:
//   recent        exact, in memory: everything accepted by this process that the projection has not committed to the index yet
//   fingerprints  64-bit keys of all records, in memory: "never seen" without a look-up
//   the index     the projected table, through a blocking port, for the rest
// A wrong answer may cost a message in the log (the write side drops it), never a record: "identical" rests on the record's key and on 128
// bits of its content, and is answered without writing only when that content is known to be durable and the latest.
//
// Thread-safe: a mutex around short sections.
#pragma once

#include "data_center_classifier/application/port_collector.hpp"
#include "data_center_classifier/application/port_seen_index.hpp"

#include <memory>
#include <span>
#include <utility>

namespace data_center_classifier::application {

class SeenRecords {
    struct State;

public:
    struct Limits {
        std::size_t recent_max = 500'000;           // beyond it: busy "recent-records-full", before anything is written
        std::size_t fingerprints_max = 16'000'000;  // beyond it every unknown key costs a look-up in the index
        std::size_t doubts_max = 50'000;            // appends whose end is unknown, by key and beside recent_max; beyond it: see Doubt
    };
    explicit SeenRecords(Limits limits);
    SeenRecords() : SeenRecords(Limits{}) {}
    ~SeenRecords();

    // Loads the fingerprints. Blocking; once, before use. `projected`: up to here the index has the log, which ends at `head`. An index
    // that lies behind is not believed to know the latest of any record.
    kernel::Result<void> load(SeenIndex& index, LogPosition projected, LogPosition head);

    // What a batch must look up before its claim(): known keys that memory might forget before then, in order, with repeats. While it
    // lives, nothing is forgotten that the index had not got when it was made, so that what is not in `keys` needs no look-up later either.
    // Keep it until claim() is done.
    class LookUp {
    public:
        LookUp(LookUp&& other) noexcept : keys(std::move(other.keys)), state_(std::exchange(other.state_, nullptr)), pin_(other.pin_) {}
        LookUp(const LookUp&) = delete;
        LookUp& operator=(const LookUp&) = delete;
        LookUp& operator=(LookUp&&) = delete;
        ~LookUp();
        std::vector<RecordKey> keys;

    private:
        friend class SeenRecords;
        LookUp(State& state, LogPosition pin) : state_(&state), pin_(pin) {}
        State* state_;
        LogPosition pin_;
    };
    LookUp to_look_up(std::span<const RecordKey> keys);

    struct Claim {
        RecordKey key = 0;
        Seen seen;                    // what is to be: status retracted takes the record back
        std::optional<Seen> indexed;  // what the index said, when it was asked
    };
    enum class Known : std::uint8_t {
        fresh,              // never seen, or taken back: append
        changed,            // other content than the latest, or no longer quarantined, or to be taken back: append
        repeated,           // identical, and that is durable and the latest: answer, do not append
        repeated_waiting,   // identical, not known to be durable and the latest: append again, and answer as a repeat
        repeated_in_batch,  // identical to an earlier one of the same batch: it shares that one's fate
        unknown,            // to be taken back, and certainly never seen: do not append
    };
    struct Decision {
        Known known = Known::fresh;
        SeenStatus status = SeenStatus::accepted;  // of the record as it stands now
        bool append() const { return known != Known::repeated && known != Known::repeated_in_batch && known != Known::unknown; }
    };
    struct Batch {
        std::uint64_t token = 0;
        std::vector<Decision> decisions;  // one a claim
    };
    // Decides and marks what is going to be appended as in flight. Each batch must be ended by appended() or failed() with the keys that it
    // appends, in order.
    kernel::Result<Batch> claim(std::span<const Claim> claims);
    struct Written {
        RecordKey key = 0;
        Seen seen;
    };
    void appended(std::uint64_t token, std::span<const Written> written, Appended where);
    // `nothing_written`: the log said so (busy); otherwise what was in flight stays in doubt, and is appended again when it comes again.
    void failed(std::uint64_t token, std::span<const Written> written, bool nothing_written);

    // The projection has committed everything up to this position to the index.
    void projected(LogPosition position);

    std::size_t recent_size() const;  // with those in open doubt
    std::size_t doubts_size() const;  // of these, in open doubt
    std::size_t fingerprints_size() const;

private:
    std::unique_ptr<State> state_;
};

}  // namespace data_center_classifier::application
