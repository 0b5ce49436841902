// What `acopio check` finds out about a file without a server: each record read, judged and counted as the intake would do it now.
#pragma once

#include "acopio/names_seen.hpp"
#include "acopio/source_file.hpp"
#include "acopio/trouble.hpp"
#include "data_center_classifier/application/identity.hpp"
#include "data_center_classifier/domain/judge.hpp"
#include "data_center_classifier/domain/model_scorecard.hpp"
#include "data_center_classifier/domain/uniqueness.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/clock.hpp"

#include <boost/json/fwd.hpp>

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace acopio {

// Takes the records of one file, one after the other. About 60 bytes a record are kept, to know repeats within the file.
class Examination {
public:
    Examination(const data_center_classifier::domain::Rubric& rubric, kernel::Timestamp received_at, Format format,
                data_center_classifier::infrastructure::formats::CsvReader::Mapping mapping = {})
        : rubric_(rubric),
          received_at_(received_at),
          format_(format),
          mapping_(std::move(mapping)),
          sums_{.counts = zero_counts(), .records = 0} {}

    void take(std::size_t index, data_center_classifier::infrastructure::formats::Read<data_center_classifier::domain::RawData> record);
    void refuse(std::size_t index, const data_center_classifier::infrastructure::formats::Refusal& refusal);

    const data_center_classifier::infrastructure::formats::CsvReader::Mapping& mapping() const { return mapping_; }
    const Totals& totals() const { return totals_; }
    // Records under an id that an earlier record of the file has, with other content: each takes the earlier one's place.
    std::uint64_t amending() const { return amending_; }
    const TroubleGroups& troubles() const { return troubles_; }
    NamesSeen& names() { return names_; }
    const NamesSeen& names() const { return names_; }
    // In the form of GET /data-centers/{id}/scorecard.
    boost::json::object scorecard(const std::string& title) const;

private:
    using Counts = std::vector<data_center_classifier::domain::CheckCount>;
    struct Sums {
        Counts counts;
        std::uint64_t records = 0;
    };
    Counts zero_counts() const { return Counts(rubric_.checks.size()); }
    // Keeps what the record has now and gives back what that says of its uniqueness. REQUIRES: it had other content before, or none.
    data_center_classifier::domain::JudgeContext notice(const data_center_classifier::application::Identity& id,
                                                        data_center_classifier::domain::PatientMark patient);
    void count(const data_center_classifier::domain::RawData& record, const data_center_classifier::domain::Judgement& judgement,
               const std::string& record_id);
    boost::json::array failing(const data_center_classifier::domain::Scorecard& card) const;

    const data_center_classifier::domain::Rubric& rubric_;
    kernel::Timestamp received_at_;
    Format format_;
    data_center_classifier::infrastructure::formats::CsvReader::Mapping mapping_;
    Sums sums_;
    std::map<std::string, Sums> feeds_;
    std::map<std::size_t, std::vector<std::string>> examples_;  // by check: ids of the first records that failed it
    Totals totals_;
    std::uint64_t amending_ = 0;
    TroubleGroups troubles_;
    NamesSeen names_;
    struct Latest {
        data_center_classifier::application::ContentPrefix content;
        data_center_classifier::domain::PatientMark patient;
        bool quarantined = false;
    };
    std::unordered_map<data_center_classifier::application::RecordKey, Latest> latest_;
    std::unordered_map<std::uint64_t, data_center_classifier::application::RecordKey> keys_;  // by the first 64 bits of the content
};

// Reads all of `source` into the examination, calling `step` after each chunk. Errors: the file's, and "the file could not be read" for
// one that is refused as a whole or breaks off; what was read before it counts.
kernel::Result<void> examine(SourceFile& source, FileType type, Examination& examination, const std::function<void()>& step);

}  // namespace acopio
