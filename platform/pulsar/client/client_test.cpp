// The client over real sockets, against a broker in this process.
#include "platform/pulsar/client/client.hpp"

#include "platform/pulsar/client/fake_broker.hpp"
#include "platform/pulsar/client/test_certificates.hpp"
#include "platform/pulsar/wire/topic.hpp"
#include "platform/runtime/coroutine.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <numeric>
#include <regex>
#include <sstream>

#include <dlfcn.h>
#include <netdb.h>

// Names as the machine has them, and one more that has two addresses: 127.0.0.1, then 127.0.0.2.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
    static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
    if (!node || std::strcmp(node, "two.test") != 0) return real(node, service, hints, found);
    if (const int failed = real("127.0.0.1", service, hints, found); failed != 0) return failed;
    auto** last = &(*found)->ai_next;
    while (*last) last = &(*last)->ai_next;
    return real("127.0.0.2", service, hints, last);
}

namespace platform::pulsar::client {
namespace {

using namespace std::chrono_literals;
using kernel::ErrorKind;
using kernel::Result;
using runtime::run;

ClientOptions quick(const std::string& service) {
    ClientOptions options{.service = service};
    options.session.connect_timeout = 5s;
    options.session.operation_timeout = 400ms;
    options.session.backoff_first = 10ms;
    options.session.backoff_last = 50ms;
    options.close_timeout = 2s;
    return options;
}

std::unique_ptr<Client> open(ClientOptions options) {
    auto client = Client::open(std::move(options));
    EXPECT_TRUE(client) << client.error().message;
    return *std::move(client);
}

ProducerOptions to(std::string topic) {
    ProducerOptions options;
    options.topic = std::move(topic);
    return options;
}

std::unique_ptr<Producer> producer(Client& client, ProducerOptions options = to("t")) {
    auto opened = run(client.producer(std::move(options)));
    EXPECT_TRUE(opened) << opened.error().code << ": " << opened.error().message;
    return opened ? *std::move(opened) : nullptr;
}

std::unique_ptr<Consumer> reader(Client& client, const std::string& topic = "t") {
    auto opened = run(client.reader({.topic = topic}));
    EXPECT_TRUE(opened) << opened.error().code << ": " << opened.error().message;
    return opened ? *std::move(opened) : nullptr;
}

std::vector<Message> receive(Consumer& consumer, std::size_t count) {
    std::vector<Message> all;
    while (all.size() < count) {
        auto some = consumer.receive_blocking(count - all.size(), 30s);
        EXPECT_TRUE(some) << some.error().code << ": " << some.error().message;
        if (!some || some->empty()) break;
        std::ranges::move(*some, std::back_inserter(all));
    }
    return all;
}

std::vector<OutMessage> numbered(int count, const std::string& before = "m") {
    std::vector<OutMessage> messages;
    messages.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) messages.push_back({.payload = before + std::to_string(i)});
    return messages;
}

std::string code_of(const auto& result) {
    return result ? "ok" : result.error().code;
}

// What is tried until `operation_timeout` fails with its last cause, unless that time ends while nothing is tried.
void expect_cause(const auto& result, const std::string& code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
}

// A task that runs on a thread of its own, and can be cancelled as Asio cancels.
template <class T>
class InBackground {
public:
    explicit InBackground(kernel::Task<T> task) : result_(ended_.get_future()) {
        boost::asio::co_spawn(
            io_, std::move(task),
            boost::asio::bind_cancellation_slot(signal_.slot(), [this](const std::exception_ptr& thrown, Result<T> result) {
                if (thrown) ended_.set_exception(thrown);
                else ended_.set_value(std::move(result));
            }));
        thread_ = std::thread([this] { io_.run(); });
    }
    ~InBackground() { thread_.join(); }
    void cancel() {
        boost::asio::post(io_, [this] { signal_.emit(boost::asio::cancellation_type::terminal); });
    }
    Result<T> get() { return result_.get(); }

private:
    boost::asio::io_context io_{1};
    boost::asio::cancellation_signal signal_;
    std::promise<Result<T>> ended_;
    std::future<Result<T>> result_;
    std::thread thread_;
};

TEST(PulsarReadme, quotes_the_examples_that_are_built) {
    const std::filesystem::path folder = std::filesystem::path(ACOPIO_SOURCE_DIR) / "platform/pulsar";
    const auto text = [&folder](const std::string& name) {
        std::ifstream file(folder / name);
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    };
    const auto readme = text("README.md");
    for (const auto* const example : {"client/examples/producer.cpp", "client/examples/consumer.cpp"})
        EXPECT_NE(readme.find("```cpp\n" + text(example) + "```"), std::string::npos) << example;
}

// --- Connecting

TEST(PulsarClient, connects_sends_and_receives) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client);
    EXPECT_EQ(sender->topic(), "persistent://public/default/t");
    EXPECT_EQ(sender->name(), "fake-name");
    EXPECT_TRUE(sender->is_connected());
    const auto receipt = run(sender->send({.payload = "hello", .key = "k", .properties = {{"a", "b"}}}));
    ASSERT_TRUE(receipt) << receipt.error().code;
    const auto receiver = reader(*client);
    const auto messages = receive(*receiver, 1);
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].payload, "hello");
    EXPECT_EQ(messages[0].key, "k");
    EXPECT_EQ(messages[0].id.entry, receipt->id.entry);
    EXPECT_EQ(messages[0].id.partition, -1);
    ASSERT_TRUE(receiver->ack(messages[0].id));
    ASSERT_TRUE(run(receiver->ack_with_receipt(messages[0].id)));
    EXPECT_TRUE(run(receiver->close()));
    EXPECT_TRUE(run(sender->close()));
    EXPECT_EQ(code_of(run(sender->send({.payload = "late"}))), "pulsar-producer-closed");
    EXPECT_EQ(code_of(receiver->receive_blocking(1, 1s)), "pulsar-consumer-closed");
}

