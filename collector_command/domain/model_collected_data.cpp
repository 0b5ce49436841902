// decide and apply of the aggregate CollectedData.
#include "collector_command/domain/model_collected_data.hpp"

#include "kernel/check.hpp"

namespace collector_command::domain {
namespace {

std::optional<kernel::CollectedDataEvent> decide_one(const CollectedData& state, CollectRecord command) {
    const bool present = state.exists() && !state.retracted;
    if (present && state.content_hash == command.facts.content_hash) return std::nullopt;
    command.facts.version = state.version + 1;
    if (present) return kernel::RecordAmended{std::move(command.facts)};
    return kernel::RecordCollected{std::move(command.facts)};
}

std::optional<kernel::CollectedDataEvent> decide_one(const CollectedData& state, RetractRecord command) {
    if (!state.exists() || state.retracted) return std::nullopt;
    command.facts.version = state.version + 1;
    return std::move(command.facts);
}

CollectedData after(const CollectedData&, const kernel::CollectedDataFacts& event) {
    return CollectedData{.version = event.version, .content_hash = event.content_hash, .retracted = false};
}

CollectedData after(CollectedData state, const kernel::RecordRetracted& event) {
    state.version = event.version;
    state.retracted = true;
    return state;
}

}  // namespace

const kernel::DataId& data_id_of(const Command& command) {
    return std::visit([](const auto& one) -> const kernel::DataId& { return one.facts.data_id; }, command);
}

std::optional<kernel::CollectedDataEvent> decide(const CollectedData& state, Command command) {
    return std::visit([&](auto&& one) { return decide_one(state, std::forward<decltype(one)>(one)); }, std::move(command));
}

CollectedData apply(CollectedData state, const kernel::CollectedDataEvent& event) {
    const auto version = std::visit([](const auto& one) { return one.version; }, event);
    CHECK(version == state.version + 1, "an event was applied to a state that it was not decided on");
    return std::visit([&](const auto& one) { return after(std::move(state), one); }, event);
}

}  // namespace collector_command::domain
