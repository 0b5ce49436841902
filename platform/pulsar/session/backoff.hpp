// Backoff: how long to wait before the next attempt: doubling, with up to a tenth less by chance.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace platform::pulsar::session {

class Backoff {
public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds last) : first_(first), last_(last), next_(first) {}
    std::chrono::milliseconds next(std::mt19937_64& random) {
        const auto wait = next_;
        next_ = std::min(2 * next_, last_);
        const auto less = static_cast<std::chrono::milliseconds::rep>(random() % static_cast<std::uint64_t>(wait.count() / 10 + 1));
        return std::max(wait - std::chrono::milliseconds(less), std::chrono::milliseconds(1));
    }
    void reset() { next_ = first_; }

private:
    std::chrono::milliseconds first_, last_, next_;
};

}  // namespace platform::pulsar::session
