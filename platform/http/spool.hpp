// Spool: bytes that wait, first in first out; a little in memory, the rest in a temporary file that has no name.
#pragma once

#include "kernel/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace platform::http {

class Spool {
public:
    // Beyond `memory_max` bytes the file is used; it grows to at most `file_max` and shrinks to nothing whenever it has been read.
    Spool(std::size_t memory_max, std::uint64_t file_max) : memory_max_(memory_max), file_max_(file_max) {}
    ~Spool();
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    // busy "answer-spool-full" beyond the bound, unavailable "answer-spool-failed" if the disk refuses. Then nothing was taken.
    kernel::Result<void> append(std::string_view bytes);
    // Removes and gives the oldest bytes, at most 256 KiB; "" when there are none. unavailable "answer-spool-failed".
    kernel::Result<std::string> take();
    bool empty() const { return memory_.empty() && written_ == read_; }

private:
    kernel::Result<void> append_to_file(std::string_view bytes);

    std::size_t memory_max_;
    std::uint64_t file_max_;
    std::string memory_;  // older than all of the file
    int file_ = -1;
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0;
};

}  // namespace platform::http
