// Producers: registered, sending, acknowledged, closed.
#include "platform/pulsar/session/state.hpp"

#include <algorithm>

namespace platform::pulsar::session {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

namespace {

constexpr std::uint64_t id_of_duplicate = std::numeric_limits<std::uint64_t>::max();  // ledger and entry of a receipt: stored before

proto::ProducerAccessMode to_proto(AccessMode mode) {
    switch (mode) {
        case AccessMode::shared: return proto::Shared;
        case AccessMode::exclusive: return proto::Exclusive;
        case AccessMode::wait_for_exclusive: return proto::WaitForExclusive;
        case AccessMode::exclusive_with_fencing: return proto::ExclusiveWithFencing;
    }
    return proto::Shared;
}

Error no_producer() {
    return {ErrorKind::interrupted, "pulsar-producer-closed", "the producer is closed"};
}

}  // namespace

ProducerId Session::open_producer(ProducerOptions options, Now now) {
    auto& state = *state_;
    const auto id = state.next_id++;
    if (state.closing) {
        state.emit(ProducerOpened{.producer = ProducerId{id}, .facts = no_producer()});
        return ProducerId{id};
    }
    Handle handle{
        .topic = options.topic, .backoff = Backoff(state.options.backoff_first, state.options.backoff_last), .first_try = now.steady};
    SendQueue queue(options, id);
    state.producers.emplace(id, ProducerState{.handle = std::move(handle), .options = std::move(options), .queue = std::move(queue)});
    state.begin_attach(producer_owner(id), now);
    return ProducerId{id};
}

void Session::State::register_producer(std::uint64_t id, Now now) {
    auto& producer = producers.at(id);
    auto& handle = producer.handle;
    handle.request = new_request({.kind = Request::Kind::register_producer, .owner = id, .connection = handle.connection},
                                 now.steady + options.operation_timeout);
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::PRODUCER);
    auto& wanted = *command.mutable_producer();
    wanted.set_topic(handle.topic);
    wanted.set_producer_id(id);
    wanted.set_request_id(handle.request);
    const auto& name = handle.opened ? producer.queue.name() : producer.options.name;
    if (!name.empty()) wanted.set_producer_name(name);
    wanted.set_user_provided_producer_name(!producer.named_by_broker && !name.empty());
    wanted.set_epoch(producer.epoch++);
    wanted.set_producer_access_mode(to_proto(producer.options.access));
    if (producer.topic_epoch) wanted.set_topic_epoch(*producer.topic_epoch);
    for (const auto& [key, value] : producer.options.properties) {
        auto& property = *wanted.add_metadata();
        property.set_key(key);
        property.set_value(value);
    }
    write(handle.connection, command, now);
}

void Session::State::producer_attached(std::uint64_t connection, const proto::CommandProducerSuccess& success, Now now) {
    const auto request = requests.find(success.request_id());
    if (request == requests.end() || request->second.connection != connection || request->second.kind != Request::Kind::register_producer)
        return;
    const auto id = request->second.owner;
    auto& producer = producers.at(id);
    auto& handle = producer.handle;
    if (!success.producer_ready()) {  // somebody else has the topic: another answer follows when it is free
        handle.waits_its_turn = true;
        return timers.set({Owner::request, success.request_id()}, std::nullopt);
    }
    end_request(success.request_id(), connection);
    handle.stage = Handle::Stage::attached;
    handle.request = 0;
    handle.retry_at.reset();
    if (!producer.refused) handle.backoff.reset();
    producer.message_bytes_max = find(connection)->message_bytes_max;
    if (success.has_topic_epoch()) producer.topic_epoch = success.topic_epoch();
    if (!handle.opened) {
        handle.opened = true;
        producer.named_by_broker = producer.options.name.empty();
        producer.queue.opened(success.producer_name(), success.last_sequence_id());
        emit(ProducerOpened{.producer = ProducerId{id},
                            .facts = ProducerFacts{.name = success.producer_name(), .last_sequence = success.last_sequence_id()}});
    }
    producer.queue.resend_all();
    send_unsent(producer);
    arm(producer_owner(id));
    if (handle.closing) begin_close_producer(id, now);
}

void Session::State::send_unsent(ProducerState& producer) {
    if (producer.handle.stage != Handle::Stage::attached) return;
    while (auto frame = producer.queue.next_unsent()) write_send(producer.handle.connection, std::move(frame));
}

Result<void> Session::send(ProducerId id, const OutgoingMessage& message, Now now) {
    auto& state = *state_;
    const auto found = state.producers.find(static_cast<std::uint64_t>(id));
    if (found == state.producers.end() || found->second.handle.closing || !found->second.handle.opened) return no_producer();
    auto& producer = found->second;
    const bool had_batch = producer.queue.batch_due().has_value();
    const bool was_empty = producer.queue.empty();
    auto added = producer.queue.add(message, now, producer.message_bytes_max, state.options.uncompressed_bytes_max);
    if (!added && added.error().kind == ErrorKind::busy) producer.wants_room = true;
    state.send_unsent(producer);
    // A timer that is left of a batch that went out is found out when it comes.
    if (added && ((!had_batch && producer.queue.batch_due()) || was_empty)) state.arm(producer_owner(found->first));
    return added;
}