TEST(PulsarClient, refuses_urls_and_files_that_cannot_be) {
    for (const auto* const service : {"", "localhost", "http://localhost", "pulsar://", "pulsar://a:0", "pulsar://a,,b"})
        EXPECT_EQ(code_of(Client::open({.service = service})), "pulsar-url") << service;
    EXPECT_EQ(code_of(Client::open({.service = "pulsar+ssl://a", .tls = {.ca_file = "/nothing"}})), "pulsar-tls-ca-file");
    TestCertificates authority;
    const auto files = authority.make("client", {.is_for_client = true});
    TlsOptions tls{.ca_file = authority.ca_file(), .certificate_file = "/nothing", .key_file = files.key};
    EXPECT_EQ(code_of(Client::open({.service = "pulsar+ssl://a", .tls = tls})), "pulsar-tls-certificate-file");
    tls = {.ca_file = authority.ca_file(), .certificate_file = files.certificate, .key_file = "/nothing"};
    EXPECT_EQ(code_of(Client::open({.service = "pulsar+ssl://a", .tls = tls})), "pulsar-tls-key-file");
    tls.key_file = "";
    EXPECT_EQ(code_of(Client::open({.service = "pulsar+ssl://a", .tls = tls})), "pulsar-tls-key-file");
}

TEST(PulsarClient, goes_to_the_second_service_when_the_first_is_dead) {
    std::uint16_t dead_port = 0;
    {
        FakeBroker dead;
        dead_port = dead.port();
    }
    FakeBroker broker;
    const auto client = open(quick("pulsar://127.0.0.1:" + std::to_string(dead_port) + ",127.0.0.1:" + std::to_string(broker.port())));
    EXPECT_TRUE(run(client->partitions("t")));
}

TEST(PulsarClient, tries_every_address_of_a_name) {
    FakeBroker broker;  // on 127.0.0.1 only; the name may also be ::1
    const auto client = open(quick("pulsar://localhost:" + std::to_string(broker.port())));
    EXPECT_TRUE(run(client->partitions("t")));
}

TEST(PulsarClient, goes_to_the_second_address_when_the_first_takes_connections_and_is_silent) {
    FakeBroker silent({.is_silent = true});
    FakeBroker broker({.address = "127.0.0.2", .port = silent.port()});
    auto options = quick(broker.url("two.test"));
    options.session.connect_timeout = 100ms;
    options.session.operation_timeout = 10s;
    const auto client = open(options);
    const auto found = run(client->partitions("t"));
    EXPECT_TRUE(found) << found.error().code << ": " << found.error().message;
    EXPECT_EQ(silent.connections(), 1u);
    broker.drop_connections();
    EXPECT_TRUE(run(client->partitions("t")));
    EXPECT_EQ(silent.connections(), 1u) << "it is remembered";
}

TEST(PulsarClient, says_why_it_cannot_connect) {
    std::uint16_t dead_port = 0;
    {
        FakeBroker dead;
        dead_port = dead.port();
    }
    const auto refused = run(open(quick("pulsar://127.0.0.1:" + std::to_string(dead_port)))->producer(to("t")));
    expect_cause(refused, "pulsar-connect");
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    const auto nameless = run(open(quick("pulsar://nobody.invalid:1"))->producer(to("t")));
    expect_cause(nameless, "pulsar-resolve");
}

// --- TLS

class PulsarTls : public ::testing::Test {
protected:
    // Opens a producer at a broker with such a certificate, dialled as `host`.
    Result<std::unique_ptr<Producer>> open_at(const TestCertificates::Wanted& wanted, const std::string& host, const std::string& ca_file,
                                              const std::string& client_ca = {}, const TlsOptions& own = {}) {
        const auto files = authority_.make("broker", wanted);
        broker_ = std::make_unique<FakeBroker>(
            FakeBroker::Options{.tls = true, .certificate = files.certificate, .key = files.key, .client_ca = client_ca});
        auto options = quick(broker_->url(host));
        options.session.operation_timeout = 5s;
        options.tls = own;
        options.tls.ca_file = ca_file;
        client_ = open(std::move(options));
        return run(client_->producer(to("t")));
    }
    static void expect_forbidden(const Result<std::unique_ptr<Producer>>& opened, const std::string& code) {
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, code) << opened.error().message;
        EXPECT_EQ(opened.error().kind, ErrorKind::forbidden);
    }

    TestCertificates authority_;
    TestCertificates other_{"somebody"};
    std::unique_ptr<FakeBroker> broker_;
    std::unique_ptr<Client> client_;
};

