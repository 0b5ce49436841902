// Fuzzes CsvReader: what is read does not depend on where the stream is cut, and every record's canonical JSON reads back.
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/check.hpp"

#include <vector>

namespace {

namespace formats = data_center_classifier::infrastructure::formats;
using data_center_classifier::domain::RawData;

std::vector<std::string> rows_of(std::string_view text, std::size_t chunk_size) {
    std::vector<std::string> rows;
    formats::CsvReader reader({{"Follow-up #", "record_id"}}, {.record_bytes_max = 300, .columns_max = 20});
    const auto row = [&](std::size_t index, const formats::Read<RawData>& read) {
        CHECK(index == rows.size(), "rows come in order");
        const auto* refusal = std::get_if<formats::Refusal>(&read);
        rows.push_back(refusal ? refusal->code + std::to_string(refusal->line.value_or(0))
                               : formats::to_canonical_json(std::get<RawData>(read)));
    };
    std::optional<formats::Refusal> refused;
    for (; !text.empty() && !refused; text.remove_prefix(std::min(chunk_size, text.size())))
        refused = reader.feed(text.substr(0, chunk_size), row);
    if (!refused) refused = reader.finish(row);
    if (refused) rows.push_back(refused->code);
    return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto whole = rows_of(text, text.size() + 1);
    CHECK(rows_of(text, 1 + data[0] % 16) == whole, "the rows depend on the chunks");
    formats::JsonReader reader;
    for (const auto& row : whole) {
        if (!row.starts_with('{')) continue;
        const auto again = reader.record(row);
        CHECK(std::holds_alternative<RawData>(again), "canonical JSON of a row was refused");
        CHECK(formats::to_canonical_json(std::get<RawData>(again)) == row, "canonical JSON of a row is not a fixed point");
    }
    return 0;
}
