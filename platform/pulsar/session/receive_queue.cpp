// Trusts no size and no count that came; the wire does the reading.
#include "platform/pulsar/session/receive_queue.hpp"

#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/compression.hpp"

#include <algorithm>
#include <iterator>

namespace platform::pulsar::session {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t message_overhead_bytes = 128;
constexpr std::int32_t batch_messages_most = 1'000'000;

std::size_t size_of(const Message& message) {
    auto bytes = message.payload.size() + message.key.size() + message_overhead_bytes;
    for (const auto& [name, value] : message.properties) bytes += name.size() + value.size();
    return bytes;
}

Error broken(const wire::MessageId& id, const Error& why) {
    return {ErrorKind::fault, "pulsar-entry-broken", "the entry " + wire::to_text(id) + " cannot be read: " + why.message};
}
Error unsupported(const wire::MessageId& id, const std::string& what) {
    return {ErrorKind::unsupported, "pulsar-unsupported",
            "the message " + wire::to_text(id) + " is " + what + ", which this client does not do"};
}

template <class Metadata>
void describe(Message& message, const Metadata& metadata) {
    message.key = metadata.partition_key();
    message.properties.reserve(static_cast<std::size_t>(metadata.properties_size()));
    for (const auto& property : metadata.properties()) message.properties.emplace_back(property.key(), property.value());
    message.event_time_ms = metadata.event_time();
    message.null_value = metadata.null_value();
}

wire::BitSet ack_set_of(const proto::CommandMessage& command, std::size_t count) {
    if (command.ack_set_size() == 0) return wire::BitSet::all(count);
    std::vector<std::uint64_t> words;
    words.reserve(static_cast<std::size_t>(command.ack_set_size()));
    for (const auto word : command.ack_set()) words.push_back(static_cast<std::uint64_t>(word));
    return wire::BitSet::from_words(std::move(words));
}

}  // namespace

ReceiveQueue::ReceiveQueue(const ConsumerOptions& options, std::size_t uncompressed_bytes_max)
    : options_(options), uncompressed_bytes_max_(uncompressed_bytes_max), start_(options.start), start_inclusive_(options.start_inclusive) {
    options_.queue_messages_max = std::clamp<std::size_t>(options_.queue_messages_max, 1, 1'000'000);
    window_max_ = std::clamp<std::size_t>(options_.queue_bytes_max / wire::message_bytes_default, 1, options_.queue_messages_max);
}

void ReceiveQueue::attached() {
    drop_queued();
    allowed_ = 0;
}

void ReceiveQueue::drop_queued() {
    queue_.clear();
    queue_bytes_ = 0;
    batches_.clear();
}

void ReceiveQueue::start_from(const wire::MessageId& id) {
    if (!before_seek_) before_seek_ = {.start = start_, .start_inclusive = start_inclusive_, .taken = taken_};
    start_ = id;
    start_inclusive_ = true;
    taken_.reset();
    drop_queued();
}

void ReceiveQueue::seek_ended(bool done) {
    if (before_seek_ && !done) {
        start_ = before_seek_->start;
        start_inclusive_ = before_seek_->start_inclusive;
        taken_ = before_seek_->taken;
    }
    before_seek_.reset();
}

std::size_t ReceiveQueue::window() const {
    if (message_bytes_mean_ == 0) return window_max_;
    return std::clamp<std::size_t>(options_.queue_bytes_max / message_bytes_mean_, 1, window_max_);
}

std::uint32_t ReceiveQueue::to_allow() {
    const auto full = static_cast<std::int64_t>(window());
    const auto have = std::max<std::int64_t>(allowed_, 0) + static_cast<std::int64_t>(queue_.size());
    if (have > full / 2 || queue_bytes_ > options_.queue_bytes_max) return 0;
    // Below nothing, the broker counts too: that much of what is allowed goes to what it has sent already.
    const auto more = full - static_cast<std::int64_t>(queue_.size()) - allowed_;
    allowed_ += more;
    window_max_ = std::min(2 * window_max_, options_.queue_messages_max);
    return static_cast<std::uint32_t>(more);
}

bool ReceiveQueue::is_before_start(const wire::MessageId& id) const {
    if (options_.durable) return false;
    if (taken_) return id <= *taken_;
    if (start_ == wire::earliest || start_ == wire::latest) return false;
    if (start_.batch_index >= 0) return start_inclusive_ ? id < start_ : id <= start_;
    // The whole entry is meant.
    const auto entry = EntryKey(id.ledger, id.entry);
    const auto start = EntryKey(start_.ledger, start_.entry);
    return start_inclusive_ ? entry < start : entry <= start;
}

