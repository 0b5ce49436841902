// Connections: dialed, shaken hands with, kept alive, read, lost; and the requests that wait for an answer on them.
#include "platform/pulsar/session/state.hpp"

#include <algorithm>
#include <limits>

namespace platform::pulsar::session {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using wire::Reaction;

namespace {

constexpr std::int32_t protocol_version = 19;
constexpr std::uint64_t no_request = std::numeric_limits<std::uint64_t>::max();  // of errors before CONNECTED
constexpr std::uint32_t partitions_max = 10'000;
constexpr std::int32_t message_bytes_least = 1024;
constexpr std::int32_t message_bytes_most = 1024 * 1024 * 1024;

Error protocol_error(const std::string& what) {
    return {ErrorKind::unavailable, "pulsar-protocol", what};
}

}  // namespace

Error connection_lost(const std::string& why) {
    return {ErrorKind::unavailable, "pulsar-connection-lost", why};
}

Connection* Session::State::find(std::uint64_t connection) {
    const auto found = connections.find(connection);
    return found == connections.end() ? nullptr : &found->second;
}

bool Session::State::is_ready(std::uint64_t connection) const {
    const auto found = connections.find(connection);
    return found != connections.end() && found->second.stage == Connection::Stage::ready;
}

std::uint64_t Session::State::connection_to(const Endpoint& endpoint, Now now) {
    if (const auto found = by_endpoint.find(endpoint); found != by_endpoint.end()) return found->second;
    const auto id = next_id++;
    auto& connection = connections[id];
    connection.endpoint = endpoint;
    connection.handshake_deadline = now.steady + options.connect_timeout;
    connection.last_received = now.steady;
    by_endpoint.emplace(endpoint, id);
    timers.set({Owner::connection, id}, connection.handshake_deadline);
    emit(Dial{.connection = ConnectionId{id}, .address = endpoint.physical});
    return id;
}

std::uint64_t Session::State::service_connection(Now now) {
    return connection_to({.physical = options.services[service % options.services.size()], .behind_proxy = {}}, now);
}

void Session::State::write(std::uint64_t id, const proto::BaseCommand& command, Now now) {
    auto* connection = find(id);
    if (!connection) return;
    auto bytes = std::make_shared<const std::string>(wire::encode(command));
    if (connection->unwritten.empty() || connection->unwritten.back().is_send) connection->unwritten.push_back({false, 0});
    connection->unwritten.back().bytes += bytes->size();
    connection->unwritten_commands += bytes->size();
    const bool stuck = connection->unwritten_commands > options.command_bytes_max;
    emit(Write{.connection = ConnectionId{id}, .bytes = std::move(bytes)});
    // The check of the connection ends it: here, the caller may be in the middle of what it would change.
    if (stuck) timers.set({Owner::connection, id}, now.steady);
}

void Session::State::write_send(std::uint64_t id, std::shared_ptr<const std::string> frame) {
    auto* connection = find(id);
    if (!connection) return;
    if (connection->unwritten.empty() || !connection->unwritten.back().is_send) connection->unwritten.push_back({true, 0});
    connection->unwritten.back().bytes += frame->size();
    emit(Write{.connection = ConnectionId{id}, .bytes = std::move(frame)});
}

void Session::written(ConnectionId connection, std::size_t bytes) {
    auto* found = state_->find(static_cast<std::uint64_t>(connection));
    if (!found) return;
    while (bytes > 0 && !found->unwritten.empty()) {
        auto& run = found->unwritten.front();
        const auto taken = std::min(bytes, run.bytes);
        run.bytes -= taken;
        bytes -= taken;
        if (!run.is_send) found->unwritten_commands -= taken;
        if (run.bytes == 0) found->unwritten.pop_front();
    }
}

void Session::State::connected(std::uint64_t id, Now now) {
    auto* connection = find(id);
    if (!connection || connection->stage != Connection::Stage::dialing) return;
    connection->last_received = now.steady;
    if (!options.tokens) return send_connect(id, nullptr, now);
    connection->stage = Connection::Stage::wants_token;
    emit(WantToken{ConnectionId{id}});
}

void Session::State::send_connect(std::uint64_t id, const std::string* token, Now now) {
    auto& connection = *find(id);
    connection.stage = Connection::Stage::handshaking;
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::CONNECT);
    auto& connect = *command.mutable_connect();
    connect.set_client_version(options.client_version);
    connect.set_protocol_version(protocol_version);
    connect.set_auth_method_name(token ? "token" : "none");
    if (token) connect.set_auth_data(*token);
    if (!connection.endpoint.behind_proxy.empty()) connect.set_proxy_to_broker_url(connection.endpoint.behind_proxy);
    connect.mutable_feature_flags()->set_supports_auth_refresh(true);
    connect.mutable_feature_flags()->set_supports_broker_entry_metadata(true);
    write(id, command, now);
}

