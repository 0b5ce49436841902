// ProducerCore: room, order, partitions, and who hears of what.
#include "platform/pulsar/client/producer_core.hpp"

#include "platform/pulsar/client/core.hpp"
#include "platform/pulsar/session/send_queue.hpp"
#include "platform/pulsar/wire/topic.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace platform::pulsar::client {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

// A batch of natural size ends when the I/O thread has taken what was there: the session's own delay must not come first.
constexpr std::chrono::milliseconds natural_batch_delay{5};

Error producer_closed() {
    return Error{ErrorKind::interrupted, "pulsar-producer-closed", "the producer is closed"};
}

Error cancelled() {
    return Error{ErrorKind::interrupted, "pulsar-cancelled", "the wait was given up; the message may be stored"};
}

Error cancelled_unsent() {
    return Error{ErrorKind::interrupted, "pulsar-cancelled-unsent", "the wait for room was given up; the message was not sent"};
}

}  // namespace

void SendCall::set(std::size_t index, Result<Receipt> result) {
    if (is_over) return;
    results[index] = std::move(result);
    if (--left == 0) finish();
}

void SendCall::fail(const Error& reason) {
    is_over = true;
    std::exchange(done, {})(reason);
}

void SendCall::finish() {
    is_over = true;
    std::vector<Result<Receipt>> all;
    all.reserve(results.size());
    for (auto& result : results) all.push_back(result ? *std::move(result) : Result<Receipt>(cancelled()));
    std::exchange(done, {})(std::move(all));
}

ProducerCore::ProducerCore(std::shared_ptr<Core> core, ProducerOptions options, std::string topic, std::uint32_t partitions)
    : core_(std::move(core)),
      options_(std::move(options)),
      topic_(std::move(topic)),
      partitions_(partitions),
      own_partition_(partitions == 0 ? wire::partition_of_name(topic_) : -1) {
    natural_batches_ = options_.batching && options_.batch_delay.count() == 0;
    if (natural_batches_) options_.batch_delay = natural_batch_delay;
    parts_.resize(std::max<std::size_t>(partitions, 1));
}

// --- Any thread.

std::size_t ProducerCore::bytes_of(const OutMessage& message) {
    session::OutgoingMessage counted{.payload = message.payload, .key = message.key};
    counted.properties.assign(message.properties.begin(), message.properties.end());
    return session::counted_bytes(counted);
}

Result<void> ProducerCore::try_send(OutMessage message, OnSent on_sent) {
    const auto bytes = bytes_of(message);
    bool must_tell = false;
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return *ended_;
        if (!for_room_.empty() || !has_room())
            return Error{ErrorKind::busy, "pulsar-producer-full", "too much is sent and not acknowledged; retry later"};
        ++pending_messages_;
        pending_bytes_ += bytes;
        ready_.push_back({std::move(message), Waiting{.on_sent = std::move(on_sent), .call = nullptr, .bytes = bytes}});
        must_tell = must_list();
    }
    if (must_tell) core_->list(shared_from_this());
    return kernel::ok();
}

void ProducerCore::submit(const std::shared_ptr<SendCall>& call) {
    call->results.resize(call->messages.size());
    call->left = call->is_flush ? 1 : call->messages.size();
    std::optional<Error> refused;
    bool must_tell = false;
    {
        const std::lock_guard lock(mutex_);
        refused = ended_;
        if (!refused) {
            for_room_.push_back(call);
            admit();
            must_tell = must_list();
        }
    }
    if (must_tell) core_->list(shared_from_this());
    if (refused) call->fail(*refused);
}

bool ProducerCore::must_list() {
    if (is_listed_ || ready_.empty()) return false;
    is_listed_ = true;
    return true;
}

void ProducerCore::admit() {
    for (; !for_room_.empty(); for_room_.pop_front()) {
        const auto& call = for_room_.front();
        if (call->is_flush) ready_.push_back({OutMessage{}, Waiting{.on_sent = {}, .call = call}});
        for (; call->next < call->messages.size(); ++call->next) {
            if (!has_room()) return;
            auto& message = call->messages[call->next];
            const auto bytes = bytes_of(message);
            ++pending_messages_;
            pending_bytes_ += bytes;
            ready_.push_back({std::move(message),
                              Waiting{.on_sent = {}, .call = call, .index = static_cast<std::uint32_t>(call->next), .bytes = bytes}});
        }
    }
}

std::int64_t ProducerCore::last_sequence(std::uint32_t partition) const {
    return partition < parts_.size() ? parts_[partition].last_sequence : -1;
}

std::size_t ProducerCore::pending_messages() const {
    const std::lock_guard lock(mutex_);
    return pending_messages_;
}

std::size_t ProducerCore::pending_bytes() const {
    const std::lock_guard lock(mutex_);
    return pending_bytes_;
}

std::optional<Error> ProducerCore::ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}

// --- The I/O thread: opening and closing.

