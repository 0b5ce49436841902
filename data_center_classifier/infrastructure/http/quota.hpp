// An amount that all requests share, up to a bound.
#pragma once

#include <atomic>
#include <cstddef>

namespace data_center_classifier::infrastructure::http {

// Thread-safe; never waits.
class Quota {
public:
    explicit Quota(std::size_t max) : max_(max) {}

    bool has(std::size_t amount) const {
        const auto used = used_.load(std::memory_order_relaxed);
        return used <= max_ && amount <= max_ - used;
    }

    // What one request holds of it, until its end. One thread at a time.
    class Share {
    public:
        explicit Share(Quota& quota) : quota_(quota) {}
        ~Share() { quota_.used_.fetch_sub(held_, std::memory_order_relaxed); }
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;

        // False, and nothing taken, when that much is not left.
        bool take(std::size_t amount) {
            const auto before = quota_.used_.fetch_add(amount, std::memory_order_relaxed);
            if (before <= quota_.max_ && amount <= quota_.max_ - before) {
                held_ += amount;
                return true;
            }
            quota_.used_.fetch_sub(amount, std::memory_order_relaxed);
            return false;
        }

    private:
        Quota& quota_;
        std::size_t held_ = 0;
    };

private:
    const std::size_t max_;
    std::atomic<std::size_t> used_{0};
};

}  // namespace data_center_classifier::infrastructure::http
