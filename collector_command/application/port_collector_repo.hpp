// The port to the store of collected data: states of aggregates, and their events. Contract suite: port_collector_repo_contract.hpp.
//
// Everything happens inside a transaction that the caller began and ends; nothing is durable before its commit. One thread at a time.
#pragma once

#include "collector_command/domain/model_collected_data.hpp"
#include "kernel/result.hpp"

#include <vector>

namespace collector_command::application {

// An aggregate's state after a batch.
struct NewState {
    kernel::DataId data_id;
    domain::CollectedData state;
    bool is_new = false;  // did not exist before the batch
};

class CollectorRepo {
public:
    virtual ~CollectorRepo() = default;
    // The states of these aggregates, in their order; unknown ones as version 0. Sees what this transaction stored.
    // incorrect "data-id-broken" unless an id is 32 hex digits.
    virtual kernel::Result<std::vector<domain::CollectedData>> load(const std::vector<kernel::DataId>& data_ids) = 0;
    // Appends the events in the given order and keeps the new states of their aggregates. conflict when a version exists already: another
    // writer was faster, and the caller's transaction must be rolled back.
    virtual kernel::Result<void> store(std::vector<kernel::CollectedDataEvent> events, const std::vector<NewState>& states,
                                       kernel::Timestamp now) = 0;
    // The caller's transaction was rolled back after load() or store().
    virtual kernel::Result<void> rolled_back() = 0;
};

}  // namespace collector_command::application
