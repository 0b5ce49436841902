// One thread opens, so that who appends never waits for a lock that is held over a network.
#include "platform/log/pulsar/channels.hpp"

#include "platform/runtime/guarded.hpp"

#include <algorithm>

namespace platform::log::pulsar {

using kernel::Error;
using kernel::ErrorKind;

namespace {

Error closed() {
    return {ErrorKind::interrupted, "log-closed", "the log is closed"};
}

}  // namespace

Channels::Channels(std::function<kernel::Result<ChannelPtr>(const ChannelKey&)> open)
    : open_(std::move(open)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

kernel::Task<ChannelPtr> Channels::get(ChannelKey key) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) co_return closed();
        const auto found = channels_.find(key);
        if (found != channels_.end() && !found->second->producer->ended()) co_return found->second;
        if (found != channels_.end()) channels_.erase(found);
    }
    co_return co_await runtime::suspend_until<ChannelPtr>([this, key = std::move(key)](runtime::Bring<ChannelPtr> bring) {
        {
            const std::lock_guard lock(mutex_);
            if (!stopped_) {
                waiting_[key].push_back(std::move(bring));
                wanted_.notify_all();
                return;
            }
        }
        bring(closed());
    });
}

void Channels::give_up(const ChannelKey& key, const ChannelPtr& channel) {
    ChannelPtr gone;
    const std::lock_guard lock(mutex_);
    const auto found = channels_.find(key);
    if (found == channels_.end() || found->second != channel) return;
    gone = std::move(found->second);
    channels_.erase(found);
    missing_.insert(key);
    gone->producer->abandon();  // what comes later under the same name must not be overtaken by it
}

bool Channels::are_connected() const {
    const std::lock_guard lock(mutex_);
    return missing_.empty() && std::ranges::all_of(channels_, [](const auto& one) { return one.second->producer->is_connected(); });
}

void Channels::work(const std::stop_token& stop) {
    runtime::name_this_thread("log channels");
    std::unique_lock lock(mutex_);
    while (wanted_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
        const auto key = waiting_.begin()->first;
        const auto found = channels_.find(key);
        auto opened = found != channels_.end() && !found->second->producer->ended() ? kernel::Result<ChannelPtr>(found->second)
                                                                                    : kernel::Result<ChannelPtr>();
        if (!opened) {
            lock.unlock();
            opened = runtime::guarded([&] { return open_(key); });
            lock.lock();
            if (opened) {
                channels_.insert_or_assign(key, *opened);
                missing_.erase(key);
            } else if (opened.error().kind != ErrorKind::not_found) {
                missing_.insert(key);
            }
        }
        auto waiting = std::move(waiting_[key]);
        waiting_.erase(key);
        lock.unlock();
        for (auto& bring : waiting) bring(opened);
        lock.lock();
    }
}

void Channels::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    std::map<ChannelKey, ChannelPtr> channels;
    std::map<ChannelKey, std::vector<runtime::Bring<ChannelPtr>>> waiting;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        channels.swap(channels_);
        waiting.swap(waiting_);
    }
    for (auto& [key, all] : waiting)
        for (auto& bring : all) bring(closed());
}

}  // namespace platform::log::pulsar