TEST_F(PulsarTls, talks_to_a_broker_whose_certificate_is_good) {
    for (const auto* const host : {"127.0.0.1", "localhost"}) {
        const auto opened = open_at({}, host, authority_.ca_file());
        ASSERT_TRUE(opened) << opened.error().code << ": " << opened.error().message;
        const auto receipts = run((*opened)->send_all(numbered(1000)));
        ASSERT_TRUE(receipts);
        const auto receiver = reader(*client_);
        EXPECT_EQ(receive(*receiver, 1000).at(999).payload, "m999");
    }
}

TEST_F(PulsarTls, refuses_a_certificate_of_another_host) {
    expect_forbidden(open_at({.alternative_names = "DNS:elsewhere"}, "127.0.0.1", authority_.ca_file()), "pulsar-tls-name");
    expect_forbidden(open_at({.alternative_names = "DNS:elsewhere"}, "localhost", authority_.ca_file()), "pulsar-tls-name");
}

TEST_F(PulsarTls, refuses_a_certificate_of_an_unknown_authority) {
    expect_forbidden(open_at({}, "127.0.0.1", other_.ca_file()), "pulsar-tls-unknown-ca");
    expect_forbidden(open_at({}, "127.0.0.1", ""), "pulsar-tls-unknown-ca");
}

TEST_F(PulsarTls, refuses_a_certificate_out_of_its_time) {
    expect_forbidden(open_at({.from_seconds = -7200, .to_seconds = -3600}, "127.0.0.1", authority_.ca_file()), "pulsar-tls-expired");
    expect_forbidden(open_at({.from_seconds = 1800}, "127.0.0.1", authority_.ca_file()), "pulsar-tls-not-yet-valid");
}

TEST_F(PulsarTls, shows_its_own_certificate_and_tells_when_it_is_refused) {
    const auto own = authority_.make("client", {.is_for_client = true});
    const auto good =
        open_at({}, "localhost", authority_.ca_file(), authority_.ca_file(), {.certificate_file = own.certificate, .key_file = own.key});
    EXPECT_TRUE(good) << good.error().code << ": " << good.error().message;
    expect_forbidden(open_at({}, "localhost", authority_.ca_file(), authority_.ca_file()), "pulsar-tls-refused");
    expect_forbidden(
        open_at({}, "localhost", authority_.ca_file(), other_.ca_file(), {.certificate_file = own.certificate, .key_file = own.key}),
        "pulsar-tls-refused");
}

TEST_F(PulsarTls, goes_to_the_second_address_when_the_first_speaks_no_tls) {
    FakeBroker plain;
    const auto files = authority_.make("broker", {.alternative_names = "DNS:two.test"});
    FakeBroker broker({.address = "127.0.0.2", .port = plain.port(), .tls = true, .certificate = files.certificate, .key = files.key});
    auto options = quick(broker.url("two.test"));
    options.session.operation_timeout = 10s;
    options.tls.ca_file = authority_.ca_file();
    const auto found = run(open(options)->partitions("t"));
    EXPECT_TRUE(found) << found.error().code << ": " << found.error().message;
}

TEST(PulsarClient, says_when_the_peer_speaks_no_tls) {
    FakeBroker broker;  // takes the hello for a frame, and hangs up
    auto options = quick("pulsar+ssl://127.0.0.1:" + std::to_string(broker.port()));
    const auto opened = run(open(options)->producer(to("t")));
    expect_cause(opened, "pulsar-tls-handshake");
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
}

// --- Tokens

TEST(PulsarClient, asks_for_the_token_each_time_it_connects) {
    FakeBroker broker({.token = "good"});
    std::atomic<int> asked = 0;
    auto options = quick(broker.url());
    options.token = [&asked]() -> Result<std::string> {
        ++asked;
        return std::string("good");
    };
    const auto client = open(std::move(options));
    const auto sender = producer(*client);
    EXPECT_EQ(asked, 1);
    broker.drop_connections();
    ASSERT_TRUE(run(sender->send({.payload = "x"})));
    EXPECT_GE(asked, 1);
    broker.wait_for_connections(2);
}

TEST(PulsarClient, a_wrong_token_is_told_at_once) {
    FakeBroker broker({.token = "good"});
    auto options = quick(broker.url());
    options.session.operation_timeout = 30s;
    options.token = [] { return Result<std::string>(std::string("bad")); };
    const auto opened = run(open(std::move(options))->producer(to("t")));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::forbidden) << opened.error().code;
}

TEST(PulsarClient, a_supplier_that_throws_or_fails_is_told) {
    FakeBroker broker({.token = "good"});
    auto options = quick(broker.url());
    options.token = []() -> Result<std::string> { throw std::runtime_error("no"); };
    expect_cause(run(open(options)->producer(to("t"))), "job-threw");
    options.token = token_from_file("/nothing/there");
    expect_cause(run(open(options)->producer(to("t"))), "pulsar-token");
}

