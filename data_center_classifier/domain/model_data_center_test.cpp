// The aggregate DataCenter: each order, each refusal, and replay.
#include "data_center_classifier/domain/model_data_center.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace data_center_classifier::domain {
namespace {

const kernel::Timestamp noon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + std::chrono::hours{12}};

DataCenter after(std::vector<DataCenterCommand> commands) {
    DataCenter state;
    for (const auto& command : commands) {
        auto event = decide(state, command, noon);
        EXPECT_TRUE(event);
        if (event && *event) state = domain::apply(std::move(state), **event);
    }
    return state;
}
const RegisterDataCenter register_north{{"north"}, "North Hospital"};

TEST(data_center, is_registered_once) {
    const auto state = after({register_north});
    EXPECT_EQ(state.id.value, "north");
    EXPECT_EQ(state.grade, "-");
    EXPECT_EQ(state.version, 1u);
    EXPECT_EQ(decide(state, register_north, noon).error().code, "data-center-exists");
}

TEST(data_center, takes_no_order_before_it_is_registered) {
    for (const DataCenterCommand& command : {DataCenterCommand(IssueKey{"k", "h"}), DataCenterCommand(ResumeDataCenter{}),
                                             DataCenterCommand(ClassifyDataCenter{'A', 95, "", "r"})})
        EXPECT_EQ(decide({}, command, noon).error().code, "data-center-unknown");
}

TEST(data_center, refuses_ids_outside_the_rule) {
    for (const auto* id : {"", "-a", "North", "a b", "a/b", "ñ"}) EXPECT_FALSE(is_data_center_id(id)) << id;
    EXPECT_FALSE(is_data_center_id(std::string(65, 'a')));
    EXPECT_TRUE(is_data_center_id(std::string(64, 'a')));
    EXPECT_TRUE(is_data_center_id("7-north"));
    EXPECT_EQ(decide({}, RegisterDataCenter{{"North"}, ""}, noon).error().code, "data-center-id-invalid");
    EXPECT_EQ(decide({}, RegisterDataCenter{{"north"}, "a\nb"}, noon).error().code, "name-invalid");
}

TEST(data_center, revoking_a_key_twice_changes_nothing) {
    const auto state = after({register_north, IssueKey{"k1", "h1"}, RevokeKey{"k1"}});
    ASSERT_EQ(state.keys.size(), 1u);
    EXPECT_TRUE(state.keys[0].revoked_at);
    const auto again = decide(state, RevokeKey{"k1"}, noon);
    ASSERT_TRUE(again);
    EXPECT_FALSE(*again);
    EXPECT_EQ(decide(state, RevokeKey{"k2"}, noon).error().code, "key-id-unknown");
}

TEST(data_center, has_a_bound_on_keys_in_use) {
    auto state = after({register_north});
    for (std::size_t i = 0; i < active_keys_max; ++i)
        state = domain::apply(state, **decide(state, IssueKey{"k" + std::to_string(i), "h"}, noon));
    EXPECT_EQ(decide(state, IssueKey{"one-more", "h"}, noon).error().code, "too-many-keys");
    state = domain::apply(state, **decide(state, RevokeKey{"k0"}, noon));
    EXPECT_TRUE(decide(state, IssueKey{"one-more", "h"}, noon));
}

TEST(data_center, is_suspended_and_resumed) {
    const auto suspended = after({register_north, SuspendDataCenter{"identifiers in reports"}});
    EXPECT_TRUE(suspended.suspended);
    EXPECT_EQ(suspended.suspended_because, "identifiers in reports");
    const auto resumed = after({register_north, SuspendDataCenter{"x"}, ResumeDataCenter{}, ResumeDataCenter{}});
    EXPECT_FALSE(resumed.suspended);
    EXPECT_EQ(resumed.version, 3u);
}

TEST(data_center, is_classified_only_when_the_grade_changes) {
    const auto state = after({register_north, ClassifyDataCenter{'B', 85, "", "r"}, ClassifyDataCenter{'B', 86, "", "r"}});
    EXPECT_EQ(state.grade, "B");
    EXPECT_EQ(state.version, 2u);
}

TEST(data_center, versions_count_events_whatever_the_orders_are) {
    EXPECT_TRUE(rc::check("version = number of events", [](const std::vector<std::uint8_t>& choices) {
        DataCenter state = after({register_north});
        std::uint64_t events = 1;
        for (const auto choice : choices) {
            const auto text = std::to_string(choice / 8);
            const DataCenterCommand commands[] = {
                IssueKey{text, "h"}, RevokeKey{text},    SuspendDataCenter{text},
                ResumeDataCenter{},  StoreMapping{text}, ClassifyDataCenter{static_cast<char>('A' + choice % 5), 1, "", ""},
                register_north,      RevokeKey{"nobody"}};
            const auto event = decide(state, commands[choice % 8], noon);
            if (!event || !*event) continue;
            state = domain::apply(std::move(state), **event);
            ++events;
        }
        RC_ASSERT(state.version == events);
        const auto active = std::count_if(state.keys.begin(), state.keys.end(), [](const auto& key) { return !key.revoked_at; });
        RC_ASSERT(static_cast<std::size_t>(active) <= active_keys_max);
    }));
}

}  // namespace
}  // namespace data_center_classifier::domain
