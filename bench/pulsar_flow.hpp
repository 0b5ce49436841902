// The three loads on our Pulsar client, the same against a real broker (pulsar_load.cpp) and the one of pulsar_mock.cpp.
#pragma once

#include "bench/wire.hpp"
#include "platform/pulsar/client/client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

// CPU that this process has used: of all its threads, and of the calling one.
double process_cpu_seconds();
double thread_cpu_seconds();

struct Flow {
    std::string topic;
    std::uint64_t messages = 0;
    std::size_t size = 1024;      // of a payload
    std::size_t window = 10'000;  // messages sent and not answered
    bool batching = true;
    std::size_t batch_messages = 1000;
    std::size_t batch_bytes = 128 * 1024;
    std::chrono::milliseconds batch_delay{1};
    std::size_t queue = 1000;  // messages received and not taken
    std::uint64_t warm = 0;    // `at_warm` is called before this message, on the calling thread
    std::function<void()> at_warm = [] {};
};
// --topic --messages [--size --window --no-batching 1 --batch-messages --batch-bytes --batch-delay-ms --queue]
Flow flow_from(const Options& options);

std::unique_ptr<platform::pulsar::client::Client> open_client(const std::string& service);

struct Took {
    double seconds = 0;         // from the first message to the last answer
    double cpu_seconds = 0;     // of the process, in that time
    double caller_seconds = 0;  // of these, on the calling thread
};
// Sends by try_send(), waits for every answer.
Took produce(platform::pulsar::client::Client& client, const Flow& flow);
// Receives by receive_blocking() from the first message of the topic on, and acknowledges each.
Took consume(platform::pulsar::client::Client& client, const Flow& flow, const std::string& subscription);
// One message in flight, by send(): milliseconds of each.
std::vector<double> latencies(platform::pulsar::client::Client& client, const Flow& flow);

}  // namespace bench
