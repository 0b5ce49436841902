// Composition of the read side: two projections, each with a thread and a connection, and the HTTP surface over read-only connections.
#include "collector_query/service.hpp"

#include "collector_query/infrastructure/db/access_tokens.hpp"
#include "collector_query/infrastructure/db/adapter_collector_query_sql.hpp"
#include "collector_query/infrastructure/db/projection_collected_data.hpp"
#include "collector_query/infrastructure/db/projection_receipts.hpp"
#include "collector_query/infrastructure/db/schema.hpp"
#include "collector_query/infrastructure/http/routes.hpp"
#include "platform/runtime/health.hpp"
#include "platform/runtime/priority.hpp"

#include <thread>

namespace collector_query {
namespace {

using infrastructure::db::AccessTokensSql;
using infrastructure::db::CollectedDataProjection;
using infrastructure::db::CollectorQuerySql;
using infrastructure::db::ReceiptsProjection;
using kernel::Result;
using platform::projection::Projection;

// Large: what is behind catches up with fewer visits to each page of the indexes.
constexpr std::size_t batch_max = 5000;
constexpr std::int64_t writer_cache_kib = 48 * 1024;

// Both projections with what they write through. What is lost in a power cut is projected again from the log, so commits need not wait for
// the disk.
struct Projections {
    std::unique_ptr<platform::sql::Connection> data_connection, receipts_connection;
    std::unique_ptr<CollectedDataProjection> data_handler;
    std::unique_ptr<ReceiptsProjection> receipts_handler;
    std::unique_ptr<Projection> data, receipts;
};

Result<Projections> open_projections(platform::sql::Database& database, platform::log::EventLog& log, platform::runtime::Metrics& metrics,
                                     const kernel::Clock& clock) {
    {
        auto connection = database.connect({.durability = platform::sql::Durability::full});
        if (!connection) return std::move(connection).error();
        if (auto migrated = infrastructure::db::migrate(**connection); !migrated) return std::move(migrated).error();
    }
    Projections opened;
    for (auto* connection : {&opened.data_connection, &opened.receipts_connection}) {
        auto one = database.connect({.durability = platform::sql::Durability::process, .cache_kib = writer_cache_kib});
        if (!one) return std::move(one).error();
        *connection = std::move(*one);
    }
    auto data = CollectedDataProjection::open(*opened.data_connection, clock, metrics);
    if (!data) return std::move(data).error();
    opened.data_handler = std::move(*data);
    auto receipts = ReceiptsProjection::open(*opened.receipts_connection);
    if (!receipts) return std::move(receipts).error();
    opened.receipts_handler = std::move(*receipts);

    using platform::projection::Options;
    opened.data = std::make_unique<Projection>(Options{.name = std::string(infrastructure::db::collected_data_projection),
                                                       .topic = std::string(kernel::collected_data_topic),
                                                       .batch_max = batch_max,
                                                       .niceness = platform::runtime::background_niceness},
                                               *opened.data_connection, log, *opened.data_handler);
    opened.receipts = std::make_unique<Projection>(Options{.name = std::string(infrastructure::db::receipts_projection),
                                                           .topic = std::string(kernel::raw_data_topic),
                                                           .batch_max = batch_max,
                                                           .niceness = platform::runtime::background_niceness},
                                                   *opened.receipts_connection, log, *opened.receipts_handler);
    return opened;
}

class Running final : public Service {
public:
    Running(Dependencies dependencies, const Options& options, Projections projections, std::unique_ptr<AccessTokensSql> tokens)
        : dependencies_(dependencies),
          projections_(std::move(projections)),
          view_(dependencies.database),
          tokens_(std::move(tokens)),
          queries_(view_, *tokens_, dependencies.pool, {.open = options.open, .operator_token = options.operator_token}) {}
    ~Running() override { stop(); }

    platform::http::Routes routes() override {
        return infrastructure::http::routes({.queries = queries_, .metrics = dependencies_.metrics, .ready = [this] { return healthy(); }});
    }

    void start() override {
        if (data_thread_.joinable()) return;
        data_thread_ = std::jthread(
            [this](const std::stop_token& stop) { health_.ended("query-data-projection-ended", projections_.data->run(stop)); });
        receipts_thread_ = std::jthread(
            [this](const std::stop_token& stop) { health_.ended("query-receipts-projection-ended", projections_.receipts->run(stop)); });
    }

    void stop() override {
        data_thread_.request_stop();
        receipts_thread_.request_stop();
        if (data_thread_.joinable()) data_thread_.join();
        if (receipts_thread_.joinable()) receipts_thread_.join();
    }

    bool healthy() const override { return health_.good() && !projections_.data->stuck() && !projections_.receipts->stuck(); }

private:
    platform::runtime::Gauge lag_gauge(const std::string& topic) {
        return dependencies_.metrics.gauge("acopio_query_lag_messages", "Messages of a topic that the read side has not projected yet.",
                                           {{"topic", topic}});
    }

    Dependencies dependencies_;
    Projections projections_;
    CollectorQuerySql view_;
    std::unique_ptr<AccessTokensSql> tokens_;
    application::CollectorQuery queries_;
    platform::runtime::Health health_;
    platform::runtime::Gauge data_lag_ = lag_gauge("collected-data"), raw_lag_ = lag_gauge("raw-data");
    platform::runtime::Metrics::Refresh refresh_{dependencies_.metrics, [this] {
                                                     data_lag_.set(projections_.data->lag());
                                                     raw_lag_.set(projections_.receipts->lag());
                                                 }};
    std::jthread data_thread_, receipts_thread_;
};

}  // namespace

Result<std::unique_ptr<Service>> Service::open(Dependencies dependencies, const Options& options) {
    auto projections = open_projections(dependencies.database, dependencies.log, dependencies.metrics, dependencies.clock);
    if (!projections) return std::move(projections).error();
    for (auto* projection : {projections->data.get(), projections->receipts.get()})
        if (auto checked = projection->check(); !checked) return std::move(checked).error();
    auto tokens = AccessTokensSql::open(dependencies.access);
    if (!tokens) return std::move(tokens).error();
    return std::unique_ptr<Service>(std::make_unique<Running>(dependencies, options, std::move(*projections), std::move(*tokens)));
}

Result<std::string> add_token(platform::sql::Database& access, std::string_view role, std::string_view name, kernel::Timestamp now) {
    return infrastructure::db::add_token(access, role, name, now);
}

Result<std::vector<TokenInfo>> list_tokens(platform::sql::Database& access) {
    auto rows = infrastructure::db::list_tokens(access);
    if (!rows) return std::move(rows).error();
    std::vector<TokenInfo> tokens;
    for (auto& row : *rows)
        tokens.push_back({.id = std::move(row.id),
                          .role = std::move(row.role),
                          .name = std::move(row.name),
                          .created_at = kernel::to_text(row.created_at),
                          .revoked_at = row.revoked_at ? kernel::to_text(*row.revoked_at) : std::string()});
    return tokens;
}

Result<void> revoke_token(platform::sql::Database& access, std::string_view id, kernel::Timestamp now) {
    return infrastructure::db::revoke_token(access, id, now);
}

Result<void> rebuild(platform::sql::Database& fresh, platform::log::EventLog& log, platform::runtime::Metrics& metrics,
                     const kernel::Clock& clock) {
    auto projections = open_projections(fresh, log, metrics, clock);
    if (!projections) return std::move(projections).error();
    if (auto done = projections->receipts->catch_up(); !done) return std::move(done).error();
    return projections->data->catch_up();
}

}  // namespace collector_query
