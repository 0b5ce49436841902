// Any bytes are either a record's columns or a fault; columns are within their bounds.
#include "collector_query/infrastructure/db/record_columns.hpp"
#include "kernel/check.hpp"

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static collector_query::infrastructure::db::RecordReader reader;
    const auto columns = reader.read({reinterpret_cast<const char*>(bytes), size});
    if (!columns) return 0;
    CHECK(columns->sex.size() == 1, "sex is one letter");
    CHECK(std::isfinite(columns->age), "an age is a number");
    CHECK(columns->record.front() == '{' && columns->record.back() == '}', "the record is an object");
    // What is answered is JSON that reads as the same columns, but for the members that the read side writes itself.
    const auto again = reader.read(columns->record);
    CHECK(again && again->record == columns->record && again->age == columns->age, "what was cut reads again");
    return 0;
}
