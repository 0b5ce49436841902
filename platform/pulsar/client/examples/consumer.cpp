// Prints and acknowledges ten messages of the subscription "example": consumer pulsar://127.0.0.1:6650 TOPIC
#include "platform/pulsar/client/client.hpp"
#include "platform/runtime/coroutine.hpp"

#include <iostream>

namespace pulsar = platform::pulsar::client;
using platform::runtime::run;

int main(int count, char** arguments) {
    if (count != 3) return 2;
    auto client = pulsar::Client::open({.service = arguments[1]});
    if (!client) return std::cerr << client.error().message << '\n', 1;
    pulsar::ConsumerOptions options;
    options.topic = arguments[2];
    options.subscription = "example";
    auto consumer = run((*client)->consumer(options));
    if (!consumer) return std::cerr << consumer.error().message << '\n', 1;
    for (int left = 10; left > 0;) {
        auto messages = (*consumer)->receive_blocking(left, std::chrono::seconds(30));
        if (!messages || messages->empty()) return std::cerr << "no more messages\n", 1;
        for (const auto& message : *messages) {
            std::cout << message.key << ": " << message.payload << '\n';
            if (auto stored = run((*consumer)->ack_with_receipt(message.id)); !stored)
                return std::cerr << stored.error().message << '\n', 1;
            --left;
        }
    }
}
