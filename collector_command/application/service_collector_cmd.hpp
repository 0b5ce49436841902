// Use case: decide what a batch of raw data changes, and store that.
#pragma once

#include "collector_command/application/dto_raw_data.hpp"
#include "collector_command/application/port_collector_repo.hpp"
#include "kernel/clock.hpp"

#include <vector>

namespace collector_command::application {

// What became of the messages of a batch; the counts add up to its size.
struct Outcome {
    std::size_t collected = 0;
    std::size_t amended = 0;
    std::size_t retracted = 0;
    std::size_t unchanged = 0;    // identical content again, or a retraction of nothing
    std::size_t quarantined = 0;  // passed by
};

// Not thread-safe. REQUIRES: handle() runs inside the repository's transaction.
class CollectRawData {
public:
    CollectRawData(CollectorRepo& repo, const kernel::Clock& clock) : repo_(repo), clock_(clock) {}
    // Several events of one record in one batch are decided one after the other. Errors are the repository's.
    kernel::Result<Outcome> handle(std::vector<kernel::RawDataEvent> batch);

private:
    CollectorRepo& repo_;
    const kernel::Clock& clock_;
};

}  // namespace collector_command::application
