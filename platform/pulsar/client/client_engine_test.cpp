// The client against a real broker: ACOPIO_PULSAR_SERVICE ("pulsar://127.0.0.1:6650") and ACOPIO_PULSAR_ADMIN ("http://127.0.0.1:8080")
// name it.
#include "platform/http/client.hpp"
#include "platform/pulsar/client/client.hpp"
#include "platform/pulsar/wire/topic.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace platform::pulsar::client {
namespace {

using namespace std::chrono_literals;
using kernel::ErrorKind;
using runtime::run;

ProducerOptions to(std::string topic) {
    ProducerOptions options;
    options.topic = std::move(topic);
    return options;
}

ConsumerOptions subscribed(std::string topic, SubscriptionType type = SubscriptionType::exclusive) {
    ConsumerOptions options;
    options.topic = std::move(topic);
    options.subscription = "s";
    options.type = type;
    return options;
}

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

class AgainstBroker : public ::testing::Test {
protected:
    void SetUp() override {
        service_ = environment("ACOPIO_PULSAR_SERVICE");
        const auto admin = environment("ACOPIO_PULSAR_ADMIN");
        if (service_.empty() || admin.empty()) GTEST_SKIP() << "ACOPIO_PULSAR_SERVICE and ACOPIO_PULSAR_ADMIN name no broker";
        const auto host = admin.substr(admin.find("://") + 3);
        const auto colon = host.find(':');
        admin_.emplace(host.substr(0, colon), static_cast<std::uint16_t>(std::stoi(host.substr(colon + 1))));
        client_ = open();
    }

    std::unique_ptr<Client> open() {
        auto client = Client::open({.service = service_});
        EXPECT_TRUE(client) << client.error().message;
        return *std::move(client);
    }

    int admin(const std::string& method, const std::string& target, const std::string& body = {}) {
        const auto reply = admin_->request(method, "/admin/v2/" + target, {{"content-type", "application/json"}}, body);
        EXPECT_TRUE(reply) << reply.error().message;
        return reply ? reply->status : 0;
    }

    // A new topic of a name of its own.
    std::string topic(int partitions = 0) {
        const auto name = "persistent://public/default/client-" + runtime::random_hex(8);
        const auto path = "persistent/" + name.substr(std::string("persistent://").size());
        const auto status = partitions == 0 ? admin("PUT", path) : admin("PUT", path + "/partitions", std::to_string(partitions));
        EXPECT_TRUE(status >= 200 && status < 300) << status;
        return name;
    }

    std::unique_ptr<Producer> producer(ProducerOptions options) {
        auto opened = run(client_->producer(std::move(options)));
        EXPECT_TRUE(opened) << opened.error().code << ": " << opened.error().message;
        return opened ? *std::move(opened) : nullptr;
    }

    std::unique_ptr<Consumer> consumer(ConsumerOptions options, ConsumerHooks hooks = {}) {
        auto opened = run(client_->consumer(std::move(options), std::move(hooks)));
        EXPECT_TRUE(opened) << opened.error().code << ": " << opened.error().message;
        return opened ? *std::move(opened) : nullptr;
    }

    std::unique_ptr<Consumer> reader(ReaderOptions options) {
        auto opened = run(client_->reader(std::move(options)));
        EXPECT_TRUE(opened) << opened.error().code << ": " << opened.error().message;
        return opened ? *std::move(opened) : nullptr;
    }

    static std::vector<Message> receive(Consumer& consumer, std::size_t count) {
        std::vector<Message> all;
        while (all.size() < count) {
            auto some = consumer.receive_blocking(count - all.size(), 30s);
            EXPECT_TRUE(some) << some.error().code << ": " << some.error().message;
            if (!some || some->empty()) break;
            std::ranges::move(*some, std::back_inserter(all));
        }
        EXPECT_EQ(all.size(), count);
        return all;
    }

