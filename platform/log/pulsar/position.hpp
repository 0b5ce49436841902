// A Pulsar message id as a Position: 28 bits of the ledger (and one, so that 0 stays "before the first"), 24 of the entry, 10 of the index
// in the batch. That orders as the ids do, and is enough for 268 million ledgers of a cluster and 16 million entries a ledger, which rolls
// over at 50,000 entries, but not before ten minutes, by default; our producers batch 1,000 messages at most. Beyond: fault, not a wrong
// order.
#pragma once

#include "kernel/result.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/pulsar/wire/message_id.hpp"

#include <algorithm>

namespace platform::log::pulsar {

inline constexpr unsigned index_bits = 10;
inline constexpr unsigned entry_bits = 24;
inline constexpr unsigned ledger_bits = 28;
inline constexpr std::size_t batch_messages_max = 1000;
static_assert(batch_messages_max < 1U << index_bits && index_bits + entry_bits + ledger_bits == 62, "positions are below 2^62");

inline kernel::Result<Position> position_of(const platform::pulsar::wire::MessageId& id) {
    const auto index = static_cast<std::uint64_t>(std::max(id.batch_index, 0));
    if (id.ledger + 1 >= std::uint64_t{1} << ledger_bits || id.entry >= std::uint64_t{1} << entry_bits ||
        index >= std::uint64_t{1} << index_bits)
        return kernel::Error{kernel::ErrorKind::fault, "log-position-range",
                             "the message " + to_text(id) +
                                 " lies beyond what a position can say (ledger below 2^28 - 1, entry below 2^24, batch of up to 1,024)"};
    return Position{((id.ledger + 1) << (entry_bits + index_bits)) | (id.entry << index_bits) | index};
}

// The entry to begin at for the messages whose position is greater; of its messages some may not be. Nothing: the beginning of the topic.
inline std::optional<platform::pulsar::wire::MessageId> entry_after(Position after) {
    const auto next = after.value + 1;
    const auto ledger = next >> (entry_bits + index_bits);
    if (ledger == 0) return std::nullopt;
    return platform::pulsar::wire::MessageId{.ledger = ledger - 1, .entry = (next >> index_bits) & ((std::uint64_t{1} << entry_bits) - 1)};
}

// REQUIRES: a position of a message. Its entry and, should it be of a batch, its index.
inline platform::pulsar::wire::MessageId id_of(Position position) {
    return {.ledger = (position.value >> (entry_bits + index_bits)) - 1,
            .entry = (position.value >> index_bits) & ((std::uint64_t{1} << entry_bits) - 1),
            .batch_index = static_cast<std::int32_t>(position.value & ((std::uint64_t{1} << index_bits) - 1))};
}

}  // namespace platform::log::pulsar
