// Consumers and readers: subscribed, allowed to receive, acknowledging, sought, closed.
#include "platform/pulsar/session/state.hpp"

#include <algorithm>

namespace platform::pulsar::session {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

namespace {

constexpr std::size_t acks_together_max = 1000;
constexpr std::size_t nacks_together_max = 1000;

proto::CommandSubscribe::SubType to_proto(SubscriptionType type) {
    switch (type) {
        case SubscriptionType::exclusive: return proto::CommandSubscribe::Exclusive;
        case SubscriptionType::shared: return proto::CommandSubscribe::Shared;
        case SubscriptionType::failover: return proto::CommandSubscribe::Failover;
        case SubscriptionType::key_shared: return proto::CommandSubscribe::Key_Shared;
    }
    return proto::CommandSubscribe::Exclusive;
}

// One consumer has all messages of the subscription, in order.
bool is_ordered(SubscriptionType type) {
    return type == SubscriptionType::exclusive || type == SubscriptionType::failover;
}

void to_proto(const wire::MessageId& id, proto::MessageIdData& out) {
    out.set_ledgerid(id.ledger);
    out.set_entryid(id.entry);
}

// Acknowledges what either of two acknowledgements of one entry does.
void join(ReceiveQueue::Ack& ack, const ReceiveQueue::Ack& other) {
    ack.ack_set.resize(std::min(ack.ack_set.size(), other.ack_set.size()));  // words that are left out are acknowledged
    for (std::size_t i = 0; i < ack.ack_set.size(); ++i) ack.ack_set[i] &= other.ack_set[i];
    while (!ack.ack_set.empty() && ack.ack_set.back() == 0) ack.ack_set.pop_back();
}

// What is acknowledged stays so, in whatever order it is asked. Entry -1, the end of the ledger before, lies before entry 0.
void join_cumulative(std::optional<ReceiveQueue::Ack>& waiting, const ReceiveQueue::Ack& ack) {
    const auto place = [](const ReceiveQueue::Ack& of) { return std::pair(of.id.ledger, static_cast<std::int64_t>(of.id.entry)); };
    if (!waiting || place(*waiting) < place(ack)) waiting = ack;
    else if (place(*waiting) == place(ack)) join(*waiting, ack);
}

Error no_consumer() {
    return {ErrorKind::interrupted, "pulsar-consumer-closed", "the consumer is closed"};
}
Error not_attached() {
    return {ErrorKind::unavailable, "pulsar-not-connected", "the consumer has no broker at the moment"};
}

std::pair<std::uint64_t, std::uint64_t> entry_of(const wire::MessageId& id) {
    return {id.ledger, id.entry};
}

// What is acknowledged whole is not asked for again.
void forget_nacks(ConsumerState& consumer, const ReceiveQueue::Ack& ack, bool cumulative) {
    if (consumer.nacks.empty() || !ack.ack_set.empty()) return;
    if (cumulative) consumer.nacks.erase(consumer.nacks.begin(), consumer.nacks.upper_bound(entry_of(ack.id)));
    else consumer.nacks.erase(entry_of(ack.id));
}

}  // namespace

ConsumerId Session::open_consumer(ConsumerOptions options, Now now) {
    auto& state = *state_;
    const auto id = state.next_id++;
    if (state.closing) {
        state.emit(ConsumerOpened{.consumer = ConsumerId{id}, .result = no_consumer()});
        return ConsumerId{id};
    }
    // A reader's subscription goes with it, and two under one name would keep each other out.
    if (!options.durable && options.subscription.empty()) options.subscription = "reader-" + std::to_string(state.random());
    Handle handle{
        .topic = options.topic, .backoff = Backoff(state.options.backoff_first, state.options.backoff_last), .first_try = now.steady};
    ReceiveQueue queue(options, state.options.uncompressed_bytes_max);
    state.consumers.emplace(id, ConsumerState{.handle = std::move(handle), .options = std::move(options), .queue = std::move(queue)});
    state.begin_attach(consumer_owner(id), now);
    return ConsumerId{id};
}

void Session::State::register_consumer(std::uint64_t id, Now now) {
    auto& consumer = consumers.at(id);
    auto& handle = consumer.handle;
    const auto& wanted = consumer.options;
    handle.request = new_request({.kind = Request::Kind::register_consumer, .owner = id, .connection = handle.connection},
                                 now.steady + options.operation_timeout);
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::SUBSCRIBE);
    auto& subscribe = *command.mutable_subscribe();
    subscribe.set_topic(handle.topic);
    subscribe.set_subscription(wanted.subscription);
    subscribe.set_subtype(to_proto(wanted.type));
    subscribe.set_consumer_id(id);
    subscribe.set_request_id(handle.request);
    if (!wanted.name.empty()) subscribe.set_consumer_name(wanted.name);
    subscribe.set_priority_level(wanted.priority);
    subscribe.set_durable(wanted.durable);
    subscribe.set_read_compacted(wanted.read_compacted);
    subscribe.set_force_topic_creation(false);
    subscribe.set_initialposition(wanted.from_earliest ? proto::CommandSubscribe::Earliest : proto::CommandSubscribe::Latest);
    if (is_ordered(wanted.type)) subscribe.set_consumer_epoch(consumer.epoch);
    for (const auto& [key, value] : wanted.properties) {
        auto& property = *subscribe.add_metadata();
        property.set_key(key);
        property.set_value(value);
    }
    if (wanted.type == SubscriptionType::key_shared) {
        auto& meta = *subscribe.mutable_keysharedmeta();
        meta.set_keysharedmode(wanted.sticky_ranges.empty() ? proto::AUTO_SPLIT : proto::STICKY);
        for (const auto& [first, last] : wanted.sticky_ranges) {
            auto& range = *meta.add_hashranges();
            range.set_start(first);
            range.set_end(last);
        }
    }
    if (!wanted.durable) {
        const auto start = consumer.queue.resume_at();
        to_proto(start, *subscribe.mutable_start_message_id());
        // With a batch index the broker begins at the entry itself, not behind it; what is too early is dropped here.
        if (start != wire::earliest && start != wire::latest)
            subscribe.mutable_start_message_id()->set_batch_index(std::max(start.batch_index, 0));
    }
    write(handle.connection, command, now);
}

