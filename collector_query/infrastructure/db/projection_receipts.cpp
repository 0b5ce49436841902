// The first time that a receipt was given stays; a record that left quarantine later is no longer quarantined.
#include "collector_query/infrastructure/db/projection_receipts.hpp"

#include "collector_query/infrastructure/db/event_type.hpp"
#include "collector_query/infrastructure/db/hex_bytes.hpp"

namespace collector_query::infrastructure::db {

using kernel::Result;

namespace {

Result<void> done(Result<std::int64_t> changed) {
    if (!changed) return std::move(changed).error();
    return kernel::ok();
}

}  // namespace

Result<std::unique_ptr<ReceiptsProjection>> ReceiptsProjection::open(platform::sql::Connection& connection) {
    std::unique_ptr<ReceiptsProjection> projection(new ReceiptsProjection);
    const std::pair<std::unique_ptr<platform::sql::Statement>*, std::string_view> statements[] = {
        {&projection->insert_,
         "INSERT INTO receipt (receipt_id, data_id, centre, record_id, received_at, quarantined) VALUES (?, ?, ?, ?, ?, ?)"},
        {&projection->update_, "UPDATE receipt SET quarantined = ? WHERE receipt_id = ?"},
        {&projection->insert_quarantined_, "REPLACE INTO receipt_in_quarantine (data_id, receipt_id) VALUES (?, ?)"},
        {&projection->retract_,
         "UPDATE receipt SET quarantined = ? WHERE quarantined = ? AND receipt_id IN "
         "(SELECT receipt_id FROM receipt_in_quarantine WHERE data_id = ?)"},
        {&projection->delete_quarantined_, "DELETE FROM receipt_in_quarantine WHERE data_id = ?"},
    };
    for (const auto& [statement, sql] : statements) {
        auto prepared = connection.prepare(sql);
        if (!prepared) return std::move(prepared).error();
        *statement = std::move(*prepared);
    }
    return projection;
}

Result<void> ReceiptsProjection::handle(const std::vector<platform::log::Message>& batch) {
    for (const auto& message : batch) {
        auto event = kernel::raw_data_event_from(message.envelope, kernel::Record::leave_out);
        if (!event) return std::move(event).error();
        auto written = kernel::ok();
        if (const auto* received = std::get_if<kernel::RawDataReceived>(&*event)) written = write(*received, false);
        if (const auto* quarantined = std::get_if<kernel::RawDataQuarantined>(&*event)) written = write(*quarantined, true);
        if (const auto* retracted = std::get_if<kernel::RawDataRetracted>(&*event)) written = retract(*retracted);
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
    insert_->bind(5, quarantined ? receipt_quarantined : receipt_in_order);
    const auto inserted = insert_->run();
    if (!inserted && inserted.error().kind != kernel::ErrorKind::conflict) return inserted.error();
    if (quarantined) {
        insert_quarantined_->bind_bytes(0, *data);
        insert_quarantined_->bind_bytes(1, *receipt);
        if (auto kept = done(insert_quarantined_->run()); !kept) return kept;
    }
    if (inserted) return kernel::ok();
    update_->bind(0, quarantined ? receipt_quarantined : receipt_in_order);
    update_->bind_bytes(1, *receipt);
    return done(update_->run());
}

// Those that left quarantine in between keep what they are.
Result<void> ReceiptsProjection::retract(const kernel::RawDataRetracted& event) {
    auto data = bytes_of(event.data_id.value);
    if (!data) return std::move(data).error();
    retract_->bind(0, receipt_retracted);
    retract_->bind(1, receipt_quarantined);
    retract_->bind_bytes(2, *data);
    if (auto retracted = done(retract_->run()); !retracted) return retracted;
    delete_quarantined_->bind_bytes(0, *data);
    return done(delete_quarantined_->run());
}

}  // namespace collector_query::infrastructure::db
