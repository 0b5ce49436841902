// Composition of the write side: one thread consumes raw-data, one relays to collected-data.
#include "collector_command/service.hpp"

#include "collector_command/infrastructure/db/adapter_collector_repo_sql.hpp"
#include "collector_command/infrastructure/messaging/adapter_raw_data_consumer.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/runtime/priority.hpp"

#include <atomic>
#include <mutex>
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
                      *connection_, dependencies.log, consumer_) {
        auto lag = dependencies.metrics.gauge("acopio_command_lag_messages", "Messages of raw-data that the write side has not taken yet.");
        dependencies.metrics.before_exposition([lag, link = link_]() mutable {
            const std::lock_guard lock(link->mutex);
            if (link->service) lag.set(link->service->lag_messages());
        });
        link_->service = this;
    }
    ~Running() override {
        {
            const std::lock_guard lock(link_->mutex);
            link_->service = nullptr;
        }
        stop();
    }

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
    bool healthy() const override { return !failed_.load(std::memory_order_acquire) && !projection_.stuck(); }

private:
    // The metrics live longer than this object: their refresh reaches it only as long as it is there.
    struct Link {
        std::mutex mutex;
        Running* service = nullptr;
    };

    void consume(const std::stop_token& stop) { ended("command-consumer-ended", projection_.run(stop)); }
    void relay(const std::stop_token& stop) {
        platform::runtime::set_niceness(platform::runtime::background_niceness);
        ended("command-relay-ended", relay_.run(stop));
    }

    void ended(std::string_view event, const kernel::Result<void>& result) {
        if (result) return;
        failed_.store(true, std::memory_order_release);
        platform::runtime::log(platform::runtime::Level::error, event,
                               {{"code", std::string_view(result.error().code)}, {"message", std::string_view(result.error().message)}});
    }

    double lag_messages() {
        const auto head = dependencies_.log.head(std::string(kernel::raw_data_topic));
        const auto reached = projection_.reached().value;
        return head && head->value > reached ? static_cast<double>(head->value - reached) : 0;
    }

    Dependencies dependencies_;
    std::unique_ptr<platform::sql::Connection> connection_;
    std::unique_ptr<CollectorRepoSql> repo_;
    platform::event_store::Relay relay_;
    RawDataConsumer consumer_;
    platform::projection::Projection projection_;
    std::atomic<bool> failed_{false};
    std::shared_ptr<Link> link_ = std::make_shared<Link>();
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