void Session::State::token(std::uint64_t id, Result<std::string> token, Now now) {
    auto* connection = find(id);
    if (!connection) return;
    if (!token) return hang_up(id, token.error(), now);
    if (connection->stage == Connection::Stage::wants_token) return send_connect(id, &*token, now);
    if (connection->stage != Connection::Stage::ready && connection->stage != Connection::Stage::handshaking) return;
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::AUTH_RESPONSE);
    auto& response = *command.mutable_auth_response();
    response.set_client_version(options.client_version);
    response.set_protocol_version(protocol_version);
    response.mutable_response()->set_auth_method_name("token");
    response.mutable_response()->set_auth_data(*token);
    write(id, command, now);
}

void Session::State::received(std::uint64_t id, std::size_t bytes, Now now) {
    auto* connection = find(id);
    if (!connection) return;
    connection->splitter.commit(bytes);
    connection->last_received = now.steady;
    connection->ping_outstanding = false;
    while ((connection = find(id)) != nullptr) {  // what a frame says may end the connection
        auto frame = connection->splitter.next();
        if (!frame) return hang_up(id, protocol_error("the broker sent what is no frame"), now);
        if (!*frame) return;
        auto rest = wire::parse_command(**frame, incoming);
        if (!rest) return hang_up(id, protocol_error("the broker sent a command that cannot be read"), now);
        handle(id, *rest, now);
    }
}

