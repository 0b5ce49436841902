// For tests: a log as it is, but with gaps between positions, and with large ones, as engines have whose positions are not counted. What
// works over the embedded log only because its positions are dense, or small enough for a double, fails over this one.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/runtime/coroutine.hpp"

#include <utility>

namespace platform::log {

class SpreadLog final : public EventLog {
public:
    static constexpr std::uint64_t gap = 1'000'003;
    // Of the n-th message, from 1.
    static constexpr Position place(std::uint64_t number) { return {number == 0 ? 0 : begin + number * gap}; }

    explicit SpreadLog(std::unique_ptr<EventLog> inner) : inner_(std::move(inner)) {}

    kernel::Task<Appended> append(std::string topic, std::vector<kernel::Envelope> messages, std::optional<Producer> producer) override {
        auto appended = co_await inner_->append(std::move(topic), std::move(messages), std::move(producer));
        if (!appended) co_return std::move(appended).error();
        co_return Appended{.first = spread(appended->first), .last = spread(appended->last)};
    }
    kernel::Result<std::unique_ptr<Subscription>> subscribe(std::string topic, std::string group, Position after) override {
        auto subscription = inner_->subscribe(std::move(topic), std::move(group), dense(after));
        if (!subscription) return subscription;
        return std::unique_ptr<Subscription>(std::make_unique<SpreadSubscription>(std::move(*subscription)));
    }
    kernel::Result<Position> head(std::string topic) override {
        auto head = inner_->head(std::move(topic));
        if (!head) return head;
        return spread(*head);
    }
    kernel::Result<std::optional<Message>> last(std::string topic) override {
        auto last = inner_->last(std::move(topic));
        if (last && *last) (*last)->position = spread((*last)->position);
        return last;
    }
    kernel::Result<std::uint64_t> behind(std::string topic, Position after) override {
        return inner_->behind(std::move(topic), dense(after));
    }
    kernel::Result<std::uint64_t> last_sequence(std::string topic, std::string producer) override {
        return inner_->last_sequence(std::move(topic), std::move(producer));
    }
    std::string id() override { return inner_->id(); }
    bool healthy() const override { return inner_->healthy(); }

private:
    static constexpr std::uint64_t begin = std::uint64_t{1} << 60U;
    static Position spread(Position position) { return place(position.value); }
    static Position dense(Position position) { return {position.value < begin ? 0 : (position.value - begin) / gap}; }

    class SpreadSubscription final : public Subscription {
    public:
        explicit SpreadSubscription(std::unique_ptr<Subscription> inner) : inner_(std::move(inner)) {}
        kernel::Result<std::vector<Message>> next(std::size_t messages_max, std::chrono::milliseconds wait_max,
                                                  std::stop_token stop) override {
            auto messages = inner_->next(messages_max, wait_max, std::move(stop));
            if (messages)
                for (auto& message : *messages) message.position = spread(message.position);
            return messages;
        }

    private:
        std::unique_ptr<Subscription> inner_;
    };

    std::unique_ptr<EventLog> inner_;
};

}  // namespace platform::log
