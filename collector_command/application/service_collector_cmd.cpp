// A batch: load the states of its aggregates once, decide in memory, store once.
#include "collector_command/application/service_collector_cmd.hpp"

#include <unordered_map>

namespace collector_command::application {
namespace {

struct Aggregate {
    domain::CollectedData before, now;
};
using Aggregates = std::unordered_map<kernel::DataId, Aggregate>;

std::vector<domain::Command> commands_from(std::vector<kernel::RawDataEvent> batch, kernel::Timestamp now) {
    std::vector<domain::Command> commands;
    commands.reserve(batch.size());
    for (auto& event : batch)
        if (auto command = command_from(std::move(event), now)) commands.push_back(std::move(*command));
    return commands;
}

kernel::Result<Aggregates> load(CollectorRepo& repo, const std::vector<domain::Command>& commands) {
    Aggregates aggregates;
    std::vector<kernel::DataId> ids;
    aggregates.reserve(commands.size());
    ids.reserve(commands.size());
    for (const auto& command : commands)
        if (aggregates.try_emplace(domain::data_id_of(command)).second) ids.push_back(domain::data_id_of(command));
    auto states = repo.load(ids);
    if (!states) return std::move(states).error();
    CHECK(states->size() == ids.size(), "the repository gave a state for each id");
    for (std::size_t i = 0; i < ids.size(); ++i) aggregates[ids[i]] = {(*states)[i], (*states)[i]};
    return aggregates;
}

std::vector<NewState> changed(Aggregates aggregates) {
    std::vector<NewState> states;
    states.reserve(aggregates.size());
    for (auto& [id, aggregate] : aggregates)
        if (aggregate.now.version != aggregate.before.version)
            states.push_back({.data_id = id, .state = std::move(aggregate.now), .is_new = !aggregate.before.exists()});
    return states;
}

void count(Outcome& outcome, const kernel::CollectedDataEvent& event) {
    if (std::holds_alternative<kernel::RecordCollected>(event)) ++outcome.collected;
    if (std::holds_alternative<kernel::RecordAmended>(event)) ++outcome.amended;
    if (std::holds_alternative<kernel::RecordRetracted>(event)) ++outcome.retracted;
}

}  // namespace

kernel::Result<Outcome> CollectRawData::handle(std::vector<kernel::RawDataEvent> batch) {
    const auto now = clock_.now();
    const auto messages = batch.size();
    auto commands = commands_from(std::move(batch), now);
    Outcome outcome{.quarantined = messages - commands.size()};
    auto aggregates = load(repo_, commands);
    if (!aggregates) return std::move(aggregates).error();

    std::vector<kernel::CollectedDataEvent> events;
    events.reserve(commands.size());
    for (auto& command : commands) {
        auto& state = aggregates->find(domain::data_id_of(command))->second.now;
        auto event = domain::decide(state, std::move(command));
        if (!event) {
            ++outcome.unchanged;
            continue;
        }
        state = domain::apply(std::move(state), *event);
        count(outcome, *event);
        events.push_back(std::move(*event));
    }
    if (events.empty()) return outcome;
    if (auto stored = repo_.store(std::move(events), changed(std::move(*aggregates)), now); !stored) return std::move(stored).error();
    return outcome;
}

}  // namespace collector_command::application
