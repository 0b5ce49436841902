// Amounts that requests share, up to a bound: all of them, or those of one data centre.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

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

// How many of something each name has. Thread-safe; waits for nothing but its own lock.
class CountsByName {
public:
    explicit CountsByName(std::size_t max) : max_(max) {}

    // One of them, from take() to its end.
    class Share {
    public:
        explicit Share(CountsByName& counts) : counts_(counts) {}
        ~Share() {
            if (!name_.empty()) counts_.give_back(name_);
        }
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;

        // False, and nothing taken, when the name has as many as one may. Without a name there is no bound. Once.
        bool take(const std::string& name) {
            if (name.empty()) return true;
            name_ = name;  // before it is taken: the copy may find no memory
            if (counts_.take(name)) return true;
            name_.clear();
            return false;
        }

    private:
        CountsByName& counts_;
        std::string name_;  // "" while nothing is taken
    };

    std::size_t max() const { return max_; }

private:
    bool take(const std::string& name) {
        const std::lock_guard lock(mutex_);
        auto& count = counts_[name];
        if (count >= max_) return false;
        ++count;
        return true;
    }
    void give_back(const std::string& name) {
        const std::lock_guard lock(mutex_);
        if (const auto found = counts_.find(name); --found->second == 0) counts_.erase(found);
    }

    const std::size_t max_;
    std::mutex mutex_;
    std::map<std::string, std::size_t> counts_;
};

}  // namespace data_center_classifier::infrastructure::http
