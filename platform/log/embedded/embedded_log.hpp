// The EventLog port over one SQLite file: for one process. A writer thread commits what is queued (group commit, synchronous=FULL), one row
// a block of messages, so that the cost per message is small. Readers use connections of their own and are woken by each commit.
#pragma once

#include "platform/log/port_event_log.hpp"

#include <filesystem>

namespace platform::log::embedded {

struct Options {
    std::filesystem::path file;
    std::size_t queue_messages_max = 20'000;         // waiting to be written; beyond it append() is busy
    std::size_t queue_bytes_max = 64 * 1024 * 1024;  // likewise
};

// Starts the writer thread. A second process on the same file: conflict "log-in-use", saying so. Destroying it writes what is queued, then
// stops.
kernel::Result<std::unique_ptr<EventLog>> open(Options options);

}  // namespace platform::log::embedded
