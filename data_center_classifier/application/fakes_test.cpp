// The fakes that stand for adapters in this room's tests, through the contract suites of their ports.
#include "data_center_classifier/application/fake_collector.hpp"
#include "data_center_classifier/application/fake_data_centers.hpp"
#include "data_center_classifier/application/fake_seen_index.hpp"
#include "data_center_classifier/application/port_collector_contract.hpp"
#include "data_center_classifier/application/port_data_centers_contract.hpp"
#include "data_center_classifier/application/port_seen_index_contract.hpp"

namespace data_center_classifier::application::contract {
namespace {

class MemoryCollectorFixture final : public CollectorFixture {
public:
    Collector& collector() override { return collector_; }
    std::vector<Written> written() override {
        std::vector<Written> all;
        for (auto& event : collector_.written()) all.push_back({collector_.position(all.size()), std::move(event)});
        return all;
    }
    void reopen() override {}

private:
    MemoryCollector collector_;
};
INSTANTIATE_TEST_SUITE_P(memory, CollectorContract, testing::Values([] { return std::make_unique<MemoryCollectorFixture>(); }));

class MapIndexFixture final : public SeenIndexFixture {
public:
    SeenIndex& index() override { return index_; }
    void write(RecordKey key, Seen seen) override { index_.rows[key] = seen; }

private:
    MapIndex index_;
};
INSTANTIATE_TEST_SUITE_P(memory, SeenIndexContract, testing::Values([] { return std::make_unique<MapIndexFixture>(); }));

class MemoryDataCentersFixture final : public DataCentersFixture {
public:
    DataCenters& store() override { return store_; }
    void reopen() override {}

private:
    MemoryDataCenters store_;
};
INSTANTIATE_TEST_SUITE_P(memory, DataCentersContract, testing::Values([] { return std::make_unique<MemoryDataCentersFixture>(); }));

TEST(MemoryCollector, told_to_fail_before_the_write_has_written_nothing_and_after_it_everything) {
    MemoryCollector collector;
    const auto append = [&] { return platform::runtime::run(collector.append({kernel::RawDataRetracted{}})); };
    collector.before = kernel::Error{kernel::ErrorKind::busy, "log-queue-full", ""};
    EXPECT_EQ(append().error().code, "log-queue-full");
    EXPECT_TRUE(collector.written().empty());
    collector.before.reset();
    collector.after = kernel::Error{kernel::ErrorKind::unavailable, "log-gone", ""};
    EXPECT_EQ(append().error().code, "log-gone");
    EXPECT_EQ(collector.written().size(), 1U);
}

}  // namespace
}  // namespace data_center_classifier::application::contract
