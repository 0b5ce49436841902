// Frames are made once, when a message or a batch is complete.
#include "platform/pulsar/session/send_queue.hpp"

#include "kernel/check.hpp"
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/compression.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace platform::pulsar::session {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t message_overhead_bytes = 64;   // of a message in the bounds, beside payload, key and properties
constexpr std::size_t property_overhead_bytes = 16;  // of a property: how it is framed
constexpr std::uint64_t sequence_max = std::numeric_limits<std::int64_t>::max();
constexpr Time never = Time::max();

Error too_large(std::size_t bytes, std::size_t bytes_max) {
    return {ErrorKind::incorrect, "pulsar-message-too-large",
            "a message of " + std::to_string(bytes) + " bytes is larger than the " + std::to_string(bytes_max) + " that the broker takes"};
}

template <class Metadata>
void describe(Metadata& metadata, const OutgoingMessage& message) {
    if (!message.key.empty()) metadata.set_partition_key(message.key.data(), message.key.size());
    for (const auto& [name, value] : message.properties) {
        auto& property = *metadata.add_properties();
        property.set_key(name.data(), name.size());
        property.set_value(value.data(), value.size());
    }
    if (message.event_time_ms != 0) metadata.set_event_time(message.event_time_ms);
    if (message.null_value) metadata.set_null_value(true);
}

}  // namespace

std::size_t counted_bytes(const OutgoingMessage& message) {
    auto bytes = message.payload.size() + message.key.size() + message_overhead_bytes;
    for (const auto& [name, value] : message.properties) bytes += name.size() + value.size() + property_overhead_bytes;
    return bytes;
}

SendQueue::SendQueue(ProducerOptions options, std::uint64_t producer_id) : options_(std::move(options)), producer_id_(producer_id) {
    options_.batch_messages_max = std::max<std::size_t>(options_.batch_messages_max, 1);
}

void SendQueue::opened(const std::string& name, std::int64_t last_sequence) {
    name_ = name;
    singles_until_ = last_sequence;
    last_ = last_sequence;
    if (options_.first_sequence) last_ = static_cast<std::int64_t>(std::min(*options_.first_sequence, sequence_max)) - 1;
}

Result<std::uint64_t> SendQueue::sequence_of(const OutgoingMessage& message) const {
    if (!message.sequence && static_cast<std::uint64_t>(last_) != sequence_max) return static_cast<std::uint64_t>(last_ + 1);
    if (!message.sequence || *message.sequence > sequence_max)
        return Error{ErrorKind::incorrect, "pulsar-sequence", "a sequence of a message is below 2^63"};
    if (static_cast<std::int64_t>(*message.sequence) > last_) return *message.sequence;
    return Error{ErrorKind::incorrect, "pulsar-sequence",
                 "sequences rise from message to message: " + std::to_string(*message.sequence) + " came after " + std::to_string(last_)};
}

Result<void> SendQueue::add(const OutgoingMessage& message, Now now, std::size_t message_bytes_max, std::size_t uncompressed_bytes_max) {
    if (messages_ >= options_.pending_messages_max || bytes_ >= options_.pending_bytes_max)
        return Error{ErrorKind::busy, "pulsar-producer-full", "too many messages wait for the broker's acknowledgement"};
    auto sequence = sequence_of(message);
    if (!sequence) return std::move(sequence).error();
    const auto bytes = counted_bytes(message);
    if (bytes > uncompressed_bytes_max) return too_large(bytes, uncompressed_bytes_max);

    const auto batch_bytes_max = std::min(options_.batch_bytes_max, message_bytes_max / 2);
    // The key of the first message is in the metadata of its batch too.
    const bool joins =
        options_.batching && bytes + message.key.size() <= batch_bytes_max && static_cast<std::int64_t>(*sequence) > singles_until_;
    if (!joins) {
        if (auto sent = send_single(message, *sequence, now, message_bytes_max); !sent) return sent;
    } else {
        const bool other_key = options_.batch_by_key && batch_count_ > 0 && message.key != batch_key_;
        if (batch_count_ > 0 && (batch_.size() + bytes > batch_bytes_max || other_key)) end_batch(now);
        append_to_batch(message, *sequence, now);
    }
    last_ = static_cast<std::int64_t>(*sequence);
    ++messages_;
    ++sent_ever_;
    bytes_ += bytes;
    if (joins && (batch_count_ >= options_.batch_messages_max || batch_.size() >= batch_bytes_max)) end_batch(now);
    return kernel::ok();
}

void SendQueue::append_to_batch(const OutgoingMessage& message, std::uint64_t sequence, Now now) {
    if (batch_count_ == 0) {
        batch_key_ = message.key;
        batch_lowest_ = sequence;
        batch_begun_ = now.steady;
        batch_deadline_ = options_.send_timeout.count() > 0 ? now.steady + options_.send_timeout : never;
    }
    single_.Clear();
    describe(single_, message);
    single_.set_sequence_id(sequence);
    wire::add_to_batch(batch_, single_, message.payload);
    ++batch_count_;
    batch_payload_bytes_ += counted_bytes(message);
}

