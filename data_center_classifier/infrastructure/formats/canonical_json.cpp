// Canonical JSON of a record: the one text form that is stored and hashed.
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

namespace data_center_classifier::infrastructure::formats {
namespace {

void append_value(std::string& out, domain::Value value) {
    switch (value.kind) {
        case domain::Kind::absent:
        case domain::Kind::null: out += "null"; return;
        case domain::Kind::text: append_json_string(out, value.text); return;
        case domain::Kind::number:
        case domain::Kind::boolean:
        case domain::Kind::other: out += value.text; return;
    }
}

}  // namespace

std::string to_canonical_json(const domain::RawData& record, bool with_record_id) {
    std::string out;
    out.reserve(1024 + record.extensions.size());
    out += '{';
    const auto key = [&](std::string_view name) {
        if (out.size() > 1) out += ',';
        out += '"';
        out += name;
        out += "\":";
    };
    for (std::size_t i = 0; i < domain::field_count; ++i) {
        const auto field = static_cast<domain::FieldId>(i);
        const auto value = record[field];
        if (value.kind == domain::Kind::absent || (field == domain::FieldId::record_id && !with_record_id)) continue;
        key(domain::info(field).name);
        append_value(out, value);
    }
    if (!record.extensions.empty()) {
        key("extensions");
        out += record.extensions;
    }
    out += '}';
    return out;
}

}  // namespace data_center_classifier::infrastructure::formats
