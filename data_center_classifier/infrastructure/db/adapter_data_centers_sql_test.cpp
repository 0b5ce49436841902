// The aggregates' store on SQLite, through the port's contract suite.
#include "data_center_classifier/infrastructure/db/adapter_data_centers_sql.hpp"

#include "data_center_classifier/application/port_data_centers_contract.hpp"
#include "data_center_classifier/infrastructure/db/test_database.hpp"

namespace data_center_classifier::infrastructure::db {
namespace {

class Fixture final : public application::contract::DataCentersFixture {
public:
    Fixture() { reopen(); }
    application::DataCenters& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        store_ = std::move(*DataCentersSql::open(file_.database()));
    }

private:
    TemporaryDatabase file_;
    std::unique_ptr<DataCentersSql> store_;
};

const application::contract::MakeDataCenters make_sqlite = [] { return std::make_unique<Fixture>(); };

}  // namespace
}  // namespace data_center_classifier::infrastructure::db

namespace data_center_classifier::application::contract {
INSTANTIATE_TEST_SUITE_P(sqlite, DataCentersContract, testing::Values(infrastructure::db::make_sqlite));
}  // namespace data_center_classifier::application::contract
