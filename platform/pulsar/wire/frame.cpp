#include "platform/pulsar/wire/frame.hpp"

#include "platform/pulsar/wire/big_endian.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <limits>

namespace platform::pulsar::wire {

namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t size_bytes = 4;
constexpr std::uint16_t checksum_magic = 0x0e01;
constexpr std::uint16_t broker_entry_magic = 0x0e02;

Error frame_error(std::string message) {
    return {ErrorKind::incorrect, "pulsar-frame", std::move(message)};
}

Error message_error(std::string message) {
    return {ErrorKind::incorrect, "pulsar-message", std::move(message)};
}

// Whether an enum's field came with a number that this build does not know: proto2 puts it among the unknown fields.
bool has_unknown(const std::string& unknown_fields, int number) {
    if (unknown_fields.empty()) return false;
    using google::protobuf::internal::WireFormatLite;
    google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(unknown_fields.data()),
                                                  static_cast<int>(unknown_fields.size()));
    while (const auto tag = stream.ReadTag()) {
        if (WireFormatLite::GetTagFieldNumber(tag) == number) return true;
        if (!WireFormatLite::SkipField(&stream, tag)) return false;
    }
    return false;
}

// An error with a number of a later protocol must stay an error: it becomes UnknownError.
template <class Command>
void keep_error(Command& command, int number) {
    if (!has_unknown(command.unknown_fields(), number)) return;
    if constexpr (requires { command.set_error_code(proto::UnknownError); }) {
        command.set_error_code(proto::UnknownError);
    } else {
        command.set_error(proto::UnknownError);
    }
}

// As keep_error; and an answer that says neither yes nor no is a no, although the default of proto2 is a yes.
template <class Command>
void keep_failure(Command& command, int number) {
    keep_error(command, number);
    if (!command.has_response()) command.set_response(Command::Failed);
}

// Whether the command has the part that its type names. Makes it safe against enums of a later protocol.
bool has_its_part(proto::BaseCommand& command) {
    using Command = proto::BaseCommand;
    switch (command.type()) {
        case Command::CONNECT: return command.has_connect();
        case Command::CONNECTED: return command.has_connected();
        case Command::SUBSCRIBE: return command.has_subscribe();
        case Command::PRODUCER: return command.has_producer();
        case Command::SEND: return command.has_send();
        case Command::SEND_RECEIPT: return command.has_send_receipt();
        case Command::SEND_ERROR:
            if (!command.has_send_error()) return false;
            keep_error(*command.mutable_send_error(), proto::CommandSendError::kErrorFieldNumber);
            return true;
        case Command::MESSAGE: return command.has_message();
        case Command::ACK: return command.has_ack();
        case Command::FLOW: return command.has_flow();
        case Command::UNSUBSCRIBE: return command.has_unsubscribe();
        case Command::SUCCESS: return command.has_success();
        case Command::ERROR:
            if (!command.has_error()) return false;
            keep_error(*command.mutable_error(), proto::CommandError::kErrorFieldNumber);
            return true;
        case Command::CLOSE_PRODUCER: return command.has_close_producer();
        case Command::CLOSE_CONSUMER: return command.has_close_consumer();
        case Command::PRODUCER_SUCCESS: return command.has_producer_success();
        case Command::PING: return command.has_ping();
        case Command::PONG: return command.has_pong();
        case Command::REDELIVER_UNACKNOWLEDGED_MESSAGES: return command.has_redeliver_unacknowledged_messages();
        case Command::PARTITIONED_METADATA: return command.has_partitioned_metadata();
        case Command::PARTITIONED_METADATA_RESPONSE:
            if (!command.has_partitioned_metadata_response()) return false;
            keep_failure(*command.mutable_partitioned_metadata_response(),
                         proto::CommandPartitionedTopicMetadataResponse::kErrorFieldNumber);
            return true;
        case Command::LOOKUP: return command.has_lookup();
        case Command::LOOKUP_RESPONSE:
            if (!command.has_lookup_response()) return false;
            keep_failure(*command.mutable_lookup_response(), proto::CommandLookupTopicResponse::kErrorFieldNumber);
            return true;
        case Command::CONSUMER_STATS: return command.has_consumer_stats();
        case Command::CONSUMER_STATS_RESPONSE:
            if (!command.has_consumer_stats_response()) return false;
            keep_error(*command.mutable_consumer_stats_response(), proto::CommandConsumerStatsResponse::kErrorCodeFieldNumber);
            return true;
        case Command::REACHED_END_OF_TOPIC: return command.has_reached_end_of_topic();
        case Command::SEEK: return command.has_seek();
        case Command::GET_LAST_MESSAGE_ID: return command.has_get_last_message_id();
        case Command::GET_LAST_MESSAGE_ID_RESPONSE: return command.has_get_last_message_id_response();
        case Command::ACTIVE_CONSUMER_CHANGE: return command.has_active_consumer_change();
        case Command::GET_TOPICS_OF_NAMESPACE: return command.has_get_topics_of_namespace();
        case Command::GET_TOPICS_OF_NAMESPACE_RESPONSE: return command.has_get_topics_of_namespace_response();
        case Command::GET_SCHEMA: return command.has_get_schema();
        case Command::GET_SCHEMA_RESPONSE:
            if (!command.has_get_schema_response()) return false;
            keep_error(*command.mutable_get_schema_response(), proto::CommandGetSchemaResponse::kErrorCodeFieldNumber);
            return true;
        case Command::AUTH_CHALLENGE: return command.has_auth_challenge();
        case Command::AUTH_RESPONSE: return command.has_auth_response();
        case Command::ACK_RESPONSE:
            if (!command.has_ack_response()) return false;
            keep_error(*command.mutable_ack_response(), proto::CommandAckResponse::kErrorFieldNumber);
            return true;
        case Command::GET_OR_CREATE_SCHEMA: return command.has_get_or_create_schema();
        case Command::GET_OR_CREATE_SCHEMA_RESPONSE:
            if (!command.has_get_or_create_schema_response()) return false;
            keep_error(*command.mutable_get_or_create_schema_response(), proto::CommandGetOrCreateSchemaResponse::kErrorCodeFieldNumber);
            return true;
        case Command::TOPIC_MIGRATED: return command.has_topic_migrated();
        case Command::WATCH_TOPIC_LIST:
        case Command::WATCH_TOPIC_LIST_SUCCESS:
        case Command::WATCH_TOPIC_UPDATE:
        case Command::WATCH_TOPIC_LIST_CLOSE: return true;
    }
    return true;
}

