// Fifo: a queue that keeps its memory, so that a steady flow allocates nothing (std::deque allocates a block for every few elements).
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace platform::pulsar::session {

template <class T>
class Fifo {
public:
    bool empty() const { return first_ == items_.size(); }
    std::size_t size() const { return items_.size() - first_; }
    T& front() { return items_[first_]; }
    T& operator[](std::size_t i) { return items_[first_ + i]; }
    void push_back(T item) {
        // The taken half is given back before the vector would grow.
        if (items_.size() == items_.capacity() && first_ > items_.size() / 2) {
            items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
        items_.push_back(std::move(item));
    }
    T pop_front() {
        T item = std::move(items_[first_++]);
        if (empty()) clear();
        return item;
    }
    // The first ones. All of them go without a move each.
    std::vector<T> take(std::size_t count_max) {
        std::vector<T> taken;
        if (first_ == 0 && count_max >= items_.size()) {
            taken.swap(items_);
            items_.reserve(taken.size());
            return taken;
        }
        const auto count = std::min(count_max, size());
        taken.reserve(count);
        for (std::size_t i = 0; i < count; ++i) taken.push_back(std::move(items_[first_++]));
        if (empty()) clear();
        return taken;
    }
    void clear() {
        items_.clear();
        first_ = 0;
    }

private:
    std::vector<T> items_;
    std::size_t first_ = 0;
};

}  // namespace platform::pulsar::session
