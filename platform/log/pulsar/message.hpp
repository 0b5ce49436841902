// An envelope as a Pulsar message, and back. CloudEvents 1.0 attributes and the envelope's own are properties, so that every Pulsar client
// can read them; the data is the payload. docs/EVENTS.md documents it for them.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/pulsar/client/client.hpp"

#include <string>

namespace platform::log::pulsar {

// `id` is unique in the topic.
platform::pulsar::client::OutMessage to_message(kernel::Envelope envelope, const std::string& topic, std::string id);

// fault "log-position-range" as position_of().
kernel::Result<Message> from_message(platform::pulsar::client::Message message);

// About what the broker counts against its limit for a message.
std::size_t message_bytes(const kernel::Envelope& envelope);

}  // namespace platform::log::pulsar
