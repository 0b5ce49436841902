// Composition of the write side: one thread consumes raw-data, one relays to collected-data.
#include "collector_command/service.hpp"

#include "collector_command/infrastructure/db/adapter_collector_repo_sql.hpp"
#include "collector_command/infrastructure/messaging/adapter_raw_data_consumer.hpp"
#include "platform/runtime/health.hpp"
#include "platform/runtime/priority.hpp"

#include <thread>

namespace collector_command {
namespace {

using infrastructure::db::CollectorRepoSql;
using infrastructure::messaging::RawDataConsumer;

constexpr auto relay_producer = "collector_command";
constexpr std::size_t batch_max = 4000;

class Running final : public Service {
public:
    Running(Dependencies dependencies, std::unique_ptr<platform::sql::Connection> connection, std::unique_ptr<CollectorRepoSql> repo)
        : dependencies_(dependencies),
          connection_(std::move(connection)),
          repo_(std::move(repo)),
          relay_(dependencies.database, dependencies.log,
                 {.topic = std::string(kernel::collected_data_topic),
                  .producer = relay_producer,
                  .batch_max = batch_max,
                  .follow_from_log = true}),
          consumer_(*repo_, dependencies.clock, dependencies.metrics, [this] { relay_.wake(); }),
          projection_({.name = "collect",
                       .topic = std::string(kernel::raw_data_topic),
                       .batch_max = batch_max,
                       .niceness = platform::runtime::background_niceness},
                      *connection_, dependencies.log, consumer_) {}
    ~Running() override { stop(); }

    void start() override {
        if (consuming_.joinable()) return;
        consuming_ = std::jthread([this](const std::stop_token& stop) { consume(stop); });
        relaying_ = std::jthread([this](const std::stop_token& stop) { relay(stop); });
    }

    void stop() override {
        consuming_.request_stop();
        relaying_.request_stop();
        relay_.wake();
        if (consuming_.joinable()) consuming_.join();
        if (relaying_.joinable()) relaying_.join();
    }

    kernel::Result<void> check() { return projection_.check(); }
    bool healthy() const override { return health_.good() && !projection_.stuck(); }

private:
    void consume(const std::stop_token& stop) { health_.ended("command-consumer-ended", projection_.run(stop)); }
    void relay(const std::stop_token& stop) {
        platform::runtime::set_niceness(platform::runtime::background_niceness);
        health_.ended("command-relay-ended", relay_.run(stop));
    }

    Dependencies dependencies_;
    std::unique_ptr<platform::sql::Connection> connection_;
    std::unique_ptr<CollectorRepoSql> repo_;
    platform::event_store::Relay relay_;
    RawDataConsumer consumer_;
    platform::projection::Projection projection_;
    platform::runtime::Health health_;
    platform::runtime::Gauge lag_ =
        dependencies_.metrics.gauge("acopio_command_lag_messages", "Messages of raw-data that the write side has not taken yet.");
    platform::runtime::Metrics::Refresh refresh_{dependencies_.metrics, [this] { lag_.set(projection_.lag()); }};
    std::jthread consuming_, relaying_;
};

}  // namespace

kernel::Result<std::unique_ptr<Service>> Service::open(Dependencies dependencies) {
    auto connection = dependencies.database.connect({.durability = platform::sql::Durability::full});
    if (!connection) return std::move(connection).error();
    if (auto migrated = infrastructure::db::migrate(**connection); !migrated) return std::move(migrated).error();
    auto repo = CollectorRepoSql::open(**connection);
    if (!repo) return std::move(repo).error();
    auto service = std::make_unique<Running>(dependencies, std::move(*connection), std::move(*repo));
    if (auto checked = service->check(); !checked) return std::move(checked).error();
    return std::unique_ptr<Service>(std::move(service));
}

}  // namespace collector_command
