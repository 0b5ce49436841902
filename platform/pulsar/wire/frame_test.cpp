#include "platform/pulsar/wire/frame.hpp"
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/test_bytes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

namespace platform::pulsar::wire {
namespace {

// As Castagnoli et al. (1993) define it.
std::uint32_t crc32c_bit_by_bit(std::string_view bytes) {
    constexpr std::uint32_t polynomial = 0x82f63b78;
    std::uint32_t crc = ~0U;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0);
    }
    return ~crc;
}

using proto::BaseCommand;

const std::string topic_of_golden = "persistent://public/default/t";

BaseCommand ping() {
    BaseCommand command;
    command.set_type(BaseCommand::PING);
    command.mutable_ping();
    return command;
}

BaseCommand connect(std::string_view token) {
    BaseCommand command;
    command.set_type(BaseCommand::CONNECT);
    auto& connect = *command.mutable_connect();
    connect.set_client_version("test-1");
    connect.set_auth_method_name(token.empty() ? "none" : "token");
    if (!token.empty()) connect.set_auth_data(std::string(token));
    connect.set_protocol_version(19);
    connect.mutable_feature_flags()->set_supports_auth_refresh(true);
    connect.mutable_feature_flags()->set_supports_broker_entry_metadata(true);
    return command;
}

BaseCommand send(std::uint64_t sequence) {
    BaseCommand command;
    command.set_type(BaseCommand::SEND);
    command.mutable_send()->set_producer_id(0);
    command.mutable_send()->set_sequence_id(sequence);
    return command;
}

proto::MessageMetadata metadata(std::uint64_t sequence) {
    proto::MessageMetadata metadata;
    metadata.set_producer_name("p");
    metadata.set_sequence_id(sequence);
    metadata.set_publish_time(1);
    return metadata;
}

const std::string golden_send = "0000001f 00000008 0806320408001000 0e01 7ed8df46 00000007 0a017010001801 6869";
const std::string golden_batch =
    "00000043 0000000c 0806320808001005180230060e01b41625180000000f 0a0170100518013201615802c00106"
    "00000007 12016118024005 7831 00000007 12016218024006 7832";

void expect_golden(const BaseCommand& command, std::string_view hex) {
    const auto golden = bytes_of(hex);
    EXPECT_EQ(kernel::hex_of(encode(command)), kernel::hex_of(golden));
    BaseCommand parsed;
    const auto rest = parse_command(std::string_view(golden).substr(4), parsed);
    ASSERT_TRUE(rest) << rest.error().message;
    EXPECT_TRUE(rest->empty());
    EXPECT_EQ(encode(parsed), golden);
}

TEST(Frame, golden_frames_are_written_and_read) {
    expect_golden(ping(), "00000009 00000005 0812920100");
    BaseCommand pong;
    pong.set_type(BaseCommand::PONG);
    pong.mutable_pong();
    expect_golden(pong, "00000009 00000005 08139a0100");
    expect_golden(connect(""), "0000001e 0000001a 080212160a06746573742d3120132a046e6f6e65520408011001");
    expect_golden(connect("TOK"), "00000024 00000020 0802121c0a06746573742d311a03544f4b20132a05746f6b656e520408011001");
    BaseCommand flow;
    flow.set_type(BaseCommand::FLOW);
    flow.mutable_flow()->set_consumer_id(0);
    flow.mutable_flow()->set_messagepermits(1000);
    expect_golden(flow, "0000000d 00000009 080b5a05080010e807");
    BaseCommand partitions;
    partitions.set_type(BaseCommand::PARTITIONED_METADATA);
    partitions.mutable_partitioned_metadata()->set_topic(topic_of_golden);
    partitions.mutable_partitioned_metadata()->set_request_id(1);
    expect_golden(partitions, "0000002a 00000026 0815aa01210a1d70657273697374656e743a2f2f7075626c69632f64656661756c742f741001");
    BaseCommand lookup;
    lookup.set_type(BaseCommand::LOOKUP);
    lookup.mutable_lookup()->set_topic(topic_of_golden);
    lookup.mutable_lookup()->set_request_id(2);
    lookup.mutable_lookup()->set_authoritative(false);
    expect_golden(lookup, "0000002c 00000028 0817ba01230a1d70657273697374656e743a2f2f7075626c69632f64656661756c742f7410021800");
}

