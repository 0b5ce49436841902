// Fuzzes commands in each state of a session.
#include "platform/pulsar/simulation/hostile.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    platform::pulsar::simulation::run_hostile({data, size});
    return 0;
}
