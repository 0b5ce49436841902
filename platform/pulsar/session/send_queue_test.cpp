// The frames of a producer: where batches end, what they say, and what becomes of them.
#include "platform/pulsar/session/send_queue.hpp"

#include "platform/pulsar/session/fake_peer.hpp"
#include "platform/pulsar/wire/compression.hpp"

#include <rapidcheck.h>

#include <chrono>

namespace platform::pulsar::session {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t message_max = 5 * 1024 * 1024;
constexpr std::size_t uncompressed_max = 64 * 1024 * 1024;

// One SEND, taken apart.
struct Frame {
    proto::CommandSend send;
    proto::MessageMetadata metadata;
    std::size_t size = 0;                                                        // as the broker counts it against its limit
    std::vector<std::pair<proto::SingleMessageMetadata, std::string>> messages;  // of a batch; else the one payload
};

Frame read(const std::string& bytes) {
    Frame frame;
    proto::BaseCommand command;
    wire::MessageSection section;
    const auto rest = wire::parse_command(std::string_view(bytes).substr(4), command);
    EXPECT_TRUE(rest);
    EXPECT_TRUE(wire::parse_message(*rest, section));
    EXPECT_TRUE(section.has_checksum);
    frame.send = command.send();
    frame.metadata = section.metadata;
    frame.size = wire::message_bytes(section.metadata, section.payload.size());
    std::string payload;
    EXPECT_TRUE(
        wire::decompress(section.metadata.compression(), section.payload,
                         section.metadata.compression() == proto::NONE ? section.payload.size() : section.metadata.uncompressed_size(),
                         uncompressed_max, payload));
    if (!section.metadata.has_num_messages_in_batch()) {
        frame.messages.emplace_back(proto::SingleMessageMetadata(), payload);
        return frame;
    }
    auto reader = wire::BatchReader::open(payload, section.metadata.num_messages_in_batch());
    EXPECT_TRUE(reader);
    while (!reader->at_end()) {
        proto::SingleMessageMetadata single;
        const auto one = reader->next(single);
        EXPECT_TRUE(one);
        if (!one) break;
        frame.messages.emplace_back(single, std::string(*one));
    }
    return frame;
}

struct Queue {
    Now now{.steady = Time() + 1h, .wall_ms = 1'700'000'000'000};
    SendQueue queue;
    explicit Queue(const ProducerOptions& options, std::int64_t last_sequence = -1) : queue(options, 5) {
        queue.opened("relay", last_sequence);
    }
    kernel::Result<void> add(std::string_view payload, std::string_view key = {}, std::optional<std::uint64_t> sequence = std::nullopt,
                             std::size_t max = message_max) {
        OutgoingMessage message;
        message.payload = payload;
        message.key = key;
        message.sequence = sequence;
        return queue.add(message, now, max, uncompressed_max);
    }
    std::vector<Frame> frames() {
        std::vector<Frame> found;
        while (const auto frame = queue.next_unsent()) found.push_back(read(*frame));
        return found;
    }
};

TEST(SendQueue, a_batch_says_its_first_and_last_sequence_in_both_places) {
    Queue queue(any_producer(), 6);
    for (const auto* payload : {"a", "b", "c"}) ASSERT_TRUE(queue.add(payload, std::string("key-") + payload));
    EXPECT_TRUE(queue.frames().empty());
    EXPECT_EQ(queue.queue.batch_due(), queue.now.steady + 1ms);
    queue.queue.end_batch(queue.now);
    EXPECT_EQ(queue.queue.batch_due(), std::nullopt);
    const auto frames = queue.frames();
    ASSERT_EQ(frames.size(), 1U);
    const auto& frame = frames.front();
    EXPECT_EQ(frame.send.producer_id(), 5U);
    EXPECT_EQ(frame.send.sequence_id(), 7U);
    EXPECT_EQ(frame.send.highest_sequence_id(), 9U);
    EXPECT_EQ(frame.send.num_messages(), 3);
    EXPECT_EQ(frame.metadata.producer_name(), "relay");
    EXPECT_EQ(frame.metadata.sequence_id(), 7U);
    EXPECT_EQ(frame.metadata.highest_sequence_id(), 9U);
    EXPECT_EQ(frame.metadata.num_messages_in_batch(), 3);
    EXPECT_EQ(frame.metadata.partition_key(), "key-a");
    EXPECT_EQ(frame.metadata.publish_time(), queue.now.wall_ms);
    EXPECT_FALSE(frame.metadata.has_compression() && frame.metadata.compression() != proto::NONE);
    ASSERT_EQ(frame.messages.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(frame.messages[i].first.sequence_id(), 7 + i);
        EXPECT_EQ(frame.messages[i].second, std::string(1, static_cast<char>('a' + i)));
        EXPECT_EQ(frame.messages[i].first.partition_key(), "key-" + frame.messages[i].second);
    }
}

TEST(SendQueue, a_message_of_its_own_is_no_batch) {
    Queue queue(producer_with([](auto& options) { options.batching = false; }));
    OutgoingMessage message;
    message.payload = "hi";
    message.key = "order-42";
    message.properties = {{"type", "Collected"}, {"empty", ""}};
    message.event_time_ms = 77;
    message.null_value = true;
    ASSERT_TRUE(queue.queue.add(message, queue.now, message_max, uncompressed_max));
    const auto frames = queue.frames();
    ASSERT_EQ(frames.size(), 1U);
    const auto& metadata = frames.front().metadata;
    EXPECT_FALSE(metadata.has_num_messages_in_batch());
    EXPECT_TRUE(frames.front().send.has_sequence_id());
    EXPECT_EQ(frames.front().send.sequence_id(), 0U);
    EXPECT_EQ(metadata.sequence_id(), 0U);
    EXPECT_EQ(metadata.partition_key(), "order-42");
    ASSERT_EQ(metadata.properties_size(), 2);
    EXPECT_EQ(metadata.properties(0).key(), "type");
    EXPECT_EQ(metadata.properties(1).value(), "");
    EXPECT_EQ(metadata.event_time(), 77U);
    EXPECT_TRUE(metadata.null_value());
    EXPECT_EQ(frames.front().messages.front().second, "hi");
}

TEST(SendQueue, a_batch_ends_at_its_number_of_messages) {
    Queue queue(producer_with([](auto& options) { options.batch_messages_max = 4; }));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.add("x"));
    EXPECT_TRUE(queue.frames().empty()) << "one less is not enough";
    ASSERT_TRUE(queue.add("x"));
    auto frames = queue.frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames.front().messages.size(), 4U);
    ASSERT_TRUE(queue.add("x"));
    EXPECT_TRUE(queue.frames().empty());
    EXPECT_EQ(queue.queue.messages(), 5U);
}

