#include "kernel/event_raw_data.hpp"

#include "kernel/event_codec.hpp"

namespace kernel {
namespace {

constexpr std::string_view received_type = "acopio.raw-data.received.v1";
constexpr std::string_view quarantined_type = "acopio.raw-data.quarantined.v1";
constexpr std::string_view retracted_type = "acopio.raw-data.retracted.v1";

Envelope envelope_of(RawDataFacts facts, std::string_view type) {
    return Envelope{.key = facts.data_id.value,
                    .type = std::string(type),
                    .attributes = {{"data_center", std::move(facts.data_center_id.value)},
                                   {"record", std::move(facts.record_id.value)},
                                   {"receipt", std::move(facts.receipt_id.value)},
                                   {"content", std::move(facts.content_hash.value)},
                                   {"interface", std::move(facts.interface)},
                                   {"modality", std::move(facts.modality)},
                                   {"time", to_text(facts.received_at)},
                                   {"grade", std::move(facts.grade)},
                                   {"rubric", std::move(facts.verdicts.rubric)},
                                   {"passed", std::move(facts.verdicts.passed).text()},
                                   {"failed", std::move(facts.verdicts.failed).text()},
                                   {"score", codec::to_text(facts.verdicts.score)}},
                    .data = std::move(facts.record)};
}

Envelope envelope_of(RawDataRetracted event) {
    return Envelope{.key = event.data_id.value,
                    .type = std::string(retracted_type),
                    .attributes = {{"data_center", std::move(event.data_center_id.value)},
                                   {"record", std::move(event.record_id.value)},
                                   {"time", to_text(event.received_at)}},
                    .data = "{}"};
}

RawDataFacts facts_from(codec::Reader& read, const Envelope& envelope, Record record) {
    return RawDataFacts{.data_center_id = {read.text("data_center")},
                        .record_id = {read.text("record")},
                        .data_id = {envelope.key},
                        .receipt_id = {read.text("receipt")},
                        .content_hash = {read.text("content")},
                        .interface = read.text("interface"),
                        .modality = read.text("modality"),
                        .received_at = read.time("time"),
                        .grade = read.text("grade"),
                        .verdicts = {.rubric = read.text("rubric"),
                                     .passed = CheckIds::from_text(read.text("passed")),
                                     .failed = CheckIds::from_text(read.text("failed")),
                                     .score = read.real("score")},
                        .record = record == Record::keep ? envelope.data : std::string()};
}

}  // namespace

Envelope to_envelope(RawDataEvent event) {
    if (auto* received = std::get_if<RawDataReceived>(&event)) return envelope_of(std::move(*received), received_type);
    if (auto* quarantined = std::get_if<RawDataQuarantined>(&event)) return envelope_of(std::move(*quarantined), quarantined_type);
    return envelope_of(std::get<RawDataRetracted>(std::move(event)));
}

Result<RawDataEvent> raw_data_event_from(const Envelope& envelope, Record record) {
    codec::Reader read(envelope);
    RawDataEvent event;
    if (envelope.type == received_type) {
        event = RawDataReceived{facts_from(read, envelope, record)};
    } else if (envelope.type == quarantined_type) {
        event = RawDataQuarantined{facts_from(read, envelope, record)};
    } else if (envelope.type == retracted_type) {
        event = RawDataRetracted{.data_center_id = {read.text("data_center")},
                                 .record_id = {read.text("record")},
                                 .data_id = {envelope.key},
                                 .received_at = read.time("time")};
    } else {
        return codec::not_understood("no raw-data event has the type " + envelope.type);
    }
    if (!read.complete()) return read.error();
    return event;
}

}  // namespace kernel
