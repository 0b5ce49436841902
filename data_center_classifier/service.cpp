// Composition of the intake: the data centres' aggregate, what was seen before, the use cases, the projection that counts, and the relay.
#include "data_center_classifier/service.hpp"

#include "data_center_classifier/application/service_grading.hpp"
#include "data_center_classifier/infrastructure/db/adapter_counters_sql.hpp"
#include "data_center_classifier/infrastructure/db/adapter_data_centers_sql.hpp"
#include "data_center_classifier/infrastructure/db/adapter_seen_index_sql.hpp"
#include "data_center_classifier/infrastructure/db/projection_counters.hpp"
#include "data_center_classifier/infrastructure/db/schema.hpp"
#include "data_center_classifier/infrastructure/formats/embedded_files.hpp"
#include "data_center_classifier/infrastructure/http/routes.hpp"
#include "data_center_classifier/infrastructure/messaging/adapter_collector_log.hpp"
#include "platform/event_store/event_store.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/health.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/runtime/priority.hpp"

#include <thread>

namespace data_center_classifier {
namespace {

using infrastructure::db::CountersProjection;
using infrastructure::db::CountersSql;
using infrastructure::db::DataCentersSql;
using infrastructure::db::SeenIndexSql;
using kernel::ok;
using kernel::Result;
using platform::projection::Projection;

constexpr auto relay_producer = "data_center_classifier";
constexpr std::size_t batch_max = 4000;
constexpr std::int64_t writer_cache_kib = 24 * 1024;

// What is opened from the database, in the order of need.
struct Stores {
    std::unique_ptr<DataCentersSql> data_centers;
    std::unique_ptr<SeenIndexSql> seen_index;
    std::unique_ptr<CountersSql> counters;
    std::unique_ptr<platform::sql::Connection> projecting;  // what it writes is projected again from the log: no commit waits for the disk
};

Result<Stores> open_stores(platform::sql::Database& database, platform::log::EventLog& log) {
    {
        auto connection = database.connect({.durability = platform::sql::Durability::full});
        if (!connection) return std::move(connection).error();
        if (auto migrated = infrastructure::db::migrate(**connection); !migrated) return std::move(migrated).error();
        // Centres, keys and suspensions of a database that was lost, or is an older copy, come back from the log: if it is the log of this
        // database, which is asked before anything is written.
        if (auto checked = platform::projection::check(**connection, log, std::string(infrastructure::db::counters_projection),
                                                       std::string(kernel::raw_data_topic));
            !checked)
            return std::move(checked).error();
        auto restored = platform::event_store::restore(**connection, log, std::string(kernel::data_centers_topic), relay_producer);
        if (!restored) return std::move(restored).error();
        if (*restored > 0)
            platform::runtime::log(platform::runtime::Level::warn, "data-centers-restored-from-log",
                                   {{"events", static_cast<std::int64_t>(*restored)}});
    }
    Stores stores;
    auto data_centers = DataCentersSql::open(database);
    if (!data_centers) return std::move(data_centers).error();
    stores.data_centers = std::move(*data_centers);
    auto seen_index = SeenIndexSql::open(database);
    if (!seen_index) return std::move(seen_index).error();
    stores.seen_index = std::move(*seen_index);
    auto counters = CountersSql::open(database);
    if (!counters) return std::move(counters).error();
    stores.counters = std::move(*counters);
    auto projecting = database.connect({.durability = platform::sql::Durability::process, .cache_kib = writer_cache_kib});
    if (!projecting) return std::move(projecting).error();
    stores.projecting = std::move(*projecting);
    return stores;
}

class Running final : public Service {
public:
    Running(Dependencies dependencies, Options options, domain::Rubric rubric, Stores stores)
        : dependencies_(dependencies),
          options_(std::move(options)),
          rubric_(std::move(rubric)),
          stores_(std::move(stores)),
          seen_({.recent_max = options_.recent_records_max}),
          collector_(dependencies.log),
          relay_(dependencies.database, dependencies.log,
                 {.topic = std::string(kernel::data_centers_topic), .producer = relay_producer, .batch_max = batch_max}),
          manage_(*stores_.data_centers, cache_, dependencies.clock, [this] { relay_.wake(); }),
          classify_(rubric_, cache_, manage_, standings_),
          grading_(classify_),
          receive_({.seen = seen_,
                    .index = *stores_.seen_index,
                    .collector = collector_,
                    .pool = dependencies.pool,
                    .clock = dependencies.clock},
                   rubric_) {}
    ~Running() override { stop(); }

