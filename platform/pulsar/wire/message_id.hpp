// MessageId: where a message lies in a topic (Pulsar's MessageIdData). A message of a batch shares ledger and entry with its neighbours.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>

namespace platform::pulsar::wire {

struct MessageId {
    std::uint64_t ledger = 0;
    std::uint64_t entry = 0;
    std::int32_t batch_index = -1;  // -1: the entry is no batch, or the whole entry is meant
    std::int32_t batch_size = 0;    // messages of its batch; 0: no batch, or not known
    std::int32_t partition = -1;    // of a partitioned topic; -1: none

    // The order within one partition. Batch size and partition say nothing about it.
    friend std::strong_ordering operator<=>(const MessageId& a, const MessageId& b) {
        if (const auto ledgers = a.ledger <=> b.ledger; ledgers != std::strong_ordering::equal) return ledgers;
        if (const auto entries = a.entry <=> b.entry; entries != std::strong_ordering::equal) return entries;
        return a.batch_index <=> b.batch_index;
    }
    friend bool operator==(const MessageId& a, const MessageId& b) { return (a <=> b) == std::strong_ordering::equal; }
};

// What a subscription may start from. The protocol's values: -1:-1, and the greatest signed numbers.
inline constexpr MessageId earliest{.ledger = std::numeric_limits<std::uint64_t>::max(),
                                    .entry = std::numeric_limits<std::uint64_t>::max()};
inline constexpr MessageId latest{.ledger = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()),
                                  .entry = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())};

// "ledger:entry" or "ledger:entry:batch_index".
std::string to_text(const MessageId& id);

}  // namespace platform::pulsar::wire
