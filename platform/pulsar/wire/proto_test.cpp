// Every command against the tables of the protocol, with bytes that this test writes by itself.
#include "platform/pulsar/wire/frame.hpp"
#include "platform/pulsar/wire/test_bytes.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <vector>

namespace platform::pulsar::wire {
namespace {

// name=number, ! required, ? optional, * repeated, type. An enum has its greatest number behind it. An
// indented line goes on with the line before.
constexpr std::string_view tables = R"(
MessageIdData ledgerId=1!u64 entryId=2!u64 partition=3?i32 batch_index=4?i32 ack_set=5*i64 batch_size=6?i32 first_chunk=7?MessageIdData
KeyValue key=1!str value=2!str
KeyLongValue key=1!str value=2!u64
IntRange start=1!i32 end=2!i32
Schema name=1!str schema_data=3!str type=4!enum21 properties=5*KeyValue
FeatureFlags a=1?bool b=2?bool c=3?bool d=4?bool e=5?bool f=6?bool
AuthData auth_method_name=1?str auth_data=2?str
KeySharedMeta keySharedMode=1!enum1 hashRanges=3*IntRange allowOutOfOrderDelivery=4?bool
2 client_version=1!str auth_method=2?i32 auth_data=3?str protocol_version=4?i32 auth_method_name=5?str proxy_to_broker_url=6?str
  original_principal=7?str original_auth_data=8?str original_auth_method=9?str feature_flags=10?FeatureFlags proxy_version=11?str
3 server_version=1!str protocol_version=2?i32 max_message_size=3?i32 feature_flags=4?FeatureFlags
4 topic=1!str subscription=2!str subType=3!enum3 consumer_id=4!u64 request_id=5!u64 consumer_name=6?str priority_level=7?i32
  durable=8?bool start_message_id=9?MessageIdData metadata=10*KeyValue read_compacted=11?bool schema=12?Schema initialPosition=13?enum1
  replicate=14?bool force_topic_creation=15?bool rollback=16?u64 keySharedMeta=17?KeySharedMeta subscription_properties=18*KeyValue
  consumer_epoch=19?u64
5 topic=1!str producer_id=2!u64 request_id=3!u64 producer_name=4?str encrypted=5?bool metadata=6*KeyValue schema=7?Schema epoch=8?u64
  user_provided=9?bool access_mode=10?enum3 topic_epoch=11?u64 txn_enabled=12?bool initial_subscription_name=13?str
6 producer_id=1!u64 sequence_id=2!u64 num_messages=3?i32 txn_least=4?u64 txn_most=5?u64 highest_sequence_id=6?u64 is_chunk=7?bool
  marker=8?bool message_id=9?MessageIdData
7 producer_id=1!u64 sequence_id=2!u64 message_id=3?MessageIdData highest_sequence_id=4?u64
8 producer_id=1!u64 sequence_id=2!u64 error=3!enum25 message=4!str
9 consumer_id=1!u64 message_id=2!MessageIdData redelivery_count=3?u32 ack_set=4*i64 consumer_epoch=5?u64
10 consumer_id=1!u64 ack_type=2!enum1 message_id=3*MessageIdData validation_error=4?enum4 properties=5*KeyLongValue txn_least=6?u64
  txn_most=7?u64 request_id=8?u64
11 consumer_id=1!u64 messagePermits=2!u32
12 consumer_id=1!u64 request_id=2!u64 force=3?bool
13 request_id=1!u64 schema=2?Schema
14 request_id=1!u64 error=2!enum25 message=3!str
15 producer_id=1!u64 request_id=2!u64 url=3?str url_tls=4?str
16 consumer_id=1!u64 request_id=2!u64 url=3?str url_tls=4?str
17 request_id=1!u64 producer_name=2!str last_sequence_id=3?i64 schema_version=4?str topic_epoch=5?u64 producer_ready=6?bool
18
19
20 consumer_id=1!u64 message_ids=2*MessageIdData consumer_epoch=3?u64
21 topic=1!str request_id=2!u64 original_principal=3?str original_auth_data=4?str original_auth_method=5?str auto_creation=6?bool
22 partitions=1?u32 request_id=2!u64 response=3?enum1 error=4?enum25 message=5?str
23 topic=1!str request_id=2!u64 authoritative=3?bool principal=4?str data=5?str method=6?str listener=7?str properties=8*KeyValue
24 url=1?str url_tls=2?str response=3?enum2 request_id=4!u64 authoritative=5?bool error=6?enum25 message=7?str proxy=8?bool
25 request_id=1!u64 consumer_id=4!u64
26 request_id=1!u64 error_code=2?enum25 error_message=3?str out=4?double throughput=5?double redeliver=6?double name=7?str permits=8?u64
  unacked=9?u64 blocked=10?bool address=11?str since=12?str type=13?str expired=14?double backlog=15?u64
27 consumer_id=1!u64
28 consumer_id=1!u64 request_id=2!u64 message_id=3?MessageIdData message_publish_time=4?u64
29 consumer_id=1!u64 request_id=2!u64
30 last_message_id=1!MessageIdData request_id=2!u64 mark_delete=3?MessageIdData
31 consumer_id=1!u64 is_active=2?bool
32 request_id=1!u64 namespace=2!str mode=3?enum2 topics_pattern=4?str topics_hash=5?str properties=6*KeyValue
33 request_id=1!u64 topics=2*str filtered=3?bool topics_hash=4?str changed=5?bool
34 request_id=1!u64 topic=2!str schema_version=3?str
35 request_id=1!u64 error_code=2?enum25 error_message=3?str schema=4?Schema schema_version=5?str
36 server_version=1?str challenge=2?AuthData protocol_version=3?i32
37 client_version=1?str response=2?AuthData protocol_version=3?i32
38 consumer_id=1!u64 txn_least=2?u64 txn_most=3?u64 error=4?enum25 message=5?str request_id=6?u64
39 request_id=1!u64 topic=2!str schema=3!Schema producerName=4?str
40 request_id=1!u64 error_code=2?enum25 error_message=3?str schema_version=4?str
68 resource_id=1!u64 resource_type=2!enum1 url=3?str url_tls=4?str
)";

struct Field {
    std::uint32_t number = 0;
    char presence = '?';
    std::string type;
};

using Tables = std::map<std::string, std::vector<Field>, std::less<>>;

Tables read_tables() {
    Tables messages;
    std::istringstream lines{std::string(tables)};
    std::string name;
    for (std::string line; std::getline(lines, line);) {
        if (line.empty()) continue;
        std::istringstream words(line);
        if (line.front() != ' ') words >> name;
        auto& fields = messages[name];
        for (std::string word; words >> word;) {
            const auto equals = word.find('=');
            const auto presence = word.find_first_of("!?*", equals);
            fields.push_back({.number = static_cast<std::uint32_t>(std::stoul(word.substr(equals + 1))),
                              .presence = word[presence],
                              .type = word.substr(presence + 1)});
        }
    }
    return messages;
}

// What is sent, and what the same command is when it is encoded again. A single field is sent twice: of a known one the last counts, an
// unknown one would be kept twice. The values are such that a wrong type would change them.
struct Written {
    std::string sent, again;
};

Written write(const Tables& messages, const std::vector<Field>& fields, std::uint32_t without, int depth = 0);

Written write_field(const Tables& messages, const Field& field, int depth) {
    const auto number = field.number;
    const auto twice = [&](const std::string& first, const std::string& second, const std::string& canonical) -> Written {
        return {.sent = first + second, .again = field.presence == '*' ? first + canonical : canonical};
    };
    const auto numbers = [&](std::uint64_t first, std::uint64_t second, std::uint64_t canonical) {
        return twice(varint_field(number, first), varint_field(number, second), varint_field(number, canonical));
    };
    if (field.type == "u64") return numbers(0, (std::uint64_t{1} << 63U) + 5, (std::uint64_t{1} << 63U) + 5);
    if (field.type == "i64") return numbers(1, ~std::uint64_t{0} << 40U, ~std::uint64_t{0} << 40U);
    if (field.type == "u32") return numbers(1, 0xffffffff, 0xffffffff);
    if (field.type == "i32") return numbers(1, ~std::uint64_t{6}, ~std::uint64_t{6});
    if (field.type == "bool") return numbers(0, 2, 1);
    if (field.type.starts_with("enum")) {
        const auto last = std::stoull(field.type.substr(4));
        return numbers(0, last, last);
    }
    if (field.type == "str") return twice(bytes_field(number, "x"), bytes_field(number, "words"), bytes_field(number, "words"));
    if (field.type == "double") {
        const auto value = [&](char last) { return varint(number << 3U | 1U) + std::string(7, '\1') + last; };
        return twice(value('\1'), value('\2'), value('\2'));
    }
    const auto part = write(messages, messages.at(field.type), 0, depth + 1);
    return {.sent = bytes_field(number, part.sent), .again = bytes_field(number, part.again)};
}

Written write(const Tables& messages, const std::vector<Field>& fields, std::uint32_t without, int depth) {
    Written written;
    for (const auto& field : fields) {
        if (field.number == without || (depth > 2 && field.type == "MessageIdData")) continue;
        const auto [sent, again] = write_field(messages, field, depth);
        written.sent += sent;
        written.again += again;
    }
    return written;
}

Written command_of(std::uint32_t type, const Written& part) {
    const auto head = varint_field(1, type);
    return {.sent = head + bytes_field(type, part.sent), .again = head + bytes_field(type, part.again)};
}

TEST(Proto, every_command_is_as_the_tables_say) {
    const auto messages = read_tables();
    std::size_t commands = 0;
    for (const auto& [name, fields] : messages) {
        if (name.front() > '9') continue;
        SCOPED_TRACE("command " + name);
        ++commands;
        const auto type = static_cast<std::uint32_t>(std::stoul(name));
        const auto written = command_of(type, write(messages, fields, 0));
        proto::BaseCommand command;
        const auto rest = parse_command(sized(written.sent) + "behind", command);
        ASSERT_TRUE(rest) << rest.error().message;
        EXPECT_EQ(command.type(), static_cast<proto::BaseCommand::Type>(type));
        EXPECT_EQ(kernel::hex_of(encode(command)), kernel::hex_of(sized(sized(written.again))));
        EXPECT_TRUE(command.unknown_fields().empty());
    }
    EXPECT_EQ(commands, 40U);
}

TEST(Proto, a_command_needs_what_is_required_and_no_more) {
    const auto messages = read_tables();
    for (const auto& [name, fields] : messages) {
        if (name.front() > '9') continue;
        const auto type = static_cast<std::uint32_t>(std::stoul(name));
        for (const auto& field : fields) {
            SCOPED_TRACE("command " + name + " without " + std::to_string(field.number));
            proto::BaseCommand command;
            const auto parsed = parse_command(sized(command_of(type, write(messages, fields, field.number)).sent), command);
            EXPECT_EQ(static_cast<bool>(parsed), field.presence != '!');
            if (!parsed) EXPECT_EQ(parsed.error().code, "pulsar-frame");
        }
    }
}

TEST(Proto, a_command_without_the_part_of_its_type_is_refused) {
    for (std::uint32_t type = 2; type <= 68; ++type) {
        if (type > 40 && type < 68) continue;
        proto::BaseCommand command;
        EXPECT_FALSE(parse_command(sized(varint_field(1, type)), command)) << type;
    }
}

TEST(Proto, a_command_of_a_type_that_is_not_known_is_left_to_be_ignored) {
    for (const std::uint32_t type : {1U, 50U, 63U, 69U, 70U, 1000U}) {
        proto::BaseCommand command;
        const auto parsed = parse_command(sized(varint_field(1, type) + bytes_field(type, "\x08\x01")), command);
        ASSERT_TRUE(parsed) << type;
        EXPECT_FALSE(command.has_type());
    }
    for (std::uint32_t type = 64; type <= 67; ++type) {
        proto::BaseCommand command;
        EXPECT_TRUE(parse_command(sized(varint_field(1, type) + bytes_field(type, "\x08\x01")), command)) << type;
    }
}

TEST(Proto, an_error_with_a_number_that_is_not_known_stays_an_error) {
    // type -> number of its error field
    const std::map<std::uint32_t, std::uint32_t> errors{{8, 3}, {14, 2}, {22, 4}, {24, 6}, {26, 2}, {35, 2}, {38, 4}, {40, 2}};
    const auto messages = read_tables();
    for (const auto& [type, number] : errors) {
        SCOPED_TRACE(type);
        const auto part = write(messages, messages.at(std::to_string(type)), number).sent + varint_field(number, 999);
        proto::BaseCommand command;
        ASSERT_TRUE(parse_command(sized(command_of(type, {.sent = part, .again = {}}).sent), command));
        const auto error = [&]() -> std::optional<proto::ServerError> {
            const auto of = [](bool has, proto::ServerError value) { return has ? std::optional(value) : std::nullopt; };
            switch (type) {
                case 8: return of(command.send_error().has_error(), command.send_error().error());
                case 14: return of(command.error().has_error(), command.error().error());
                case 22: return of(command.partitioned_metadata_response().has_error(), command.partitioned_metadata_response().error());
                case 24: return of(command.lookup_response().has_error(), command.lookup_response().error());
                case 26: return of(command.consumer_stats_response().has_error_code(), command.consumer_stats_response().error_code());
                case 35: return of(command.get_schema_response().has_error_code(), command.get_schema_response().error_code());
                case 38: return of(command.ack_response().has_error(), command.ack_response().error());
                default:
                    return of(command.get_or_create_schema_response().has_error_code(),
                              command.get_or_create_schema_response().error_code());
            }
        }();
        EXPECT_EQ(error, proto::UnknownError);
    }
}

TEST(Proto, an_answer_that_is_neither_yes_nor_no_is_a_no) {
    for (const auto& last : {std::string(), varint_field(3, 77)}) {
        proto::BaseCommand command;
        ASSERT_TRUE(parse_command(sized(varint_field(1, 24) + bytes_field(24, varint_field(4, 1) + last)), command));
        EXPECT_EQ(command.lookup_response().response(), proto::CommandLookupTopicResponse::Failed);
        ASSERT_TRUE(parse_command(sized(varint_field(1, 22) + bytes_field(22, varint_field(2, 1) + last)), command));
        EXPECT_EQ(command.partitioned_metadata_response().response(), proto::CommandPartitionedTopicMetadataResponse::Failed);
    }
}

}  // namespace
}  // namespace platform::pulsar::wire