Result<void> SendQueue::send_single(const OutgoingMessage& message, std::uint64_t sequence, Now now, std::size_t message_bytes_max) {
    end_batch(now);  // it lies before this message; and it uses the same metadata and buffer
    metadata_.Clear();
    metadata_.set_producer_name(name_);
    metadata_.set_sequence_id(sequence);
    metadata_.set_publish_time(now.wall_ms);
    describe(metadata_, message);
    auto payload = message.payload;
    if (options_.compression != proto::NONE && !payload.empty()) {  // of nothing zlib makes what the C++ client cannot read, and drops
        if (auto compressed = wire::compress(options_.compression, payload, compressed_); !compressed) return compressed;
        payload = compressed_;
        metadata_.set_compression(options_.compression);
        metadata_.set_uncompressed_size(static_cast<std::uint32_t>(message.payload.size()));
    }
    const auto bytes = wire::message_bytes(metadata_, payload.size());
    if (bytes > message_bytes_max) return too_large(bytes, message_bytes_max);
    send_.Clear();
    send_.set_type(proto::BaseCommand::SEND);
    auto& send = *send_.mutable_send();
    send.set_producer_id(producer_id_);
    send.set_sequence_id(sequence);
    push({.frame = std::make_shared<const std::string>(wire::encode_send(send_, metadata_, payload)),
          .lowest = sequence,
          .highest = sequence,
          .count = 1,
          .is_batch = false,
          .bytes = counted_bytes(message),
          .deadline = options_.send_timeout.count() > 0 ? now.steady + options_.send_timeout : never});
    return kernel::ok();
}

void SendQueue::end_batch(Now now) {
    if (batch_count_ == 0) return;
    const auto highest = static_cast<std::uint64_t>(last_);
    metadata_.Clear();
    metadata_.set_producer_name(name_);
    metadata_.set_sequence_id(batch_lowest_);
    metadata_.set_highest_sequence_id(highest);
    metadata_.set_publish_time(now.wall_ms);
    metadata_.set_num_messages_in_batch(static_cast<std::int32_t>(batch_count_));
    if (!batch_key_.empty()) metadata_.set_partition_key(batch_key_);
    std::string_view payload = batch_;
    if (options_.compression != proto::NONE) {
        // What cannot be compressed goes as it is: the library fails on sizes only, which the bounds exclude.
        if (wire::compress(options_.compression, payload, compressed_)) {
            payload = compressed_;
            metadata_.set_compression(options_.compression);
            metadata_.set_uncompressed_size(static_cast<std::uint32_t>(batch_.size()));
        }
    }
    send_.Clear();
    send_.set_type(proto::BaseCommand::SEND);
    auto& send = *send_.mutable_send();
    send.set_producer_id(producer_id_);
    send.set_sequence_id(batch_lowest_);
    send.set_num_messages(static_cast<std::int32_t>(batch_count_));
    send.set_highest_sequence_id(highest);
    push({.frame = std::make_shared<const std::string>(wire::encode_send(send_, metadata_, payload)),
          .lowest = batch_lowest_,
          .highest = highest,
          .count = batch_count_,
          .is_batch = true,
          .bytes = batch_payload_bytes_,
          .deadline = batch_deadline_});
    batch_.clear();
    batch_count_ = 0;
    batch_payload_bytes_ = 0;
}

void SendQueue::push(Pending pending) {
    pending_.push_back(std::move(pending));
}

std::optional<Time> SendQueue::batch_due() const {
    if (batch_count_ == 0) return std::nullopt;
    return batch_begun_ + options_.batch_delay;
}

std::shared_ptr<const std::string> SendQueue::next_unsent() {
    if (unsent_ == pending_.size()) return nullptr;
    return pending_[unsent_++].frame;
}

SendQueue::Match SendQueue::match(std::uint64_t sequence) const {
    if (pending_.empty() || unsent_ == 0) return Match::before;
    const auto& oldest = pending_.front();
    if (sequence < oldest.lowest) return Match::before;
    return sequence <= oldest.highest ? Match::oldest : Match::beyond;
}

bool SendQueue::is_oldest_whole() const {
    CHECK(!pending_.empty(), "there is an oldest entry");
    const std::string_view frame = *pending_.front().frame;
    constexpr std::size_t total_size_bytes = 4;
    proto::BaseCommand command;
    wire::MessageSection section;
    auto rest = wire::parse_command(frame.substr(total_size_bytes), command);
    return rest && wire::parse_message(*rest, section);
}

SendQueue::Ended SendQueue::pop() {
    CHECK(!pending_.empty(), "there is an oldest entry");
    const auto& oldest = pending_.front();
    const Ended ended{.count = oldest.count, .is_batch = oldest.is_batch};
    messages_ -= oldest.count;
    bytes_ -= oldest.bytes;
    ended_ever_ += oldest.count;
    pending_.pop_front();
    if (unsent_ > 0) --unsent_;
    return ended;
}

std::optional<Time> SendQueue::oldest_deadline() const {
    const auto deadline = !pending_.empty() ? pending_.front().deadline : batch_count_ > 0 ? batch_deadline_ : never;
    if (deadline == never) return std::nullopt;
    return deadline;
}

std::uint32_t SendQueue::clear() {
    const auto count = static_cast<std::uint32_t>(messages_);
    ended_ever_ += count;
    pending_.clear();
    unsent_ = 0;
    messages_ = 0;
    bytes_ = 0;
    batch_.clear();
    batch_count_ = 0;
    batch_payload_bytes_ = 0;
    return count;
}

}  // namespace platform::pulsar::session
