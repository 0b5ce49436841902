// The first time that a receipt was given stays; a record that left quarantine later is no longer quarantined.
#include "collector_query/infrastructure/db/projection_receipts.hpp"

#include "collector_query/infrastructure/db/hex_bytes.hpp"

namespace collector_query::infrastructure::db {

using kernel::Result;

Result<std::unique_ptr<ReceiptsProjection>> ReceiptsProjection::open(platform::sql::Connection& connection) {
    auto insert = connection.prepare(
        "INSERT INTO receipt (receipt_id, data_id, centre, record_id, received_at, quarantined) VALUES (?, ?, ?, ?, ?, ?)");
    if (!insert) return std::move(insert).error();
    auto update = connection.prepare("UPDATE receipt SET quarantined = ? WHERE receipt_id = ?");
    if (!update) return std::move(update).error();
    std::unique_ptr<ReceiptsProjection> projection(new ReceiptsProjection);
    projection->insert_ = std::move(*insert);
    projection->update_ = std::move(*update);
    return projection;
}

Result<void> ReceiptsProjection::handle(const std::vector<platform::log::Message>& batch) {
    for (const auto& message : batch) {
        auto event = kernel::raw_data_event_from(message.envelope, kernel::Record::leave_out);
        if (!event) return std::move(event).error();
        auto written = kernel::ok();
        if (const auto* received = std::get_if<kernel::RawDataReceived>(&*event)) written = write(*received, false);
        if (const auto* quarantined = std::get_if<kernel::RawDataQuarantined>(&*event)) written = write(*quarantined, true);
        if (!written) return written;
    }
    return kernel::ok();
}

Result<void> ReceiptsProjection::write(const kernel::RawDataFacts& facts, bool quarantined) {
    auto receipt = bytes_of(facts.receipt_id.value);
    if (!receipt) return std::move(receipt).error();
    auto data = bytes_of(facts.data_id.value);
    if (!data) return std::move(data).error();
    insert_->bind_bytes(0, *receipt);
    insert_->bind_bytes(1, *data);
    insert_->bind(2, std::string_view(facts.data_center_id.value));
    insert_->bind(3, std::string_view(facts.record_id.value));
    insert_->bind(4, static_cast<std::int64_t>(facts.received_at.time_since_epoch().count()));
    insert_->bind(5, std::int64_t{quarantined});
    const auto inserted = insert_->run();
    if (inserted) return kernel::ok();
    if (inserted.error().kind != kernel::ErrorKind::conflict) return inserted.error();
    update_->bind(0, std::int64_t{quarantined});
    update_->bind_bytes(1, *receipt);
    auto updated = update_->run();
    if (!updated) return std::move(updated).error();
    return kernel::ok();
}

}  // namespace collector_query::infrastructure::db