TEST(PulsarClient, asks_a_supplier_that_hangs_no_second_time) {
    FakeBroker broker({.token = "good"});
    auto options = quick(broker.url());
    options.session.connect_timeout = 50ms;
    options.session.operation_timeout = 30s;
    std::promise<void> go_on;
    std::atomic<int> asked = 0;
    options.token = [&asked, may = go_on.get_future().share()]() -> Result<std::string> {
        ++asked;
        may.wait();
        return std::string("good");
    };
    const auto client = open(std::move(options));
    InBackground<std::unique_ptr<Producer>> opening(client->producer(to("t")));
    broker.wait_for_connections(6);
    EXPECT_EQ(asked, 1);
    go_on.set_value();
    EXPECT_TRUE(opening.get());
    EXPECT_LE(asked, 3) << "nothing had piled up";
}

TEST(PulsarClient, tokens_come_from_files_and_from_the_environment) {
    const auto path = (std::filesystem::temp_directory_path() / ("pulsar-token-" + std::to_string(getpid()))).string();
    const auto from_file = token_from_file(path);
    EXPECT_EQ(from_file().error().code, "pulsar-token");
    std::ofstream(path) << " \n abc.def \n";
    EXPECT_EQ(*from_file(), "abc.def");
    std::ofstream(path) << "new";
    EXPECT_EQ(*from_file(), "new");
    std::ofstream(path, std::ios::trunc) << "\n";
    EXPECT_EQ(from_file().error().code, "pulsar-token");
    std::filesystem::remove(path);
    const auto from_environment = token_from_environment("PULSAR_CLIENT_TEST_TOKEN");
    EXPECT_EQ(from_environment().error().code, "pulsar-token");
    setenv("PULSAR_CLIENT_TEST_TOKEN", "abc\n", 1);
    EXPECT_EQ(*from_environment(), "abc");
    unsetenv("PULSAR_CLIENT_TEST_TOKEN");
}

// --- Producers

TEST(PulsarProducer, gives_a_hundred_thousand_messages_their_receipts_in_order) {
    FakeBroker broker({.keeps_messages = false});
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client);
    constexpr int total = 100'000;
    std::promise<void> all;
    std::atomic<int> stored = 0;
    MessageId last{};
    bool in_order = true;  // on the I/O thread only
    const std::string payload(1024, 'x');
    for (int i = 0; i < total;) {
        const auto taken = sender->try_send({.payload = payload}, [&](const Result<Receipt>& receipt) {
            in_order = in_order && receipt && receipt->id >= last;
            if (receipt) last = receipt->id;
            if (++stored == total) all.set_value();
        });
        if (taken) ++i;
        else ASSERT_EQ(taken.error().code, "pulsar-producer-full");
    }
    all.get_future().wait();
    EXPECT_TRUE(in_order);
    EXPECT_EQ(sender->pending_messages(), 0u);
    EXPECT_EQ(sender->pending_bytes(), 0u);
}

TEST(PulsarProducer, says_busy_at_its_bound_and_a_callback_finds_room) {
    FakeBroker broker;
    broker.hold_receipts();
    const auto client = open(quick(broker.url()));
    auto options = to("t");
    options.pending_messages_max = 3;
    const auto sender = producer(*client, options);
    std::promise<std::string> in_callback;
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(sender->try_send({.payload = "x"}, [&, i](const Result<Receipt>&) {
            if (i == 0) in_callback.set_value(code_of(sender->try_send({.payload = "y"}, [](const Result<Receipt>&) {})));
        }));
    EXPECT_EQ(code_of(sender->try_send({.payload = "x"}, [](const Result<Receipt>&) { FAIL() << "was refused"; })), "pulsar-producer-full");
    EXPECT_EQ(sender->pending_messages(), 3u);
    broker.release_receipts();
    EXPECT_EQ(in_callback.get_future().get(), "ok");
    EXPECT_TRUE(run(sender->flush()));
}

TEST(PulsarProducer, bounds_bytes_too_but_takes_one_message_of_any_size) {
    FakeBroker broker;
    broker.hold_receipts();
    const auto client = open(quick(broker.url()));
    auto options = to("t");
    options.pending_bytes_max = 10;
    const auto sender = producer(*client, options);
    ASSERT_TRUE(sender->try_send({.payload = std::string(1000, 'x')}, [](const Result<Receipt>&) {}));
    EXPECT_EQ(code_of(sender->try_send({.payload = "x"}, [](const Result<Receipt>&) {})), "pulsar-producer-full");
    broker.release_receipts();
    EXPECT_TRUE(run(sender->send({.payload = "x"})));
}