void Session::State::handle(std::uint64_t id, std::string_view rest, Now now) {
    using Type = proto::BaseCommand;
    const auto& command = incoming;
    if (!command.has_type()) return;  // of a later protocol
    if (command.type() == Type::PING) {
        proto::BaseCommand pong;
        pong.set_type(Type::PONG);
        pong.mutable_pong();
        return write(id, pong, now);
    }
    if (command.type() == Type::PONG) return;
    if (command.type() == Type::AUTH_CHALLENGE) {
        if (options.tokens) return emit(WantToken{ConnectionId{id}});
        return hang_up(id, {ErrorKind::forbidden, "pulsar-authentication", "the broker asks for credentials, and there are none"}, now);
    }
    if (find(id)->stage != Connection::Stage::ready) return handle_handshake(id, now);
    // A command whose content is missing says nothing.
    switch (command.type()) {
        case Type::SEND_RECEIPT:
            if (command.has_send_receipt()) receipt(id, command.send_receipt(), now);
            return;
        case Type::MESSAGE:
            if (command.has_message()) message(id, command.message(), rest, now);
            return;
        case Type::SEND_ERROR:
            if (command.has_send_error()) send_error(id, command.send_error(), now);
            return;
        case Type::PRODUCER_SUCCESS:
            if (command.has_producer_success()) producer_attached(id, command.producer_success(), now);
            return;
        case Type::LOOKUP_RESPONSE:
            if (command.has_lookup_response()) lookup_answered(id, command.lookup_response(), now);
            return;
        case Type::ERROR: {
            const auto& error = command.error();
            if (command.has_error()) server_error(id, error.request_id(), error.error(), error.message(), now);
            return;
        }
        case Type::SUCCESS: {
            if (!command.has_success()) return;
            const auto request = end_request(command.success().request_id(), id);
            if (!request) return;
            if (request->kind == Request::Kind::register_consumer) return consumer_attached(request->owner, now);
            if (request->kind == Request::Kind::close_producer) return end_producer(request->owner, kernel::ok(), now);
            if (request->kind == Request::Kind::close_consumer) return end_consumer(request->owner, kernel::ok(), now);
            if (request->kind == Request::Kind::consumer_order)
                return order_answered(request->owner, request->operation, std::optional<wire::MessageId>(), now);
            return request_failed(*request, command.success().request_id(), protocol_error("the broker answered with another command"),
                                  Reaction::retry, now);
        }
        case Type::PARTITIONED_METADATA_RESPONSE: {
            if (!command.has_partitioned_metadata_response()) return;
            const auto& response = command.partitioned_metadata_response();
            if (response.response() == proto::CommandPartitionedTopicMetadataResponse::Failed || response.has_error())
                return server_error(id, response.request_id(), response.error(), response.message(), now);
            const auto request = end_request(response.request_id(), id, Request::Kind::partitions);
            if (!request) return;
            if (response.partitions() > partitions_max)
                return end_query(request->owner, protocol_error("a topic of more than 10,000 partitions"));
            return end_query(request->owner, response.partitions());
        }
        case Type::ACK_RESPONSE: {
            if (!command.has_ack_response()) return;
            const auto& response = command.ack_response();
            if (response.has_error()) return server_error(id, response.request_id(), response.error(), response.message(), now);
            const auto request = end_request(response.request_id(), id, Request::Kind::ack);
            if (request) emit(Done{.consumer = ConsumerId{request->owner}, .operation = request->operation, .result = kernel::ok()});
            return;
        }
        case Type::GET_LAST_MESSAGE_ID_RESPONSE: {
            if (!command.has_get_last_message_id_response()) return;
            const auto& response = command.get_last_message_id_response();
            const auto request = end_request(response.request_id(), id, Request::Kind::consumer_order);
            if (!request) return;
            const auto& last = response.last_message_id();
            std::optional<wire::MessageId> found;
            if (static_cast<std::int64_t>(last.entryid()) >= 0)
                found = wire::MessageId{.ledger = last.ledgerid(),
                                        .entry = last.entryid(),
                                        .batch_index = last.batch_index(),
                                        .batch_size = last.batch_index() >= 0 ? last.batch_index() + 1 : 0};
            return order_answered(request->owner, request->operation, found, now);
        }
        case Type::CLOSE_PRODUCER:
        case Type::CLOSE_CONSUMER: {
            const bool is_producer = command.type() == Type::CLOSE_PRODUCER;
            if (is_producer ? !command.has_close_producer() : !command.has_close_consumer()) return;
            const Owner owner = is_producer ? producer_owner(command.close_producer().producer_id())
                                            : consumer_owner(command.close_consumer().consumer_id());
            auto* found = handle_of(owner);
            if (!found || found->connection != id) return;
            if (found->stage == Handle::Stage::registering && found->waits_its_turn) {  // its turn does not come at this broker
                forget_request(found->request);
                return attach_failed(owner, connection_lost("the broker gave the topic up"), Reaction::retry, now);
            }
            if (found->stage != Handle::Stage::attached) return;
            const auto& url =
                is_producer ? command.close_producer().assignedbrokerserviceurl() : command.close_consumer().assignedbrokerserviceurl();
            const auto& url_tls = is_producer ? command.close_producer().assignedbrokerserviceurltls()
                                              : command.close_consumer().assignedbrokerserviceurltls();
            std::optional<Address> assigned;
            const auto& endpoint = find(id)->endpoint;
            if (endpoint.behind_proxy.empty())
                if (auto address = broker_address(url, url_tls, endpoint.physical.tls)) assigned = *address;
            return detach(owner, assigned, now);
        }
        case Type::ACTIVE_CONSUMER_CHANGE: {
            const auto& change = command.active_consumer_change();
            const auto found = consumers.find(change.consumer_id());
            if (command.has_active_consumer_change() && found != consumers.end() && found->second.handle.connection == id)
                emit(ActiveChanged{.consumer = ConsumerId{change.consumer_id()}, .active = change.is_active()});
            return;
        }
        case Type::REACHED_END_OF_TOPIC: {
            const auto found = consumers.find(command.reached_end_of_topic().consumer_id());
            if (command.has_reached_end_of_topic() && found != consumers.end() && found->second.handle.connection == id)
                emit(EndOfTopic{ConsumerId{found->first}});
            return;
        }
        default: return;  // nothing that this client asked for
    }
}

