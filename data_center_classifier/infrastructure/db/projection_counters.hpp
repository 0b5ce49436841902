// Projection of topic raw-data into what the classifier knows of its centres: counters by hour, examples, the quarantine desk, and the
// index of what was seen. The two uniqueness checks are judged here, where the other records are known.
#pragma once

#include "data_center_classifier/application/port_counters.hpp"
#include "data_center_classifier/application/port_seen_index.hpp"
#include "data_center_classifier/application/service_grading.hpp"
#include "data_center_classifier/application/service_seen_records.hpp"
#include "data_center_classifier/domain/model_rubric.hpp"
#include "data_center_classifier/infrastructure/db/center_windows.hpp"
#include "data_center_classifier/infrastructure/db/seen_rows.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/projection/projection.hpp"
#include "platform/sql/sql.hpp"

#include <memory>
#include <unordered_map>

namespace data_center_classifier::infrastructure::db {

inline constexpr std::string_view counters_projection = "counters";
inline constexpr std::size_t examples_max = 3;  // of a check that failed, for each centre

// A record is counted once for each content that the centre gave it: a message that repeats the content of the record's latest one, as a
// retry after a crash leaves it in the log, changes no counter. A batch is summed in memory and written as one row a counter.
//
// One thread: the projection's. Memory: one sum a check for each centre, and one batch.
class CountersProjection final : public platform::projection::Handler {
public:
    struct Uses {
        const domain::Rubric& rubric;
        const kernel::Clock& clock;
        application::SeenRecords& seen;  // told what is indexed
        application::Grading& grading;   // told what the window's sums are
    };
    // REQUIRES: migrate() ran. `connection` and what `uses` refers to outlive it.
    static kernel::Result<std::unique_ptr<CountersProjection>> open(platform::sql::Connection& connection, Uses uses);
    ~CountersProjection() override;

    // Reads the window's sums of these centres and hands them on to the grading. At start.
    kernel::Result<void> load(const std::vector<kernel::DataCenterId>& centers);

    kernel::Result<void> handle(const std::vector<platform::log::Message>& batch) override;
    void committed(platform::log::Position position) override;
    void rolled_back() override;
    void idle() override;  // windows slide by the clock, whether records come or not

private:
    struct RubricChecks;
    struct CenterBatch;
    struct Group;
    struct Statements;
    explicit CountersProjection(Uses uses);
    kernel::Result<void> handle(std::uint64_t position, const kernel::RawDataFacts& facts, application::SeenStatus status);
    kernel::Result<void> handle(const kernel::RawDataRetracted& event);
    kernel::Result<void> quarantine(std::uint64_t position, application::RecordKey key, const kernel::RawDataFacts& facts);
    kernel::Result<void> leave_quarantine(application::RecordKey key);

    RubricChecks& checks_of(const std::string& rubric);
    Group& group_of(const kernel::RawDataFacts& facts);
    void count(const kernel::RawDataFacts& facts, std::optional<bool> same_key_other_content, bool same_content_other_key);
    kernel::Result<void> write(const Group& group);
    kernel::Result<void> write(const std::string& center, const CenterBatch& batch);

    Uses uses_;
    std::unique_ptr<SeenRows> seen_;
    std::unique_ptr<CenterWindows> windows_;
    std::unique_ptr<Statements> sql_;
    std::string same_key_check_, same_content_check_;  // their ids; "" when the rubric has none
    std::vector<std::string> telling_checks_;          // of functions_that_tell_studies_apart
    std::unordered_map<std::string, std::unique_ptr<RubricChecks>> checks_;
    std::unordered_map<std::string, Group> groups_;                             // of the batch
    std::unordered_map<std::string, CenterBatch> centers_;                      // of the batch
    std::unordered_map<std::string, std::vector<std::uint8_t>> example_slots_;  // next one to be written, a check
};

}  // namespace data_center_classifier::infrastructure::db
