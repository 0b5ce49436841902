// BlockingPool: threads for work that blocks (SQL, files), so that I/O threads never do.
#pragma once

#include "kernel/task.hpp"

#include <functional>
#include <memory>
#include <string>

namespace platform::runtime {

class BlockingPool {
public:
    struct Options {
        int threads = 2;
        std::size_t queue_max = 4096;  // jobs waiting; beyond it submit() refuses
        std::string name = "pool";
    };
    explicit BlockingPool(Options options);
    ~BlockingPool();  // runs what is queued, then joins
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    // false when the queue is full: the job was not taken. Thread-safe. What a job throws is logged and goes no further.
    [[nodiscard]] bool submit(std::move_only_function<void()> job);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace platform::runtime