TEST(SendQueue, a_batch_ends_before_it_is_larger_than_its_bytes) {
    Queue queue(producer_with([](auto& options) { options.batch_bytes_max = 1000; }));
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(queue.add(std::string(100, 'x')));
    queue.queue.end_batch(queue.now);
    std::size_t messages = 0;
    const auto frames = queue.frames();
    for (const auto& frame : frames) {
        EXPECT_LE(frame.size - frame.metadata.ByteSizeLong(), 1000U);
        if (&frame != &frames.back()) EXPECT_GE(frame.messages.size(), 5U) << "and not long before";
        messages += frame.messages.size();
    }
    EXPECT_EQ(messages, 50U);
}

TEST(SendQueue, a_message_larger_than_a_batch_goes_alone_and_in_order) {
    Queue queue(producer_with([](auto& options) { options.batch_bytes_max = 1000; }));
    ASSERT_TRUE(queue.add("first"));
    ASSERT_TRUE(queue.add(std::string(2000, 'x')));
    ASSERT_TRUE(queue.add("third"));
    queue.queue.end_batch(queue.now);
    const auto frames = queue.frames();
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].messages.front().second, "first");
    EXPECT_FALSE(frames[1].metadata.has_num_messages_in_batch());
    EXPECT_EQ(frames[1].metadata.sequence_id(), 1U);
    EXPECT_EQ(frames[2].messages.front().second, "third");
}