TEST(Frame, a_golden_send_is_written_and_read) {
    const auto golden = bytes_of(golden_send);
    EXPECT_EQ(kernel::hex_of(encode_send(send(0), metadata(0), "hi")), kernel::hex_of(golden));
    BaseCommand command;
    const auto rest = parse_command(std::string_view(golden).substr(4), command);
    ASSERT_TRUE(rest);
    EXPECT_EQ(command.send().sequence_id(), 0U);
    MessageSection section;
    ASSERT_TRUE(parse_message(*rest, section));
    EXPECT_TRUE(section.has_checksum);
    EXPECT_FALSE(section.broker_entry);
    EXPECT_EQ(section.metadata.producer_name(), "p");
    EXPECT_FALSE(section.metadata.has_num_messages_in_batch());
    EXPECT_EQ(section.payload, "hi");
    EXPECT_EQ(message_bytes(section.metadata, section.payload.size()), 9U);
}

TEST(Frame, a_golden_batch_is_written_and_read) {
    const auto golden = bytes_of(golden_batch);
    auto command = send(5);
    command.mutable_send()->set_num_messages(2);
    command.mutable_send()->set_highest_sequence_id(6);
    auto of_batch = metadata(5);
    of_batch.set_partition_key("a");
    of_batch.set_num_messages_in_batch(2);
    of_batch.set_highest_sequence_id(6);
    std::string batch;
    proto::SingleMessageMetadata single;
    single.set_partition_key("a");
    single.set_sequence_id(5);
    add_to_batch(batch, single, "x1");
    single.set_partition_key("b");
    single.set_sequence_id(6);
    add_to_batch(batch, single, "x2");
    EXPECT_EQ(kernel::hex_of(encode_send(command, of_batch, batch)), kernel::hex_of(golden));

    const auto rest = parse_command(std::string_view(golden).substr(4), command);
    ASSERT_TRUE(rest);
    MessageSection section;
    ASSERT_TRUE(parse_message(*rest, section));
    auto reader = BatchReader::open(section.payload, section.metadata.num_messages_in_batch());
    ASSERT_TRUE(reader);
    EXPECT_EQ(*reader->next(single), "x1");
    EXPECT_EQ(single.partition_key(), "a");
    EXPECT_EQ(*reader->next(single), "x2");
    EXPECT_EQ(single.sequence_id(), 6U);
    EXPECT_TRUE(reader->at_end());
}

TEST(Frame, a_checksum_is_castagnolis) {
    EXPECT_EQ(crc32c(""), 0U);
    EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720 B.4
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
    std::string bytes;
    for (int i = 0; i < 20000; ++i) bytes += static_cast<char>(i * i >> 3U);
    for (std::size_t size = 0; size <= bytes.size(); size += size < 1000 ? 1 : 997) {
        const auto part = std::string_view(bytes).substr(bytes.size() - size);
        ASSERT_EQ(crc32c(part), crc32c_bit_by_bit(part)) << size;
    }
}

TEST(Frame, a_changed_bit_of_a_message_is_found) {
    const auto golden = bytes_of(golden_send).substr(16);
    for (std::size_t bit = 16; bit < 8 * golden.size(); ++bit) {
        auto changed = golden;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1U << (bit % 8)));
        MessageSection section;
        const auto parsed = parse_message(changed, section);
        ASSERT_FALSE(parsed) << bit;
        EXPECT_EQ(parsed.error().code, "pulsar-checksum");
    }
}

TEST(Frame, a_message_may_come_without_checksum_and_with_what_the_broker_adds) {
    const auto bare = bytes_of(golden_send).substr(22);
    const auto added = bytes_of("0e02") + sized(varint_field(1, 12) + varint_field(2, 34));
    MessageSection section;
    ASSERT_TRUE(parse_message(added + bytes_of(golden_send).substr(16), section));
    ASSERT_TRUE(section.broker_entry);
    EXPECT_EQ(section.broker_entry->broker_timestamp(), 12U);
    EXPECT_EQ(section.broker_entry->index(), 34U);
    EXPECT_TRUE(section.has_checksum);
    ASSERT_TRUE(parse_message(bare, section));
    EXPECT_FALSE(section.has_checksum);
    EXPECT_FALSE(section.broker_entry);
    EXPECT_EQ(section.payload, "hi");
    ASSERT_TRUE(parse_message(added + bare, section));
    EXPECT_FALSE(section.has_checksum);
    EXPECT_TRUE(section.broker_entry);
}

TEST(Frame, a_message_that_is_cut_is_refused) {
    const auto whole = bytes_of("0e02") + sized(varint_field(1, 12)) + bytes_of(golden_send).substr(16);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        MessageSection section;
        EXPECT_FALSE(parse_message(std::string_view(whole).substr(0, size), section)) << size;
    }
    const auto bare = bytes_of(golden_send).substr(22);
    for (std::size_t size = 0; size < bare.size() - 2; ++size) {
        MessageSection section;
        const auto parsed = parse_message(std::string_view(bare).substr(0, size), section);
        ASSERT_FALSE(parsed) << size;
        EXPECT_EQ(parsed.error().code, "pulsar-message");
    }
}