TEST(PulsarProducer, send_all_goes_through_a_bound_smaller_than_itself_without_strangers_in_its_midst) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    auto options = to("t");
    options.pending_messages_max = 7;
    options.batch_messages_max = 3;
    const auto sender = producer(*client, options);
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int round = 0; round < 5; ++round) {
                const auto results = run(sender->send_all(numbered(50, std::string(1, static_cast<char>('a' + t)))));
                ASSERT_TRUE(results);
                for (const auto& result : *results) ASSERT_TRUE(result) << result.error().code;
            }
        });
    for (auto& thread : threads) thread.join();
    const auto receiver = reader(*client);
    const auto messages = receive(*receiver, 1000);
    for (std::size_t i = 0; i < messages.size(); ++i)
        ASSERT_EQ(messages[i].payload, messages[i - i % 50].payload.substr(0, 1).data()[0] + std::to_string(i % 50));
}

TEST(PulsarProducer, routes_by_key_and_keeps_a_call_without_keys_together) {
    const std::string topic = "persistent://public/default/many";
    FakeBroker broker({.partitions = {{topic, 4}}});
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client, to("many"));
    EXPECT_EQ(sender->partitions(), 4u);
    for (const auto* const key : {"k1", "k2", "order-42", "hello"})
        EXPECT_EQ(run(sender->send({.payload = "x", .key = key}))->id.partition, static_cast<int>(wire::partition_of_key(key, 4)));
    EXPECT_EQ(run(sender->send({.payload = "x", .partition = 3}))->id.partition, 3);
    EXPECT_EQ(code_of(run(sender->send({.payload = "x", .partition = 4}))), "pulsar-partition");
    const auto receipts = run(sender->send_all(numbered(100)));
    ASSERT_TRUE(receipts);
    for (const auto& receipt : *receipts) EXPECT_EQ(receipt->id.partition, receipts->front()->id.partition);
    const auto receiver = reader(*client, "many");
    EXPECT_EQ(receiver->partitions(), 4u);
    for (const auto& message : receive(*receiver, 105)) EXPECT_GE(message.id.partition, 0);
    EXPECT_EQ(run(receiver->last_message_ids())->size(), 4u);
    EXPECT_EQ(code_of(receiver->ack(MessageId{.ledger = 1})), "pulsar-partition");
}

TEST(PulsarProducer, natural_batches_wait_for_nothing) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    auto options = to("t");
    options.batch_delay = 0ms;
    const auto sender = producer(*client, options);
    const auto receipts = run(sender->send_all(numbered(100)));
    ASSERT_TRUE(receipts);
    EXPECT_EQ(receipts->front()->id.entry, receipts->back()->id.entry) << "they came at once, and are one entry";
}

TEST(PulsarProducer, what_was_pending_survives_a_lost_connection) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client);
    for (int round = 0; round < 20; ++round) {
        InBackground<std::vector<Result<Receipt>>> sending(sender->send_all(numbered(500)));
        if (round % 2 == 0) broker.drop_connections();
        const auto results = sending.get();
        ASSERT_TRUE(results);
        for (const auto& result : *results) ASSERT_TRUE(result) << result.error().code;
    }
}

TEST(PulsarProducer, a_send_that_waits_for_room_is_cancelled_unsent) {
    FakeBroker broker;
    broker.hold_receipts();
    const auto client = open(quick(broker.url()));
    auto options = to("t");
    options.pending_messages_max = 2;
    const auto sender = producer(*client, options);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(sender->try_send({.payload = "x"}, [](const Result<Receipt>&) {}));
    std::stop_source stop;
    InBackground<Receipt> by_token(sender->send({.payload = "never"}, stop.get_token()));
    InBackground<Receipt> by_asio(sender->send({.payload = "never"}));
    InBackground<Receipt> stays(sender->send({.payload = "later"}));
    stop.request_stop();
    by_asio.cancel();
    EXPECT_EQ(code_of(by_token.get()), "pulsar-cancelled-unsent");
    EXPECT_EQ(code_of(by_asio.get()), "pulsar-cancelled-unsent");
    broker.release_receipts();
    EXPECT_TRUE(stays.get());
    const auto receiver = reader(*client);
    EXPECT_EQ(receive(*receiver, 3).at(2).payload, "later");
    EXPECT_TRUE(receiver->receive_blocking(1, 20ms)->empty());
}

TEST(PulsarProducer, a_send_that_waits_for_its_receipt_is_given_up) {
    FakeBroker broker;
    broker.hold_receipts();
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client);
    std::stop_source stop;
    InBackground<Receipt> by_token(sender->send({.payload = "x"}, stop.get_token()));
    InBackground<std::vector<Result<Receipt>>> by_asio(sender->send_all(numbered(3)));
    broker.wait_for_messages(4);
    stop.request_stop();
    by_asio.cancel();
    EXPECT_EQ(code_of(by_token.get()), "pulsar-cancelled");
    const auto results = by_asio.get();
    ASSERT_TRUE(results);
    for (const auto& result : *results) EXPECT_EQ(code_of(result), "pulsar-cancelled");
    broker.release_receipts();
    EXPECT_TRUE(run(sender->send({.payload = "y"}))) << "others are not disturbed";
    EXPECT_EQ(code_of(run(sender->send({.payload = "x"}, stop.get_token()))), "pulsar-cancelled") << "stopped before it began";
}

