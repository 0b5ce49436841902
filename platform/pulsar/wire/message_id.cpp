#include "platform/pulsar/wire/message_id.hpp"

namespace platform::pulsar::wire {

std::string to_text(const MessageId& id) {
    // Signed, as every tool of Pulsar shows them: earliest is -1:-1.
    auto text = std::to_string(static_cast<std::int64_t>(id.ledger)) + ":" + std::to_string(static_cast<std::int64_t>(id.entry));
    if (id.batch_index >= 0) text += ":" + std::to_string(id.batch_index);
    return text;
}

}  // namespace platform::pulsar::wire
