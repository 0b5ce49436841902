// The index on SQLite, through the port's contract suite.
#include "data_center_classifier/infrastructure/db/adapter_seen_index_sql.hpp"

#include "data_center_classifier/application/port_seen_index_contract.hpp"
#include "data_center_classifier/infrastructure/db/row_codec.hpp"
#include "data_center_classifier/infrastructure/db/test_database.hpp"

namespace data_center_classifier::infrastructure::db {
namespace {

class Fixture final : public application::contract::SeenIndexFixture {
public:
    application::SeenIndex& index() override { return *index_; }
    void write(application::RecordKey key, application::Seen seen) override {
        auto statement = *file_.connection().prepare("REPLACE INTO seen (record_key, content, status, patient) VALUES (?, ?, ?, 0)");
        const auto content = to_row(seen.content);
        statement->bind(0, to_row(key));
        statement->bind_bytes(1, {content.data(), content.size()});
        statement->bind(2, static_cast<std::int64_t>(seen.status));
        EXPECT_TRUE(statement->run());
    }

private:
    TemporaryDatabase file_;
    std::unique_ptr<SeenIndexSql> index_ = std::move(*SeenIndexSql::open(file_.database()));
};

const application::contract::MakeSeenIndex make_sqlite = [] { return std::make_unique<Fixture>(); };

}  // namespace
}  // namespace data_center_classifier::infrastructure::db

namespace data_center_classifier::application::contract {
INSTANTIATE_TEST_SUITE_P(sqlite, SeenIndexContract, testing::Values(infrastructure::db::make_sqlite));
}  // namespace data_center_classifier::application::contract
