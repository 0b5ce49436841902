// Positions of Pulsar messages, and the address of a log.
#include "platform/log/pulsar/position.hpp"

#include "platform/log/pulsar/pulsar_log.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace platform::log::pulsar {
namespace {

using platform::pulsar::wire::MessageId;

RC_GTEST_PROP(PulsarPosition, orders_as_the_ids_do, ()) {
    const auto id = [] {
        return MessageId{.ledger = *rc::gen::inRange<std::uint64_t>(0, (std::uint64_t{1} << ledger_bits) - 1),
                         .entry = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << entry_bits),
                         .batch_index = *rc::gen::inRange(0, 1 << index_bits)};
    };
    const auto a = id();
    const auto b = id();
    RC_ASSERT((a <=> b) == (*position_of(a) <=> *position_of(b)));
    RC_ASSERT(id_of(*position_of(a)) == a);
    RC_ASSERT(position_of(a)->value > 0 && position_of(a)->value < std::uint64_t{1} << 62U);
    // The entry to begin at is that of the next message, or of this one, whose neighbours may follow.
    const auto begin = entry_after(*position_of(a));
    RC_ASSERT(begin && *begin <= MessageId({.ledger = a.ledger, .entry = a.entry + 1}));
    RC_ASSERT(*entry_after({position_of(a)->value - 1}) == MessageId({.ledger = a.ledger, .entry = a.entry}));
}

TEST(PulsarPosition, what_is_too_large_is_a_fault_and_no_wrong_order) {
    EXPECT_TRUE(position_of({.ledger = (1U << ledger_bits) - 2, .entry = (1U << entry_bits) - 1, .batch_index = 1023}));
    EXPECT_EQ(position_of({.ledger = (1U << ledger_bits) - 1}).error().code, "log-position-range");
    EXPECT_EQ(position_of({.entry = 1U << entry_bits}).error().code, "log-position-range");
    EXPECT_EQ(position_of({.batch_index = 1024}).error().code, "log-position-range");
    EXPECT_EQ(position_of(platform::pulsar::wire::earliest).error().code, "log-position-range");
    EXPECT_FALSE(entry_after({}));
}

TEST(PulsarAddress, names_service_tenant_and_namespace) {
    Options options;
    ASSERT_TRUE(set_address(options, "pulsar://broker"));
    EXPECT_EQ(options.client.service, "pulsar://broker");
    EXPECT_EQ(options.tenant, "acopio");
    EXPECT_EQ(options.name_space, "collection");
    ASSERT_TRUE(set_address(options, "pulsar+ssl://a:6651,b:6651/clinic/records/"));
    EXPECT_EQ(options.client.service, "pulsar+ssl://a:6651,b:6651");
    EXPECT_EQ(options.tenant, "clinic");
    EXPECT_EQ(options.name_space, "records");
    ASSERT_TRUE(set_address(options, "pulsar://[::1]:6650/t/n"));
    for (const auto* bad : {"", "broker:6650", "http://broker", "pulsar://", "pulsar:///t/n", "pulsar://b/t", "pulsar://b/t/n/x",
                            "pulsar://b:0", "pulsar://b:x/t/n", "pulsar://b/t n/x", "pulsar://b//n"})
        EXPECT_FALSE(set_address(options, bad)) << bad;
}

}  // namespace
}  // namespace platform::log::pulsar
