// Any bytes are either a record's columns or a fault; columns are within their bounds.
#include "collector_query/infrastructure/db/record_columns.hpp"
#include "kernel/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static collector_query::infrastructure::db::RecordReader reader;
    const auto columns = reader.read({reinterpret_cast<const char*>(bytes), size});
    if (!columns) return 0;
    CHECK(columns->sex.size() == 1, "sex is one letter");
    CHECK(columns->record.front() == '{' && columns->record.back() == '}', "the record is an object");
    return 0;
}
