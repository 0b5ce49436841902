// Whether the threads of a service still do their work.
#pragma once

#include "kernel/result.hpp"
#include "platform/runtime/logging.hpp"

#include <atomic>
#include <string_view>

namespace platform::runtime {

// Thread-safe.
class Health {
public:
    // A loop came to its end: one that ended with an error leaves a line in the log under that event's name, and makes this false for ever.
    void ended(std::string_view event, const kernel::Result<void>& result) {
        if (result) return;
        good_.store(false, std::memory_order_release);
        log(Level::error, event, {{"code", std::string_view(result.error().code)}, {"message", std::string_view(result.error().message)}});
    }
    bool good() const { return good_.load(std::memory_order_acquire); }

private:
    std::atomic<bool> good_{true};
};

}  // namespace platform::runtime
