#include "platform/pulsar/probe/json.hpp"

#include "platform/runtime/digest.hpp"

#include <boost/json/array.hpp>

#include <array>
#include <limits>
#include <utility>

namespace platform::pulsar::probe {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto values_of_digits = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(64);
    for (std::size_t i = 0; i < digits.size(); ++i) values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return values;
}();

std::string_view name_of(kernel::ErrorKind kind) {
    switch (kind) {
        case kernel::ErrorKind::incorrect: return "incorrect";
        case kernel::ErrorKind::forbidden: return "forbidden";
        case kernel::ErrorKind::not_found: return "not_found";
        case kernel::ErrorKind::conflict: return "conflict";
        case kernel::ErrorKind::unsupported: return "unsupported";
        case kernel::ErrorKind::busy: return "busy";
        case kernel::ErrorKind::unavailable: return "unavailable";
        case kernel::ErrorKind::interrupted: return "interrupted";
        case kernel::ErrorKind::fault: return "fault";
    }
    return "";
}

std::vector<std::pair<std::string, std::string>> pairs_from(const json::value& value) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& pair : value.as_array()) pairs.emplace_back(pair.as_array().at(0).as_string(), pair.as_array().at(1).as_string());
    return pairs;
}

template <class Value, std::size_t count>
Value one_of(const std::pair<std::string_view, Value> (&names)[count], std::string_view name, Value otherwise) {
    for (const auto& [text, value] : names)
        if (text == name) return value;
    return otherwise;
}

}  // namespace

std::string base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto three = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) bits = bits << 8U | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i) text += i <= three.size() ? digits[bits >> (18 - 6 * i) & 63U] : '=';
    }
    return text;
}

std::string from_base64(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        if (c == '=') break;
        const auto value = values_of_digits[static_cast<unsigned char>(c)];
        if (value == 64) return {};
        bits = bits << 6U | value;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 255U);
    }
    return bytes;
}

json::object to_json(const client::MessageId& id) {
    return {
        {"ledger", id.ledger}, {"entry", id.entry}, {"batch", id.batch_index}, {"batch_size", id.batch_size}, {"partition", id.partition}};
}

client::MessageId id_from(const json::value& value) {
    if (value.is_string()) return value.as_string() == "latest" ? client::latest : client::earliest;
    const Fields fields(value.as_object());
    client::MessageId id;
    fields.set("ledger", id.ledger);
    fields.set("entry", id.entry);
    fields.set("batch", id.batch_index);
    fields.set("batch_size", id.batch_size);
    fields.set("partition", id.partition);
    return id;
}

json::object to_json(const kernel::Error& error) {
    return {{"kind", name_of(error.kind)}, {"code", error.code}, {"message", error.message}};
}

json::object to_json(const kernel::Result<client::Receipt>& receipt) {
    if (!receipt) return {{"error", to_json(receipt.error())}};
    return {{"id", to_json(receipt->id)}, {"duplicate", receipt->duplicate}};
}

json::object to_json(const client::Message& message, bool digest) {
    json::array properties;
    for (const auto& [name, value] : message.properties) properties.push_back(json::array{name, value});
    json::object object{{"id", to_json(message.id)},
                        {"key", message.key},
                        {"properties", std::move(properties)},
                        {"event_time", message.event_time_ms},
                        {"sequence", message.sequence},
                        {"null", message.null_value},
                        {"producer", message.entry->producer_name},
                        {"publish_time", message.entry->publish_time_ms},
                        {"redelivered", message.entry->redelivery_count}};
    if (message.index) object["index"] = *message.index;
    if (digest) {
        object["size"] = message.payload.size();
        object["sha256"] = runtime::hex(runtime::sha256(message.payload));
    } else {
        object["payload"] = base64(message.payload);
    }
    return object;
}

client::ClientOptions client_options(const Fields& fields) {
    client::ClientOptions options;
    options.service = fields.text("service");
    if (fields.has("token_file")) options.token = client::token_from_file(fields.text("token_file"));
    fields.set("ca_file", options.tls.ca_file);
    fields.set("certificate_file", options.tls.certificate_file);
    fields.set("key_file", options.tls.key_file);
    fields.set("connect_timeout_ms", options.session.connect_timeout);
    fields.set("operation_timeout_ms", options.session.operation_timeout);
    fields.set("busy_timeout_ms", options.session.busy_timeout);
    fields.set("keep_alive_ms", options.session.keep_alive);
    fields.set("backoff_first_ms", options.session.backoff_first);
    fields.set("backoff_last_ms", options.session.backoff_last);
    return options;
}