void Session::State::consumer_attached(std::uint64_t id, Now now) {
    const auto found = consumers.find(id);
    if (found == consumers.end()) return;
    auto& consumer = found->second;
    auto& handle = consumer.handle;
    handle.stage = Handle::Stage::attached;
    handle.request = 0;
    handle.retry_at.reset();
    handle.backoff.reset();
    consumer.queue.attached();
    consumer.seek_sent_here = false;
    consumer.dropped_by_seek = false;
    consumer.readable_told = false;
    if (handle.opened) {
        emit(Reattached{ConsumerId{id}});
    } else {
        handle.opened = true;
        emit(ConsumerOpened{.consumer = ConsumerId{id}, .result = kernel::ok()});
    }
    allow(id, now);
    finish_seek(id, now);
    send_orders(id, now);
    arm(consumer_owner(id));
}

void Session::State::allow(std::uint64_t id, Now now) {
    auto& consumer = consumers.at(id);
    if (consumer.handle.stage != Handle::Stage::attached || consumer.ended || consumer.handle.closing) return;
    const auto permits = consumer.queue.to_allow();
    if (permits == 0) return;
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::FLOW);
    command.mutable_flow()->set_consumer_id(id);
    command.mutable_flow()->set_messagepermits(permits);
    write(consumer.handle.connection, command, now);
}

void Session::State::tell_readable(std::uint64_t id) {
    auto& consumer = consumers.at(id);
    if (consumer.readable_told) return;
    consumer.readable_told = true;
    emit(Readable{ConsumerId{id}});
}

void Session::State::message(std::uint64_t connection, const proto::CommandMessage& command, std::string_view section, Now now) {
    const auto found = consumers.find(command.consumer_id());
    if (found == consumers.end() || found->second.handle.connection != connection) return;
    auto& consumer = found->second;
    if (consumer.handle.stage != Handle::Stage::attached || consumer.ended) return;
    const bool is_late = command.has_consumer_epoch() && command.consumer_epoch() < consumer.epoch;
    const bool is_before_seek = consumer.seeking && consumer.seek_sent_here;
    consumer.dropped_by_seek |= is_before_seek;
    auto arrived = consumer.queue.arrived(command, section, !is_late && !is_before_seek);
    if (!arrived) return broken(found->first, arrived.error(), now);
    if (!consumer.queue.empty() && !consumer.seeking) tell_readable(found->first);
    allow(found->first, now);
}