TEST(SendQueue, the_largest_message_is_taken_and_one_byte_more_is_refused) {
    constexpr std::size_t max = 10'000;
    std::size_t overhead = 0;
    {
        Queue queue(producer_with([](auto& options) { options.batching = false; }));
        ASSERT_TRUE(queue.add("", "", std::nullopt, max));
        overhead = queue.frames().front().size;
    }
    for (const bool batching : {false, true}) {
        Queue queue(producer_with([&](auto& options) { options.batching = batching; }));
        ASSERT_TRUE(queue.add(std::string(max - overhead, 'x'), "", 0, max));
        EXPECT_EQ(queue.frames().front().size, max);
        Queue other(producer_with([&](auto& options) { options.batching = batching; }));
        const auto refused = other.add(std::string(max - overhead + 1, 'x'), "", 0, max);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, kernel::ErrorKind::incorrect);
        EXPECT_EQ(refused.error().code, "pulsar-message-too-large");
        EXPECT_TRUE(other.queue.empty());
        EXPECT_EQ(other.queue.messages() + other.queue.bytes() + other.queue.sent_ever(), 0U);
        EXPECT_TRUE(other.add("x", "", 0)) << "its sequence is still free";
    }
}

TEST(SendQueue, what_can_be_compressed_may_be_larger) {
    Queue queue(producer_with([](auto& options) { options.compression = proto::LZ4; }));
    EXPECT_TRUE(queue.add(std::string(100'000, 'x'), "", std::nullopt, 10'000));
    EXPECT_LE(queue.frames().front().size, 10'000U);
}

TEST(SendQueue, nothing_is_not_compressed) {
    Queue queue(producer_with([](auto& options) {
        options.compression = proto::ZLIB;
        options.batching = false;
    }));
    EXPECT_TRUE(queue.add(""));
    const auto frames = queue.frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames.front().metadata.compression(), proto::NONE);
    EXPECT_FALSE(frames.front().metadata.has_uncompressed_size());
}

TEST(SendQueue, no_batch_is_larger_than_the_broker_takes_whatever_it_is_made_of) {
    EXPECT_TRUE(rc::check([] {
        const auto max = *rc::gen::inRange<std::size_t>(1024, 8192);
        Queue queue(producer_with([&](auto& options) {
            options.batch_bytes_max = *rc::gen::inRange<std::size_t>(1, 20'000);
            options.compression = *rc::gen::element(proto::NONE, proto::LZ4, proto::ZLIB, proto::ZSTD, proto::SNAPPY);
        }));
        const auto count = *rc::gen::inRange(1, 40);
        for (int i = 0; i < count; ++i) {
            OutgoingMessage message;
            const auto payload = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
            const std::string padding(*rc::gen::inRange<std::size_t>(0, max), static_cast<char>('a' + i % 26));
            const std::string key(*rc::gen::inRange<std::size_t>(0, max), 'k');
            const auto whole = payload + padding;
            message.payload = whole;
            message.key = key;
            message.event_time_ms = std::numeric_limits<std::uint64_t>::max();
            message.properties.assign(*rc::gen::inRange<std::size_t>(0, max / 6), {"n", "v"});
            const auto added = queue.queue.add(message, queue.now, max, uncompressed_max);
            if (!added) RC_ASSERT(added.error().code == "pulsar-message-too-large");
        }
        queue.queue.end_batch(queue.now);
        for (const auto& frame : queue.frames()) RC_ASSERT(frame.size <= max);
    }));
}

TEST(SendQueue, with_one_key_a_batch_ends_where_the_key_changes) {
    Queue queue(producer_with([](auto& options) { options.batch_by_key = true; }));
    for (const auto* key : {"a", "a", "b", "a", "a", "a", ""}) ASSERT_TRUE(queue.add("x", key));
    queue.queue.end_batch(queue.now);
    std::vector<std::pair<std::string, std::size_t>> batches;
    for (const auto& frame : queue.frames()) batches.emplace_back(frame.metadata.partition_key(), frame.messages.size());
    EXPECT_EQ(batches, (std::vector<std::pair<std::string, std::size_t>>{{"a", 2}, {"b", 1}, {"a", 3}, {"", 1}}));
}

TEST(SendQueue, what_the_broker_may_have_goes_one_by_one) {
    Queue queue(producer_with([](auto& options) { options.first_sequence = 3; }), 5);
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(queue.add("x"));
    queue.queue.end_batch(queue.now);
    const auto frames = queue.frames();
    ASSERT_EQ(frames.size(), 4U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(frames[i].metadata.sequence_id(), 3 + i);
        EXPECT_FALSE(frames[i].metadata.has_num_messages_in_batch());
    }
    EXPECT_EQ(frames[3].metadata.sequence_id(), 6U);
    EXPECT_EQ(frames[3].metadata.highest_sequence_id(), 8U);
}

TEST(SendQueue, begins_above_what_the_broker_has) {
    Queue queue(producer_with([](auto& options) { options.batching = false; }), 41);
    ASSERT_TRUE(queue.add("x"));
    EXPECT_EQ(queue.frames().front().metadata.sequence_id(), 42U);
}

TEST(SendQueue, sequences_rise_and_may_have_gaps) {
    Queue queue(producer_with([](auto& options) { options.batching = false; }));
    ASSERT_TRUE(queue.add("x", "", 10));
    EXPECT_EQ(queue.add("x", "", 10).error().code, "pulsar-sequence");
    EXPECT_EQ(queue.add("x", "", 3).error().code, "pulsar-sequence");
    ASSERT_TRUE(queue.add("x"));
    ASSERT_TRUE(queue.add("x", "", 100));
    EXPECT_EQ(queue.add("x", "", std::uint64_t{1} << 63U).error().code, "pulsar-sequence");
    std::vector<std::uint64_t> sequences;
    for (const auto& frame : queue.frames()) sequences.push_back(frame.metadata.sequence_id());
    EXPECT_EQ(sequences, (std::vector<std::uint64_t>{10, 11, 100}));
    EXPECT_EQ(queue.queue.messages(), 3U);
}

TEST(SendQueue, every_codec_is_read_again) {
    for (const auto codec : {proto::LZ4, proto::ZLIB, proto::ZSTD, proto::SNAPPY}) {
        for (const bool batching : {true, false}) {
            Queue queue(producer_with([&](auto& options) {
                options.compression = codec;
                options.batching = batching;
            }));
            for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.add(std::string(500, static_cast<char>('a' + i))));
            ASSERT_TRUE(queue.add(""));
            queue.queue.end_batch(queue.now);
            std::vector<std::string> payloads;
            for (const auto& frame : queue.frames()) {
                const bool is_nothing = frame.messages.size() == 1 && frame.messages.front().second.empty();
                if (!is_nothing) EXPECT_EQ(frame.metadata.compression(), codec);
                for (const auto& [single, payload] : frame.messages) payloads.push_back(payload);
            }
            ASSERT_EQ(payloads.size(), 4U);
            EXPECT_EQ(payloads[2], std::string(500, 'c'));
            EXPECT_EQ(payloads[3], "");
        }
    }
}

TEST(SendQueue, receipts_are_for_the_oldest_or_for_what_is_over_or_wrong) {
    Queue queue(any_producer());
    EXPECT_EQ(queue.queue.match(0), SendQueue::Match::before) << "nothing is pending";
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.add("x", "", 10 + 2 * static_cast<std::uint64_t>(i)));
    queue.queue.end_batch(queue.now);
    EXPECT_EQ(queue.queue.match(10), SendQueue::Match::before) << "it did not go out";
    queue.frames();
    EXPECT_EQ(queue.queue.match(9), SendQueue::Match::before);
    for (const std::uint64_t sequence : {10, 11, 12, 14}) EXPECT_EQ(queue.queue.match(sequence), SendQueue::Match::oldest);
    EXPECT_EQ(queue.queue.match(15), SendQueue::Match::beyond);
    EXPECT_TRUE(queue.queue.is_oldest_whole());
    EXPECT_EQ(queue.queue.pop().count, 3U);
    EXPECT_TRUE(queue.queue.empty());
    EXPECT_EQ(queue.queue.bytes(), 0U);
    EXPECT_EQ(queue.queue.ended_ever(), 3U);
}