void ProducerCore::open(std::move_only_function<void(Result<std::unique_ptr<Producer>>)> done) {
    opening_ = std::move(done);
    to_open_ = alive_ = parts_.size();
    for (std::uint32_t i = 0; i < parts_.size(); ++i) {
        auto options = options_;
        // The bounds are those of all parts together, and are kept here: the session takes all that has room.
        options.pending_messages_max = options.pending_bytes_max = std::numeric_limits<std::size_t>::max();
        options.topic = partitions_ == 0 ? topic_ : wire::partition_name(topic_, i);
        parts_[i].id = core_->session().open_producer(std::move(options), core_->now());
        core_->own(parts_[i].id, shared_from_this(), i);
    }
}

void ProducerCore::on_opened(std::uint32_t part, Result<session::ProducerFacts> facts) {
    --to_open_;
    if (!facts) {
        const auto& reason = facts.error();
        // One that fails is enough: the others may wait for an exclusive producer to go, for ever.
        give_up_opening(reason);
        return part_is_over(part);
    }
    parts_[part].last_sequence = facts->last_sequence;
    if (name_.empty()) name_ = std::move(facts->name);
    if (to_open_ > 0 || !opening_) return;
    look();
    std::exchange(opening_, {})(std::make_unique<Producer>(shared_from_this()));
}

void ProducerCore::give_up_opening(const Error& why) {
    if (!opening_) return;
    auto done = std::exchange(opening_, {});
    end(why);
    close({});
    done(why);
}

void ProducerCore::close(std::move_only_function<void(Result<void>)> done) {
    if (alive_ == 0) {
        if (done) done(close_error_ ? Result<void>(*close_error_) : kernel::ok());
        return;
    }
    if (done) closers_.push_back(std::move(done));
    if (is_closing_) return;
    is_closing_ = true;
    end(producer_closed());
    for (std::size_t i = 0; i < parts_.size(); ++i)
        if (!parts_[i].is_over) core_->session().close_producer(parts_[i].id, core_->now());
}

void ProducerCore::end(const Error& reason) {
    std::deque<std::shared_ptr<SendCall>> refused;
    {
        const std::lock_guard lock(mutex_);
        if (!ended_) ended_ = reason;
        refused.swap(for_room_);
    }
    pump();
    for (const auto& call : refused) fail_unsent(call, reason);
}

void ProducerCore::fail_unsent(const std::shared_ptr<SendCall>& call, const Error& reason) {
    if (call->is_over) return;
    if (call->is_flush) return call->fail(reason);
    for (; call->next < call->messages.size(); ++call->next) call->set(call->next, reason);
}

void ProducerCore::abandon() {
    if (alive_ == 0) return;
    is_closing_ = true;
    end(producer_closed());
    for (std::size_t i = 0; i < parts_.size(); ++i)
        if (!parts_[i].is_over) core_->session().abandon_producer(parts_[i].id, core_->now());
}

void ProducerCore::on_closed(std::uint32_t part, const Result<void>& result) {
    if (!is_closing_) {  // by itself
        refusal_ = result ? producer_closed() : result.error();
        end(*refusal_);
        part_is_over(part);
        return close({});
    }
    if (!result && !close_error_) close_error_ = result.error();
    part_is_over(part);
}

void ProducerCore::part_is_over(std::uint32_t part) {
    auto& over = parts_[part];
    if (std::exchange(over.is_over, true)) return;
    while (!over.unanswered.empty()) answer(over.unanswered.pop_front(), producer_closed());  // the session has said so before
    if (--alive_ > 0) return;
    connected_ = false;
    auto closers = std::exchange(closers_, {});
    for (auto& done : closers) done(close_error_ ? Result<void>(*close_error_) : kernel::ok());
}

void ProducerCore::fail_everything(const Error& reason) {
    if (opening_) std::exchange(opening_, {})(reason);
    is_closing_ = true;
    refusal_ = reason;
    end(reason);
    for (auto& part : parts_)
        while (!part.unanswered.empty()) answer(part.unanswered.pop_front(), reason);
    for (std::uint32_t i = 0; i < parts_.size(); ++i) part_is_over(i);
}

void ProducerCore::look() {
    connected_ =
        alive_ == parts_.size() && std::ranges::all_of(parts_, [this](const Part& part) { return core_->session().is_attached(part.id); });
}

// --- The I/O thread: messages.

void ProducerCore::pump() {
    {
        const std::lock_guard lock(mutex_);
        is_listed_ = false;
        if (taken_.empty()) taken_.swap(ready_);
    }
    // What a callback sends meanwhile is listed anew.
    auto items = std::exchange(taken_, {});
    for (auto& item : items) hand_over(item);
    items.clear();
    if (taken_.empty()) taken_ = std::move(items);  // for its memory
    end_batches();
}

void ProducerCore::end_batches() {
    if (!natural_batches_) return;
    for (auto& part : parts_)
        if (std::exchange(part.has_unended_batch, false)) core_->session().end_batch(part.id, core_->now());
}

