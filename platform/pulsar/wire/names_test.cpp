// Topics, ids of messages, sets of bits, errors: what has a name or a number.
#include "platform/pulsar/wire/bit_set.hpp"
#include "platform/pulsar/wire/error_code.hpp"
#include "platform/pulsar/wire/message_id.hpp"
#include "platform/pulsar/wire/topic.hpp"

#include "kernel/utf8.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

namespace platform::pulsar::wire {
namespace {

TEST(Topic, short_names_are_made_whole) {
    EXPECT_EQ(*topic_name("raw-data"), "persistent://public/default/raw-data");
    EXPECT_EQ(*topic_name("t/n/raw-data"), "persistent://t/n/raw-data");
    EXPECT_EQ(*topic_name("persistent://t/n/raw-data"), "persistent://t/n/raw-data");
    EXPECT_EQ(*topic_name("non-persistent://t/n/raw-data"), "non-persistent://t/n/raw-data");
    EXPECT_EQ(*topic_name("raw-data-partition-3"), "persistent://public/default/raw-data-partition-3");
    EXPECT_EQ(*topic_name("my_tenant.x:y=1/n-1/żółw 7"), "persistent://my_tenant.x:y=1/n-1/żółw 7");
}

TEST(Topic, what_pulsar_refuses_is_refused) {
    for (const std::string name : {"",
                                   " ",
                                   "/",
                                   "//",
                                   "a/b",
                                   "a/b/",
                                   "/b/c",
                                   "a//c",
                                   "a/b/c/d",
                                   "persistent://",
                                   "persistent://raw-data",
                                   "persistent://a/b",
                                   "persistent://a/b/",
                                   "persistent://a/b/ ",
                                   "persistent://a/b/c/d",
                                   "kafka://a/b/c",
                                   "://a/b/c",
                                   "a b/n/c",
                                   "a/n?/c",
                                   "a/n%/c",
                                   "żółw/n/c",
                                   "line\nbreak",
                                   "a/b/tab\t",
                                   "a/b/\x7f",
                                   "not-utf8-\xff"}) {
        const auto whole = topic_name(name);
        ASSERT_FALSE(whole) << name;
        EXPECT_EQ(whole.error().code, "pulsar-topic-name");
        EXPECT_EQ(whole.error().kind, kernel::ErrorKind::incorrect);
    }
    EXPECT_FALSE(topic_name(std::string("nul\0nul", 7)));
}

TEST(Topic, the_name_of_a_partition_gives_its_index) {
    EXPECT_EQ(partition_name("persistent://a/b/c", 12), "persistent://a/b/c-partition-12");
    for (const std::uint32_t index : {0U, 1U, 10U, 2147483647U}) {
        EXPECT_EQ(partition_of_name(partition_name("t", index)), static_cast<std::int32_t>(index));
    }
    EXPECT_EQ(partition_of_name("a-partition-1-partition-2"), 2);
    for (const char* name :
         {"", "t", "t-partition-", "t-partition-x", "t-partition-1x", "t-partition--1", "t-partition-+1", "t-partition-01",
          "t-partition-2147483648", "t-partition-99999999999999999999", "a-partition-1-b", "-partition-1"}) {
        EXPECT_EQ(partition_of_name(name), -1) << name;
    }
}

TEST(Topic, the_hash_of_a_key_is_that_of_every_client) {
    EXPECT_EQ(murmur3(""), 0U);
    EXPECT_EQ(murmur3("k1"), 2110152746U);
    EXPECT_EQ(murmur3("k2"), 1479966664U);
    EXPECT_EQ(murmur3("key1"), 462881061U);
    EXPECT_EQ(murmur3("key01"), 39696932U);
    EXPECT_EQ(murmur3("key02"), 751761803U);
    EXPECT_EQ(murmur3("hello"), 613153351U);
    EXPECT_EQ(murmur3("test"), 980144659U);
    EXPECT_EQ(murmur3("order-42"), 1259446670U);
    EXPECT_EQ(murmur3("3f2504e0-4f89-11d3-9a0c-0305e82c3301"), 754610946U);
    EXPECT_EQ(murmur3("żółw-7"), 82192748U);
    EXPECT_EQ(partition_of_key("order-42", 4), 1259446670U % 4);
    EXPECT_EQ(partition_of_key("żółw-7", 1), 0U);
}

TEST(MessageId, ids_are_ordered_by_where_they_lie) {
    const MessageId id{.ledger = 3, .entry = 5, .batch_index = 2};
    EXPECT_LT((MessageId{.ledger = 2, .entry = 9}), id);
    EXPECT_LT((MessageId{.ledger = 3, .entry = 4, .batch_index = 7}), id);
    EXPECT_LT((MessageId{.ledger = 3, .entry = 5}), id);
    EXPECT_LT((MessageId{.ledger = 3, .entry = 5, .batch_index = 1}), id);
    EXPECT_EQ((MessageId{.ledger = 3, .entry = 5, .batch_index = 2, .batch_size = 9, .partition = 1}), id);
    EXPECT_LT(id, latest);
}

TEST(MessageId, its_text_is_that_of_pulsars_tools) {
    EXPECT_EQ(to_text({.ledger = 12, .entry = 34}), "12:34");
    EXPECT_EQ(to_text({.ledger = 12, .entry = 34, .batch_index = 0, .batch_size = 5}), "12:34:0");
    EXPECT_EQ(to_text(earliest), "-1:-1");
    EXPECT_EQ(to_text(latest), "9223372036854775807:9223372036854775807");
}

TEST(BitSet, words_are_those_of_java) {
    using Words = std::vector<std::uint64_t>;
    EXPECT_EQ(BitSet::all(0).words(), Words{});
    EXPECT_EQ(BitSet::all(1).words(), Words{1});
    EXPECT_EQ(BitSet::all(10).words(), Words{0x3ff});
    EXPECT_EQ(BitSet::all(64).words(), Words{~std::uint64_t{0}});
    EXPECT_EQ(BitSet::all(65).words(), (Words{~std::uint64_t{0}, 1}));
    auto set = BitSet::all(66);
    set.clear(0);
    set.clear(65);
    EXPECT_EQ(set.words(), (Words{~std::uint64_t{1}, 1}));
    set.clear(64);
    EXPECT_EQ(set.words(), Words{~std::uint64_t{1}});
    set.clear(1000);
    set.clear_through(62);
    EXPECT_EQ(set.words(), Words{std::uint64_t{1} << 63U});
    set.clear_through(63);
    EXPECT_EQ(set.words(), Words{});
    EXPECT_TRUE(set.none());
}

TEST(BitSet, it_is_a_set) {
    EXPECT_TRUE(rc::check([] {
        const auto size = *rc::gen::inRange<std::size_t>(0, 200);
        std::set<std::size_t> model;
        for (std::size_t i = 0; i < size; ++i) model.insert(i);
        auto set = BitSet::all(size);
        for (const auto& [through, index] : *rc::gen::arbitrary<std::vector<std::pair<bool, std::uint8_t>>>()) {
            if (through && index % 4 == 0) {
                set.clear_through(index);
                model.erase(model.begin(), model.upper_bound(index));
            } else {
                set.clear(index);
                model.erase(index);
            }
            RC_ASSERT(set.count() == model.size());
            RC_ASSERT(set.none() == model.empty());
        }
        const auto again = BitSet::from_words(set.words());
        for (std::size_t i = 0; i < size + 100; ++i) RC_ASSERT(again.test(i) == model.contains(i));
    }));
}

TEST(ErrorCode, every_error_has_a_code_and_a_reaction_of_its_own) {
    using enum Reaction;
    using enum kernel::ErrorKind;
    struct Expected {
        Reaction reaction;
        kernel::ErrorKind kind;
    };
    constexpr Expected table[] = {
        {retry, unavailable},
        {retry, unavailable},
        {retry, unavailable},
        {fail_operation, forbidden},
        {fail_operation, forbidden},
        {retry_for_a_while, busy},
        {retry, unavailable},
        {retry, busy},
        {retry, busy},
        {fail_operation, fault},
        {fail_operation, unsupported},
        {fail_operation, not_found},
        {fail_operation, not_found},
        {retry, unavailable},
        {retry, busy},
        {end_handle, unsupported},
        {retry_for_a_while, busy},
        {fail_operation, incorrect},
        {fail_operation, incorrect},
        {fail_operation, incorrect},
        {retry, unavailable},
        {fail_operation, incorrect},
        {fail_operation, incorrect},
        {fail_operation, conflict},
        {fail_operation, not_found},
        {end_handle, conflict},
    };
    static_assert(std::size(table) == proto::ServerError_MAX + 1);
    std::set<std::string> codes;
    for (int number = 0; number <= proto::ServerError_MAX; ++number) {
        const auto error = static_cast<proto::ServerError>(number);
        EXPECT_EQ(reaction_to(error), table[number].reaction) << number;
        const auto ours = to_error(error, "words of the broker");
        EXPECT_EQ(ours.kind, table[number].kind) << number;
        EXPECT_EQ(ours.message, "words of the broker");
        EXPECT_TRUE(ours.code.starts_with("pulsar-")) << ours.code;
        codes.insert(ours.code);
    }
    EXPECT_EQ(codes.size(), std::size(table));
    EXPECT_TRUE(codes.contains("pulsar-producer-fenced"));
    EXPECT_EQ(reaction_to(static_cast<proto::ServerError>(26)), retry);
    EXPECT_EQ(to_error(static_cast<proto::ServerError>(-1), "").code, "pulsar-unknown-error");
}

TEST(ErrorCode, the_brokers_words_are_made_harmless) {
    EXPECT_EQ(to_error(proto::UnknownError, "two\nlines\x1b[31m\x7f").message, "two lines [31m ");
    EXPECT_EQ(to_error(proto::UnknownError, std::string(1000, 'x')).message.size(), 300U);
    for (std::size_t shift = 0; shift < 4; ++shift) {
        std::string words(shift, 'x');
        while (words.size() < 400) words += "\xF0\x9F\x90\xA2";
        const auto shown = to_error(proto::UnknownError, words).message;
        EXPECT_LE(shown.size(), 300U);
        EXPECT_TRUE(kernel::is_utf8(shown));
        const auto broken = to_error(proto::UnknownError, std::string(shift, 'x') + std::string(400, '\xff')).message;
        EXPECT_LE(broken.size(), 300U);
        EXPECT_TRUE(kernel::is_utf8(broken));
    }
}

}  // namespace
}  // namespace platform::pulsar::wire
