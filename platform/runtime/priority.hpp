// Who goes first when the processor is short: a sender waits for intake and its commit, nobody waits for a projection.
#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace platform::runtime {

// Of threads that nobody waits for: they get what the others leave. Their backlog lies in the log, and intake is held back when it grows
// (see data_center_classifier's limit of records that wait for the index).
inline constexpr int background_niceness = 19;

// Of the thread whose backlog holds intake back: behind intake, but before the other background threads.
inline constexpr int index_niceness = 10;

// Of the calling thread (Linux: niceness belongs to a thread).
inline void set_niceness(int niceness) {
    if (niceness > 0) setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness);
}

}  // namespace platform::runtime
