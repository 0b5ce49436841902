// Sums over the window, made by the database.
#include "data_center_classifier/infrastructure/db/adapter_counters_sql.hpp"

#include <limits>

namespace data_center_classifier::infrastructure::db {
namespace {

using platform::sql::Statement;

// Calls `row` for each row.
template <class Row>
kernel::Result<void> each(Statement& statement, Row row) {
    const platform::sql::Use use(statement);
    while (true) {
        auto step = use->step();
        if (!step) return std::move(step).error();
        if (!*step) return kernel::ok();
        row();
    }
}

std::uint64_t count(const Statement& statement, int column) {
    return static_cast<std::uint64_t>(statement.integer(column));
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const auto comma = text.find(',');
        items.emplace_back(text.substr(0, comma));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return items;
}

}  // namespace

kernel::Result<std::unique_ptr<CountersSql>> CountersSql::open(platform::sql::Database& database) {
    auto connection = database.connect({.durability = platform::sql::Durability::process, .read_only = true});
    if (!connection) return std::move(connection).error();
    std::unique_ptr<CountersSql> counters(new CountersSql());
    const std::pair<std::unique_ptr<Statement>*, std::string_view> statements[] = {
        {&counters->checks_,
         "SELECT feed, check_id, SUM(pass), SUM(fail), SUM(skip) FROM counter WHERE center = ? AND rubric = ? AND hour >= ? "
         "GROUP BY feed, check_id"},
        {&counters->feeds_, "SELECT feed, SUM(records) FROM feed_hour WHERE center = ? AND rubric = ? AND hour >= ? GROUP BY feed"},
        {&counters->examples_, "SELECT check_id, record_id FROM example WHERE center = ? ORDER BY check_id, slot"},
        {&counters->quarantined_,
         "SELECT position, record_id, receipt_id, received_at, reasons FROM quarantine WHERE center = ? AND position < ? "
         "ORDER BY position DESC LIMIT ?"},
    };
    for (const auto& [statement, sql] : statements) {
        auto prepared = (*connection)->prepare(sql);
        if (!prepared) return std::move(prepared).error();
        *statement = std::move(*prepared);
    }
    counters->connection_ = std::move(*connection);
    return counters;
}

kernel::Result<application::CenterCounts> CountersSql::counts(const kernel::DataCenterId& center, std::string_view rubric,
                                                              application::Hour from) {
    const std::lock_guard lock(mutex_);
    const auto state = platform::sql::Snapshot::begin(*connection_);  // the parts of a scorecard add up
    if (!state) return state.error();
    application::CenterCounts out;
    for (auto* statement : {checks_.get(), feeds_.get()}) {
        statement->bind(0, std::string_view(center.value));
        statement->bind(1, rubric);
        statement->bind(2, static_cast<std::int64_t>(from));
    }
    examples_->bind(0, std::string_view(center.value));
    auto done = each(*checks_, [&] {
        out.checks.push_back({.feed = std::string(checks_->text(0)),
                              .check_id = std::string(checks_->text(1)),
                              .count = {.pass = count(*checks_, 2), .fail = count(*checks_, 3), .skip = count(*checks_, 4)}});
    });
    if (!done) return std::move(done).error();
    done = each(*feeds_, [&] { out.feeds.push_back({.feed = std::string(feeds_->text(0)), .records = count(*feeds_, 1)}); });
    if (!done) return std::move(done).error();
    done = each(*examples_, [&] { out.examples.push_back({std::string(examples_->text(0)), std::string(examples_->text(1))}); });
    if (!done) return std::move(done).error();
    return out;
}

kernel::Result<std::vector<application::QuarantinedRecord>> CountersSql::quarantined(const kernel::DataCenterId& center,
                                                                                     std::uint64_t before, std::size_t count_max) {
    const std::lock_guard lock(mutex_);
    quarantined_->bind(0, std::string_view(center.value));
    quarantined_->bind(1, before == 0 ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(before));
    quarantined_->bind(2, static_cast<std::int64_t>(count_max));
    std::vector<application::QuarantinedRecord> rows;
    auto done = each(*quarantined_, [&] {
        rows.push_back({.position = count(*quarantined_, 0),
                        .record_id = {std::string(quarantined_->text(1))},
                        .receipt_id = {std::string(quarantined_->text(2))},
                        .received_at = kernel::Timestamp(std::chrono::milliseconds(quarantined_->integer(3))),
                        .reasons = split(quarantined_->text(4))});
    });
    if (!done) return std::move(done).error();
    return rows;
}

}  // namespace data_center_classifier::infrastructure::db