// At its end, though it was subscribed: take() gives what was queued, then the reason.
void Session::State::broken(std::uint64_t id, const Error& error, Now now) {
    auto& consumer = consumers.at(id);
    consumer.ended = error;
    auto& handle = consumer.handle;
    if (handle.stage == Handle::Stage::attached || handle.stage == Handle::Stage::registering)
        send_close(consumer_owner(id), handle.connection, 0, now);
    forget_request(handle.request);
    handle.stage = Handle::Stage::waiting;
    handle.retry_at.reset();
    handle.connection = 0;
    handle.request = 0;
    for (const auto& order : consumer.orders) {
        forget_request(order.request);
        if (order.kind == ConsumerOrder::Kind::last_message)
            emit(LastMessage{.consumer = ConsumerId{id}, .operation = order.operation, .id = error});
        else emit(Done{.consumer = ConsumerId{id}, .operation = order.operation, .result = error});
    }
    consumer.orders.clear();
    consumer.readable_told = false;
    tell_readable(id);
    arm(consumer_owner(id));
}

Result<std::vector<Message>> Session::take(ConsumerId id, std::size_t messages_max, Now now) {
    const auto found = state_->consumers.find(static_cast<std::uint64_t>(id));
    if (found == state_->consumers.end()) return no_consumer();
    auto& consumer = found->second;
    // Attached anew, and the answer of the seek is still on its way: what came is kept until it is known to lie behind the seek.
    if (consumer.seeking && !consumer.ended) return std::vector<Message>();
    auto taken = consumer.queue.take(messages_max);
    if (consumer.queue.empty()) consumer.readable_told = false;
    if (taken.empty() && consumer.ended) return *consumer.ended;
    state_->allow(found->first, now);
    return taken;
}

// --- Acknowledgements

void Session::ack(ConsumerId id, const wire::MessageId& message, std::optional<OperationId> operation, Now now) {
    const auto found = state_->consumers.find(static_cast<std::uint64_t>(id));
    if (found == state_->consumers.end()) {
        if (operation) state_->emit(Done{.consumer = id, .operation = *operation, .result = no_consumer()});
        return;
    }
    if (found->second.seeking) {  // it would take the cursor away from where it is to go
        if (operation) state_->emit(Done{.consumer = id, .operation = *operation, .result = kernel::ok()});
        return;
    }
    if (operation) return state_->add_ack(found->first, found->second.queue.ack(message), false, operation, now);
    auto& ack = state_->ack_scratch;
    if (found->second.queue.ack(message, ack)) state_->keep_ack(found->first, found->second, ack, false, now);
}

void Session::ack_cumulative(ConsumerId id, const wire::MessageId& message, std::optional<OperationId> operation, Now now) {
    const auto found = state_->consumers.find(static_cast<std::uint64_t>(id));
    if (found == state_->consumers.end() || !is_ordered(found->second.options.type)) {
        if (operation)
            state_->emit(Done{.consumer = id,
                              .operation = *operation,
                              .result = found == state_->consumers.end()
                                            ? no_consumer()
                                            : Error{ErrorKind::incorrect, "pulsar-cumulative-ack",
                                                    "a Shared or Key_Shared subscription acknowledges messages one by one"}});
        return;
    }
    if (found->second.seeking) {
        if (operation) state_->emit(Done{.consumer = id, .operation = *operation, .result = kernel::ok()});
        return;
    }
    state_->add_ack(found->first, found->second.queue.ack_cumulative(message), true, operation, now);
}

void Session::State::add_ack(std::uint64_t id, std::optional<ReceiveQueue::Ack> ack, bool cumulative, std::optional<OperationId> operation,
                             Now now) {
    auto& consumer = consumers.at(id);
    const bool attached = consumer.handle.stage == Handle::Stage::attached;
    if (operation) {
        if (!attached) return emit(Done{.consumer = ConsumerId{id}, .operation = *operation, .result = not_attached()});
        // There is nothing to tell the broker: what was asked holds already.
        if (!ack) return emit(Done{.consumer = ConsumerId{id}, .operation = *operation, .result = kernel::ok()});
        send_acks(id, now);
        forget_nacks(consumer, *ack, cumulative);
        return send_ack(id, {*ack}, cumulative, operation, now);
    }
    if (ack) keep_ack(id, consumer, *ack, cumulative, now);
}