TEST(Frame, a_message_compressed_in_a_later_way_is_not_taken_as_it_is) {
    const auto later = bytes_of("0a017010001801") + varint_field(8, 5);
    MessageSection section;
    const auto parsed = parse_message(sized(later) + "hi", section);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().kind, kernel::ErrorKind::unsupported);
    // Other fields of later protocols are no hindrance.
    EXPECT_TRUE(parse_message(sized(bytes_of("0a017010001801") + varint_field(33, 5) + bytes_field(34, "x")) + "hi", section));
}

TEST(Frame, sizes_that_lie_are_refused) {
    BaseCommand command;
    for (const char* hex : {"", "000000", "00000001", "ffffffff", "00000006 0812920100", "80000000 0812920100"}) {
        const auto parsed = parse_command(bytes_of(hex), command);
        ASSERT_FALSE(parsed) << hex;
        EXPECT_EQ(parsed.error().code, "pulsar-frame");
    }
    MessageSection section;
    for (const char* hex : {"ffffffff", "7fffffff 00", "0e02 ffffffff 00", "0e02 7fffffff", "00000008 0a017010001801"}) {
        EXPECT_FALSE(parse_message(bytes_of(hex), section)) << hex;
    }
    EXPECT_FALSE(parse_command(bytes_of("00000005 ffffffffff"), command));
}

// Feeds `stream` in pieces; the frames that came out.
std::vector<std::string> split(std::string_view stream, std::size_t piece, Splitter& splitter) {
    std::vector<std::string> frames;
    while (!stream.empty()) {
        const auto room = splitter.prepare(1);
        const auto count = std::min({piece, stream.size(), room.size()});
        std::copy_n(stream.data(), count, room.data());
        splitter.commit(count);
        stream.remove_prefix(count);
        while (true) {
            const auto frame = splitter.next();
            if (!frame || !*frame) break;
            frames.emplace_back(**frame);
        }
    }
    return frames;
}

TEST(Splitter, frames_come_whole_however_they_are_cut) {
    const auto golden = bytes_of(golden_batch);
    const auto stream = golden + encode(ping()) + golden + golden;
    const std::vector<std::string> expected{golden.substr(4), encode(ping()).substr(4), golden.substr(4), golden.substr(4)};
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        Splitter splitter;
        EXPECT_EQ(split(stream, piece, splitter), expected) << piece;
    }
}

TEST(Splitter, a_cut_at_every_byte_waits_for_the_rest) {
    const auto golden = bytes_of(golden_send);
    for (std::size_t cut = 0; cut < golden.size(); ++cut) {
        Splitter splitter;
        EXPECT_TRUE(split(std::string_view(golden).substr(0, cut), golden.size(), splitter).empty());
        const auto nothing = splitter.next();
        ASSERT_TRUE(nothing);
        EXPECT_FALSE(*nothing);
        EXPECT_EQ(split(std::string_view(golden).substr(cut), golden.size(), splitter).size(), 1U);
    }
}

TEST(Splitter, any_frames_in_any_pieces) {
    EXPECT_TRUE(rc::check([] {
        const auto frames = *rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
        std::string stream;
        std::vector<std::string> expected;
        for (const auto& frame : frames) {
            expected.push_back("size" + frame);
            stream += sized(expected.back());
        }
        Splitter splitter;
        RC_ASSERT(split(stream, *rc::gen::inRange<std::size_t>(1, 100), splitter) == expected);
    }));
}

TEST(Splitter, a_frame_is_as_large_as_connected_allows) {
    const std::size_t most = 1000 + frame_padding_bytes;
    for (const auto& [size, good] : {std::pair(most, true), std::pair(most + 1, false), std::pair(std::size_t{3}, false),
                                     std::pair(std::size_t{0}, false), std::pair(std::size_t{0xffffffff}, false)}) {
        Splitter splitter(1000);
        split(big_endian_of(static_cast<std::uint32_t>(size)), 4, splitter);
        const auto frame = splitter.next();
        EXPECT_EQ(static_cast<bool>(frame), good) << size;
        if (!frame) EXPECT_EQ(frame.error().code, "pulsar-frame");
    }
    Splitter splitter(1000);
    splitter.limit(2000);
    split(big_endian_of(static_cast<std::uint32_t>(most + 1)), 4, splitter);
    EXPECT_TRUE(splitter.next());
}

TEST(Splitter, a_size_that_was_sent_makes_no_room) {
    Splitter splitter;
    split(big_endian_of(message_bytes_default), 4, splitter);
    ASSERT_TRUE(splitter.next());
    EXPECT_LE(splitter.prepare(100).size(), 1000U);
}

}  // namespace
}  // namespace platform::pulsar::wire