void Session::State::handle_handshake(std::uint64_t id, Now now) {
    auto& connection = *find(id);
    const auto& command = incoming;
    if (command.type() == proto::BaseCommand::ERROR && command.has_error())
        return hang_up(id, wire::to_error(command.error().error(), command.error().message()), now);
    if (command.type() != proto::BaseCommand::CONNECTED || !command.has_connected() || connection.stage != Connection::Stage::handshaking)
        return hang_up(id, protocol_error("the broker sent a command before the handshake was done"), now);
    const auto& answer = command.connected();
    if (answer.has_max_message_size() && answer.max_message_size() >= message_bytes_least &&
        answer.max_message_size() <= message_bytes_most)
        connection.message_bytes_max = static_cast<std::size_t>(answer.max_message_size());
    connection.splitter.limit(connection.message_bytes_max);
    connection.stage = Connection::Stage::ready;
    connection.next_check = now.steady + options.keep_alive;
    timers.set({Owner::connection, id}, connection.next_check);
    connection_ready(id, now);
}

void Session::State::check_connection(std::uint64_t id, Now now) {
    auto* connection = find(id);
    if (!connection) return;
    if (connection->unwritten_commands > options.command_bytes_max)
        return hang_up(id, {ErrorKind::unavailable, "pulsar-connection-stuck", "the broker does not read what is sent"}, now);
    if (connection->stage != Connection::Stage::ready) {
        if (now.steady >= connection->handshake_deadline)
            return hang_up(id,
                           {ErrorKind::unavailable, "pulsar-timeout",
                            "no connection to " + to_text(connection->endpoint.physical) + " within " +
                                std::to_string(options.connect_timeout.count()) + " ms"},
                           now);
        return timers.set({Owner::connection, id}, connection->handshake_deadline);
    }
    if (now.steady < connection->next_check) return timers.set({Owner::connection, id}, connection->next_check);
    const bool silent = now.steady - connection->last_received >= options.keep_alive;
    if (silent && connection->ping_outstanding) return hang_up(id, {ErrorKind::unavailable, "pulsar-timeout", "the broker is silent"}, now);
    connection->ping_outstanding = silent;
    connection->next_check = (silent ? now.steady : connection->last_received) + options.keep_alive;
    timers.set({Owner::connection, id}, connection->next_check);
    if (!silent) return;
    proto::BaseCommand ping;
    ping.set_type(proto::BaseCommand::PING);
    ping.mutable_ping();
    write(id, ping, now);
}

void Session::State::hang_up(std::uint64_t id, const Error& why, Now now) {
    if (!find(id)) return;
    emit(HangUp{.connection = ConnectionId{id}, .why = why.message});
    lost(id, why, now);
}

