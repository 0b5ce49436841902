// BlockingPool: a bounded queue and the threads that empty it.
#include "platform/runtime/blocking_pool.hpp"

#include "kernel/check.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

namespace platform::runtime {

struct BlockingPool::State {
    Options options;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::move_only_function<void()>> queue;
    bool closing = false;
    std::vector<std::jthread> threads;

    void work() {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [this] { return closing || !queue.empty(); });
            if (queue.empty()) return;
            auto job = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            const auto done = guarded([&job] {
                job();
                return kernel::ok();
            });
            if (!done) log(Level::error, "pool-job-threw", {{"code", std::string_view(done.error().code)}});
            job = nullptr;  // what the job holds dies outside the lock
            lock.lock();
        }
    }
};

BlockingPool::BlockingPool(Options options) : state_(std::make_unique<State>()) {
    CHECK(options.threads > 0, "a pool needs a thread");
    state_->options = std::move(options);
    const auto name = state_->options.name.substr(0, 15);  // all that Linux keeps
    for (int i = 0; i < state_->options.threads; ++i) {
        state_->threads.emplace_back([state = state_.get()] { state->work(); });
        pthread_setname_np(state_->threads.back().native_handle(), name.c_str());
    }
}

BlockingPool::~BlockingPool() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->closing = true;
    }
    state_->changed.notify_all();
    state_->threads.clear();
}

bool BlockingPool::submit(std::move_only_function<void()> job) {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->closing || state_->queue.size() >= state_->options.queue_max) return false;
        state_->queue.push_back(std::move(job));
    }
    state_->changed.notify_one();
    return true;
}

}  // namespace platform::runtime