    static std::vector<OutMessage> numbered(int first, int count, int keys = 0) {
        std::vector<OutMessage> messages;
        for (int i = first; i < first + count; ++i)
            messages.push_back({.payload = "m" + std::to_string(i), .key = keys > 0 ? "key-" + std::to_string(i % keys) : ""});
        return messages;
    }

    static std::vector<Receipt> send(Producer& producer, std::vector<OutMessage> messages) {
        const auto count = messages.size();
        auto results = run(producer.send_all(std::move(messages)));
        EXPECT_TRUE(results) << results.error().code << ": " << results.error().message;
        std::vector<Receipt> receipts;
        if (!results) return receipts;
        EXPECT_EQ(results->size(), count);
        for (const auto& result : *results) {
            EXPECT_TRUE(result) << result.error().code << ": " << result.error().message;
            if (result) receipts.push_back(*result);
        }
        return receipts;
    }

    std::string service_;
    std::optional<http::Client> admin_;
    std::unique_ptr<Client> client_;
};

TEST_F(AgainstBroker, a_message_comes_back_with_everything_it_had) {
    const auto name = topic();
    const auto sender = producer(to(name));
    const auto receipt = run(sender->send(
        {.payload = "bytes", .key = "order-42", .properties = {{"type", "t"}, {"a", ""}}, .event_time_ms = 12, .sequence = 7}));
    ASSERT_TRUE(receipt) << receipt.error().code;
    EXPECT_FALSE(receipt->duplicate);
    const auto receiver = reader({.topic = name});
    const auto message = receive(*receiver, 1).at(0);
    EXPECT_EQ(message.payload, "bytes");
    EXPECT_EQ(message.key, "order-42");
    EXPECT_EQ(message.properties, (std::vector<std::pair<std::string, std::string>>{{"type", "t"}, {"a", ""}}));
    EXPECT_EQ(message.event_time_ms, 12u);
    EXPECT_EQ(message.sequence, 7u);
    EXPECT_EQ(message.entry->producer_name, sender->name());
    EXPECT_EQ(message.id.ledger, receipt->id.ledger);
    EXPECT_EQ(message.id.entry, receipt->id.entry);
}

TEST_F(AgainstBroker, ten_thousand_messages_come_in_order_by_every_codec) {
    for (const auto codec : {proto::NONE, proto::LZ4, proto::ZLIB, proto::ZSTD, proto::SNAPPY}) {
        const auto name = topic();
        auto options = to(name);
        options.compression = codec;
        const auto sender = producer(options);
        const auto receipts = send(*sender, numbered(0, 10'000));
        EXPECT_TRUE(std::ranges::is_sorted(receipts, [](const auto& a, const auto& b) { return a.id < b.id; }));
        const auto receiver = reader({.topic = name});
        const auto messages = receive(*receiver, 10'000);
        for (std::size_t i = 0; i < messages.size(); ++i) {
            ASSERT_EQ(messages[i].payload, "m" + std::to_string(i));
            ASSERT_EQ(messages[i].id, receipts.at(i).id) << to_text(messages[i].id) << " " << to_text(receipts[i].id);
        }
    }
}

TEST_F(AgainstBroker, keys_go_to_the_partitions_that_other_clients_of_pulsar_choose) {
    const auto name = topic(4);
    EXPECT_EQ(*run(client_->partitions(name)), 4u);
    const auto sender = producer(to(name));
    const auto receipts = send(*sender, numbered(0, 1'000, 37));
    for (std::size_t i = 0; i < receipts.size(); ++i)
        ASSERT_EQ(receipts[i].id.partition, static_cast<int>(wire::partition_of_key("key-" + std::to_string(i % 37), 4)));
    const auto receiver = reader({.topic = name});
    std::map<std::string, int> last;
    for (const auto& message : receive(*receiver, 1'000)) {
        const int number = std::stoi(std::string(message.payload.substr(1)));
        EXPECT_EQ(message.id.partition, static_cast<int>(wire::partition_of_key(message.key, 4)));
        EXPECT_TRUE(!last.contains(message.key) || last[message.key] < number);
        last[message.key] = number;
    }
    const auto ends = run(receiver->last_message_ids());
    ASSERT_TRUE(ends) << ends.error().code;
    EXPECT_EQ(ends->size(), 4u);
    for (std::size_t i = 0; i < ends->size(); ++i) EXPECT_EQ((*ends)[i]->partition, static_cast<int>(i));
}

TEST_F(AgainstBroker, send_all_without_keys_stays_in_one_partition) {
    const auto sender = producer(to(topic(4)));
    const auto receipts = send(*sender, numbered(0, 100));
    for (const auto& receipt : receipts) EXPECT_EQ(receipt.id.partition, receipts[0].id.partition);
}

TEST_F(AgainstBroker, a_reader_goes_on_behind_any_message) {
    const auto name = topic();
    const auto sender = producer(to(name));
    const auto receipts = send(*sender, numbered(0, 50));
    for (const std::size_t at : {0u, 17u, 48u}) {
        const auto after = reader({.topic = name, .start = receipts[at].id});
        EXPECT_EQ(receive(*after, 1).at(0).payload, "m" + std::to_string(at + 1));
        const auto from = reader({.topic = name, .start = receipts[at].id, .start_inclusive = true});
        EXPECT_EQ(receive(*from, 1).at(0).payload, "m" + std::to_string(at));
    }
    const auto behind_the_last = reader({.topic = name, .start = receipts.back().id});
    EXPECT_TRUE(behind_the_last->receive_blocking(1, 50ms)->empty());
    send(*sender, numbered(50, 1));
    EXPECT_EQ(receive(*behind_the_last, 1).at(0).payload, "m50");
    EXPECT_GT(**run(behind_the_last->last_message_id()), receipts.back().id);
}

TEST_F(AgainstBroker, what_was_acknowledged_does_not_come_again) {
    const auto name = topic(2);
    const auto options = subscribed(name, SubscriptionType::failover);
    auto receiver = consumer(options);
    const auto sender = producer(to(name));
    send(*sender, numbered(0, 100, 10));
    std::set<std::string> acknowledged;
    const auto messages = receive(*receiver, 100);
    for (std::size_t i = 0; i < messages.size(); i += 3) {
        acknowledged.emplace(messages[i].payload);
        ASSERT_TRUE(run(receiver->ack_with_receipt(messages[i].id)));
    }
    ASSERT_TRUE(run(receiver->close()));
    receiver = consumer(options);
    for (const auto& message : receive(*receiver, 100 - acknowledged.size()))
        EXPECT_FALSE(acknowledged.contains(std::string(message.payload)));
    EXPECT_TRUE(receiver->receive_blocking(1, 50ms)->empty());
    ASSERT_TRUE(run(receiver->unsubscribe()));
}

TEST_F(AgainstBroker, cumulative_acks_nacks_and_redelivery) {
    const auto name = topic();
    auto options = subscribed(name);
    options.nack_delay = 100ms;
    auto receiver = consumer(options);
    const auto sender = producer(to(name));
    send(*sender, numbered(0, 20));
    auto messages = receive(*receiver, 20);
    ASSERT_TRUE(run(receiver->ack_cumulative_with_receipt(messages[9].id)));
    ASSERT_TRUE(receiver->redeliver_all());
    messages = receive(*receiver, 10);
    EXPECT_EQ(messages[0].payload, "m10");
    ASSERT_TRUE(receiver->nack(messages[5].id));
    messages = receive(*receiver, 1);
    EXPECT_GE(messages[0].entry->redelivery_count, 0u);
    ASSERT_TRUE(run(receiver->seek(earliest)));
    EXPECT_EQ(receive(*receiver, 1).at(0).payload, "m0");
}

TEST_F(AgainstBroker, a_fencing_producer_ends_the_one_before) {
    const auto name = topic();
    auto options = to(name);
    options.access = session::AccessMode::exclusive_with_fencing;
    const auto first = producer(options);
    send(*first, numbered(0, 1));
    const auto second = producer(options);
    send(*second, numbered(1, 1));
    const auto refused = run(first->send({.payload = "late"}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "pulsar-producer-fenced") << refused.error().message;
    EXPECT_FALSE(run(first->send({.payload = "later"})));
    ASSERT_TRUE(first->ended());
    EXPECT_EQ(first->ended()->code, "pulsar-producer-fenced");
}

TEST_F(AgainstBroker, deduplication_drops_what_is_sent_again_after_a_restart) {
    const auto name = topic();
    auto options = to(name);
    options.name = "relay";
    options.first_sequence = 1;  // below what the broker has: what is sent again keeps its sequences
    auto sender = producer(options);
    EXPECT_EQ(sender->last_sequence(), -1);
    auto messages = numbered(0, 30);
    for (std::size_t i = 0; i < messages.size(); ++i) messages[i].sequence = i + 1;
    send(*sender, {messages.begin(), messages.begin() + 20});
    sender = nullptr;
    sender = producer(options);
    EXPECT_EQ(sender->last_sequence(), 20);
    const auto receipts = send(*sender, {messages.begin() + 10, messages.end()});
    for (std::size_t i = 0; i < receipts.size(); ++i) EXPECT_EQ(receipts[i].duplicate, i < 10) << i;
    const auto receiver = reader({.topic = name});
    const auto got = receive(*receiver, 30);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].payload, "m" + std::to_string(i));
    EXPECT_TRUE(receiver->receive_blocking(1, 50ms)->empty());
}

TEST_F(AgainstBroker, an_unload_of_the_namespace_is_not_noticed_by_those_who_send_and_read) {
    const auto name = topic(2);
    const auto sender = producer(to(name));
    const auto receiver = reader({.topic = name});
    std::set<std::string> got;
    for (int round = 0; round < 5; ++round) {
        send(*sender, numbered(round * 100, 100, 10));
        if (round % 2 == 1) EXPECT_EQ(admin("PUT", "namespaces/public/default/unload"), 204);
        for (const auto& message : receive(*receiver, 100)) EXPECT_TRUE(got.emplace(message.payload).second) << message.payload;
    }
    EXPECT_EQ(got.size(), 500u);
}

TEST_F(AgainstBroker, a_topic_that_does_not_exist_is_not_found) {
    const auto opened = run(client_->producer(to("persistent://public/default/nothing-" + runtime::random_hex(8))));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::not_found) << opened.error().code << ": " << opened.error().message;
}

TEST_F(AgainstBroker, the_examples_of_the_readme_run) {
    const auto programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const auto name = topic(2);
    const auto subscriber = consumer([&name] {
        auto options = subscribed(name);
        options.subscription = "example";
        return options;
    }());
    ASSERT_TRUE(run(subscriber->close()));
    for (const auto* const program : {"pulsar_example_producer", "pulsar_example_consumer"}) {
        const auto command = (programs / program).string() + " " + service_ + " " + name;
        EXPECT_EQ(std::system(command.c_str()), 0) << program;
    }
}

TEST_F(AgainstBroker, nothing_is_left_when_all_is_closed) {
    const auto name = topic(3);
    for (int i = 0; i < 5; ++i) {
        const auto sender = producer(to(name));
        send(*sender, numbered(0, 10));
        const auto receiver = reader({.topic = name});
        receive(*receiver, 10);
        ASSERT_TRUE(run(sender->close()));
        ASSERT_TRUE(run(receiver->close()));
    }
    const auto sizes = run(client_->sizes());
    ASSERT_TRUE(sizes);
    EXPECT_EQ(sizes->producers, 0u);
    EXPECT_EQ(sizes->consumers, 0u);
    EXPECT_EQ(sizes->requests, 0u);
    EXPECT_EQ(sizes->lookups, 0u);
    EXPECT_LE(sizes->connections, 2u);
}

}  // namespace
}  // namespace platform::pulsar::client