TEST(PulsarProducer, a_callback_may_close_and_destroy_the_producer) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    auto sender = producer(*client);
    std::promise<void> destroyed;
    ASSERT_TRUE(sender->try_send({.payload = "x"}, [&](const Result<Receipt>& receipt) {
        EXPECT_TRUE(receipt);
        sender = nullptr;
        destroyed.set_value();
    }));
    destroyed.get_future().wait();
    auto second = producer(*client);
    std::promise<std::string> later;
    ASSERT_TRUE(second->try_send({.payload = "x"}, [](const Result<Receipt>&) { throw std::runtime_error("a callback's own fault"); }));
    ASSERT_TRUE(second->try_send({.payload = "x"}, [&](const Result<Receipt>& receipt) { later.set_value(code_of(receipt)); }));
    EXPECT_EQ(later.get_future().get(), "ok");
}

TEST(PulsarProducer, close_sends_what_is_pending_and_refuses_what_waits_for_room) {
    FakeBroker broker;
    broker.hold_receipts();
    const auto client = open(quick(broker.url()));
    auto options = to("t");
    options.pending_messages_max = 1;
    const auto sender = producer(*client, options);
    std::promise<std::string> first;
    ASSERT_TRUE(sender->try_send({.payload = "x"}, [&](const Result<Receipt>& receipt) { first.set_value(code_of(receipt)); }));
    broker.wait_for_messages(1);
    InBackground<Receipt> waits(sender->send({.payload = "y"}));
    InBackground<void> closing(sender->close());
    EXPECT_EQ(code_of(waits.get()), "pulsar-producer-closed");
    broker.release_receipts();
    EXPECT_TRUE(closing.get());
    EXPECT_EQ(first.get_future().get(), "ok");
    EXPECT_TRUE(run(sender->close()));
}

TEST(PulsarProducer, counts_a_message_as_the_session_does) {
    FakeBroker broker;
    broker.hold_receipts();
    const auto client = open(quick(broker.url()));
    auto options = to("t");
    options.pending_bytes_max = 100;
    const auto sender = producer(*client, options);
    std::atomic<int> told = 0;
    std::size_t taken = 0;
    while (sender->try_send({.payload = "ten bytes!"}, [&](const Result<Receipt>& receipt) {
        EXPECT_EQ(code_of(receipt), "pulsar-timeout");
        ++told;
    }))
        ++taken;
    EXPECT_EQ(taken, 2u) << "74 bytes each";
    InBackground<void> flushing(sender->flush());
    EXPECT_TRUE(run(sender->close()));
    EXPECT_FALSE(flushing.get());
    EXPECT_EQ(told, 2);
    EXPECT_EQ(sender->pending_messages(), 0u);
    EXPECT_EQ(sender->pending_bytes(), 0u);
}

TEST(PulsarProducer, close_sends_all_that_was_taken_whatever_its_bounds) {
    FakeBroker broker;
    broker.hold_receipts();
    auto client_options = quick(broker.url());
    client_options.session.operation_timeout = 30s;
    const auto client = open(client_options);
    auto options = to("t");
    options.pending_bytes_max = 1000;
    auto sender = producer(*client, options);
    std::promise<void> all;
    std::atomic<int> stored = 0, taken = 0;
    while (sender->try_send({.payload = "x", .properties = {{"a", "b"}}}, [&](const Result<Receipt>& receipt) {
        EXPECT_TRUE(receipt) << receipt.error().code;
        if (++stored == taken) all.set_value();
    }))
        ++taken;
    EXPECT_GT(taken, 3);
    sender = nullptr;
    broker.wait_for_messages(static_cast<std::size_t>(taken.load()));
    broker.release_receipts();
    all.get_future().wait();
}

TEST(PulsarProducer, needs_no_callback) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client);
    ASSERT_TRUE(sender->try_send({.payload = "x"}, {}));
    EXPECT_TRUE(run(sender->flush()));
}

// --- Consumers

TEST(PulsarConsumer, waits_for_messages_and_for_no_longer_than_it_should) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    const auto receiver = reader(*client);
    EXPECT_TRUE(receiver->receive_blocking(10, 0ms)->empty());
    EXPECT_TRUE(receiver->receive_blocking(10, 10ms)->empty());
    InBackground<std::vector<Message>> waiting(receiver->receive(10, 30s));
    const auto sender = producer(*client);
    ASSERT_TRUE(run(sender->send({.payload = "x"})));
    EXPECT_EQ(waiting.get()->at(0).payload, "x");
    std::stop_source stop;
    InBackground<std::vector<Message>> stopped(receiver->receive(10, std::chrono::hours(1), stop.get_token()));
    InBackground<std::vector<Message>> cancelled(receiver->receive(10, std::chrono::milliseconds::max()));
    std::thread blocked([&] { EXPECT_TRUE(receiver->receive_blocking(1, std::chrono::hours(1), stop.get_token())->empty()); });
    stop.request_stop();
    cancelled.cancel();
    EXPECT_TRUE(stopped.get()->empty());
    EXPECT_TRUE(cancelled.get()->empty());
    blocked.join();
}