    // Everything that must be known before the first request: data centres, counters up to the end of the log, records that were seen.
    Result<void> prepare() {
        if (auto loaded = manage_.load(); !loaded) return loaded;
        auto handler = CountersProjection::open(*stores_.projecting,
                                                {.rubric = rubric_, .clock = dependencies_.clock, .seen = seen_, .grading = grading_});
        if (!handler) return std::move(handler).error();
        handler_ = std::move(*handler);
        projection_ =
            std::make_unique<Projection>(platform::projection::Options{.name = std::string(infrastructure::db::counters_projection),
                                                                       .topic = std::string(kernel::raw_data_topic),
                                                                       .batch_max = batch_max,
                                                                       .niceness = platform::runtime::index_niceness},
                                         *stores_.projecting, dependencies_.log, *handler_);
        std::vector<kernel::DataCenterId> centers;
        for (const auto& center : cache_.all()) centers.push_back(center.id);
        if (auto loaded = handler_->load(centers); !loaded) return loaded;
        // After a message that cannot be read the intake still serves: as long as the index lies behind the log, what it says is appended
        // once more, and /ready tells.
        if (auto caught_up = projection_->catch_up(options_.stop); !caught_up) {
            const auto kind = caught_up.error().kind;
            if (kind != kernel::ErrorKind::fault && kind != kernel::ErrorKind::incorrect) return caught_up;
            health_.ended("classifier-projection-ended", caught_up);
        }
        if (options_.stop.stop_requested()) return kernel::Error{kernel::ErrorKind::interrupted, "stopped", "stopped while starting"};
        auto head = dependencies_.log.head(std::string(kernel::raw_data_topic));
        if (!head) return std::move(head).error();
        if (auto loaded = seen_.load(*stores_.seen_index, projection_->reached().value, head->value); !loaded) return loaded;
        if (auto graded = grading_.grade_due(); !graded) return graded;
        publish_gauges();
        return ok();
    }

    platform::http::Routes routes() override {
        return infrastructure::http::routes({
            .receive = receive_,
            .manage = manage_,
            .cache = cache_,
            .counters = *stores_.counters,
            .standings = standings_,
            .pool = dependencies_.pool,
            .metrics = dependencies_.metrics,
            .clock = dependencies_.clock,
            .limits = options_.limits,
            .open = options_.open,
            .operator_token = options_.operator_token,
            .body_bytes_max = options_.body_bytes_max,
            .streams_max = options_.streams_max,
            .rubric_json =
                options_.rubric_json.empty() ? std::string(infrastructure::formats::embedded::rubric_json()) : options_.rubric_json,
            .ready = [this] { return healthy(); },
        });
    }

    void start() override {
        if (projecting_.joinable()) return;
        projecting_ =
            std::jthread([this](const std::stop_token& stop) { health_.ended("classifier-projection-ended", projection_->run(stop)); });
        relaying_ = std::jthread([this](const std::stop_token& stop) { health_.ended("classifier-relay-ended", relay_.run(stop)); });
        grading_thread_ = std::jthread([this](const std::stop_token& stop) {
            platform::runtime::name_this_thread("grading");
            health_.ended("classifier-grading-ended", platform::runtime::guarded([&] {
                              grading_.run(stop);
                              return ok();
                          }));
        });
    }

    // The projection first: what it still counts is graded, and what is graded is relayed.
    void stop() override {
        end(projecting_);
        end(grading_thread_);
        relaying_.request_stop();
        relay_.wake();
        end(relaying_);
    }

    bool healthy() const override { return health_.good() && !projection_->stuck() && dependencies_.log.healthy(); }

private:
    static void end(std::jthread& thread) {
        thread.request_stop();
        if (thread.joinable()) thread.join();
    }

    void publish_gauges() {
        auto& metrics = dependencies_.metrics;
        auto lag = metrics.gauge("acopio_classifier_lag_messages", "Messages of raw-data that are not counted yet.");
        auto recent = metrics.gauge("acopio_intake_recent_records", "Records in memory that are not in the index of seen records yet.");
        auto fingerprints = metrics.gauge("acopio_intake_fingerprints", "Records whose fingerprint is in memory.");
        refresh_.emplace(metrics, [this, lag, recent, fingerprints]() mutable {
            lag.set(projection_->lag());
            recent.set(static_cast<double>(seen_.recent_size()));
            fingerprints.set(static_cast<double>(seen_.fingerprints_size()));
        });
    }

    Dependencies dependencies_;
    Options options_;
    domain::Rubric rubric_;
    Stores stores_;
    application::SeenRecords seen_;
    application::DataCenterCache cache_;
    application::Standings standings_;
    infrastructure::messaging::CollectorLog collector_;
    platform::event_store::Relay relay_;
    application::ManageDataCenters manage_;
    application::ClassifyDataCenters classify_;
    application::Grading grading_;
    application::ReceiveRawData receive_;
    std::unique_ptr<CountersProjection> handler_;
    std::unique_ptr<Projection> projection_;
    platform::runtime::Health health_;
    std::optional<platform::runtime::Metrics::Refresh> refresh_;
    std::jthread projecting_, relaying_, grading_thread_;
};

}  // namespace

Result<std::unique_ptr<Service>> Service::open(Dependencies dependencies, Options options) {
    if (!options.open && options.operator_token.empty())
        return kernel::Error{kernel::ErrorKind::incorrect, "operator-token-missing",
                             "without an operator's token only the open mode can be served"};
    auto rubric = options.rubric_json.empty() ? Result<domain::Rubric>(infrastructure::formats::built_in_rubric())
                                              : infrastructure::formats::rubric_from_json(options.rubric_json);
    if (!rubric) return std::move(rubric).error();
    auto stores = open_stores(dependencies.database, dependencies.log);
    if (!stores) return std::move(stores).error();
    auto service = std::make_unique<Running>(dependencies, std::move(options), std::move(*rubric), std::move(*stores));
    if (auto prepared = service->prepare(); !prepared) return std::move(prepared).error();
    return std::unique_ptr<Service>(std::move(service));
}

}  // namespace data_center_classifier
