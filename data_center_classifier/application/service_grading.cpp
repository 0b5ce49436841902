// The newest sums of a centre replace older ones that wait: only the latest matter.
#include "data_center_classifier/application/service_grading.hpp"

#include "platform/runtime/logging.hpp"

#include <chrono>

namespace data_center_classifier::application {
namespace {

constexpr std::chrono::seconds pause{1};

void log_failure(const kernel::Error& error) {
    platform::runtime::log(platform::runtime::Level::warn, "grading-failed",
                           {{"code", std::string_view(error.code)}, {"message", std::string_view(error.message)}});
}

}  // namespace

void Grading::put(const kernel::DataCenterId& center, WindowSums sums) {
    const std::lock_guard lock(mutex_);
    due_.insert_or_assign(center.value, std::move(sums));
    changed_.notify_all();
}

kernel::Result<void> Grading::grade_due() {
    while (true) {
        std::unique_lock lock(mutex_);
        if (due_.empty()) return kernel::ok();
        auto next = due_.extract(due_.begin());
        lock.unlock();
        if (auto done = classify_.handle({next.key()}, next.mapped().counts, next.mapped().records); !done) {
            lock.lock();
            due_.insert(std::move(next));  // newer sums that came meanwhile stay
            return done;
        }
    }
}

void Grading::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, stop, [this] { return !due_.empty(); });
        }
        if (auto done = grade_due(); !done) log_failure(done.error());
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, pause, [] { return false; });
    }
    if (auto done = grade_due(); !done) log_failure(done.error());
}

}  // namespace data_center_classifier::application
