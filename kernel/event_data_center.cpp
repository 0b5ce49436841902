#include "kernel/event_data_center.hpp"

#include "kernel/event_codec.hpp"

namespace kernel {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};

// The part every data-centre event has; `attributes` are its own.
Envelope envelope_of(std::string_view type, const DataCenterId& center, Timestamp at,
                     std::vector<std::pair<std::string, std::string>> attributes = {}) {
    attributes.emplace_back("time", to_text(at));
    return Envelope{.key = center.value, .type = std::string(type), .attributes = std::move(attributes), .data = "{}"};
}

constexpr std::string_view registered_type = "acopio.data-centers.registered.v1";
constexpr std::string_view key_issued_type = "acopio.data-centers.key-issued.v1";
constexpr std::string_view key_revoked_type = "acopio.data-centers.key-revoked.v1";
constexpr std::string_view suspended_type = "acopio.data-centers.suspended.v1";
constexpr std::string_view resumed_type = "acopio.data-centers.resumed.v1";
constexpr std::string_view mapping_stored_type = "acopio.data-centers.mapping-stored.v1";
constexpr std::string_view classified_type = "acopio.data-centers.classified.v1";

}  // namespace

const DataCenterId& data_center_of(const DataCenterEvent& event) {
    return std::visit([](const auto& e) -> const DataCenterId& { return e.data_center_id; }, event);
}

Envelope to_envelope(DataCenterEvent event) {
    return std::visit(
        Overloaded{[](DataCenterRegistered&& e) { return envelope_of(registered_type, e.data_center_id, e.at, {{"name", e.name}}); },
                   [](DataCenterKeyIssued&& e) {
                       return envelope_of(key_issued_type, e.data_center_id, e.at, {{"key_id", e.key_id}, {"key_hash", e.key_hash}});
                   },
                   [](DataCenterKeyRevoked&& e) { return envelope_of(key_revoked_type, e.data_center_id, e.at, {{"key_id", e.key_id}}); },
                   [](DataCenterSuspended&& e) { return envelope_of(suspended_type, e.data_center_id, e.at, {{"reason", e.reason}}); },
                   [](DataCenterResumed&& e) { return envelope_of(resumed_type, e.data_center_id, e.at); },
                   [](DataCenterMappingStored&& e) {
                       auto envelope = envelope_of(mapping_stored_type, e.data_center_id, e.at);
                       envelope.data = std::move(e.mapping);
                       return envelope;
                   },
                   [](DataCenterClassified&& e) {
                       return envelope_of(
                           classified_type, e.data_center_id, e.at,
                           {{"from", e.from}, {"to", e.to}, {"score", codec::to_text(e.score)}, {"why", e.why}, {"rubric", e.rubric}});
                   }},
        std::move(event));
}

Result<DataCenterEvent> data_center_event_from(const Envelope& envelope) {
    codec::Reader read(envelope);
    const DataCenterId center{envelope.key};
    const auto at = read.time("time");
    DataCenterEvent event;
    if (envelope.type == registered_type) {
        event = DataCenterRegistered{center, read.text("name"), at};
    } else if (envelope.type == key_issued_type) {
        event = DataCenterKeyIssued{center, read.text("key_id"), read.text("key_hash"), at};
    } else if (envelope.type == key_revoked_type) {
        event = DataCenterKeyRevoked{center, read.text("key_id"), at};
    } else if (envelope.type == suspended_type) {
        event = DataCenterSuspended{center, read.text("reason"), at};
    } else if (envelope.type == resumed_type) {
        event = DataCenterResumed{center, at};
    } else if (envelope.type == mapping_stored_type) {
        event = DataCenterMappingStored{center, envelope.data, at};
    } else if (envelope.type == classified_type) {
        event =
            DataCenterClassified{center, read.text("from"), read.text("to"), read.real("score"), read.text("why"), read.text("rubric"), at};
    } else {
        return codec::not_understood("no data-centers event has the type " + envelope.type);
    }
    if (!read.complete()) return read.error();
    return event;
}

}  // namespace kernel