// protobuf counts in int. ParseFromArray would write on standard error what is missing.
template <class Message>
bool parse(Message& message, std::string_view bytes) {
    return bytes.size() <= std::numeric_limits<int>::max() && message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size())) &&
           message.IsInitialized();
}

char* serialize(const google::protobuf::MessageLite& message, char* at) {
    return reinterpret_cast<char*>(message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(at)));
}

// Takes `size | bytes` off the front of `rest`.
std::optional<std::string_view> take_sized(std::string_view& rest) {
    if (rest.size() < size_bytes) return std::nullopt;
    const std::uint64_t size = read_u32(rest);
    if (size > rest.size() - size_bytes) return std::nullopt;
    const auto bytes = rest.substr(size_bytes, size);
    rest.remove_prefix(size_bytes + size);
    return bytes;
}

bool begins_with(std::string_view bytes, std::uint16_t magic) {
    return bytes.size() >= sizeof magic && read_u16(bytes) == magic;
}

}  // namespace

std::span<char> Splitter::prepare(std::size_t bytes_min) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (buffer_.size() - end_ < bytes_min && begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    // resize() doubles the capacity at least: a long frame that comes in pieces is copied a bounded number of times.
    if (buffer_.size() - end_ < bytes_min) buffer_.resize(std::max(buffer_.capacity(), end_ + bytes_min));
    return {buffer_.data() + end_, buffer_.size() - end_};
}

void Splitter::commit(std::size_t bytes) {
    CHECK(bytes <= buffer_.size() - end_, "more bytes were read than there was room for");
    end_ += bytes;
}

Result<std::optional<std::string_view>> Splitter::next() {
    const std::size_t there = end_ - begin_;
    if (there < size_bytes) return std::optional<std::string_view>();
    const std::uint64_t size = read_u32({buffer_.data() + begin_, there});
    if (size < size_bytes || size > frame_bytes_max_) return frame_error("a frame of " + std::to_string(size) + " bytes");
    if (there - size_bytes < size) return std::optional<std::string_view>();
    const std::string_view frame(buffer_.data() + begin_ + size_bytes, size);
    begin_ += size_bytes + size;
    return std::optional(frame);
}

