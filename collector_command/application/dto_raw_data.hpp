// What the write side reads from topic raw-data, and the order that each message means.
#pragma once

#include "collector_command/domain/model_collected_data.hpp"
#include "kernel/event_raw_data.hpp"

#include <optional>

namespace collector_command::application {

// The order of one event; nothing for a quarantined record, which the write side passes by. Consumes the event's texts.
inline std::optional<domain::Command> command_from(kernel::RawDataEvent event, kernel::Timestamp now) {
    if (auto* received = std::get_if<kernel::RawDataReceived>(&event))
        return domain::CollectRecord{{.data_id = std::move(received->data_id),
                                      .data_center_id = std::move(received->data_center_id),
                                      .record_id = std::move(received->record_id),
                                      .receipt_id = std::move(received->receipt_id),
                                      .content_hash = std::move(received->content_hash),
                                      .interface = std::move(received->interface),
                                      .rubric = std::move(received->verdicts.rubric),
                                      .score = received->verdicts.score,
                                      .grade = std::move(received->grade),
                                      .received_at = received->received_at,
                                      .collected_at = now,
                                      .record = std::move(received->record)}};
    if (auto* retracted = std::get_if<kernel::RawDataRetracted>(&event))
        return domain::RetractRecord{{.data_id = std::move(retracted->data_id),
                                      .data_center_id = std::move(retracted->data_center_id),
                                      .record_id = std::move(retracted->record_id),
                                      .received_at = retracted->received_at,
                                      .collected_at = now}};
    return std::nullopt;
}

}  // namespace collector_command::application
