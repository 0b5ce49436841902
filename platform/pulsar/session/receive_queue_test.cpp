// What a consumer has received: which messages of an entry count, how many more the broker may send, what an acknowledgement says.
#include "platform/pulsar/session/receive_queue.hpp"

#include "platform/pulsar/session/fake_peer.hpp"
#include "platform/pulsar/wire/compression.hpp"

#include <rapidcheck.h>

#include <map>
#include <set>

namespace platform::pulsar::session {
namespace {

constexpr std::size_t uncompressed_max = 1024 * 1024;

ConsumerOptions reader_from(wire::MessageId start, bool inclusive = false) {
    return consumer_with([&](auto& options) {
        options.durable = false;
        options.start = start;
        options.start_inclusive = inclusive;
    });
}

FakeEntry entry_at(std::uint64_t entry, std::uint64_t ledger = 1) {
    return {ConsumerId{1}, ledger, entry};
}

kernel::Result<void> arrive(ReceiveQueue& queue, const FakeEntry& entry, bool wanted = true) {
    return queue.arrived(entry.command, entry.section(), wanted);
}

std::string ids_of(const std::vector<Message>& messages) {
    std::string text;
    for (const auto& message : messages) text += (text.empty() ? "" : " ") + wire::to_text(message.id);
    return text;
}
std::string take_all(ReceiveQueue& queue) {
    return ids_of(queue.take(1'000'000));
}

// --- Entries

TEST(ReceiveQueue, a_message_has_what_its_entry_says) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    auto entry = entry_at(8).single("payload");
    entry.metadata.set_partition_key("order-42");
    auto& property = *entry.metadata.add_properties();
    property.set_key("type");
    property.set_value("Collected");
    entry.metadata.set_event_time(55);
    entry.metadata.set_schema_version("v2");
    entry.command.set_redelivery_count(3);
    entry.broker_entry.emplace().set_index(900);
    entry.broker_entry->set_broker_timestamp(77);
    ASSERT_TRUE(arrive(queue, entry));
    const auto taken = queue.take(10);
    ASSERT_EQ(taken.size(), 1U);
    const auto& message = taken.front();
    EXPECT_EQ(message.id, (wire::MessageId{.ledger = 1, .entry = 8}));
    EXPECT_EQ(message.payload, "payload");
    EXPECT_EQ(message.key, "order-42");
    EXPECT_EQ(message.properties, (std::vector<std::pair<std::string, std::string>>{{"type", "Collected"}}));
    EXPECT_EQ(message.event_time_ms, 55U);
    EXPECT_EQ(message.sequence, 8U);
    EXPECT_EQ(message.index, 900U);
    EXPECT_FALSE(message.null_value);
    EXPECT_EQ(message.entry->producer_name, "relay");
    EXPECT_EQ(message.entry->publish_time_ms, 1'700'000'000'000U);
    EXPECT_EQ(message.entry->redelivery_count, 3U);
    EXPECT_EQ(message.entry->broker_time_ms, 77U);
    EXPECT_EQ(message.entry->schema_version, "v2");
}

TEST(ReceiveQueue, a_batch_of_every_codec_comes_apart_with_an_index_for_each) {
    for (const auto codec : {proto::NONE, proto::LZ4, proto::ZLIB, proto::ZSTD, proto::SNAPPY}) {
        ReceiveQueue queue(any_consumer(), uncompressed_max);
        auto entry = entry_at(8).batch(3);
        entry.broker_entry.emplace().set_index(902);
        const auto plain = entry.payload;
        ASSERT_TRUE(wire::compress(codec, plain, entry.payload));
        entry.metadata.set_compression(codec);
        entry.metadata.set_uncompressed_size(static_cast<std::uint32_t>(plain.size()));
        ASSERT_TRUE(arrive(queue, entry));
        const auto taken = queue.take(10);
        ASSERT_EQ(taken.size(), 3U);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(taken[i].id, (wire::MessageId{.ledger = 1, .entry = 8, .batch_index = static_cast<std::int32_t>(i)}));
            EXPECT_EQ(taken[i].id.batch_size, 3);
            EXPECT_EQ(taken[i].payload, "m" + std::to_string(i));
            EXPECT_EQ(taken[i].sequence, 8 + i);
            EXPECT_EQ(taken[i].index, 900 + i);
        }
    }
}

