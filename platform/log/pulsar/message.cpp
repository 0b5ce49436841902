// Properties that are not the envelope's own begin with "ce_", or are the content type.
#include "platform/log/pulsar/message.hpp"

#include "platform/log/pulsar/position.hpp"

#include <utility>

namespace platform::log::pulsar {
namespace {

constexpr std::string_view cloud_prefix = "ce_";
constexpr std::string_view type_property = "ce_type";
constexpr std::string_view content_type_property = "content-type";
constexpr std::size_t overhead_bytes = 512;  // ids, times, sizes
constexpr std::size_t property_overhead_bytes = 12;

}  // namespace

platform::pulsar::client::OutMessage to_message(kernel::Envelope envelope, const std::string& topic, std::string id) {
    platform::pulsar::client::OutMessage message;
    message.payload = std::move(envelope.data);
    message.key = std::move(envelope.key);
    message.properties.reserve(envelope.attributes.size() + 5);
    message.properties.emplace_back("ce_specversion", "1.0");
    message.properties.emplace_back(type_property, std::move(envelope.type));
    message.properties.emplace_back("ce_source", "acopio/" + topic);
    message.properties.emplace_back("ce_id", std::move(id));
    message.properties.emplace_back(content_type_property, "application/json");
    for (auto& attribute : envelope.attributes) message.properties.push_back(std::move(attribute));
    return message;
}

kernel::Result<Message> from_message(platform::pulsar::client::Message message) {
    auto position = position_of(message.id);
    if (!position) return std::move(position).error();
    Message out{
        .position = *position, .appended_at = kernel::Timestamp(std::chrono::milliseconds(message.entry->publish_time_ms)), .envelope = {}};
    out.envelope.key = std::move(message.key);
    out.envelope.data = message.payload;
    out.envelope.attributes.reserve(message.properties.size());
    for (auto& [name, value] : message.properties) {
        if (name == type_property) out.envelope.type = std::move(value);
        else if (!name.starts_with(cloud_prefix) && name != content_type_property)
            out.envelope.attributes.emplace_back(std::move(name), std::move(value));
    }
    return out;
}

std::size_t message_bytes(const kernel::Envelope& envelope) {
    auto bytes = overhead_bytes + envelope.key.size() + envelope.type.size() + envelope.data.size();
    for (const auto& [name, value] : envelope.attributes) bytes += name.size() + value.size() + property_overhead_bytes;
    return bytes;
}

}  // namespace platform::log::pulsar
