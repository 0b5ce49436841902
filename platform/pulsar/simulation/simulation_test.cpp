// Thousands of small worlds, each from its seed. ACOPIO_SIMULATION_SEEDS: how many; ACOPIO_SIMULATION_SEED=123: only that one, with its
// trace; ACOPIO_SIMULATION_FROM: the first seed.
#include "platform/pulsar/simulation/hostile.hpp"
#include "platform/pulsar/simulation/world.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include <gtest/gtest.h>

namespace platform::pulsar::simulation {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t seeds_default = 500;
#else
constexpr std::uint64_t seeds_default = 12'000;
#endif
#else
constexpr std::uint64_t seeds_default = 12'000;
#endif

std::uint64_t number_of(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string how_to_repeat(std::uint64_t seed) {
    return "ACOPIO_SIMULATION_SEED=" + std::to_string(seed) + " pulsar_simulation_test --gtest_filter='*SeededWorld*'";
}

TEST(PulsarSimulation, EverySeededWorldKeepsItsPromises) {
    if (const auto seed = number_of("ACOPIO_SIMULATION_SEED", 0); seed != 0) {
        const auto outcome = run_world(seed, Sabotage::none, true);
        for (const auto& line : outcome.trace) std::cout << line << '\n';
        for (const auto& violation : outcome.violations) ADD_FAILURE() << violation;
        return;
    }
    const auto count = number_of("ACOPIO_SIMULATION_SEEDS", seeds_default);
    const auto first = number_of("ACOPIO_SIMULATION_FROM", 1);
    std::map<std::string_view, std::uint64_t> counts;
    std::uint64_t steps = 0;
    int failures = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const auto outcome = run_world(seed);
        steps += outcome.steps;
        for (const auto& [what, times] : outcome.counts) counts[what] += times;
        if (outcome.violations.empty()) continue;
        ADD_FAILURE() << "seed " << seed << ": " << outcome.violations.front() << "\n  " << how_to_repeat(seed);
        if (++failures == 20) break;
    }
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::cout << count << " worlds, " << steps << " steps, " << static_cast<double>(count) / took << " worlds/s\n";
    for (const auto& [what, times] : counts) std::cout << "  " << what << ": " << times << '\n';
    if (count < 5'000 || failures > 0) return;
    // A simulation in which nothing happens proves nothing.
    for (const std::string_view what : {"broker killed",
                                        "unload",
                                        "unload with an assigned broker",
                                        "cut",
                                        "black hole",
                                        "half-close",
                                        "connection refused",
                                        "never connects",
                                        "stall",
                                        "broker misses a cut",
                                        "unanswered",
                                        "unknown command",
                                        "redirect",
                                        "redirect to itself",
                                        "lookup failed",
                                        "not persisted",
                                        "pushed and lost",
                                        "duplicate",
                                        "perhaps a duplicate",
                                        "frame sent again",
                                        "producer busy",
                                        "consumer busy",
                                        "fenced",
                                        "fences others",
                                        "waits for exclusive access",
                                        "zombie suspected",
                                        "auth challenge",
                                        "token renewed",
                                        "authentication refused",
                                        "partly acknowledged batch",
                                        "redelivery asked for",
                                        "sought",
                                        "acknowledgements lost",
                                        "acknowledged with a receipt",
                                        "process restarted",
                                        "producer full",
                                        "flushed",
                                        "receipt twice",
                                        "batch stored",
                                        "last message asked",
                                        "terminated",
                                        "message too large",
                                        "session closed in the middle",
                                        "exclusive access handed on",
                                        "dies without a FIN",
                                        "unsubscribed",
                                        "reattached"}) {
        EXPECT_GT(counts[what], 0U) << what << " never happened";
    }
}

TEST(PulsarSimulation, TheSameSeedGivesTheSameWorld) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const auto one = run_world(seed);
        const auto other = run_world(seed);
        EXPECT_EQ(one.fingerprint, other.fingerprint) << how_to_repeat(seed);
        EXPECT_EQ(one.steps, other.steps) << how_to_repeat(seed);
    }
}

// Each deliberate fault is found in a few worlds: the invariants can fail.
TEST(PulsarSimulation, EverySabotageIsFound) {
    for (int sabotage = 1; sabotage < static_cast<int>(Sabotage::count); ++sabotage) {
        int found = 0;
        std::string first;
        for (std::uint64_t seed = 1; seed <= 500 && found < 2; ++seed) {
            const auto outcome = run_world(seed, static_cast<Sabotage>(sabotage));
            if (outcome.violations.empty()) continue;
            ++found;
            if (first.empty()) first = outcome.violations.front();
        }
        EXPECT_GE(found, 1) << "sabotage " << sabotage;
        std::cout << "sabotage " << sabotage << ": " << first << '\n';
    }
}

// As session_fuzz, but without its guidance.
TEST(PulsarSimulation, ASessionOutlivesABrokerThatSaysAnything) {
    const auto count = number_of("ACOPIO_SIMULATION_SEEDS", seeds_default) * 2;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        Random random(seed);
        std::vector<std::uint8_t> bytes(random.below(400));
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
        SCOPED_TRACE(seed);
        run_hostile(bytes);
    }
}

}  // namespace
}  // namespace platform::pulsar::simulation