TEST(ReceiveQueue, of_a_batch_only_what_is_not_acknowledged_comes) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    ASSERT_TRUE(arrive(queue, entry_at(1).batch(4).ack_set(0b1010)));
    EXPECT_EQ(take_all(queue), "1:1:1 1:1:3");
}

TEST(ReceiveQueue, what_compaction_left_out_does_not_come) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    auto entry = entry_at(1);
    entry.add("old", 1, true);
    entry.add("new", 2);
    entry.add("", 3, false, true);
    entry.metadata.set_num_messages_in_batch(3);
    ASSERT_TRUE(arrive(queue, entry));
    const auto taken = queue.take(10);
    EXPECT_EQ(ids_of(taken), "1:1:1 1:1:2");
    EXPECT_EQ(taken[0].payload, "new");
    EXPECT_TRUE(taken[1].null_value);
    EXPECT_EQ(taken[1].payload, "");
    // What is left makes the whole entry.
    EXPECT_FALSE(queue.ack(taken[0].id)->ack_set.empty());
    EXPECT_TRUE(queue.ack(taken[1].id)->ack_set.empty());
}

TEST(ReceiveQueue, a_compacted_batch_holds_the_messages_that_its_indexes_name) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    auto entry = entry_at(1);
    entry.add("third", 102);
    entry.add("fifth", 104);
    entry.metadata.set_num_messages_in_batch(6);
    entry.metadata.add_compacted_batch_indexes(2);
    entry.metadata.add_compacted_batch_indexes(4);
    entry.broker_entry.emplace().set_index(15);
    ASSERT_TRUE(arrive(queue, entry));
    const auto taken = queue.take(10);
    EXPECT_EQ(ids_of(taken), "1:1:2 1:1:4");
    EXPECT_EQ(taken[0].payload, "third");
    EXPECT_EQ(taken[1].sequence, 104U);
    EXPECT_EQ(taken[0].index, 12U);
    EXPECT_FALSE(queue.ack(taken[0].id)->ack_set.empty());
    EXPECT_TRUE(queue.ack(taken[1].id)->ack_set.empty()) << "nothing else is there to acknowledge";
}

TEST(ReceiveQueue, an_index_outside_of_its_batch_is_broken) {
    for (const std::int32_t index : {-1, 6, 1000}) {
        ReceiveQueue queue(any_consumer(), uncompressed_max);
        auto entry = entry_at(1);
        entry.add("x", 1);
        entry.metadata.set_num_messages_in_batch(6);
        entry.metadata.add_compacted_batch_indexes(index);
        EXPECT_EQ(arrive(queue, entry).error().code, "pulsar-entry-broken");
    }
}

TEST(ReceiveQueue, what_cannot_be_read_is_broken_and_what_cannot_be_done_is_unsupported) {
    const auto code_of = [](const FakeEntry& entry) {
        ReceiveQueue queue(any_consumer(), uncompressed_max);
        const auto arrived = arrive(queue, entry);
        return arrived ? std::string("fine") : arrived.error().code;
    };
    auto entry = entry_at(1).single("x");
    entry.metadata.set_num_messages_in_batch(2);
    EXPECT_EQ(code_of(entry), "pulsar-entry-broken");
    entry = entry_at(1).batch(2);
    entry.payload += "x";
    EXPECT_EQ(code_of(entry), "pulsar-entry-broken");
    entry = entry_at(1).batch(2);
    entry.metadata.set_num_messages_in_batch(0);
    EXPECT_EQ(code_of(entry), "pulsar-entry-broken");
    entry = entry_at(1).batch(2);
    entry.metadata.set_num_messages_in_batch(std::numeric_limits<std::int32_t>::max());
    EXPECT_EQ(code_of(entry), "pulsar-entry-broken");
    entry = entry_at(1).single("not zstd");
    entry.metadata.set_compression(proto::ZSTD);
    entry.metadata.set_uncompressed_size(10);
    EXPECT_EQ(code_of(entry), "pulsar-entry-broken");
    entry.metadata.set_uncompressed_size(std::numeric_limits<std::uint32_t>::max());
    EXPECT_EQ(code_of(entry), "pulsar-entry-broken");
    entry = entry_at(1).single("secret");
    entry.metadata.add_encryption_keys()->set_key("k");
    entry.metadata.mutable_encryption_keys(0)->set_value("v");
    EXPECT_EQ(code_of(entry), "pulsar-unsupported");
    entry = entry_at(1).single("part");
    entry.metadata.set_num_chunks_from_msg(3);
    EXPECT_EQ(code_of(entry), "pulsar-unsupported");
    entry.metadata.set_num_chunks_from_msg(1);
    EXPECT_EQ(code_of(entry), "fine");
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    auto damaged = entry_at(1).single("x").section();
    damaged.back() = 'y';
    EXPECT_EQ(queue.arrived(entry.command, damaged, true).error().code, "pulsar-entry-broken");
}