void ProducerCore::hand_over(Outgoing& item) {
    auto& [message, waiting] = item;
    auto* const call = waiting.call.get();
    if (call && call->is_flush) return flush(waiting.call);
    if (refusal_) return answer(std::move(waiting), *refusal_);
    if (call && call->is_over) return release(1, waiting.bytes);  // cancelled
    const auto part = route(message, call);
    if (!part) return answer(std::move(waiting), part.error());
    scratch_.payload = message.payload;
    scratch_.key = message.key;
    scratch_.properties.clear();
    for (const auto& [name, value] : message.properties) scratch_.properties.emplace_back(name, value);
    scratch_.event_time_ms = message.event_time_ms;
    scratch_.sequence = message.sequence;
    scratch_.null_value = message.null_value;
    const auto sent = core_->session().send(parts_[*part].id, scratch_, core_->now());
    if (!sent) return answer(std::move(waiting), sent.error());
    parts_[*part].has_unended_batch = true;
    parts_[*part].unanswered.push_back(std::move(waiting));
}

Result<std::uint32_t> ProducerCore::route(const OutMessage& message, SendCall* call) {
    if (message.partition >= 0) {
        const auto wanted = static_cast<std::uint32_t>(message.partition);
        if (partitions_ > 0 && wanted < partitions_) return wanted;
        return Error{ErrorKind::incorrect, "pulsar-partition", "the topic has no such partition"};
    }
    if (partitions_ <= 1) return 0;
    if (!message.key.empty()) return wire::partition_of_key(message.key, partitions_);
    if (!call) return next_partition(bytes_of(message));
    if (call->partition < 0) call->partition = static_cast<std::int32_t>(next_partition(bytes_of(message)));
    return static_cast<std::uint32_t>(call->partition);
}

// Stays where it is for about a batch, so that batches fill.
std::uint32_t ProducerCore::next_partition(std::size_t bytes) {
    const auto now = core_->now().steady;
    if (!options_.batching || sticky_messages_ >= options_.batch_messages_max || sticky_bytes_ >= options_.batch_bytes_max ||
        now >= sticky_until_) {
        sticky_ = (sticky_ + 1) % partitions_;
        sticky_messages_ = sticky_bytes_ = 0;
        sticky_until_ = now + options_.batch_delay;
    }
    ++sticky_messages_;
    sticky_bytes_ += bytes;
    return sticky_;
}

void ProducerCore::flush(const std::shared_ptr<SendCall>& call) {
    call->left = parts_.size();
    for (auto& part : parts_) {
        const auto operation = core_->expect([call](const Result<void>& result) {
            if (call->is_over) return;
            if (!result) return call->fail(result.error());
            if (--call->left == 0) call->finish();
        });
        core_->session().flush(part.id, operation, core_->now());
    }
}

void ProducerCore::on_sent(std::uint32_t part, const session::Sent& sent) {
    auto& unanswered = parts_[part].unanswered;
    const auto count = std::min<std::size_t>(sent.count, unanswered.size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) bytes += unanswered[i].bytes;
    release(count, bytes);  // first, so that a callback finds room
    for (std::size_t i = 0; i < count; ++i) {
        auto waiting = unanswered.pop_front();
        if (!sent.id) {
            tell(waiting, sent.id.error());
            continue;
        }
        Receipt receipt{.id = *sent.id, .duplicate = sent.duplicate};
        if (receipt.id.batch_index >= 0) receipt.id.batch_index += static_cast<std::int32_t>(i);
        receipt.id.partition = partitions_ > 0 ? static_cast<std::int32_t>(part) : own_partition_;
        tell(waiting, receipt);
    }
}

void ProducerCore::release(std::size_t messages, std::size_t bytes) {
    bool must_tell = false;
    {
        const std::lock_guard lock(mutex_);
        pending_messages_ -= messages;
        pending_bytes_ -= bytes;
        admit();
        must_tell = must_list();
    }
    if (must_tell) core_->list(shared_from_this());
}

// Gives back the room and tells.
void ProducerCore::answer(Waiting waiting, Result<Receipt> result) {
    release(1, waiting.bytes);
    tell(waiting, std::move(result));
}

void ProducerCore::tell(Waiting& waiting, Result<Receipt> result) {
    if (waiting.call) return waiting.call->set(waiting.index, std::move(result));
    if (!waiting.on_sent) return;
    call_guarded("pulsar-on-sent-threw", [&] { waiting.on_sent(std::move(result)); });
}

void ProducerCore::cancel(const std::shared_ptr<SendCall>& call) {
    if (call->is_over) return;
    bool must_tell = false;
    {
        const std::lock_guard lock(mutex_);
        std::erase(for_room_, call);
        admit();
        must_tell = must_list();
    }
    if (must_tell) core_->list(shared_from_this());
    if (call->is_flush) return call->fail(cancelled());
    for (std::size_t i = call->next; i < call->results.size(); ++i) call->results[i] = cancelled_unsent();
    call->finish();
}

}  // namespace platform::pulsar::client
