// Reads two members of an object that we wrote ourselves; anything unexpected counts as no patient.
#include "data_center_classifier/infrastructure/db/patient_of.hpp"

#include "data_center_classifier/domain/model_raw_data.hpp"
#include "kernel/json_text.hpp"
#include "platform/runtime/digest.hpp"

#include <algorithm>

namespace data_center_classifier::infrastructure::db {
namespace {

// Where the value at the beginning ends. Objects and arrays are not read: no patient id is one.
std::size_t end_of_value(std::string_view json) {
    return json.starts_with('"') ? kernel::end_of_json_text(json) : json.find_first_of(",}");
}

bool skip(std::string_view& json, std::string_view prefix) {
    if (!json.starts_with(prefix)) return false;
    json.remove_prefix(prefix.size());
    return true;
}

std::int64_t first_bits(const platform::runtime::Digest& digest) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof bits; ++i) bits = bits << 8 | digest[i];
    return static_cast<std::int64_t>(bits);
}

}  // namespace

std::int64_t patient_of(std::string_view record) {
    if (!skip(record, "{")) return 0;
    if (skip(record, "\"record_id\":")) {
        record.remove_prefix(std::min(end_of_value(record), record.size()));
        if (!skip(record, ",")) return 0;
    }
    if (!skip(record, "\"patient_id\":")) return 0;
    auto value = record.substr(0, end_of_value(record));
    const bool is_text = value.starts_with('"') && value.size() >= 2;
    if (is_text) value = value.substr(1, value.size() - 2);
    if (domain::is_missing({is_text || value != "null" ? domain::Kind::text : domain::Kind::null, value})) return 0;
    return first_bits(platform::runtime::sha256(value));
}

}  // namespace data_center_classifier::infrastructure::db