// For send_acks(), which a timer calls.
void Session::State::keep_ack(std::uint64_t id, ConsumerState& consumer, const ReceiveQueue::Ack& ack, bool cumulative, Now now) {
    forget_nacks(consumer, ack, cumulative);
    if (cumulative) join_cumulative(consumer.cumulative, ack);
    else if (const auto [waiting, is_new] = consumer.acks.try_emplace(entry_of(ack.id), ack); !is_new) join(waiting->second, ack);
    const bool is_first = !consumer.acks_due;
    if (is_first) consumer.acks_due = now.steady + consumer.options.ack_delay;
    if (consumer.handle.stage == Handle::Stage::attached && consumer.acks.size() >= acks_together_max) send_acks(id, now);
    else if (is_first) arm(consumer_owner(id));
}

void Session::State::send_acks(std::uint64_t id, Now now) {
    auto& consumer = consumers.at(id);
    if (consumer.handle.stage != Handle::Stage::attached) return;
    consumer.acks_due.reset();
    if (consumer.cumulative) {
        send_ack(id, {*consumer.cumulative}, true, std::nullopt, now);
        consumer.cumulative.reset();
    }
    std::vector<ReceiveQueue::Ack> together;
    for (auto& [entry, ack] : consumer.acks) {
        together.push_back(std::move(ack));
        if (together.size() < acks_together_max) continue;
        send_ack(id, together, false, std::nullopt, now);
        together.clear();
    }
    if (!together.empty()) send_ack(id, together, false, std::nullopt, now);
    consumer.acks.clear();
}

void Session::State::send_ack(std::uint64_t id, const std::vector<ReceiveQueue::Ack>& acks, bool cumulative,
                              std::optional<OperationId> operation, Now now) {
    const auto connection = consumers.at(id).handle.connection;
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::ACK);
    auto& sent = *command.mutable_ack();
    sent.set_consumer_id(id);
    sent.set_ack_type(cumulative ? proto::CommandAck::Cumulative : proto::CommandAck::Individual);
    for (const auto& ack : acks) {
        auto& message = *sent.add_message_id();
        to_proto(ack.id, message);
        for (const auto word : ack.ack_set) message.add_ack_set(static_cast<std::int64_t>(word));
        if (!ack.ack_set.empty()) message.set_batch_size(ack.id.batch_size);
    }
    if (operation)
        sent.set_request_id(new_request({.kind = Request::Kind::ack, .owner = id, .connection = connection, .operation = *operation},
                                        now.steady + options.operation_timeout));
    write(connection, command, now);
}

// --- Redelivery

void Session::nack(ConsumerId id, const wire::MessageId& message, Now now) {
    const auto found = state_->consumers.find(static_cast<std::uint64_t>(id));
    if (found == state_->consumers.end()) return;
    auto& consumer = found->second;
    const auto due = now.steady + consumer.options.nack_delay;
    consumer.nacks.try_emplace(entry_of(message), due);
    if (!consumer.nacks_due) consumer.nacks_due = due;
    state_->arm(consumer_owner(found->first));
}

void Session::State::send_nacks(std::uint64_t id, Now now) {
    auto& consumer = consumers.at(id);
    std::vector<wire::MessageId> due;
    std::optional<Time> next;
    for (auto nack = consumer.nacks.begin(); nack != consumer.nacks.end();) {
        if (nack->second <= now.steady) {
            due.push_back({.ledger = nack->first.first, .entry = nack->first.second});
            nack = consumer.nacks.erase(nack);
            continue;
        }
        if (!next || nack->second < *next) next = nack->second;
        ++nack;
    }
    consumer.nacks_due = next;
    if (due.empty()) return;
    send_acks(id, now);  // what is acknowledged is not to come again
    if (is_ordered(consumer.options.type)) return redeliver(id, {}, now);
    for (std::size_t i = 0; i < due.size(); i += nacks_together_max)
        redeliver(id,
                  {due.begin() + static_cast<std::ptrdiff_t>(i),
                   due.begin() + static_cast<std::ptrdiff_t>(std::min(i + nacks_together_max, due.size()))},
                  now);
}