TEST(ReceiveQueue, markers_of_the_broker_are_no_messages) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    auto entry = entry_at(1).single("x");
    entry.metadata.set_marker_type(10);
    ASSERT_TRUE(arrive(queue, entry));
    EXPECT_TRUE(queue.empty());
}

// --- Where readers begin and go on

TEST(Reader, begins_behind_or_at_its_start) {
    const auto first_from = [](const ConsumerOptions& options) {
        ReceiveQueue queue(options, uncompressed_max);
        EXPECT_TRUE(arrive(queue, entry_at(4).single("x")));
        EXPECT_TRUE(arrive(queue, entry_at(5).batch(3)));
        EXPECT_TRUE(arrive(queue, entry_at(6).single("x")));
        return ids_of(queue.take(1));
    };
    const auto at = [](std::int32_t index) { return wire::MessageId{.ledger = 1, .entry = 5, .batch_index = index}; };
    EXPECT_EQ(first_from(reader_from(wire::earliest)), "1:4");
    EXPECT_EQ(first_from(reader_from(wire::latest)), "1:4");
    EXPECT_EQ(first_from(reader_from(at(1))), "1:5:2");
    EXPECT_EQ(first_from(reader_from(at(1), true)), "1:5:1");
    EXPECT_EQ(first_from(reader_from(at(0))), "1:5:1");
    EXPECT_EQ(first_from(reader_from(at(0), true)), "1:5:0");
    EXPECT_EQ(first_from(reader_from(at(2))), "1:6");
    EXPECT_EQ(first_from(reader_from(at(-1))), "1:6") << "the whole entry is meant";
    EXPECT_EQ(first_from(reader_from(at(-1), true)), "1:5:0");
    EXPECT_EQ(first_from(reader_from({.ledger = 1, .entry = 4})), "1:5:0");
    EXPECT_EQ(first_from(reader_from({.ledger = 1, .entry = 4}, true)), "1:4");
    EXPECT_EQ(first_from(reader_from({.ledger = 0, .entry = 99})), "1:4");
}

TEST(Reader, goes_on_behind_the_last_message_that_was_taken) {
    ReceiveQueue queue(reader_from(wire::earliest), uncompressed_max);
    EXPECT_EQ(queue.resume_at(), wire::earliest);
    ASSERT_TRUE(arrive(queue, entry_at(1).batch(4)));
    ASSERT_TRUE(arrive(queue, entry_at(2).single("x")));
    EXPECT_EQ(queue.resume_at(), wire::earliest) << "queued is not taken";
    EXPECT_EQ(ids_of(queue.take(2)), "1:1:0 1:1:1");
    EXPECT_EQ(wire::to_text(queue.resume_at()), "1:1:1");
    queue.attached();
    EXPECT_TRUE(queue.empty());
    ASSERT_TRUE(arrive(queue, entry_at(1).batch(4)));
    ASSERT_TRUE(arrive(queue, entry_at(2).single("x")));
    EXPECT_EQ(take_all(queue), "1:1:2 1:1:3 1:2");
}

TEST(Reader, of_what_is_new_goes_on_where_it_began) {
    ReceiveQueue queue(reader_from(wire::latest), uncompressed_max);
    EXPECT_EQ(queue.resume_at(), wire::latest);
    ASSERT_TRUE(arrive(queue, entry_at(7).batch(2)));
    queue.attached();
    EXPECT_EQ(wire::to_text(queue.resume_at()), "1:7:0") << "nothing of it was taken, and the newest message may be another by now";
    ASSERT_TRUE(arrive(queue, entry_at(7).batch(2)));
    EXPECT_EQ(take_all(queue), "1:7:0 1:7:1");
}