void Session::end_batch(ProducerId id, Now now) {
    const auto found = state_->producers.find(static_cast<std::uint64_t>(id));
    if (found == state_->producers.end()) return;
    found->second.queue.end_batch(now);
    state_->send_unsent(found->second);
}

void Session::flush(ProducerId id, OperationId operation, Now now) {
    auto& state = *state_;
    const auto found = state.producers.find(static_cast<std::uint64_t>(id));
    if (found == state.producers.end()) return state.emit(Flushed{.producer = id, .operation = operation, .result = no_producer()});
    end_batch(id, now);
    found->second.flushes.push_back({.operation = operation, .until = found->second.queue.sent_ever()});
    state.after_sent(found->first, now);
}

void Session::State::sent(std::uint64_t id, ProducerState& producer, Result<wire::MessageId> result, bool duplicate) {
    if (!result)
        for (auto& flush : producer.flushes) flush.failed = true;
    const auto ended = producer.queue.pop();
    if (result && ended.is_batch && !duplicate) {
        result->batch_index = 0;
        result->batch_size = static_cast<std::int32_t>(ended.count);
    }
    emit(Sent{.producer = ProducerId{id}, .count = ended.count, .id = std::move(result), .duplicate = duplicate});
}

// Room, flushes and the close that wait for something to end.
void Session::State::after_sent(std::uint64_t id, Now now) {
    auto& producer = producers.at(id);
    if (producer.wants_room && producer.queue.messages() < producer.options.pending_messages_max &&
        producer.queue.bytes() < producer.options.pending_bytes_max) {
        producer.wants_room = false;
        emit(Room{ProducerId{id}});
    }
    while (!producer.flushes.empty() && producer.flushes.front().until <= producer.queue.ended_ever()) {
        const auto flush = producer.flushes.front();
        producer.flushes.pop_front();
        auto result = kernel::ok();
        if (flush.failed) result = Error{ErrorKind::unavailable, "pulsar-send-failed", "some of the messages were not acknowledged"};
        emit(Flushed{.producer = ProducerId{id}, .operation = flush.operation, .result = std::move(result)});
    }
    if (producer.handle.closing && producer.queue.empty()) begin_close_producer(id, now);
}

void Session::State::receipt(std::uint64_t connection, const proto::CommandSendReceipt& receipt, Now now) {
    const auto found = producers.find(receipt.producer_id());
    if (found == producers.end() || found->second.handle.connection != connection) return;
    auto& producer = found->second;
    switch (producer.queue.match(receipt.sequence_id())) {
        case SendQueue::Match::before: return;
        case SendQueue::Match::beyond:
            // Sent again from the oldest on, which heals whatever went wrong.
            return hang_up(connection, {ErrorKind::unavailable, "pulsar-protocol", "a receipt came for what is not the oldest message"},
                           now);
        case SendQueue::Match::oldest: break;
    }
    if (producer.refused) producer.handle.backoff.reset();
    producer.refused = false;
    const auto& id = receipt.message_id();
    const bool duplicate = !receipt.has_message_id() || (id.ledgerid() == id_of_duplicate && id.entryid() == id_of_duplicate);
    auto stored = duplicate ? wire::MessageId{} : wire::MessageId{.ledger = id.ledgerid(), .entry = id.entryid()};
    sent(found->first, producer, stored, duplicate);
    after_sent(found->first, now);
}

void Session::State::send_error(std::uint64_t connection, const proto::CommandSendError& error, Now now) {
    const auto found = producers.find(error.producer_id());
    if (found == producers.end() || found->second.handle.connection != connection) return;
    const auto id = found->first;
    auto& producer = found->second;
    const auto why = wire::to_error(error.error(), error.message());
    const bool is_oldest = producer.queue.match(error.sequence_id()) == SendQueue::Match::oldest;
    switch (error.error()) {
        case proto::NotAllowedError:
            if (!is_oldest) break;
            sent(id, producer, why, false);
            return after_sent(id, now);
        case proto::ChecksumError:
            if (!is_oldest || producer.queue.is_oldest_whole()) break;
            sent(id, producer, Error{ErrorKind::fault, "pulsar-checksum", "a message was damaged in our memory"}, false);
            return after_sent(id, now);
        case proto::TopicTerminatedError:
        case proto::ProducerFenced: return end_producer(id, why, now);
        default: break;
    }
    // Sent again, identical, over a new connection; the broker tells what it has. Should it refuse again, that waits longer each time.
    producer.refused = true;
    hang_up(connection, why, now);
}

void Session::State::fail_pending(std::uint64_t id, const Error& error) {
    auto& producer = producers.at(id);
    for (auto& flush : producer.flushes) flush.failed = true;
    if (const auto count = producer.queue.clear(); count > 0)
        emit(Sent{.producer = ProducerId{id}, .count = count, .id = error, .duplicate = false});
}

