// FileLock: one process writes.
#pragma once

#include "kernel/result.hpp"

#include <filesystem>
#include <utility>

#include <unistd.h>

namespace platform::log::embedded {

// Held as long as it lives.
class FileLock {
public:
    // conflict "log-in-use" when another process holds it.
    static kernel::Result<FileLock> take(const std::filesystem::path& file);
    FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock() {
        if (fd_ >= 0) ::close(fd_);
    }

private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace platform::log::embedded