Result<void> ReceiveQueue::arrived(const proto::CommandMessage& command, std::string_view section, bool wanted) {
    const wire::MessageId id{.ledger = command.message_id().ledgerid(), .entry = command.message_id().entryid()};
    if (auto parsed = wire::parse_message(section, section_); !parsed) return broken(id, parsed.error());
    auto queued = queue_entry(command, wanted);
    if (!queued) return std::move(queued).error();
    allowed_ -= static_cast<std::int64_t>(*queued);
    return kernel::ok();
}

// How many messages the broker counted for it.
Result<std::size_t> ReceiveQueue::queue_entry(const proto::CommandMessage& command, bool wanted) {
    const auto& metadata = section_.metadata;
    const wire::MessageId id{.ledger = command.message_id().ledgerid(), .entry = command.message_id().entryid()};
    if (metadata.has_marker_type()) return std::size_t{1};  // the broker's own, of replication and transactions
    if (metadata.encryption_keys_size() > 0) return unsupported(id, "encrypted");
    if (metadata.num_chunks_from_msg() > 1) return unsupported(id, "in chunks");

    auto entry = std::make_shared<Entry>();
    entry->producer_name = metadata.producer_name();
    entry->publish_time_ms = metadata.publish_time();
    entry->redelivery_count = command.redelivery_count();
    if (section_.broker_entry && section_.broker_entry->has_broker_timestamp())
        entry->broker_time_ms = section_.broker_entry->broker_timestamp();
    entry->schema_version = metadata.schema_version();
    auto decompressed = wire::decompress(metadata.compression(), section_.payload,
                                         metadata.compression() == proto::NONE ? section_.payload.size() : metadata.uncompressed_size(),
                                         uncompressed_bytes_max_, entry->payload);
    if (!decompressed) return broken(id, decompressed.error());
    if (metadata.has_num_messages_in_batch()) return queue_batch(entry, id, command, wanted);

    if (!wanted || is_before_start(id)) return std::size_t{1};
    Message message;
    message.id = id;
    message.payload = entry->payload;
    describe(message, metadata);
    message.sequence = metadata.sequence_id();
    if (section_.broker_entry && section_.broker_entry->has_index()) message.index = section_.broker_entry->index();
    message.entry = std::move(entry);
    push(std::move(message));
    return std::size_t{1};
}

Result<std::size_t> ReceiveQueue::queue_batch(const std::shared_ptr<const Entry>& entry, wire::MessageId id,
                                              const proto::CommandMessage& command, bool wanted) {
    const auto& metadata = section_.metadata;
    // A compacted batch holds less than it says: its payload is no bound.
    if (metadata.num_messages_in_batch() < 1 || metadata.num_messages_in_batch() > batch_messages_most)
        return broken(id, {ErrorKind::incorrect, "pulsar-batch", "a batch says that it has an impossible number of messages"});
    const auto in_payload =
        metadata.compacted_batch_indexes_size() > 0 ? metadata.compacted_batch_indexes_size() : metadata.num_messages_in_batch();
    auto reader = wire::BatchReader::open(entry->payload, in_payload);
    if (!reader) return broken(id, reader.error());
    const auto count = static_cast<std::size_t>(metadata.num_messages_in_batch());
    auto open = ack_set_of(command, count);
    id.batch_size = metadata.num_messages_in_batch();
    if (metadata.compacted_batch_indexes_size() > 0) {  // what was compacted away is not there to be acknowledged
        std::vector<bool> is_there(count);
        for (const auto index : metadata.compacted_batch_indexes())
            if (index >= 0 && index < id.batch_size) is_there[static_cast<std::size_t>(index)] = true;
        for (std::size_t i = 0; i < count; ++i)
            if (!is_there[i]) open.clear(i);
    }
    std::size_t counted = 0;
    bool queued = false;
    for (std::int32_t i = 0; !reader->at_end(); ++i) {
        auto payload = reader->next(single_);
        if (!payload) return broken(id, payload.error());
        id.batch_index = metadata.compacted_batch_indexes_size() > 0 ? metadata.compacted_batch_indexes(i) : i;
        if (id.batch_index < 0 || id.batch_index >= id.batch_size)
            return broken(id, {ErrorKind::incorrect, "pulsar-batch", "an index lies outside of its batch"});
        const auto index = static_cast<std::size_t>(id.batch_index);
        if (!open.test(index)) continue;
        ++counted;
        if (single_.compacted_out()) {
            open.clear(index);
            continue;
        }
        if (!wanted || is_before_start(id)) continue;
        Message message;
        message.id = id;
        message.payload = *payload;
        describe(message, single_);
        message.sequence = single_.has_sequence_id() ? single_.sequence_id() : metadata.sequence_id() + index;
        if (section_.broker_entry && section_.broker_entry->has_index() && section_.broker_entry->index() + 1 + index >= count)
            message.index = section_.broker_entry->index() + 1 + index - count;
        message.entry = entry;
        push(std::move(message));
        queued = true;
    }
    if (queued && options_.durable) batches_.insert_or_assign(EntryKey(id.ledger, id.entry), std::move(open));
    // Compacted batches count whole with the broker.
    return metadata.compacted_batch_indexes_size() > 0 ? count : counted;
}

