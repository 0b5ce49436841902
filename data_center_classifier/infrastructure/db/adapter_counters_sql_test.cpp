// The counters on SQLite, through the port's contract suite. What writes them is tested in projection_counters_test.cpp.
#include "data_center_classifier/infrastructure/db/adapter_counters_sql.hpp"

#include "data_center_classifier/application/port_counters_contract.hpp"
#include "data_center_classifier/infrastructure/db/test_database.hpp"

namespace data_center_classifier::infrastructure::db {
namespace {

using application::contract::CounterPlace;

class Fixture final : public application::contract::CountersFixture {
public:
    application::Counters& counters() override { return *counters_; }
    void count(const CounterPlace& place, const std::string& check_id, domain::CheckCount count) override {
        auto row = *file_.connection().prepare(
            "INSERT INTO counter (center, rubric, hour, feed, check_id, pass, fail, skip) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        bind(*row, place);
        row->bind(4, std::string_view(check_id));
        row->bind(5, static_cast<std::int64_t>(count.pass));
        row->bind(6, static_cast<std::int64_t>(count.fail));
        row->bind(7, static_cast<std::int64_t>(count.skip));
        EXPECT_TRUE(row->run());
    }
    void count_records(const CounterPlace& place, std::uint64_t records) override {
        auto row = *file_.connection().prepare("INSERT INTO feed_hour (center, rubric, hour, feed, records) VALUES (?, ?, ?, ?, ?)");
        bind(*row, place);
        row->bind(4, static_cast<std::int64_t>(records));
        EXPECT_TRUE(row->run());
    }
    void add_example(const std::string& center, const application::Example& example, int slot) override {
        auto row = *file_.connection().prepare("INSERT INTO example (center, check_id, slot, record_id) VALUES (?, ?, ?, ?)");
        row->bind(0, std::string_view(center));
        row->bind(1, std::string_view(example.check_id));
        row->bind(2, static_cast<std::int64_t>(slot));
        row->bind(3, std::string_view(example.record_id));
        EXPECT_TRUE(row->run());
    }
    void add_quarantined(const std::string& center, const application::QuarantinedRecord& record) override {
        auto row = *file_.connection().prepare(
            "INSERT INTO quarantine (position, record_key, center, record_id, receipt_id, received_at, reasons) VALUES (?, 0, ?, ?, ?, ?, "
            "?)");
        std::string reasons;
        for (const auto& reason : record.reasons) reasons += (reasons.empty() ? "" : ",") + reason;
        row->bind(0, static_cast<std::int64_t>(record.position));
        row->bind(1, std::string_view(center));
        row->bind(2, std::string_view(record.record_id.value));
        row->bind(3, std::string_view(record.receipt_id.value));
        row->bind(4, static_cast<std::int64_t>(record.received_at.time_since_epoch().count()));
        row->bind(5, std::string_view(reasons));
        EXPECT_TRUE(row->run());
    }

private:
    static void bind(platform::sql::Statement& row, const CounterPlace& place) {
        row.bind(0, std::string_view(place.center));
        row.bind(1, std::string_view(place.rubric));
        row.bind(2, static_cast<std::int64_t>(place.hour));
        row.bind(3, std::string_view(place.feed));
    }
    TemporaryDatabase file_;
    std::unique_ptr<CountersSql> counters_ = std::move(*CountersSql::open(file_.database()));
};

const application::contract::MakeCounters make_sqlite = [] { return std::make_unique<Fixture>(); };

}  // namespace
}  // namespace data_center_classifier::infrastructure::db

namespace data_center_classifier::application::contract {
INSTANTIATE_TEST_SUITE_P(sqlite, CountersContract, testing::Values(infrastructure::db::make_sqlite));
}  // namespace data_center_classifier::application::contract
