// Producing, consuming, one in flight. A failure ends the program: a bench that goes on after one measures nothing.
#include "bench/pulsar_flow.hpp"

#include "platform/runtime/coroutine.hpp"

#include <atomic>
#include <ctime>
#include <limits>
#include <utility>

namespace bench {
namespace {

namespace pulsar = platform::pulsar::client;
using platform::runtime::run;

constexpr std::chrono::seconds receive_wait{60};
constexpr std::size_t receive_together = 1000;

double clock_seconds(clockid_t clock) {
    timespec time{};
    if (clock_gettime(clock, &time) != 0) fail("a clock cannot be read");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <class T>
T need(kernel::Result<T> result) {
    if (!result) fail(result.error().code + ": " + result.error().message);
    return *std::move(result);
}

class Meter {
public:
    Took took() const {
        return {.seconds = seconds_between(begun_, Clock::now()),
                .cpu_seconds = process_cpu_seconds() - process_,
                .caller_seconds = thread_cpu_seconds() - thread_};
    }

private:
    Clock::time_point begun_ = Clock::now();
    double process_ = process_cpu_seconds(), thread_ = thread_cpu_seconds();
};

// Counts answers on the I/O thread; the sender sleeps until there are so many.
class Answers {
public:
    void add() {
        const auto now = count_.load(std::memory_order_relaxed) + 1;
        count_.store(now);
        if (now == wanted_.load()) count_.notify_one();
    }
    std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
    void wait_for(std::uint64_t wanted) {
        wanted_.store(wanted);
        for (auto now = count_.load(); now < wanted; now = count_.load()) count_.wait(now);
    }

private:
    std::atomic<std::uint64_t> count_{0}, wanted_{0};
};

std::string payload_of(std::size_t size) {
    std::string payload;
    for (std::uint32_t i = 1; payload.size() < size; i = i * 1664525 + 1013904223) payload += static_cast<char>(i >> 24);
    return payload;
}

std::unique_ptr<pulsar::Producer> open_producer(pulsar::Client& client, const Flow& flow) {
    pulsar::ProducerOptions options;
    options.topic = flow.topic;
    options.batching = flow.batching;
    options.batch_messages_max = flow.batch_messages;
    options.batch_bytes_max = flow.batch_bytes;
    options.batch_delay = flow.batch_delay;
    options.pending_messages_max = flow.window;
    options.pending_bytes_max = std::numeric_limits<std::size_t>::max() / 2;
    return need(run(client.producer(std::move(options))));
}

}  // namespace

double process_cpu_seconds() {
    return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}
double thread_cpu_seconds() {
    return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

Flow flow_from(const Options& options) {
    Flow flow;
    flow.topic = options.text("topic");
    flow.messages = options.number("messages");
    flow.size = options.number_or("size", flow.size);
    flow.window = options.number_or("window", flow.window);
    flow.batching = options.number_or("no-batching", 0) == 0;
    flow.batch_messages = options.number_or("batch-messages", flow.batch_messages);
    flow.batch_bytes = options.number_or("batch-bytes", flow.batch_bytes);
    flow.batch_delay = std::chrono::milliseconds(options.number_or("batch-delay-ms", 1));
    flow.queue = options.number_or("queue", flow.queue);
    return flow;
}

std::unique_ptr<pulsar::Client> open_client(const std::string& service) {
    pulsar::ClientOptions options;
    options.service = service;
    return need(pulsar::Client::open(std::move(options)));
}

Took produce(pulsar::Client& client, const Flow& flow) {
    const auto producer = open_producer(client, flow);
    const auto payload = payload_of(flow.size);
    Answers answers;
    const Meter meter;
    for (std::uint64_t i = 0; i < flow.messages; ++i) {
        if (i == flow.warm) flow.at_warm();
        if (i - answers.count() >= flow.window) answers.wait_for(i - flow.window / 2);
        const auto sent = producer->try_send({.payload = payload}, [&answers](const kernel::Result<pulsar::Receipt>& receipt) {
            if (!receipt) fail(receipt.error().code);
            answers.add();
        });
        if (!sent) fail(sent.error().code);
    }
    if (auto flushed = run(producer->flush()); !flushed) fail(flushed.error().code);
    answers.wait_for(flow.messages);
    return meter.took();
}

Took consume(pulsar::Client& client, const Flow& flow, const std::string& subscription) {
    pulsar::ConsumerOptions options;
    options.topic = flow.topic;
    options.subscription = subscription;
    options.queue_messages_max = flow.queue;
    const Meter meter;
    const auto consumer = need(run(client.consumer(std::move(options))));
    std::vector<pulsar::MessageId> ids;
    for (std::uint64_t i = 0; i < flow.messages;) {
        const auto messages = need(consumer->receive_blocking(receive_together, receive_wait));
        if (messages.empty()) fail("no message came");
        if (i <= flow.warm && flow.warm < i + messages.size()) flow.at_warm();
        ids.clear();
        for (const auto& message : messages) {
            if (message.payload.size() != flow.size) fail("a message of another size came");
            ids.push_back(message.id);
        }
        if (auto acked = consumer->ack(ids); !acked) fail(acked.error().code);
        i += messages.size();
    }
    const auto took = meter.took();
    if (auto closed = run(consumer->close()); !closed) fail(closed.error().code);
    return took;
}

std::vector<double> latencies(pulsar::Client& client, const Flow& flow) {
    const auto producer = open_producer(client, flow);
    const auto payload = payload_of(flow.size);
    std::vector<double> all;
    all.reserve(flow.messages);
    for (std::uint64_t i = 0; i < flow.messages; ++i) {
        const auto begun = Clock::now();
        need(run(producer->send({.payload = payload})));
        all.push_back(seconds_between(begun, Clock::now()) * 1000);
    }
    return all;
}

}  // namespace bench