TEST(SendQueue, the_deadline_is_of_the_oldest_message_be_it_in_a_batch) {
    Queue queue(producer_with([](auto& options) { options.send_timeout = 30s; }));
    EXPECT_EQ(queue.queue.oldest_deadline(), std::nullopt);
    ASSERT_TRUE(queue.add("x"));
    const auto due = queue.now.steady + 30s;
    EXPECT_EQ(queue.queue.oldest_deadline(), due);
    queue.now.steady += 5s;
    ASSERT_TRUE(queue.add("x"));
    queue.queue.end_batch(queue.now);
    ASSERT_TRUE(queue.add("x"));
    EXPECT_EQ(queue.queue.oldest_deadline(), due);
    queue.queue.pop();
    EXPECT_EQ(queue.queue.oldest_deadline(), due + 5s);
    EXPECT_EQ(queue.queue.clear(), 1U);
    EXPECT_EQ(queue.queue.oldest_deadline(), std::nullopt);
    EXPECT_EQ(queue.queue.batch_due(), std::nullopt);
}

// Against a list of what was taken: nothing is lost, doubled, reordered or changed, and the counts fit, whatever happens between.
TEST(SendQueue, does_as_a_plain_list_does) {
    EXPECT_TRUE(rc::check([] {
        const auto options = producer_with([](auto& made) {
            made.batching = *rc::gen::arbitrary<bool>();
            made.batch_by_key = *rc::gen::arbitrary<bool>();
            made.batch_messages_max = *rc::gen::inRange<std::size_t>(0, 6);
            made.batch_bytes_max = *rc::gen::inRange<std::size_t>(1, 600);
            made.pending_messages_max = *rc::gen::inRange<std::size_t>(1, 30);
            made.pending_bytes_max = *rc::gen::inRange<std::size_t>(1, 4000);
        });
        Queue queue(options, *rc::gen::inRange<std::int64_t>(-1, 5));
        std::deque<std::string> pending;  // payloads that were taken and have not ended
        std::deque<std::string> frames;   // entries that went out and have not ended, oldest first
        std::size_t went_out = 0;         // of these, on this connection
        std::uint64_t taken = 0, ended = 0, last = 0;
        const auto drain = [&] {
            while (const auto frame = queue.queue.next_unsent()) {
                if (went_out < frames.size()) RC_ASSERT(*frame == frames[went_out]);  // sent again: byte for byte
                else frames.push_back(*frame);
                ++went_out;
            }
        };
        const auto steps = *rc::gen::inRange(0, 60);
        for (int i = 0; i < steps; ++i) {
            switch (*rc::gen::inRange(0, 8)) {
                case 0: queue.queue.end_batch(queue.now); break;
                case 1:
                    queue.queue.resend_all();
                    went_out = 0;
                    break;
                case 2:
                    drain();
                    if (frames.empty()) break;
                    {
                        const auto oldest = read(frames.front());
                        RC_ASSERT(queue.queue.match(oldest.metadata.sequence_id()) == SendQueue::Match::oldest);
                        const auto ended_now = queue.queue.pop();
                        RC_ASSERT(ended_now.count == oldest.messages.size());
                        for (const auto& [single, payload] : oldest.messages) {
                            RC_ASSERT(pending.front() == payload);
                            pending.pop_front();
                            ++ended;
                        }
                        frames.pop_front();
                        --went_out;
                    }
                    break;
                case 3:
                    if (*rc::gen::inRange(0, 5) != 0) break;
                    RC_ASSERT(queue.queue.clear() == pending.size());
                    ended += pending.size();
                    pending.clear();
                    frames.clear();
                    went_out = 0;
                    break;
                case 4: drain(); break;
                default: {
                    const auto payload = std::to_string(taken) + std::string(*rc::gen::inRange<std::size_t>(0, 300), '.');
                    const bool full =
                        queue.queue.messages() >= options.pending_messages_max || queue.queue.bytes() >= options.pending_bytes_max;
                    const auto added = queue.add(payload, *rc::gen::element("a", "b", ""));
                    RC_ASSERT(static_cast<bool>(added) == !full);
                    if (!added) break;
                    pending.push_back(payload);
                    ++taken;
                }
            }
            RC_ASSERT(queue.queue.messages() == pending.size());
            RC_ASSERT(queue.queue.empty() == pending.empty());
            RC_ASSERT((queue.queue.bytes() == 0) == pending.empty());
            RC_ASSERT(queue.queue.sent_ever() == taken);
            RC_ASSERT(queue.queue.ended_ever() == ended);
        }
        queue.queue.end_batch(queue.now);
        drain();
        for (const auto& bytes : frames) {
            const auto frame = read(bytes);
            RC_ASSERT(frame.metadata.sequence_id() >= last);
            last = std::max(frame.metadata.highest_sequence_id(), frame.metadata.sequence_id()) + 1;
        }
    }));
}

}  // namespace
}  // namespace platform::pulsar::session
