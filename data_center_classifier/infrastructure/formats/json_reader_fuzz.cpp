// Fuzzes JsonReader against simdjson's strict parser, and canonical JSON against itself.
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/check.hpp"

#include <simdjson.h>

namespace {

namespace formats = data_center_classifier::infrastructure::formats;
using data_center_classifier::domain::RawData;

// On-Demand parses lazily; what it takes must be what the strict parser takes, but for numbers that no double holds.
void compare_with_strict(std::string_view json, const formats::Read<RawData>& read) {
    static simdjson::dom::parser strict;
    const auto error = strict.parse(simdjson::padded_string(json)).error();
    const auto* refusal = std::get_if<formats::Refusal>(&read);
    if (!refusal) CHECK(!error || error == simdjson::NUMBER_ERROR, "broken JSON was taken");
    else if (refusal->code == "json-broken" || refusal->code == "text-not-utf8") CHECK(static_cast<bool>(error), "good JSON was refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    static formats::JsonReader reader({.items_max = 50});
    const auto read = reader.record(json);
    compare_with_strict(json.starts_with("\xEF\xBB\xBF") ? json.substr(3) : json, read);
    if (const auto* record = std::get_if<RawData>(&read)) {
        const auto canonical = formats::to_canonical_json(*record);
        const auto again = reader.record(canonical);
        CHECK(std::holds_alternative<RawData>(again), "canonical JSON was refused");
        CHECK(formats::to_canonical_json(std::get<RawData>(again)) == canonical, "canonical JSON is not a fixed point");
    }
    std::size_t items = 0;
    const auto body =
        reader.body(json, [&](std::size_t index, const formats::Read<RawData>&) { CHECK(index == items++, "items come in order"); });
    CHECK(items == 0 || std::holds_alternative<formats::JsonReader::Shape>(body), "a refused body delivered items");
    return 0;
}