void Session::redeliver_all(ConsumerId id, Now now) {
    const auto found = state_->consumers.find(static_cast<std::uint64_t>(id));
    if (found == state_->consumers.end()) return;
    found->second.queue.drop_queued();
    found->second.readable_told = false;
    if (found->second.handle.stage != Handle::Stage::attached) return;  // then it comes again anyway
    found->second.nacks.clear();
    found->second.nacks_due.reset();
    state_->send_acks(found->first, now);
    state_->redeliver(found->first, {}, now);
}

// No ids: everything that is not acknowledged.
void Session::State::redeliver(std::uint64_t id, const std::vector<wire::MessageId>& ids, Now now) {
    auto& consumer = consumers.at(id);
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::REDELIVER_UNACKNOWLEDGED_MESSAGES);
    auto& wanted = *command.mutable_redeliver_unacknowledged_messages();
    wanted.set_consumer_id(id);
    for (const auto& message : ids) to_proto(message, *wanted.add_message_ids());
    if (ids.empty()) {
        consumer.queue.drop_queued();
        consumer.readable_told = false;
        if (is_ordered(consumer.options.type)) wanted.set_consumer_epoch(++consumer.epoch);
    }
    write(consumer.handle.connection, command, now);
    allow(id, now);
}

// --- Orders: asked of the broker when there is one, and answered once.

void Session::seek(ConsumerId id, const wire::MessageId& message, OperationId operation, Now now) {
    state_->add_order(static_cast<std::uint64_t>(id), {.kind = ConsumerOrder::Kind::seek, .operation = operation, .id = message}, now);
}
void Session::last_message_id(ConsumerId id, OperationId operation, Now now) {
    state_->add_order(static_cast<std::uint64_t>(id), {.kind = ConsumerOrder::Kind::last_message, .operation = operation}, now);
}
void Session::unsubscribe(ConsumerId id, OperationId operation, Now now) {
    state_->add_order(static_cast<std::uint64_t>(id), {.kind = ConsumerOrder::Kind::unsubscribe, .operation = operation}, now);
}

void Session::State::add_order(std::uint64_t id, ConsumerOrder order, Now now) {
    const auto found = consumers.find(id);
    if (found == consumers.end() || found->second.ended || found->second.handle.closing) {
        const auto error = found != consumers.end() && found->second.ended ? *found->second.ended : no_consumer();
        if (order.kind == ConsumerOrder::Kind::last_message)
            return emit(LastMessage{.consumer = ConsumerId{id}, .operation = order.operation, .id = error});
        return emit(Done{.consumer = ConsumerId{id}, .operation = order.operation, .result = error});
    }
    order.deadline = now.steady + options.operation_timeout;
    found->second.orders.push_back(order);
    send_orders(id, now);
    arm(consumer_owner(id));
}