void ReceiveQueue::push(Message message) {
    if (!options_.durable && start_ == wire::latest) {  // from here on it is known where a reader of what is new began
        start_ = message.id;
        start_inclusive_ = true;
    }
    const auto bytes = size_of(message);
    message_bytes_mean_ = message_bytes_mean_ == 0 ? bytes : (message_bytes_mean_ * 15 + bytes + 15) / 16;
    queue_bytes_ += bytes;
    queue_.push_back(std::move(message));
}

std::vector<Message> ReceiveQueue::take(std::size_t messages_max) {
    auto taken = queue_.take(messages_max);
    for (const auto& message : taken) queue_bytes_ -= size_of(message);
    if (!taken.empty()) taken_ = taken.back().id;
    return taken;
}

std::optional<ReceiveQueue::Ack> ReceiveQueue::ack(const wire::MessageId& id) {
    Ack out;
    if (!ack(id, out)) return std::nullopt;
    return out;
}

bool ReceiveQueue::ack(const wire::MessageId& id, Ack& out) {
    out.id = id;
    out.id.batch_index = -1;
    out.ack_set.clear();
    if (id.batch_index < 0) {
        batches_.erase({id.ledger, id.entry});
        return true;
    }
    const auto found = batches_.find({id.ledger, id.entry});
    if (found == batches_.end()) {
        // Acknowledged before, or taken before the consumer was attached anew. The broker joins what it is told: this one message is
        // enough.
        if (!options_.batch_index_acks || id.batch_index >= id.batch_size) return false;
        auto others = wire::BitSet::all(static_cast<std::size_t>(id.batch_size));
        others.clear(static_cast<std::size_t>(id.batch_index));
        others.words(out.ack_set);
        return true;
    }
    found->second.clear(static_cast<std::size_t>(id.batch_index));
    if (found->second.none()) {
        batches_.erase(found);
        return true;
    }
    if (!options_.batch_index_acks) return false;
    found->second.words(out.ack_set);
    return true;
}

std::optional<ReceiveQueue::Ack> ReceiveQueue::ack_cumulative(const wire::MessageId& id) {
    batches_.erase(batches_.begin(), batches_.lower_bound({id.ledger, id.entry}));
    auto whole = id;
    whole.batch_index = -1;
    if (id.batch_index >= 0 && id.batch_size <= 0) {  // how many lie behind it is not known: what lies before its entry is sure
        --whole.entry;
        return Ack{.id = whole, .ack_set = {}};
    }
    if (id.batch_index < 0 || id.batch_index + 1 >= id.batch_size) {
        batches_.erase({id.ledger, id.entry});
        return Ack{.id = whole, .ack_set = {}};
    }
    auto open = wire::BitSet::all(static_cast<std::size_t>(id.batch_size));
    open.clear_through(static_cast<std::size_t>(id.batch_index));
    if (const auto found = batches_.find({id.ledger, id.entry}); found != batches_.end()) {
        found->second.clear_through(static_cast<std::size_t>(id.batch_index));
        if (found->second.none()) {  // those behind it were acknowledged one by one
            batches_.erase(found);
            return Ack{.id = whole, .ack_set = {}};
        }
    }
    if (options_.batch_index_acks) return Ack{.id = whole, .ack_set = open.words()};
    --whole.entry;  // of entry 0: -1, which is how Pulsar names the end of the ledger before
    return Ack{.id = whole, .ack_set = {}};
}

}  // namespace platform::pulsar::session
