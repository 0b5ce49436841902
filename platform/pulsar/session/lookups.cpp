// Who serves a topic, and how many partitions it has: asked at the service's addresses, and where those send us.
#include "platform/pulsar/session/state.hpp"

#include <algorithm>

namespace platform::pulsar::session {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using wire::Reaction;

// --- Partitions

void Session::State::start_query(std::uint64_t id, Now now) {
    auto& query = queries.at(id);
    timers.set({Owner::partitions, id}, query.deadline);  // whatever it waits for until then
    query.connection = service_connection(now);
    if (is_ready(query.connection)) send_query(id, now);
}

void Session::State::send_query(std::uint64_t id, Now now) {
    auto& query = queries.at(id);
    query.request = new_request({.kind = Request::Kind::partitions, .owner = id, .connection = query.connection}, query.deadline);
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::PARTITIONED_METADATA);
    auto& asked = *command.mutable_partitioned_metadata();
    asked.set_topic(query.topic);
    asked.set_request_id(query.request);
    asked.set_metadata_auto_creation_enabled(false);
    write(query.connection, command, now);
}

void Session::State::query_failed(std::uint64_t id, const Error& error, bool retry, Now now) {
    const auto found = queries.find(id);
    if (found == queries.end()) return;
    auto& query = found->second;
    // Another service may take what one refuses, and credentials may have been renewed since.
    if (error.kind == ErrorKind::forbidden && query.refusals++ >= options.services.size()) retry = false;
    if (!retry) return end_query(id, error);
    if (now.steady >= query.deadline) return end_query(id, query.cause.value_or(error));
    query.cause = error;
    query.connection = 0;
    query.request = 0;
    timers.set({Owner::partitions, id}, std::min(query.deadline, now.steady + query.backoff.next(random)));
}

void Session::State::end_query(std::uint64_t id, Result<std::uint32_t> result) {
    const auto found = queries.find(id);
    if (found == queries.end()) return;
    emit(Partitions{.operation = found->second.operation, .count = std::move(result)});
    queries.erase(found);
    timers.set({Owner::partitions, id}, std::nullopt);
}

// --- Lookups

void Session::State::want_lookup(const Owner& owner, const std::string& topic, Now now) {
    if (const auto found = lookups.find(topic); found != lookups.end()) return found->second.waiters.push_back(owner);
    auto& waiters = lookups_wanted[topic];
    waiters.push_back(owner);
    if (waiters.size() == 1) lookups_waiting.push_back(topic);
    start_lookups(now);
}

void Session::State::start_lookups(Now now) {
    while (!lookups_waiting.empty() && lookups.size() < options.lookups_max) {
        const auto topic = std::move(lookups_waiting.front());
        lookups_waiting.pop_front();
        auto& lookup = lookups[topic];
        lookup.topic = topic;
        lookup.waiters = std::move(lookups_wanted[topic]);
        lookups_wanted.erase(topic);
        lookup.connection = service_connection(now);
        if (is_ready(lookup.connection)) send_lookup(lookup, now);
    }
}

void Session::State::send_lookup(Lookup& lookup, Now now) {
    lookup.request = new_request({.kind = Request::Kind::lookup, .connection = lookup.connection}, now.steady + options.operation_timeout);
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::LOOKUP);
    auto& asked = *command.mutable_lookup();
    asked.set_topic(lookup.topic);
    asked.set_request_id(lookup.request);
    asked.set_authoritative(lookup.authoritative);
    if (!options.listener_name.empty()) asked.set_advertised_listener_name(options.listener_name);
    write(lookup.connection, command, now);
}

Result<Address> Session::State::broker_address(const std::string& url, const std::string& url_tls, bool tls) const {
    const auto& chosen = tls ? url_tls : url;
    if (chosen.empty())
        return Error{ErrorKind::unavailable, "pulsar-lookup",
                     tls ? "the broker has no TLS address; name the service pulsar://, or let the broker listen with TLS"
                         : "the broker has no address without TLS; name the service pulsar+ssl://"};
    auto address = address_from(chosen);
    // Never from TLS to none, whoever says so: a token would go out in clear text.
    if (address && tls && !address->tls)
        return Error{ErrorKind::unavailable, "pulsar-lookup", "the broker's TLS address is one without TLS"};
    return address;
}

void Session::State::lookup_answered(std::uint64_t id, const proto::CommandLookupTopicResponse& response, Now now) {
    using Response = proto::CommandLookupTopicResponse;
    const auto request_id = response.request_id();
    if (response.response() == Response::Failed || response.has_error())
        return server_error(id, request_id, response.error(), response.message(), now);
    if (!end_request(request_id, id, Request::Kind::lookup)) return;
    const auto found = std::ranges::find_if(lookups, [&](const auto& one) { return one.second.request == request_id; });
    if (found == lookups.end()) return;
    auto& lookup = found->second;
    const auto asked = find(id)->endpoint;
    auto address = broker_address(response.brokerserviceurl(), response.brokerserviceurltls(), asked.physical.tls);
    if (!address) return lookup_failed(std::string(found->first), address.error(), Reaction::retry, now);
    Endpoint endpoint{.physical = *address, .behind_proxy = {}};
    // A standalone broker says so always, of itself too.
    if (response.proxy_through_service_url() && *address != asked.physical)
        endpoint = {.physical = asked.physical, .behind_proxy = to_text(*address)};
    if (response.response() == Response::Connect) return lookup_done(std::string(found->first), endpoint, now);
    if (++lookup.redirects > options.redirects_max)
        return lookup_failed(std::string(found->first), {ErrorKind::unavailable, "pulsar-lookup", "the brokers send us round in a circle"},
                             Reaction::retry, now);
    lookup.authoritative = response.authoritative();
    lookup.request = 0;
    lookup.connection = connection_to(endpoint, now);
    if (is_ready(lookup.connection)) send_lookup(lookup, now);
}

void Session::State::lookup_failed(const std::string& topic, const Error& error, Reaction reaction, Now now) {
    const auto found = lookups.find(topic);
    if (found == lookups.end()) return;
    const auto waiters = std::move(found->second.waiters);
    const auto request = found->second.request;
    lookups.erase(found);
    forget_request(request);
    for (const auto& owner : waiters) {
        const auto* handle = handle_of(owner);
        if (handle && handle->stage == Handle::Stage::looking_up) attach_failed(owner, error, reaction, now);
    }
    start_lookups(now);
}

void Session::State::lookup_done(const std::string& topic, const Endpoint& endpoint, Now now) {
    const auto found = lookups.find(topic);
    const auto waiters = std::move(found->second.waiters);
    lookups.erase(found);
    for (const auto& owner : waiters) {
        const auto* handle = handle_of(owner);
        if (handle && handle->stage == Handle::Stage::looking_up) connect_handle(owner, endpoint, now);
    }
    start_lookups(now);
}

}  // namespace platform::pulsar::session
