// How many messages of 1 KiB go through the client to a broker in this process and back: with sockets and threads, without a disk. The
// broker's thread and the senders' share the processors with the client's.
#include "platform/pulsar/client/client.hpp"
#include "platform/pulsar/client/fake_broker.hpp"
#include "platform/runtime/coroutine.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

namespace platform::pulsar::client {
namespace {

using runtime::run;

constexpr int messages_of_a_round = 100'000;

ProducerOptions to(std::string topic) {
    ProducerOptions options;
    options.topic = std::move(topic);
    return options;
}

void send_round(Producer& producer, const std::string& payload) {
    std::atomic<int> left = messages_of_a_round;
    for (int i = 0; i < messages_of_a_round;) {
        if (producer.try_send({.payload = payload}, [&left](const kernel::Result<Receipt>&) {
                if (--left == 0) left.notify_one();
            }))
            ++i;
        else std::this_thread::yield();
    }
    for (int now = left; now != 0; now = left) left.wait(now);
}

void produce(benchmark::State& state) {
    FakeBroker broker({.keeps_messages = false});
    const auto client = *Client::open({.service = broker.url()});
    const auto producer = *run(client->producer(to("t")));
    const std::string payload(1024, 'x');
    for (auto _ : state) send_round(*producer, payload);
    state.SetItemsProcessed(state.iterations() * messages_of_a_round);
}
BENCHMARK(produce)->UseRealTime()->Unit(benchmark::kMillisecond);

void produce_by_send_all(benchmark::State& state) {
    FakeBroker broker({.keeps_messages = false});
    const auto client = *Client::open({.service = broker.url()});
    auto options = to("t");
    options.batch_delay = std::chrono::milliseconds(state.range(0));
    const auto producer = *run(client->producer(options));
    const std::vector<OutMessage> batch(1000, OutMessage{.payload = std::string(1024, 'x')});
    for (auto _ : state) benchmark::DoNotOptimize(run(producer->send_all(batch)));
    state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(produce_by_send_all)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);

void one_at_a_time(benchmark::State& state) {
    FakeBroker broker({.keeps_messages = false});
    const auto client = *Client::open({.service = broker.url()});
    auto options = to("t");
    options.batch_delay = std::chrono::milliseconds(0);
    const auto producer = *run(client->producer(options));
    for (auto _ : state) benchmark::DoNotOptimize(run(producer->send({.payload = std::string(1024, 'x')})));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(one_at_a_time)->UseRealTime()->Unit(benchmark::kMicrosecond);

void consume(benchmark::State& state) {
    FakeBroker broker;
    const auto client = *Client::open({.service = broker.url()});
    const auto producer = *run(client->producer(to("t")));
    send_round(*producer, std::string(1024, 'x'));
    for (auto _ : state) {
        const auto reader = *run(client->reader({.topic = "t", .queue_messages_max = 10'000}));
        for (std::size_t got = 0; got < messages_of_a_round;) got += reader->receive_blocking(1000, std::chrono::seconds(30))->size();
    }
    state.SetItemsProcessed(state.iterations() * messages_of_a_round);
}
BENCHMARK(consume)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace platform::pulsar::client
