// World: a whole simulated life from one seed: processes with sessions, a network, brokers, an application that sends, takes, acknowledges,
// seeks and dies at random, and faults for some time; then a calm in which everything must come to its end. What must always hold is
// checked on the way.
#pragma once

#include "platform/pulsar/simulation/broker.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace platform::pulsar::simulation {

struct Outcome {
    std::vector<std::string> violations;
    std::map<std::string_view, std::uint64_t> counts;  // of faults, and of what happened
    std::uint64_t fingerprint = 0;
    std::uint64_t steps = 0;
    std::vector<std::string> trace;
};

Outcome run_world(std::uint64_t seed, Sabotage sabotage = Sabotage::none, bool tracing = false);

}  // namespace platform::pulsar::simulation
