// Consumer of topic raw-data: decodes a batch and hands it to the use case, inside the projection's transaction.
#pragma once

#include "collector_command/application/service_collector_cmd.hpp"
#include "platform/projection/projection.hpp"
#include "platform/runtime/metrics.hpp"

#include <functional>

namespace collector_command::infrastructure::messaging {

// One thread: the projection's. A message that cannot be read stops the projection (fault); it is never skipped.
class RawDataConsumer final : public platform::projection::Handler {
public:
    // `wake_relay` is called after each commit that stored events.
    RawDataConsumer(application::CollectorRepo& repo, const kernel::Clock& clock, platform::runtime::Metrics& metrics,
                    std::function<void()> wake_relay);

    kernel::Result<void> handle(const std::vector<platform::log::Message>& batch) override;
    void committed(platform::log::Position position) override;
    void rolled_back() override;

private:
    application::CollectorRepo& repo_;
    application::CollectRawData use_case_;
    std::function<void()> wake_relay_;
    application::Outcome pending_;  // of the batch that is not committed yet
    bool store_doubtful_ = false;   // rolled_back() of the store failed: tried again before the next batch
    platform::runtime::Counter collected_, amended_, retracted_, unchanged_, quarantined_;
};

}  // namespace collector_command::infrastructure::messaging