client::ProducerOptions producer_options(const Fields& fields) {
    using session::AccessMode;
    client::ProducerOptions options;
    options.topic = fields.text("topic");
    fields.set("name", options.name);
    options.access = one_of({std::pair{std::string_view("exclusive"), AccessMode::exclusive},
                             {"wait_for_exclusive", AccessMode::wait_for_exclusive},
                             {"exclusive_with_fencing", AccessMode::exclusive_with_fencing}},
                            fields.text("access", ""), AccessMode::shared);
    options.compression =
        one_of({std::pair{std::string_view("lz4"), proto::LZ4}, {"zlib", proto::ZLIB}, {"zstd", proto::ZSTD}, {"snappy", proto::SNAPPY}},
               fields.text("codec", ""), proto::NONE);
    if (fields.has("properties")) options.properties = pairs_from(fields.at("properties"));
    fields.set("batching", options.batching);
    fields.set("batch_by_key", options.batch_by_key);
    fields.set("batch_messages", options.batch_messages_max);
    fields.set("batch_bytes", options.batch_bytes_max);
    fields.set("batch_delay_ms", options.batch_delay);
    fields.set("pending_messages", options.pending_messages_max);
    fields.set("pending_bytes", options.pending_bytes_max);
    fields.set("send_timeout_ms", options.send_timeout);
    if (fields.has("first_sequence")) options.first_sequence = fields.at("first_sequence").to_number<std::uint64_t>();
    return options;
}

client::ConsumerOptions consumer_options(const Fields& fields) {
    using client::SubscriptionType;
    client::ConsumerOptions options;
    options.topic = fields.text("topic");
    options.subscription = fields.text("subscription");
    options.type = one_of({std::pair{std::string_view("shared"), SubscriptionType::shared},
                           {"failover", SubscriptionType::failover},
                           {"key_shared", SubscriptionType::key_shared}},
                          fields.text("type", ""), SubscriptionType::exclusive);
    fields.set("name", options.name);
    fields.set("from_earliest", options.from_earliest);
    fields.set("read_compacted", options.read_compacted);
    fields.set("priority", options.priority);
    fields.set("queue_messages", options.queue_messages_max);
    fields.set("queue_bytes", options.queue_bytes_max);
    fields.set("batch_index_acks", options.batch_index_acks);
    fields.set("ack_delay_ms", options.ack_delay);
    fields.set("nack_delay_ms", options.nack_delay);
    if (fields.has("sticky_ranges"))
        for (const auto& range : fields.at("sticky_ranges").as_array())
            options.sticky_ranges.emplace_back(range.at(0).to_number<std::int32_t>(), range.at(1).to_number<std::int32_t>());
    return options;
}

client::ReaderOptions reader_options(const Fields& fields) {
    client::ReaderOptions options;
    options.topic = fields.text("topic");
    if (fields.has("start")) options.start = id_from(fields.at("start"));
    fields.set("start_inclusive", options.start_inclusive);
    if (fields.has("starts"))
        for (const auto& start : fields.at("starts").as_array()) options.starts.push_back(id_from(start));
    fields.set("read_compacted", options.read_compacted);
    fields.set("name", options.name);
    fields.set("queue_messages", options.queue_messages_max);
    fields.set("queue_bytes", options.queue_bytes_max);
    return options;
}

client::OutMessage message_from(const json::object& object) {
    const Fields fields(object);
    client::OutMessage message;
    if (fields.has("payload")) message.payload = from_base64(object.at("payload").as_string());
    if (fields.has("size")) message.payload.resize(object.at("size").to_number<std::size_t>(), fields.text("fill", "x").at(0));
    fields.set("key", message.key);
    if (fields.has("properties")) message.properties = pairs_from(fields.at("properties"));
    fields.set("event_time", message.event_time_ms);
    if (fields.has("sequence")) message.sequence = fields.at("sequence").to_number<std::uint64_t>();
    fields.set("null", message.null_value);
    fields.set("partition", message.partition);
    return message;
}

}  // namespace platform::pulsar::probe
