// Timers: at most one for each owner, which may be moved.
#pragma once

#include "platform/pulsar/session/types.hpp"

#include <set>
#include <tuple>
#include <unordered_map>

namespace platform::pulsar::session {

struct Owner {
    enum Kind : std::uint8_t { connection, request, partitions, producer, consumer };
    Kind kind = connection;
    std::uint64_t id = 0;
    friend auto operator<=>(const Owner&, const Owner&) = default;
};

class Timers {
public:
    // Nothing: no timer.
    void set(Owner owner, std::optional<Time> at) {
        const auto found = armed_.find(owner);
        if (found != armed_.end()) {
            if (at == found->second) return;
            queue_.erase({found->second, owner});
            armed_.erase(found);
        }
        if (!at) return;
        queue_.emplace(*at, owner);
        armed_.emplace(owner, *at);
    }
    std::optional<Time> first() const { return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first); }
    // The owner of a timer that has come, without its timer.
    std::optional<Owner> pop(Time now) {
        if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
        const auto owner = queue_.begin()->second;
        queue_.erase(queue_.begin());
        armed_.erase(owner);
        return owner;
    }
    std::size_t size() const { return queue_.size(); }

private:
    struct Hash {
        std::size_t operator()(const Owner& owner) const { return std::hash<std::uint64_t>()(owner.id * 8 + owner.kind); }
    };
    std::set<std::pair<Time, Owner>> queue_;
    std::unordered_map<Owner, Time, Hash> armed_;
};

}  // namespace platform::pulsar::session
