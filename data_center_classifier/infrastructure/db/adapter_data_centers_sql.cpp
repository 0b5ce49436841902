// Events in, events out; the state is the domain's business.
#include "data_center_classifier/infrastructure/db/adapter_data_centers_sql.hpp"

#include <map>

namespace data_center_classifier::infrastructure::db {
namespace {

constexpr std::size_t page = 1000;

kernel::Timestamp time_of(const kernel::DataCenterEvent& event) {
    return std::visit([](const auto& one) { return one.at; }, event);
}

}  // namespace

kernel::Result<std::unique_ptr<DataCentersSql>> DataCentersSql::open(platform::sql::Database& database) {
    auto connection = database.connect({.durability = platform::sql::Durability::full, .cache_kib = 1024});
    if (!connection) return std::move(connection).error();
    auto store = platform::event_store::EventStore::open(**connection);
    if (!store) return std::move(store).error();
    return std::unique_ptr<DataCentersSql>(new DataCentersSql(std::move(*connection), std::move(*store)));
}

kernel::Result<std::vector<domain::DataCenter>> DataCentersSql::load() {
    std::map<std::string, domain::DataCenter> centers;
    std::uint64_t after = 0;
    while (true) {
        auto events = store_.after(after, page);
        if (!events) return std::move(events).error();
        for (const auto& one : *events) {
            auto event = kernel::data_center_event_from(one.event);
            if (!event) return std::move(event).error();
            auto& center = centers[kernel::data_center_of(*event).value];
            center = domain::apply(std::move(center), *event);
            after = one.sequence;
        }
        if (events->size() < page) break;
    }
    std::vector<domain::DataCenter> all;
    all.reserve(centers.size());
    for (auto& [id, center] : centers) all.push_back(std::move(center));
    return all;
}

kernel::Result<void> DataCentersSql::append(const kernel::DataCenterEvent& event, std::uint64_t version) {
    if (doubtful_) {
        if (auto restored = store_.rolled_back(); !restored) return restored;
        doubtful_ = false;
    }
    auto done = append_in_transaction(event, version);
    if (!done) doubtful_ = !store_.rolled_back();
    return done;
}

kernel::Result<void> DataCentersSql::append_in_transaction(const kernel::DataCenterEvent& event, std::uint64_t version) {
    auto transaction = platform::sql::Transaction::begin(*connection_);
    if (!transaction) return std::move(transaction).error();
    const auto id = kernel::data_center_of(event).value;
    const auto at = time_of(event);
    auto sequence = store_.append(id, version, kernel::to_envelope(event), at);
    if (!sequence) return std::move(sequence).error();
    return transaction->commit();
}

}  // namespace data_center_classifier::infrastructure::db