void Session::State::send_orders(std::uint64_t id, Now now) {
    auto& consumer = consumers.at(id);
    if (consumer.handle.stage != Handle::Stage::attached) return;
    bool behind_seek = false;  // one seek at a time
    for (auto& order : consumer.orders) {
        const bool must_wait = behind_seek && order.kind != ConsumerOrder::Kind::last_message;
        behind_seek |= order.kind == ConsumerOrder::Kind::seek;
        if (must_wait || order.request != 0 || order.retry_at > now.steady) continue;
        send_acks(id, now);
        order.request = new_request(
            {.kind = Request::Kind::consumer_order, .owner = id, .connection = consumer.handle.connection, .operation = order.operation},
            std::nullopt);
        proto::BaseCommand command;
        switch (order.kind) {
            case ConsumerOrder::Kind::seek: {
                consumer.seeking = true;
                consumer.seek_answered = false;
                consumer.seek_sent_here = true;
                consumer.dropped_by_seek |= !consumer.queue.empty();
                consumer.queue.start_from(order.id);
                consumer.cumulative.reset();
                consumer.acks.clear();
                consumer.nacks.clear();
                consumer.readable_told = false;
                command.set_type(proto::BaseCommand::SEEK);
                auto& seek = *command.mutable_seek();
                seek.set_consumer_id(id);
                seek.set_request_id(order.request);
                to_proto(order.id, *seek.mutable_message_id());
                if (order.id.batch_index > 0 && order.id.batch_index < order.id.batch_size) {  // those before it count as acknowledged
                    auto rest = wire::BitSet::all(static_cast<std::size_t>(order.id.batch_size));
                    rest.clear_through(static_cast<std::size_t>(order.id.batch_index) - 1);
                    for (const auto word : rest.words()) seek.mutable_message_id()->add_ack_set(static_cast<std::int64_t>(word));
                }
                break;
            }
            case ConsumerOrder::Kind::unsubscribe:
                command.set_type(proto::BaseCommand::UNSUBSCRIBE);
                command.mutable_unsubscribe()->set_consumer_id(id);
                command.mutable_unsubscribe()->set_request_id(order.request);
                break;
            case ConsumerOrder::Kind::last_message:
                command.set_type(proto::BaseCommand::GET_LAST_MESSAGE_ID);
                command.mutable_get_last_message_id()->set_consumer_id(id);
                command.mutable_get_last_message_id()->set_request_id(order.request);
                break;
        }
        write(consumer.handle.connection, command, now);
    }
}

void Session::State::order_answered(std::uint64_t id, OperationId operation, Result<std::optional<wire::MessageId>> result, Now now) {
    const auto found = consumers.find(id);
    if (found == consumers.end()) return;
    auto& consumer = found->second;
    const auto order = std::ranges::find(consumer.orders, operation, &ConsumerOrder::operation);
    if (order == consumer.orders.end()) return;
    if (order->kind == ConsumerOrder::Kind::seek && result) {
        order->request = 0;
        order->retry_at = Time::max();  // answered; done when the consumer is subscribed there
        consumer.seek_answered = true;
        return finish_seek(id, now);
    }
    // One that waits behind another was not sent.
    const bool is_sought = order == std::ranges::find(consumer.orders, ConsumerOrder::Kind::seek, &ConsumerOrder::kind);
    if (is_sought && consumer.seeking) {
        // Where the broker's cursor is now is not known: from there on it goes as the broker says. A reader begins where it was.
        consumer.queue.seek_ended(consumer.seek_answered);
        consumer.seeking = false;
        consumer.seek_answered = false;
        if (consumer.handle.stage == Handle::Stage::attached && !consumer.handle.closing) {
            if (!consumer.options.durable) {
                send_close(consumer_owner(id), consumer.handle.connection, 0, now);
                detach(consumer_owner(id), std::nullopt, now);
            } else if (consumer.dropped_by_seek) {
                redeliver(id, {}, now);
            } else {
                allow(id, now);
            }
        }
        consumer.dropped_by_seek = false;
        if (!consumer.queue.empty()) tell_readable(id);
    }
    const auto kind = order->kind;
    forget_request(order->request);
    consumer.orders.erase(order);
    if (kind == ConsumerOrder::Kind::last_message) {
        emit(LastMessage{.consumer = ConsumerId{id}, .operation = operation, .id = std::move(result)});
    } else {
        auto done = kernel::ok();
        if (!result) done = std::move(result).error();
        emit(Done{.consumer = ConsumerId{id}, .operation = operation, .result = std::move(done)});
    }
    send_orders(id, now);
    arm(consumer_owner(id));
}

// The answer to a seek and the new subscription come in any order.
void Session::State::finish_seek(std::uint64_t id, Now now) {
    auto& consumer = consumers.at(id);
    if (!consumer.seeking || !consumer.seek_answered || consumer.handle.stage != Handle::Stage::attached) return;
    consumer.seeking = false;
    consumer.seek_answered = false;
    const auto order = std::ranges::find_if(
        consumer.orders, [](const auto& one) { return one.kind == ConsumerOrder::Kind::seek && one.retry_at == Time::max(); });
    if (order == consumer.orders.end()) return;
    consumer.queue.seek_ended(true);
    consumer.dropped_by_seek = false;
    emit(Done{.consumer = ConsumerId{id}, .operation = order->operation, .result = kernel::ok()});
    if (!consumer.queue.empty()) tell_readable(id);
    consumer.orders.erase(order);
    allow(id, now);
    send_orders(id, now);
    arm(consumer_owner(id));
}