TEST(PulsarConsumer, a_reader_goes_on_after_a_lost_connection_without_gap_or_repeat) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client);
    ASSERT_TRUE(run(sender->send_all(numbered(3000))));
    ReaderOptions options{.topic = "t"};
    options.queue_messages_max = 100;
    std::atomic<int> reattached = 0;
    auto opened = run(client->reader(options, {.on_event = [&](const ConsumerEvent& event) {
                                         if (event.what == ConsumerEvent::What::reattached) ++reattached;
                                     }}));
    ASSERT_TRUE(opened);
    std::size_t next = 0;
    while (next < 3000) {
        const auto messages = (*opened)->receive_blocking(70, 30s);
        ASSERT_TRUE(messages);
        for (const auto& message : *messages) ASSERT_EQ(message.payload, "m" + std::to_string(next++));
        if (next % 1000 < 70) broker.drop_connections();
    }
    EXPECT_GT(reattached, 0);
}

// --- The end, in every state

TEST(PulsarClient, ends_while_it_connects_or_waits_for_a_broker_that_says_nothing) {
    FakeBroker silent({.is_silent = true});
    auto options = quick(silent.url());
    options.session.operation_timeout = 30s;
    options.close_timeout = 50ms;
    auto client = open(options);
    InBackground<std::unique_ptr<Producer>> opening(client->producer(to("t")));
    InBackground<std::uint32_t> asking(client->partitions("t"));
    silent.wait_for_connections(1);
    client = nullptr;
    EXPECT_EQ(opening.get().error().kind, ErrorKind::interrupted);
    EXPECT_EQ(asking.get().error().kind, ErrorKind::interrupted);
    open(options);  // and at once
    const auto dead = open(quick("pulsar://127.0.0.1:1"));
}

TEST(PulsarClient, ends_with_messages_that_nobody_acknowledges) {
    FakeBroker broker;
    broker.hold_receipts();
    auto options = quick(broker.url());
    options.close_timeout = 50ms;
    options.session.operation_timeout = 30s;
    auto client = open(options);
    auto producer_options = to("t");
    producer_options.pending_messages_max = 2;
    const auto sender = producer(*client, producer_options);
    const auto receiver = reader(*client);
    std::promise<std::string> told;
    ASSERT_TRUE(sender->try_send({.payload = "x"}, [&](const Result<Receipt>& receipt) { told.set_value(code_of(receipt)); }));
    InBackground<Receipt> sending(sender->send({.payload = "x"}));
    broker.wait_for_messages(2);
    InBackground<Receipt> waiting(sender->send({.payload = "x"}));
    InBackground<void> flushing(sender->flush());
    InBackground<std::vector<Message>> receiving(receiver->receive(1, 1h));
    client = nullptr;
    EXPECT_EQ(told.get_future().get(), "pulsar-client-closed");
    EXPECT_EQ(code_of(sending.get()), "pulsar-client-closed");
    EXPECT_EQ(waiting.get().error().kind, ErrorKind::interrupted);
    EXPECT_EQ(flushing.get().error().kind, ErrorKind::interrupted);
    const auto received = receiving.get();
    EXPECT_TRUE(received || received.error().kind == ErrorKind::interrupted);
    // What outlives the client says so.
    EXPECT_EQ(run(sender->send({.payload = "x"})).error().kind, ErrorKind::interrupted);
    EXPECT_EQ(sender->try_send({.payload = "x"}, [](const Result<Receipt>&) {}).error().kind, ErrorKind::interrupted);
    EXPECT_EQ(run(sender->flush()).error().kind, ErrorKind::interrupted);
    EXPECT_EQ(receiver->receive_blocking(1, 1s).error().kind, ErrorKind::interrupted);
    EXPECT_EQ(code_of(receiver->ack(earliest)), "pulsar-client-closed");
    EXPECT_EQ(code_of(run(receiver->ack_with_receipt(earliest))), "pulsar-client-closed");
    EXPECT_EQ(run(receiver->last_message_id()).error().kind, ErrorKind::interrupted);
    EXPECT_TRUE(run(sender->close())) << "it is closed";
    EXPECT_FALSE(sender->is_connected());
}

