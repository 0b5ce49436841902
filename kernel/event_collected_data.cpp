#include "kernel/event_collected_data.hpp"

#include "kernel/event_codec.hpp"

namespace kernel {
namespace {

constexpr std::string_view collected_type = "acopio.collected-data.collected.v1";
constexpr std::string_view amended_type = "acopio.collected-data.amended.v1";
constexpr std::string_view retracted_type = "acopio.collected-data.retracted.v1";

Envelope envelope_of(CollectedDataFacts facts, std::string_view type) {
    return Envelope{.key = facts.data_id.value,
                    .type = std::string(type),
                    .attributes = {{"version", codec::to_text(facts.version)},
                                   {"data_center", std::move(facts.data_center_id.value)},
                                   {"record", std::move(facts.record_id.value)},
                                   {"receipt", std::move(facts.receipt_id.value)},
                                   {"content", std::move(facts.content_hash.value)},
                                   {"interface", std::move(facts.interface)},
                                   {"rubric", std::move(facts.rubric)},
                                   {"score", codec::to_text(facts.score)},
                                   {"grade", std::move(facts.grade)},
                                   {"received", to_text(facts.received_at)},
                                   {"time", to_text(facts.collected_at)}},
                    .data = std::move(facts.record)};
}

Envelope envelope_of(RecordRetracted event) {
    return Envelope{.key = event.data_id.value,
                    .type = std::string(retracted_type),
                    .attributes = {{"version", codec::to_text(event.version)},
                                   {"data_center", std::move(event.data_center_id.value)},
                                   {"record", std::move(event.record_id.value)},
                                   {"received", to_text(event.received_at)},
                                   {"time", to_text(event.collected_at)}},
                    .data = "{}"};
}

CollectedDataFacts facts_from(codec::Reader& read, const Envelope& envelope) {
    return CollectedDataFacts{.data_id = {envelope.key},
                              .version = read.integer("version"),
                              .data_center_id = {read.text("data_center")},
                              .record_id = {read.text("record")},
                              .receipt_id = {read.text("receipt")},
                              .content_hash = {read.text("content")},
                              .interface = read.text("interface"),
                              .rubric = read.text("rubric"),
                              .score = read.real("score"),
                              .grade = read.text("grade"),
                              .received_at = read.time("received"),
                              .collected_at = read.time("time"),
                              .record = envelope.data};
}

}  // namespace

Envelope to_envelope(CollectedDataEvent event) {
    if (auto* collected = std::get_if<RecordCollected>(&event)) return envelope_of(std::move(*collected), collected_type);
    if (auto* amended = std::get_if<RecordAmended>(&event)) return envelope_of(std::move(*amended), amended_type);
    return envelope_of(std::get<RecordRetracted>(std::move(event)));
}

Result<CollectedDataEvent> collected_data_event_from(const Envelope& envelope) {
    codec::Reader read(envelope);
    CollectedDataEvent event;
    if (envelope.type == collected_type) {
        event = RecordCollected{facts_from(read, envelope)};
    } else if (envelope.type == amended_type) {
        event = RecordAmended{facts_from(read, envelope)};
    } else if (envelope.type == retracted_type) {
        event = RecordRetracted{.data_id = {envelope.key},
                                .version = read.integer("version"),
                                .data_center_id = {read.text("data_center")},
                                .record_id = {read.text("record")},
                                .received_at = read.time("received"),
                                .collected_at = read.time("time")};
    } else {
        return codec::not_understood("no collected-data event has the type " + envelope.type);
    }
    if (!read.complete()) return read.error();
    return event;
}

}  // namespace kernel
