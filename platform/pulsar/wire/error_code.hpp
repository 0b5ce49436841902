// What a ServerError of the broker asks of its client, and as an Error of ours.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/wire/pulsar.pb.h"

#include <cstdint>
#include <string_view>

namespace platform::pulsar::wire {

enum class Reaction : std::uint8_t {
    retry,              // with backoff and a new lookup
    retry_for_a_while,  // as retry, but a limited time: the name may be taken by a session of ours that is dying
    fail_operation,     // the operation fails; nothing else changes
    end_handle,         // the producer or consumer is at its end
};
// A number that is not known reacts as UnknownError.
Reaction reaction_to(proto::ServerError error);
// Kind and stable code ("pulsar-producer-fenced"); the broker's words are the message, cut to 300 bytes, control characters replaced.
kernel::Error to_error(proto::ServerError error, std::string_view message);

}  // namespace platform::pulsar::wire