void Session::State::producer_due(std::uint64_t id, Now now) {
    const auto found = producers.find(id);
    if (found == producers.end()) return;
    auto& producer = found->second;
    if (const auto due = producer.queue.batch_due(); due && *due <= now.steady) {
        producer.queue.end_batch(now);
        send_unsent(producer);
    }
    if (const auto deadline = producer.queue.oldest_deadline(); deadline && *deadline <= now.steady) {
        // What was handed to the connection would still lie there, beside what comes instead of it.
        const auto connection = producer.handle.connection;
        fail_pending(id, {ErrorKind::unavailable, "pulsar-timeout", "the broker did not acknowledge in time; the message may be stored"});
        after_sent(id, now);
        if (is_ready(connection)) hang_up(connection, {ErrorKind::unavailable, "pulsar-timeout", "the broker does not acknowledge"}, now);
        if (!producers.contains(id)) return;
    }
    auto& handle = producer.handle;
    if (handle.close_deadline && *handle.close_deadline <= now.steady) {
        handle.close_deadline.reset();
        fail_pending(id, {ErrorKind::unavailable, "pulsar-timeout", "the producer was closed before the broker acknowledged"});
        after_sent(id, now);
        if (!producers.contains(id)) return;
    }
    if (handle.stage == Handle::Stage::waiting && handle.retry_at && *handle.retry_at <= now.steady) begin_attach(producer_owner(id), now);
    arm(producer_owner(id));
}

void Session::close_producer(ProducerId producer, Now now) {
    const auto id = static_cast<std::uint64_t>(producer);
    const auto found = state_->producers.find(id);
    if (found == state_->producers.end()) return state_->emit(ProducerClosed{.producer = producer, .result = kernel::ok()});
    auto& handle = found->second.handle;
    if (handle.closing) return;
    handle.closing = true;
    if (!handle.opened) {
        if (handle.stage == Handle::Stage::registering) state_->send_close(producer_owner(id), handle.connection, 0, now);
        return state_->end_producer(id, no_producer(), now);
    }
    found->second.queue.end_batch(now);
    state_->send_unsent(found->second);
    handle.close_deadline = now.steady + state_->options.operation_timeout;
    state_->begin_close_producer(id, now);
}

void Session::abandon_producer(ProducerId producer, Now now) {
    const auto id = static_cast<std::uint64_t>(producer);
    const auto found = state_->producers.find(id);
    if (found != state_->producers.end() && found->second.handle.opened) state_->fail_pending(id, no_producer());
    close_producer(producer, now);
    // One that was closing and waited for its messages waits for nothing now.
    if (state_->producers.contains(id)) state_->after_sent(id, now);
}

void Session::State::begin_close_producer(std::uint64_t id, Now now) {
    auto& producer = producers.at(id);
    auto& handle = producer.handle;
    if (!producer.queue.empty()) return arm(producer_owner(id));
    handle.close_deadline.reset();
    if (handle.close_request != 0) return;
    if (handle.stage != Handle::Stage::attached) {
        if (handle.stage == Handle::Stage::registering) send_close(producer_owner(id), handle.connection, 0, now);
        return end_producer(id, kernel::ok(), now);
    }
    handle.close_request = new_request({.kind = Request::Kind::close_producer, .owner = id, .connection = handle.connection},
                                       now.steady + options.operation_timeout);
    send_close(producer_owner(id), handle.connection, handle.close_request, now);
    arm(producer_owner(id));
}

void Session::State::end_producer(std::uint64_t id, Result<void> result, Now now) {
    const auto found = producers.find(id);
    if (found == producers.end()) return;
    auto& producer = found->second;
    const auto error = result ? no_producer() : result.error();
    if (!producer.handle.opened) {
        emit(ProducerOpened{.producer = ProducerId{id}, .facts = error});
        if (producer.handle.closing) emit(ProducerClosed{.producer = ProducerId{id}, .result = kernel::ok()});
    } else {
        fail_pending(id, error);
        for (const auto& flush : producer.flushes) emit(Flushed{.producer = ProducerId{id}, .operation = flush.operation, .result = error});
        emit(ProducerClosed{.producer = ProducerId{id}, .result = std::move(result)});
    }
    forget_request(producer.handle.close_request);
    forget_request(producer.handle.request);
    producers.erase(found);
    timers.set(producer_owner(id), std::nullopt);
    finish_closing(now);
}

std::size_t Session::pending_messages(ProducerId producer) const {
    const auto found = state_->producers.find(static_cast<std::uint64_t>(producer));
    return found == state_->producers.end() ? 0 : found->second.queue.messages();
}
std::size_t Session::pending_bytes(ProducerId producer) const {
    const auto found = state_->producers.find(static_cast<std::uint64_t>(producer));
    return found == state_->producers.end() ? 0 : found->second.queue.bytes();
}
bool Session::is_attached(ProducerId producer) const {
    const auto found = state_->producers.find(static_cast<std::uint64_t>(producer));
    return found != state_->producers.end() && found->second.handle.stage == Handle::Stage::attached;
}

}  // namespace platform::pulsar::session
