// Spool: bytes that wait, first in first out; a little in memory, the rest in a temporary file that has no name.
#pragma once

#include "kernel/result.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace platform::http {

// What the files of several spools may hold together. Outlives them. Thread-safe.
class SpoolQuota {
public:
    explicit SpoolQuota(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
    bool take(std::uint64_t bytes) {
        if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_max_) return true;
        give_back(bytes);
        return false;
    }
    void give_back(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
    std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }

private:
    std::uint64_t bytes_max_;
    std::atomic<std::uint64_t> used_ = 0;
};

class Spool {
public:
    struct Bounds {
        std::size_t memory_max = 0;  // beyond it the file is used
        std::uint64_t file_max = 0;  // bytes that wait in the file; what was read is given back to the disk
    };
    Spool(Bounds bounds, SpoolQuota& quota) : bounds_(bounds), quota_(quota) {}
    ~Spool();
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    // busy "answer-spool-full" beyond the bound, busy "answer-spools-full" beyond the quota, unavailable "answer-spool-failed" if the disk
    // refuses. Then nothing was taken.
    kernel::Result<void> append(std::string_view bytes);
    // Removes and gives the oldest bytes, at most 256 KiB; "" when there are none. unavailable "answer-spool-failed".
    kernel::Result<std::string> take();
    bool empty() const { return memory_.empty() && written_ == read_; }

private:
    kernel::Result<void> append_to_file(std::string_view bytes);
    kernel::Result<void> write_at_end(std::string_view bytes);
    void give_space_back();

    Bounds bounds_;
    SpoolQuota& quota_;
    std::string memory_;  // older than all of the file
    int file_ = -1;
    // Places in the file: freed_ <= read_ <= written_. What lies before freed_ takes no space.
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0;
    std::uint64_t freed_ = 0;
};

}  // namespace platform::http
