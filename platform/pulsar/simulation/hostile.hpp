// A session against a broker that says anything: bytes choose the state that the session is brought into, and then what is said and asked.
// For the fuzzer and for tests.
#pragma once

#include <cstdint>
#include <span>

namespace platform::pulsar::simulation {

// CHECKs that the session keeps its bounds, comes to rest and can be closed.
void run_hostile(std::span<const std::uint8_t> bytes);

}  // namespace platform::pulsar::simulation