Result<std::string_view> parse_command(std::string_view frame, proto::BaseCommand& command) {
    const auto bytes = take_sized(frame);
    if (!bytes) return frame_error("a command that is longer than its frame");
    if (bytes->size() > std::numeric_limits<int>::max() || !command.ParsePartialFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
        return frame_error("a command that cannot be read");
    }
    if (!command.has_type()) return frame;
    if (!has_its_part(command)) return frame_error("a command of type " + std::to_string(command.type()) + " without its part");
    if (!command.IsInitialized()) return frame_error("a command of type " + std::to_string(command.type()) + " with fields missing");
    return frame;
}

std::string encode(const proto::BaseCommand& command) {
    CHECK(command.IsInitialized(), "a command is encoded with all its required fields");
    const std::size_t size = command.ByteSizeLong();
    CHECK(size <= std::numeric_limits<int>::max() - size_bytes, "a command has a size that its frame can say");
    std::string frame;
    frame.resize_and_overwrite(2 * size_bytes + size, [&](char* at, std::size_t) {  // the number may be the capacity
        at = write_u32(at, static_cast<std::uint32_t>(size_bytes + size));
        serialize(command, write_u32(at, static_cast<std::uint32_t>(size)));
        return 2 * size_bytes + size;
    });
    return frame;
}

Result<void> parse_message(std::string_view bytes, MessageSection& section) {
    section.broker_entry.reset();
    section.has_checksum = false;
    section.payload = {};
    if (begins_with(bytes, broker_entry_magic)) {
        bytes.remove_prefix(sizeof broker_entry_magic);
        const auto entry = take_sized(bytes);
        if (!entry || !parse(section.broker_entry.emplace(), *entry)) return message_error("the broker's metadata cannot be read");
    }
    // Without this magic these are the upper bytes of the metadata's size, which would be 235 MB and more.
    if (begins_with(bytes, checksum_magic)) {
        if (bytes.size() < sizeof checksum_magic + size_bytes) return message_error("the checksum is cut off");
        const auto checksum = read_u32(bytes.substr(sizeof checksum_magic));
        bytes.remove_prefix(sizeof checksum_magic + size_bytes);
        if (crc32c(bytes) != checksum) {
            return Error{ErrorKind::incorrect, "pulsar-checksum", "the checksum of a message does not fit its bytes"};
        }
        section.has_checksum = true;
    }
    const auto metadata = take_sized(bytes);
    if (!metadata || !parse(section.metadata, *metadata)) return message_error("the metadata of a message cannot be read");
    // Its default would be "not compressed".
    if (has_unknown(section.metadata.unknown_fields(), proto::MessageMetadata::kCompressionFieldNumber)) {
        return Error{ErrorKind::unsupported, "pulsar-compression", "a message is compressed in a way that is not known"};
    }
    section.payload = bytes;
    return kernel::ok();
}

std::string encode_send(const proto::BaseCommand& send, const proto::MessageMetadata& metadata, std::string_view payload) {
    CHECK(send.IsInitialized() && metadata.IsInitialized(), "a SEND is encoded with all its required fields");
    const std::size_t command_size = send.ByteSizeLong();
    const std::size_t metadata_size = metadata.ByteSizeLong();
    const std::size_t total = size_bytes + command_size + sizeof checksum_magic + size_bytes + size_bytes + metadata_size + payload.size();
    CHECK(total <= std::numeric_limits<std::int32_t>::max(), "a SEND has a size that its frame can say");
    std::string frame;
    frame.resize_and_overwrite(size_bytes + total, [&](char* begin, std::size_t) {
        char* at = write_u32(begin, static_cast<std::uint32_t>(total));
        at = serialize(send, write_u32(at, static_cast<std::uint32_t>(command_size)));
        at = write_u16(at, checksum_magic);
        char* const checksum = at;
        char* const covered = at + size_bytes;
        at = serialize(metadata, write_u32(covered, static_cast<std::uint32_t>(metadata_size)));
        if (!payload.empty()) std::memcpy(at, payload.data(), payload.size());
        write_u32(checksum, crc32c({covered, size_bytes + metadata_size + payload.size()}));
        return size_bytes + total;
    });
    return frame;
}

std::size_t message_bytes(const proto::MessageMetadata& metadata, std::size_t payload_bytes) {
    return metadata.ByteSizeLong() + payload_bytes;
}

}  // namespace platform::pulsar::wire
