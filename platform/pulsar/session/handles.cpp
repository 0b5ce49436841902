// How a producer or consumer comes to the broker of its topic, and comes back when it is lost:
//   waiting -> looking_up -> connecting -> registering -> attached, and from any of them back to waiting.
#include "platform/pulsar/session/state.hpp"

#include <algorithm>

namespace platform::pulsar::session {

using kernel::Error;
using kernel::ErrorKind;
using wire::Reaction;

Handle* Session::State::handle_of(const Owner& owner) {
    if (owner.kind == Owner::producer) {
        const auto found = producers.find(owner.id);
        return found == producers.end() ? nullptr : &found->second.handle;
    }
    const auto found = consumers.find(owner.id);
    return found == consumers.end() ? nullptr : &found->second.handle;
}

std::vector<Owner> Session::State::handles_on(std::uint64_t connection) const {
    std::vector<Owner> found;
    for (const auto& [id, producer] : producers)
        if (producer.handle.connection == connection) found.push_back(producer_owner(id));
    for (const auto& [id, consumer] : consumers)
        if (consumer.handle.connection == connection) found.push_back(consumer_owner(id));
    std::ranges::sort(found);
    return found;
}

void Session::State::begin_attach(const Owner& owner, Now now) {
    auto& handle = *handle_of(owner);
    handle.retry_at.reset();
    handle.stage = Handle::Stage::looking_up;
    if (!handle.assigned) return want_lookup(owner, handle.topic, now);
    const Endpoint endpoint{.physical = *handle.assigned, .behind_proxy = {}};
    handle.assigned.reset();  // tried once
    connect_handle(owner, endpoint, now);
}

void Session::State::connect_handle(const Owner& owner, const Endpoint& endpoint, Now now) {
    auto& handle = *handle_of(owner);
    handle.stage = Handle::Stage::connecting;
    handle.connection = connection_to(endpoint, now);
    if (is_ready(handle.connection)) register_handle(owner, now);
}

void Session::State::connection_ready(std::uint64_t connection, Now now) {
    std::vector<std::uint64_t> waiting;
    for (const auto& [id, query] : queries)
        if (query.connection == connection && query.request == 0) waiting.push_back(id);
    for (const auto id : waiting) send_query(id, now);
    for (auto& [topic, lookup] : lookups)
        if (lookup.connection == connection && lookup.request == 0) send_lookup(lookup, now);
    for (const auto& owner : handles_on(connection))
        if (handle_of(owner)->stage == Handle::Stage::connecting) register_handle(owner, now);
}

void Session::State::register_handle(const Owner& owner, Now now) {
    auto& handle = *handle_of(owner);
    handle.stage = Handle::Stage::registering;
    if (owner.kind == Owner::producer) register_producer(owner.id, now);
    else register_consumer(owner.id, now);
}

void Session::State::attach_failed(const Owner& owner, const Error& error, Reaction reaction, Now now) {
    auto* handle = handle_of(owner);
    if (!handle) return;
    handle->stage = Handle::Stage::waiting;
    handle->connection = 0;
    handle->request = 0;
    if (reaction == Reaction::end_handle) return end_handle(owner, error, now);
    if (!handle->opened) {
        const bool refused = reaction == Reaction::fail_operation || error.kind == ErrorKind::forbidden;
        // Credentials may have been renewed since: one more try.
        if (refused && (error.kind != ErrorKind::forbidden || handle->refused_once)) return end_handle(owner, error, now);
        handle->refused_once |= refused;
        const auto patience = reaction == Reaction::retry_for_a_while ? options.busy_timeout : options.operation_timeout;
        if (!handle->waits_its_turn && now.steady - handle->first_try >= patience) return end_handle(owner, error, now);
    }
    handle->retry_at = now.steady + handle->backoff.next(random);
    arm(owner);
}

void Session::State::detach(const Owner& owner, std::optional<Address> assigned, Now now) {
    auto& handle = *handle_of(owner);
    if (handle.close_request != 0) {  // gone, as was asked: to come back would leave it there
        if (owner.kind == Owner::producer) return end_producer(owner.id, kernel::ok(), now);
        return end_consumer(owner.id, kernel::ok(), now);
    }
    handle.stage = Handle::Stage::waiting;
    handle.connection = 0;
    handle.request = 0;
    if (owner.kind == Owner::consumer) {
        const auto& consumer = consumers.at(owner.id);
        if (consumer.options.type == SubscriptionType::failover) emit(ActiveChanged{.consumer = ConsumerId{owner.id}, .active = false});
        if (consumer.ended) return arm(owner);
    }
    handle.assigned = std::move(assigned);
    if (handle.assigned) return begin_attach(owner, now);
    handle.retry_at = now.steady + handle.backoff.next(random);
    arm(owner);
}

void Session::State::end_handle(const Owner& owner, const Error& error, Now now) {
    if (owner.kind == Owner::producer) return end_producer(owner.id, error, now);
    if (!handle_of(owner)->opened || handle_of(owner)->closing) return end_consumer(owner.id, error, now);
    broken(owner.id, error, now);
}

void Session::State::send_close(const Owner& owner, std::uint64_t connection, std::uint64_t request, Now now) {
    if (!is_ready(connection)) return;
    proto::BaseCommand command;
    const auto request_id = request == 0 ? next_id++ : request;
    if (owner.kind == Owner::producer) {
        command.set_type(proto::BaseCommand::CLOSE_PRODUCER);
        command.mutable_close_producer()->set_producer_id(owner.id);
        command.mutable_close_producer()->set_request_id(request_id);
    } else {
        command.set_type(proto::BaseCommand::CLOSE_CONSUMER);
        command.mutable_close_consumer()->set_consumer_id(owner.id);
        command.mutable_close_consumer()->set_request_id(request_id);
    }
    write(connection, command, now);
}

void Session::State::request_timed_out(std::uint64_t id, Now now) {
    const auto found = requests.find(id);
    if (found == requests.end()) return;
    const auto request = found->second;
    requests.erase(found);
    // It may have been done all the same: what is registered now would be in our own way at the next try.
    if (request.kind == Request::Kind::register_producer) send_close(producer_owner(request.owner), request.connection, 0, now);
    if (request.kind == Request::Kind::register_consumer) send_close(consumer_owner(request.owner), request.connection, 0, now);
    request_failed(request, id, {ErrorKind::unavailable, "pulsar-timeout", "the broker did not answer in time"}, Reaction::retry, now);
}

void Session::State::arm(const Owner& owner) {
    std::optional<Time> due;
    const auto consider = [&](std::optional<Time> time) {
        if (time && (!due || *time < *due)) due = time;
    };
    const auto* handle = handle_of(owner);
    if (!handle) return timers.set(owner, std::nullopt);
    if (handle->stage == Handle::Stage::waiting) consider(handle->retry_at);
    consider(handle->close_deadline);
    if (owner.kind == Owner::producer) {
        const auto& producer = producers.at(owner.id);
        consider(producer.queue.batch_due());
        consider(producer.queue.oldest_deadline());
    } else {
        const auto& consumer = consumers.at(owner.id);
        if (handle->stage == Handle::Stage::attached) {
            consider(consumer.acks_due);
            consider(consumer.nacks_due);
        }
        bool behind_seek = false;
        for (const auto& order : consumer.orders) {
            consider(order.deadline);
            const bool must_wait = behind_seek && order.kind != ConsumerOrder::Kind::last_message;
            behind_seek |= order.kind == ConsumerOrder::Kind::seek;
            if (order.request == 0 && order.retry_at != Time::max() && handle->stage == Handle::Stage::attached && !must_wait)
                consider(order.retry_at);
        }
    }
    timers.set(owner, due);
}

void Session::State::fire(const Owner& owner, Now now) {
    switch (owner.kind) {
        case Owner::connection: return check_connection(owner.id, now);
        case Owner::request: return request_timed_out(owner.id, now);
        case Owner::partitions: {
            const auto found = queries.find(owner.id);
            if (found == queries.end()) return;
            if (now.steady >= found->second.deadline)
                return end_query(owner.id, found->second.cause.value_or(
                                               Error{ErrorKind::unavailable, "pulsar-timeout", "the broker did not answer in time"}));
            return start_query(owner.id, now);
        }
        case Owner::producer: return producer_due(owner.id, now);
        case Owner::consumer: return consumer_due(owner.id, now);
    }
}

}  // namespace platform::pulsar::session
