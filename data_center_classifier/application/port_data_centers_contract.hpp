// What every adapter of the port DataCenters must do. A test of an adapter instantiates the suite with a fixture of its own.
#pragma once

#include "data_center_classifier/application/port_data_centers.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <memory>

namespace data_center_classifier::application::contract {

class DataCentersFixture {
public:
    virtual ~DataCentersFixture() = default;
    virtual DataCenters& store() = 0;
    virtual void reopen() = 0;  // as after a restart
};
using MakeDataCenters = std::function<std::unique_ptr<DataCentersFixture>()>;

class DataCentersContract : public testing::TestWithParam<MakeDataCenters> {
protected:
    static kernel::DataCenterEvent registered(const std::string& id) {
        return kernel::DataCenterRegistered{{id}, "The " + id, kernel::Timestamp{}};
    }
    std::vector<std::string> ids() {
        std::vector<std::string> all;
        for (const auto& center : *fixture_->store().load()) all.push_back(center.id.value);
        return all;
    }
    std::unique_ptr<DataCentersFixture> fixture_ = GetParam()();
};

TEST_P(DataCentersContract, is_empty_at_first) {
    EXPECT_TRUE(ids().empty());
}

TEST_P(DataCentersContract, gives_every_centre_as_its_events_made_it_after_a_restart_too) {
    ASSERT_TRUE(fixture_->store().append(registered("b"), 1));
    ASSERT_TRUE(fixture_->store().append(registered("a"), 1));
    ASSERT_TRUE(fixture_->store().append(kernel::DataCenterSuspended{{"b"}, "why", {}}, 2));
    for (int round = 0; round < 2; ++round) {
        const auto centers = *fixture_->store().load();
        ASSERT_EQ(centers.size(), 2U);
        EXPECT_THAT(ids(), testing::UnorderedElementsAre("a", "b"));
        for (const auto& center : centers) {
            EXPECT_EQ(center.suspended, center.id.value == "b");
            EXPECT_EQ(center.version, center.id.value == "b" ? 2U : 1U);
        }
        fixture_->reopen();
    }
}

TEST_P(DataCentersContract, a_version_that_exists_is_a_conflict_that_changes_nothing) {
    ASSERT_TRUE(fixture_->store().append(registered("a"), 1));
    const auto refused = fixture_->store().append(kernel::DataCenterSuspended{{"a"}, "why", {}}, 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kernel::ErrorKind::conflict);
    EXPECT_FALSE(fixture_->store().load()->front().suspended);
    EXPECT_TRUE(fixture_->store().append(kernel::DataCenterSuspended{{"a"}, "why", {}}, 2));
    EXPECT_TRUE(fixture_->store().append(registered("b"), 1));
    fixture_->reopen();
    EXPECT_THAT(ids(), testing::UnorderedElementsAre("a", "b"));
}

}  // namespace data_center_classifier::application::contract