// --- Permits

// A broker as it counts.
struct Permits {
    ReceiveQueue& queue;
    std::int64_t left = 0;
    void allow() { left += queue.to_allow(); }
};

TEST(Permits, are_topped_up_at_half_of_the_window) {
    ReceiveQueue queue(consumer_with([](auto& options) { options.queue_messages_max = 10; }), uncompressed_max);
    EXPECT_EQ(queue.to_allow(), 10U);
    EXPECT_EQ(queue.to_allow(), 0U);
    for (std::uint64_t i = 0; i < 10; ++i) {
        ASSERT_TRUE(arrive(queue, entry_at(i).single("x")));
        EXPECT_EQ(queue.to_allow(), 0U) << "queued or on its way is the same";
    }
    queue.take(4);
    EXPECT_EQ(queue.to_allow(), 0U);
    queue.take(1);
    EXPECT_EQ(queue.to_allow(), 5U);
    queue.take(100);
    EXPECT_EQ(queue.to_allow(), 5U);
}

TEST(Permits, of_what_was_sent_beyond_them_are_made_up_for) {
    ReceiveQueue queue(consumer_with([](auto& options) { options.queue_messages_max = 10; }), uncompressed_max);
    EXPECT_EQ(queue.to_allow(), 10U);
    ASSERT_TRUE(arrive(queue, entry_at(1).batch(25)));
    EXPECT_EQ(queue.to_allow(), 0U);
    queue.take(25);
    EXPECT_EQ(queue.to_allow(), 25U) << "the broker is 15 below nothing";
}

TEST(Permits, a_window_of_one_is_enough_for_batches) {
    ReceiveQueue queue(consumer_with([](auto& options) { options.queue_messages_max = 0; }), uncompressed_max);
    Permits broker{queue};
    for (std::uint64_t i = 0; i < 20; ++i) {
        broker.allow();
        ASSERT_EQ(broker.left, 1);
        ASSERT_TRUE(arrive(queue, entry_at(i).batch(5)));
        broker.left -= 5;
        EXPECT_EQ(queue.take(100).size(), 5U);
    }
}

