// Random: the one source of chance in a simulation. From a seed everything follows.
#pragma once

#include <chrono>
#include <cstdint>

namespace platform::pulsar::simulation {

using Duration = std::chrono::microseconds;

// splitmix64: S. Vigna, public domain.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    // 0..count-1. REQUIRES: count > 0.
    std::uint64_t below(std::uint64_t count) { return next() % count; }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
    }
    bool chance(unsigned per_mille) { return per_mille != 0 && below(1000) < per_mille; }
    Duration duration(Duration low, Duration high) { return Duration(between(low.count(), high.count())); }
    template <class T>
    T one_of(std::initializer_list<T> choices) {
        return choices.begin()[below(choices.size())];
    }
    Random fork() { return Random(next()); }

private:
    std::uint64_t state_;
};

}  // namespace platform::pulsar::simulation
