#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/test_bytes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <vector>

namespace platform::pulsar::wire {
namespace {

TEST(Batch, what_was_added_is_read) {
    EXPECT_TRUE(rc::check([] {
        const auto payloads = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(rc::gen::arbitrary<std::string>()));
        std::string batch;
        proto::SingleMessageMetadata single;
        for (std::size_t i = 0; i < payloads.size(); ++i) {
            single.Clear();
            single.set_sequence_id(i);
            single.set_partition_key("key" + payloads[i].substr(0, 3));
            add_to_batch(batch, single, payloads[i]);
        }
        auto reader = BatchReader::open(batch, static_cast<std::int64_t>(payloads.size()));
        RC_ASSERT(static_cast<bool>(reader));
        for (std::size_t i = 0; i < payloads.size(); ++i) {
            RC_ASSERT(!reader->at_end());
            const auto payload = reader->next(single);
            RC_ASSERT(static_cast<bool>(payload));
            RC_ASSERT(*payload == payloads[i]);
            RC_ASSERT(single.sequence_id() == i);
        }
        RC_ASSERT(reader->at_end());
    }));
}

std::string batch_of(std::initializer_list<std::string_view> payloads) {
    std::string batch;
    proto::SingleMessageMetadata single;
    for (const auto payload : payloads) add_to_batch(batch, single, payload);
    return batch;
}

// Reads all of it; the code of what is wrong, or nothing.
std::string problem_of(std::string_view batch, std::int64_t count) {
    auto reader = BatchReader::open(batch, count);
    if (!reader) return reader.error().code;
    proto::SingleMessageMetadata single;
    while (!reader->at_end()) {
        const auto payload = reader->next(single);
        if (!payload) return payload.error().code;
    }
    return "";
}

TEST(Batch, a_count_that_cannot_be_is_refused_before_anything_is_read) {
    const auto batch = batch_of({"", "", ""});
    ASSERT_EQ(batch.size(), 18U);
    EXPECT_TRUE(BatchReader::open(batch, 3));
    for (const std::int64_t count : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{4}, std::int64_t{1} << 31U,
                                     std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
        const auto reader = BatchReader::open(batch, count);
        ASSERT_FALSE(reader) << count;
        EXPECT_EQ(reader.error().code, "pulsar-batch");
        EXPECT_EQ(reader.error().kind, kernel::ErrorKind::incorrect);
    }
    EXPECT_FALSE(BatchReader::open("", 1));
}

TEST(Batch, fewer_or_more_messages_than_the_count_are_refused) {
    const auto batch = batch_of({"first", "second"});
    EXPECT_EQ(problem_of(batch, 2), "");
    EXPECT_EQ(problem_of(batch, 1), "pulsar-batch");
    EXPECT_EQ(problem_of(batch, 3), "pulsar-batch");
    EXPECT_EQ(problem_of(batch + "x", 2), "pulsar-batch");
    for (std::size_t size = 0; size < batch.size(); ++size) {
        EXPECT_EQ(problem_of(std::string_view(batch).substr(0, size), 2), "pulsar-batch") << size;
    }
}

TEST(Batch, sizes_that_lie_are_refused) {
    const auto with_size = [](std::uint64_t payload_size) { return sized(varint_field(3, payload_size)) + "payload"; };
    EXPECT_EQ(problem_of(with_size(7), 1), "");
    for (const std::uint64_t size :
         {std::uint64_t{6}, std::uint64_t{8}, std::uint64_t{0x7fffffff}, ~std::uint64_t{0}, std::uint64_t{0x80000000}}) {
        EXPECT_EQ(problem_of(with_size(size), 1), "pulsar-batch") << size;
    }
    EXPECT_EQ(problem_of(bytes_of("ffffffff 1800 0000"), 1), "pulsar-batch");
    EXPECT_EQ(problem_of(bytes_of("7fffffff 1800 0000"), 1), "pulsar-batch");
    EXPECT_EQ(problem_of(bytes_of("00000002 4000 0000"), 1), "pulsar-batch");  // without payload_size
}

}  // namespace
}  // namespace platform::pulsar::wire