TEST(Permits, are_fewer_where_messages_are_large) {
    ReceiveQueue queue(consumer_with([](auto& options) {
                           options.queue_messages_max = 1000;
                           options.queue_bytes_max = 100'000;
                       }),
                       uncompressed_max);
    Permits broker{queue};
    broker.allow();
    EXPECT_EQ(broker.left, 1) << "any message may be as large as the broker takes";
    std::size_t most = 0;
    for (std::uint64_t i = 0; i < 3000; ++i) {
        if (broker.left > 0) {
            ASSERT_TRUE(arrive(queue, entry_at(i).single(std::string(10'000, 'x'))));
            --broker.left;
        }
        most = std::max(most, queue.size());
        if (i >= 950 || broker.left == 0) queue.take(i < 1500 ? 100 : 1);
        broker.allow();
    }
    EXPECT_LE(most, 10U);
    EXPECT_LE(broker.left, 10);
}

// The broker may always send again when the application took all; and never more than the window, but for the rest of a batch.
TEST(Permits, never_leak_and_never_exceed_the_window) {
    EXPECT_TRUE(rc::check([] {
        const auto window = *rc::gen::inRange<std::size_t>(1, 40);
        const bool durable = *rc::gen::arbitrary<bool>();
        auto options =
            durable ? any_consumer()
                    : reader_from({.ledger = 1, .entry = *rc::gen::inRange<std::uint64_t>(0, 20), .batch_index = *rc::gen::inRange(-1, 4)});
        options.queue_messages_max = window;
        if (*rc::gen::arbitrary<bool>()) options.queue_bytes_max = *rc::gen::inRange<std::size_t>(1, 5000);
        ReceiveQueue queue(options, uncompressed_max);
        Permits broker{queue};
        std::uint64_t next = 0;
        broker.allow();
        const auto steps = *rc::gen::inRange(0, 150);
        for (int i = 0; i < steps; ++i) {
            switch (*rc::gen::inRange(0, 12)) {
                case 0:
                    queue.attached();
                    broker.left = 0;
                    break;
                case 1: queue.drop_queued(); break;
                case 2: queue.start_from({.ledger = 1, .entry = next, .batch_index = *rc::gen::inRange(-1, 3)}); break;
                case 3:
                case 4: queue.take(*rc::gen::inRange<std::size_t>(0, window + 2)); break;
                default: {
                    if (broker.left <= 0) break;
                    auto entry = entry_at(next++);
                    const auto size = *rc::gen::inRange<std::size_t>(0, 9);
                    if (size == 0) {
                        entry.single(std::string(*rc::gen::inRange<std::size_t>(0, 2000), 'x'));
                        broker.left -= 1;
                    } else if (*rc::gen::inRange(0, 4) == 0) {  // compacted: counts whole
                        entry.add("x", 1);
                        entry.metadata.set_num_messages_in_batch(static_cast<std::int32_t>(size));
                        entry.metadata.add_compacted_batch_indexes(static_cast<std::int32_t>(size) - 1);
                        broker.left -= static_cast<std::int64_t>(size);
                    } else {
                        entry.batch(size);
                        std::int64_t open = 0;
                        std::int64_t word = 0;
                        if (*rc::gen::arbitrary<bool>()) {
                            word = *rc::gen::inRange<std::int64_t>(1, std::int64_t{1} << size);
                            entry.ack_set(word);
                            open = std::popcount(static_cast<std::uint64_t>(word));
                        } else {
                            open = static_cast<std::int64_t>(size);
                        }
                        broker.left -= open;
                    }
                    RC_ASSERT(static_cast<bool>(arrive(queue, entry, *rc::gen::inRange(0, 5) != 0)));
                }
            }
            const auto more = queue.to_allow();
            broker.left += more;
            RC_ASSERT(broker.left <= static_cast<std::int64_t>(window));
            if (more > 0) RC_ASSERT(broker.left + static_cast<std::int64_t>(queue.size()) <= static_cast<std::int64_t>(window));
            if (queue.empty()) RC_ASSERT(broker.left > 0);
        }
        queue.take(1'000'000);
        broker.allow();
        RC_ASSERT(broker.left > 0);
    }));
}

// --- Acknowledgements

TEST(Acks, of_a_batch_say_what_is_left_and_at_last_the_whole_entry) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    ASSERT_TRUE(arrive(queue, entry_at(1).batch(3)));
    const auto taken = queue.take(3);
    const auto first = queue.ack(taken[1].id);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->id, (wire::MessageId{.ledger = 1, .entry = 1}));
    EXPECT_EQ(first->ack_set, (std::vector<std::uint64_t>{0b101}));
    EXPECT_EQ(queue.ack(taken[0].id)->ack_set, (std::vector<std::uint64_t>{0b100}));
    EXPECT_EQ(queue.open_batches(), 1U);
    EXPECT_TRUE(queue.ack(taken[2].id)->ack_set.empty());
    EXPECT_EQ(queue.open_batches(), 0U);
}

TEST(Acks, without_indexes_wait_for_the_whole_entry) {
    ReceiveQueue queue(consumer_with([](auto& options) { options.batch_index_acks = false; }), uncompressed_max);
    ASSERT_TRUE(arrive(queue, entry_at(1).batch(3)));
    const auto taken = queue.take(3);
    EXPECT_FALSE(queue.ack(taken[2].id));
    EXPECT_FALSE(queue.ack(taken[0].id));
    EXPECT_FALSE(queue.ack(taken[0].id));
    const auto last = queue.ack(taken[1].id);
    ASSERT_TRUE(last);
    EXPECT_TRUE(last->ack_set.empty());
}

TEST(Acks, cumulative_in_the_middle_of_a_batch) {
    for (const bool indexes : {true, false}) {
        ReceiveQueue queue(consumer_with([&](auto& options) { options.batch_index_acks = indexes; }), uncompressed_max);
        for (std::uint64_t i = 1; i < 4; ++i) ASSERT_TRUE(arrive(queue, entry_at(i).batch(3)));
        const auto taken = queue.take(9);
        const auto middle = queue.ack_cumulative(taken[4].id);  // 1:2:1
        ASSERT_TRUE(middle);
        EXPECT_EQ(middle->id, (wire::MessageId{.ledger = 1, .entry = indexes ? 2U : 1U}));
        EXPECT_EQ(middle->ack_set, indexes ? std::vector<std::uint64_t>{0b100} : std::vector<std::uint64_t>{});
        EXPECT_EQ(queue.open_batches(), 2U);
        const auto end = queue.ack_cumulative(taken[5].id);
        EXPECT_EQ(end->id, (wire::MessageId{.ledger = 1, .entry = 2}));
        EXPECT_TRUE(end->ack_set.empty());
        EXPECT_EQ(queue.open_batches(), 1U);
    }
}

TEST(Acks, cumulative_without_indexes_in_the_first_entry_of_a_ledger_names_the_end_of_the_ledger_before) {
    ReceiveQueue queue(consumer_with([](auto& options) { options.batch_index_acks = false; }), uncompressed_max);
    ASSERT_TRUE(arrive(queue, entry_at(0).batch(3)));
    const auto ack = queue.ack_cumulative(queue.take(1).front().id);
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->id, (wire::MessageId{.ledger = 1, .entry = nowhere}));
    EXPECT_TRUE(ack->ack_set.empty());
}

TEST(Acks, cumulative_of_a_batch_whose_size_is_not_known_stay_before_it) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    ASSERT_TRUE(arrive(queue, entry_at(2).batch(3)));
    const auto ack = queue.ack_cumulative({.ledger = 1, .entry = 2, .batch_index = 1});
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->id, (wire::MessageId{.ledger = 1, .entry = 1}));
    EXPECT_TRUE(ack->ack_set.empty());
    EXPECT_EQ(queue.open_batches(), 1U);
}

