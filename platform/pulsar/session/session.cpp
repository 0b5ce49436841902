// The outer door of a session; the rooms behind it are in state.hpp.
#include "platform/pulsar/session/session.hpp"

#include "kernel/check.hpp"
#include "platform/pulsar/session/state.hpp"

#include <algorithm>
#include <utility>

namespace platform::pulsar::session {

using kernel::Error;
using kernel::ErrorKind;

Session::State::State(Options with, Now) : options(std::move(with)), random(options.seed) {
    CHECK(!options.services.empty(), "a session has an address to begin at");
    options.lookups_max = std::max<std::size_t>(options.lookups_max, 1);
}

Session::Session(Options options, Now now) : state_(std::make_unique<State>(std::move(options), now)) {}
Session::~Session() = default;

void Session::connected(ConnectionId connection, Now now) {
    state_->connected(static_cast<std::uint64_t>(connection), now);
}

std::span<char> Session::prepare(ConnectionId connection, std::size_t bytes_min) {
    auto* found = state_->find(static_cast<std::uint64_t>(connection));
    if (!found) return {};
    return found->splitter.prepare(bytes_min);
}

void Session::received(ConnectionId connection, std::size_t bytes, Now now) {
    state_->received(static_cast<std::uint64_t>(connection), bytes, now);
}

void Session::closed(ConnectionId connection, const Error& why, Now now) {
    state_->lost(static_cast<std::uint64_t>(connection), why, now);
}

void Session::token(ConnectionId connection, kernel::Result<std::string> token, Now now) {
    state_->token(static_cast<std::uint64_t>(connection), std::move(token), now);
}

void Session::tick(Now now) {
    while (const auto owner = state_->timers.pop(now.steady)) state_->fire(*owner, now);
}

std::optional<Time> Session::next_tick() const {
    return state_->timers.first();
}

std::optional<Action> Session::next() {
    if (state_->actions.empty()) return std::nullopt;
    auto action = std::move(state_->actions.front());
    state_->actions.pop_front();
    return action;
}

void Session::partitions(OperationId operation, std::string topic, Now now) {
    auto& state = *state_;
    if (state.closing)
        return state.emit(
            Partitions{.operation = operation, .count = Error{ErrorKind::interrupted, "pulsar-closed", "the session is closed"}});
    const auto id = state.next_id++;
    state.queries.emplace(id, PartitionQuery{.operation = operation,
                                             .topic = std::move(topic),
                                             .deadline = now.steady + state.options.operation_timeout,
                                             .backoff = Backoff(state.options.backoff_first, state.options.backoff_last)});
    state.start_query(id, now);
}

void Session::close(Now now) {
    auto& state = *state_;
    if (state.closing) return;
    state.closing = true;
    std::vector<std::uint64_t> ids;
    ids.reserve(state.queries.size() + state.producers.size() + state.consumers.size());
    for (const auto& [id, query] : state.queries) ids.push_back(id);
    for (const auto id : ids) {
        state.forget_request(state.queries.at(id).request);
        state.end_query(id, Error{ErrorKind::interrupted, "pulsar-closed", "the session is closed"});
    }
    ids.clear();
    for (const auto& [id, producer] : state.producers) ids.push_back(id);
    std::ranges::sort(ids);
    for (const auto id : ids) close_producer(ProducerId{id}, now);
    ids.clear();
    for (const auto& [id, consumer] : state.consumers) ids.push_back(id);
    std::ranges::sort(ids);
    for (const auto id : ids) close_consumer(ConsumerId{id}, now);
    state.finish_closing(now);
}

void Session::State::finish_closing(Now) {
    if (!closing || closed || !producers.empty() || !consumers.empty()) return;
    closed = true;
    std::vector<std::uint64_t> ids;
    ids.reserve(connections.size());
    for (const auto& [id, connection] : connections) ids.push_back(id);
    std::ranges::sort(ids);
    for (const auto id : ids) {
        timers.set({Owner::connection, id}, std::nullopt);
        emit(HangUp{.connection = ConnectionId{id}, .why = "closed"});
    }
    connections.clear();
    by_endpoint.clear();
    // Answers that nobody can give any more.
    std::vector<std::pair<std::uint64_t, Request>> left(requests.begin(), requests.end());
    for (const auto& [id, request] : left) {
        forget_request(id);
        if (request.kind == Request::Kind::ack)
            emit(Done{.consumer = ConsumerId{request.owner},
                      .operation = request.operation,
                      .result = Error{ErrorKind::interrupted, "pulsar-closed", "the session is closed"}});
    }
    lookups.clear();
    lookups_waiting.clear();
    lookups_wanted.clear();
    emit(SessionClosed{});
}

Session::Sizes Session::sizes() const {
    const auto& state = *state_;
    return {.connections = state.connections.size(),
            .producers = state.producers.size(),
            .consumers = state.consumers.size(),
            .requests = state.requests.size(),
            .timers = state.timers.size(),
            .lookups = state.lookups.size() + state.lookups_waiting.size(),
            .actions = state.actions.size()};
}

}  // namespace platform::pulsar::session