// Everything that stood on the connection finds another way, or fails.
void Session::State::lost(std::uint64_t id, const Error& why, Now now) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    const bool was_service = found->second.endpoint.physical == options.services[service % options.services.size()];
    if (was_service && found->second.stage != Connection::Stage::ready) service = (service + 1) % options.services.size();
    by_endpoint.erase(found->second.endpoint);
    connections.erase(found);
    timers.set({Owner::connection, id}, std::nullopt);

    std::vector<std::pair<std::uint64_t, Request>> failed;
    for (const auto& [request_id, request] : requests)
        if (request.connection == id) failed.emplace_back(request_id, request);
    for (const auto& [request_id, request] : failed)
        if (end_request(request_id, id)) request_failed(request, request_id, why, Reaction::retry, now);

    std::vector<std::uint64_t> waiting_queries;
    for (const auto& [query_id, query] : queries)
        if (query.connection == id) waiting_queries.push_back(query_id);
    for (const auto query : waiting_queries) query_failed(query, why, true, now);
    std::vector<std::string> waiting_lookups;
    for (const auto& [topic, lookup] : lookups)
        if (lookup.connection == id) waiting_lookups.push_back(topic);
    for (const auto& topic : waiting_lookups) lookup_failed(topic, why, Reaction::retry, now);
    for (const auto& owner : handles_on(id)) {
        auto* handle = handle_of(owner);
        if (!handle || handle->connection != id) continue;
        if (handle->stage == Handle::Stage::attached) detach(owner, std::nullopt, now);
        else attach_failed(owner, why, Reaction::retry, now);
    }
}

std::uint64_t Session::State::new_request(Request request, std::optional<Time> deadline) {
    const auto id = next_id++;
    requests.emplace(id, request);
    timers.set({Owner::request, id}, deadline);
    return id;
}

std::optional<Request> Session::State::end_request(std::uint64_t id, std::uint64_t connection, std::optional<Request::Kind> kind) {
    const auto found = requests.find(id);
    if (found == requests.end() || found->second.connection != connection) return std::nullopt;
    if (kind && found->second.kind != *kind) return std::nullopt;
    const auto request = found->second;
    requests.erase(found);
    timers.set({Owner::request, id}, std::nullopt);
    return request;
}

void Session::State::forget_request(std::uint64_t id) {
    if (requests.erase(id) > 0) timers.set({Owner::request, id}, std::nullopt);
}

void Session::State::server_error(std::uint64_t connection, std::uint64_t id, proto::ServerError code, const std::string& message,
                                  Now now) {
    if (id == no_request) return hang_up(connection, wire::to_error(code, message), now);
    const auto request = end_request(id, connection);
    if (request) request_failed(*request, id, wire::to_error(code, message), wire::reaction_to(code), now);
}

void Session::State::request_failed(const Request& request, std::uint64_t id, const Error& error, Reaction reaction, Now now) {
    using Kind = Request::Kind;
    switch (request.kind) {
        case Kind::partitions: return query_failed(request.owner, error, reaction != Reaction::fail_operation, now);
        case Kind::lookup: {
            for (const auto& [topic, lookup] : lookups)
                if (lookup.request == id) return lookup_failed(std::string(topic), error, reaction, now);
            return;
        }
        case Kind::register_producer: return attach_failed(producer_owner(request.owner), error, reaction, now);
        case Kind::register_consumer: return attach_failed(consumer_owner(request.owner), error, reaction, now);
        // Whatever became of it, it is not there any more for this client.
        case Kind::close_producer: return end_producer(request.owner, kernel::ok(), now);
        case Kind::close_consumer: return end_consumer(request.owner, kernel::ok(), now);
        case Kind::ack: return emit(Done{.consumer = ConsumerId{request.owner}, .operation = request.operation, .result = error});
        case Kind::consumer_order: {
            const auto found = consumers.find(request.owner);
            if (found == consumers.end()) return;
            for (auto& order : found->second.orders) {
                if (order.operation != request.operation || order.request != id) continue;
                if (reaction == Reaction::fail_operation || reaction == Reaction::end_handle)
                    return order_answered(request.owner, request.operation, error, now);
                order.request = 0;  // asked again when attached anew, or at the next try
                order.retry_at = now.steady + options.backoff_first;
                return arm(consumer_owner(request.owner));
            }
            return;
        }
    }
}

}  // namespace platform::pulsar::session
