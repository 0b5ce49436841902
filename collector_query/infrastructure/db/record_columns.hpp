// What a record's JSON says for the columns of "data". The only place of the read side that parses records.
#pragma once

#include "kernel/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace collector_query::infrastructure::db {

struct RecordColumns {
    std::string modality, body_part;  // upper case; "" for none
    std::string sex = "U";            // M, F, O, U
    double age;                       // years, or no_age
    std::int64_t study_date;          // days since 1970, or no_day
    std::optional<std::string> patient_id, code;
    std::uint32_t labels = 0;
    std::string record;  // the record's JSON without members that the read side writes itself (record_id, version ...)
};

// Not thread-safe: keeps a parser and its buffers.
class RecordReader {
public:
    RecordReader();
    ~RecordReader();
    // Reads all that intake accepts: numbers may be of any size, and one that does not fit its column is none there. fault
    // "record-not-understood" for what is not a JSON object.
    kernel::Result<RecordColumns> read(std::string_view record);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace collector_query::infrastructure::db