TEST(Acks, of_messages_that_were_taken_before_a_loss_count) {
    ReceiveQueue queue(any_consumer(), uncompressed_max);
    ASSERT_TRUE(arrive(queue, entry_at(1).batch(3)));
    const auto taken = queue.take(3);
    queue.attached();
    const auto ack = queue.ack(taken[1].id);
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->ack_set, (std::vector<std::uint64_t>{0b101}));
}

// A broker that joins what it is told has, after each step, what the application acknowledged: with indexes each message, else each entry
// that is whole.
TEST(Acks, tell_the_broker_what_the_application_acknowledged) {
    EXPECT_TRUE(rc::check([] {
        const bool indexes = *rc::gen::arbitrary<bool>();
        ReceiveQueue queue(consumer_with([&](auto& options) { options.batch_index_acks = indexes; }), uncompressed_max);
        std::map<std::uint64_t, std::uint64_t> open;  // at the broker: by entry, a bit for each message
        const auto count = *rc::gen::inRange<std::uint64_t>(1, 5);
        std::map<std::uint64_t, std::uint64_t> wanted;
        for (std::uint64_t i = 1; i <= count; ++i) {
            const auto size = *rc::gen::inRange<std::size_t>(0, 5);
            RC_ASSERT(static_cast<bool>(arrive(queue, size == 0 ? entry_at(i).single("x") : entry_at(i).batch(size))));
            open[i] = wanted[i] = (std::uint64_t{1} << std::max<std::size_t>(size, 1)) - 1;
        }
        const auto taken = queue.take(1000);
        const auto steps = *rc::gen::inRange(0, 30);
        for (int i = 0; i < steps; ++i) {
            const auto& id = (*rc::gen::elementOf(taken)).id;
            const bool cumulative = *rc::gen::inRange(0, 4) == 0;
            const auto bit = std::uint64_t{1} << static_cast<unsigned>(std::max(id.batch_index, 0));
            if (cumulative) {
                for (auto& [entry, set] : wanted)
                    if (entry < id.entry) set = 0;
                wanted[id.entry] &= ~(bit | (bit - 1));
            } else {
                wanted[id.entry] &= ~bit;
            }
            const auto ack = cumulative ? queue.ack_cumulative(id) : queue.ack(id);
            if (ack) {
                if (cumulative)
                    for (auto& [entry, set] : open)
                        if (entry < ack->id.entry) set = 0;
                open[ack->id.entry] &= ack->ack_set.empty() ? 0 : ack->ack_set.front();
            }
            for (const auto& [entry, set] : wanted) {
                if (indexes || set == 0) RC_ASSERT(open[entry] == set);
                else RC_ASSERT(open[entry] != 0);
            }
        }
    }));
}

}  // namespace
}  // namespace platform::pulsar::session
