// Sends ten messages and waits until all of them are stored: producer pulsar://127.0.0.1:6650 TOPIC
#include "platform/pulsar/client/client.hpp"
#include "platform/runtime/coroutine.hpp"

#include <iostream>

namespace pulsar = platform::pulsar::client;
using platform::runtime::run;

int main(int count, char** arguments) {
    if (count != 3) return 2;
    auto client = pulsar::Client::open({.service = arguments[1]});
    if (!client) return std::cerr << client.error().message << '\n', 1;
    pulsar::ProducerOptions options;
    options.topic = arguments[2];
    auto producer = run((*client)->producer(options));
    if (!producer) return std::cerr << producer.error().message << '\n', 1;
    for (int i = 0; i < 10; ++i) {
        auto receipt = run((*producer)->send({.payload = "message " + std::to_string(i), .key = "order-42"}));
        if (!receipt) return std::cerr << receipt.error().message << '\n', 1;
        std::cout << "stored at " << to_text(receipt->id) << '\n';
    }
}