TEST(PulsarClient, opening_is_given_up) {
    FakeBroker broker({.has_exclusive_producer = true});
    FakeBroker silent({.is_silent = true});
    const auto client = open(quick(broker.url()));
    auto patient = quick(silent.url());
    patient.session.operation_timeout = 1h;
    const auto waits = open(patient);
    auto options = to("t");
    options.access = session::AccessMode::wait_for_exclusive;
    std::stop_source stop;
    InBackground<std::unique_ptr<Producer>> by_token(client->producer(options, stop.get_token()));
    InBackground<std::unique_ptr<Producer>> by_asio(client->producer(options));
    InBackground<std::unique_ptr<Producer>> asks(waits->producer(to("t"), stop.get_token()));
    InBackground<std::unique_ptr<Consumer>> subscribes(waits->consumer({.topic = "t", .subscription = "s"}, {}, stop.get_token()));
    InBackground<std::unique_ptr<Consumer>> reads(waits->reader({.topic = "t"}, {}, stop.get_token()));
    broker.wait_for_producers(2);
    silent.wait_for_connections(1);
    stop.request_stop();
    by_asio.cancel();
    for (auto* const opening : {&by_token, &by_asio, &asks}) EXPECT_EQ(code_of(opening->get()), "pulsar-cancelled");
    for (auto* const opening : {&subscribes, &reads}) EXPECT_EQ(code_of(opening->get()), "pulsar-cancelled");
    EXPECT_EQ(code_of(run(client->producer(options, stop.get_token()))), "pulsar-cancelled") << "stopped before it began";
    const auto sizes = run(client->sizes());
    ASSERT_TRUE(sizes);
    EXPECT_EQ(sizes->producers, 0u);
}

TEST(PulsarClient, a_close_that_comes_after_the_end_is_answered) {
    FakeBroker broker;
    broker.hold_receipts();
    auto options = quick(broker.url());
    options.session.operation_timeout = 30s;
    options.close_timeout = 50ms;
    auto client = open(options);
    const auto sender = producer(*client);
    ASSERT_TRUE(sender->try_send({.payload = "x"}, {}));
    auto closing = client->close();
    client = nullptr;
    EXPECT_EQ(code_of(run(std::move(closing))), "pulsar-client-closed");
}

TEST(PulsarClient, refuses_bounds_of_nothing) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    for (const auto bound : {&ProducerOptions::pending_messages_max, &ProducerOptions::pending_bytes_max}) {
        auto options = to("t");
        options.*bound = 0;
        EXPECT_EQ(code_of(run(client->producer(options))), "pulsar-options");
    }
    for (const auto bound : {&ReaderOptions::queue_messages_max, &ReaderOptions::queue_bytes_max}) {
        ReaderOptions options{.topic = "t"};
        options.*bound = 0;
        EXPECT_EQ(code_of(run(client->reader(options))), "pulsar-options");
    }
    const auto receiver = reader(*client);
    EXPECT_EQ(code_of(receiver->receive_blocking(0, 1h)), "pulsar-options");
    EXPECT_EQ(code_of(run(receiver->receive(0, 1h))), "pulsar-options");
}

TEST(PulsarClient, believes_no_broker_in_a_billion_partitions) {
    FakeBroker broker({.partitions = {{"persistent://public/default/t", 2'000'000'000}}});
    const auto client = open(quick(broker.url()));
    const auto opened = run(client->producer(to("t")));
    EXPECT_EQ(code_of(opened), "pulsar-protocol");
    EXPECT_EQ(code_of(run(client->partitions("t"))), "pulsar-protocol");
    EXPECT_TRUE(run(client->producer(to("other"))));
}

TEST(PulsarConsumer, acknowledges_cumulatively_only_where_that_means_something) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    for (const auto type : {SubscriptionType::shared, SubscriptionType::key_shared}) {
        ConsumerOptions options;
        options.topic = "t";
        options.subscription = "s";
        options.type = type;
        auto opened = run(client->consumer(options));
        ASSERT_TRUE(opened);
        EXPECT_EQ(code_of((*opened)->ack_cumulative(MessageId{.ledger = 1})), "pulsar-cumulative-ack");
        EXPECT_EQ(code_of(run((*opened)->ack_cumulative_with_receipt(MessageId{.ledger = 1}))), "pulsar-cumulative-ack");
    }
}

TEST(PulsarClient, closes_everything_when_asked_and_only_once) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    const auto sender = producer(*client);
    ASSERT_TRUE(sender->try_send({.payload = "x"}, [](const Result<Receipt>& receipt) { EXPECT_TRUE(receipt); }));
    EXPECT_TRUE(run(client->close()));
    EXPECT_TRUE(run(client->close()));
    EXPECT_EQ(code_of(run(client->producer(to("t")))), "pulsar-client-closed");
    EXPECT_EQ(code_of(run(client->partitions("t"))), "pulsar-client-closed");
    EXPECT_EQ(code_of(run(client->sizes())), "pulsar-client-closed");
    broker.wait_for_messages(1);
}

TEST(PulsarClient, leaves_nothing_behind_when_producers_and_readers_come_and_go) {
    FakeBroker broker;
    const auto client = open(quick(broker.url()));
    for (int i = 0; i < 50; ++i) {
        const auto sender = producer(*client);
        ASSERT_TRUE(run(sender->send({.payload = "x"})));
        const auto receiver = reader(*client);
        ASSERT_FALSE(receive(*receiver, 1).empty());
        ASSERT_TRUE(run(sender->close()));
        ASSERT_TRUE(run(receiver->close()));
    }
    const auto sizes = run(client->sizes());
    ASSERT_TRUE(sizes);
    EXPECT_EQ(sizes->producers + sizes->consumers + sizes->requests + sizes->lookups + sizes->actions, 0u);
    EXPECT_EQ(sizes->connections, 1u);
}

}  // namespace
}  // namespace platform::pulsar::client