void Session::State::consumer_due(std::uint64_t id, Now now) {
    const auto found = consumers.find(id);
    if (found == consumers.end()) return;
    auto& consumer = found->second;
    auto& handle = consumer.handle;
    if (handle.stage == Handle::Stage::attached) {
        if (consumer.acks_due && *consumer.acks_due <= now.steady) send_acks(id, now);
        if (consumer.nacks_due && *consumer.nacks_due <= now.steady) send_nacks(id, now);
    }
    std::vector<OperationId> late;
    for (const auto& order : consumer.orders)
        if (order.deadline <= now.steady) late.push_back(order.operation);
    for (const auto operation : late)
        order_answered(id, operation, Error{ErrorKind::unavailable, "pulsar-timeout", "the broker did not answer in time"}, now);
    send_orders(id, now);
    if (handle.stage == Handle::Stage::waiting && handle.retry_at && *handle.retry_at <= now.steady) begin_attach(consumer_owner(id), now);
    arm(consumer_owner(id));
}

// --- The end

void Session::close_consumer(ConsumerId consumer, Now now) {
    const auto id = static_cast<std::uint64_t>(consumer);
    const auto found = state_->consumers.find(id);
    if (found == state_->consumers.end()) return state_->emit(ConsumerClosed{.consumer = consumer, .result = kernel::ok()});
    if (found->second.handle.closing) return;
    found->second.handle.closing = true;
    state_->begin_close_consumer(id, now);
}

void Session::State::begin_close_consumer(std::uint64_t id, Now now) {
    auto& consumer = consumers.at(id);
    auto& handle = consumer.handle;
    if (handle.stage == Handle::Stage::registering) send_close(consumer_owner(id), handle.connection, 0, now);
    if (handle.stage != Handle::Stage::attached) return end_consumer(id, kernel::ok(), now);
    send_acks(id, now);
    handle.close_request = new_request({.kind = Request::Kind::close_consumer, .owner = id, .connection = handle.connection},
                                       now.steady + options.operation_timeout);
    send_close(consumer_owner(id), handle.connection, handle.close_request, now);
    arm(consumer_owner(id));
}

void Session::State::end_consumer(std::uint64_t id, const Result<void>& result, Now now) {
    const auto found = consumers.find(id);
    if (found == consumers.end()) return;
    auto& consumer = found->second;
    const auto error = result ? no_consumer() : result.error();
    for (const auto& order : consumer.orders) {
        forget_request(order.request);
        if (order.kind == ConsumerOrder::Kind::last_message)
            emit(LastMessage{.consumer = ConsumerId{id}, .operation = order.operation, .id = error});
        else emit(Done{.consumer = ConsumerId{id}, .operation = order.operation, .result = error});
    }
    std::vector<std::uint64_t> unanswered;
    for (const auto& [request_id, request] : requests)
        if (request.kind == Request::Kind::ack && request.owner == id) unanswered.push_back(request_id);
    for (const auto request_id : unanswered) {
        emit(Done{.consumer = ConsumerId{id}, .operation = requests.at(request_id).operation, .result = error});
        forget_request(request_id);
    }
    if (!consumer.handle.opened) emit(ConsumerOpened{.consumer = ConsumerId{id}, .result = error});
    if (consumer.handle.closing) emit(ConsumerClosed{.consumer = ConsumerId{id}, .result = kernel::ok()});
    forget_request(consumer.handle.close_request);
    forget_request(consumer.handle.request);
    consumers.erase(found);
    timers.set(consumer_owner(id), std::nullopt);
    finish_closing(now);
}

std::size_t Session::queued_messages(ConsumerId consumer) const {
    const auto found = state_->consumers.find(static_cast<std::uint64_t>(consumer));
    return found == state_->consumers.end() ? 0 : found->second.queue.size();
}
bool Session::is_attached(ConsumerId consumer) const {
    const auto found = state_->consumers.find(static_cast<std::uint64_t>(consumer));
    return found != state_->consumers.end() && found->second.handle.stage == Handle::Stage::attached;
}

}  // namespace platform::pulsar::session
