// ConsumerCore: partitions merged, receivers served, acknowledgements sent their way.
#include "platform/pulsar/client/consumer_core.hpp"

#include "platform/pulsar/client/core.hpp"
#include "platform/pulsar/wire/topic.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace platform::pulsar::client {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::chrono::hours for_ever{24 * 365};

Error consumer_closed() {
    return Error{ErrorKind::interrupted, "pulsar-consumer-closed", "the consumer is closed"};
}

Error no_cumulative_ack() {
    return Error{ErrorKind::incorrect, "pulsar-cumulative-ack", "Shared and Key_Shared subscriptions have no cumulative acknowledgements"};
}

// Calls `done` when so many results are there, with the first failure.
class Gathered {
public:
    Gathered(std::size_t left, Outcome<> done) : left_(left), done_(std::move(done)) {}
    void add(const Result<void>& result) {
        if (!result && !failure_) failure_ = result.error();
        if (--left_ == 0) std::exchange(done_, {})(failure_ ? Result<void>(*failure_) : kernel::ok());
    }

private:
    std::size_t left_;
    Outcome<> done_;
    std::optional<Error> failure_;
};

}  // namespace

ConsumerCore::ConsumerCore(std::shared_ptr<Core> core, ConsumerOptions options, std::vector<MessageId> starts, ConsumerHooks hooks,
                           std::string topic, std::uint32_t partitions)
    : core_(std::move(core)),
      options_(std::move(options)),
      starts_(std::move(starts)),
      hooks_(std::move(hooks)),
      topic_(std::move(topic)),
      partitions_(partitions),
      own_partition_(partitions == 0 ? wire::partition_of_name(topic_) : -1) {
    parts_.resize(std::max<std::size_t>(partitions, 1));
}

// --- Any thread.

Result<std::uint32_t> ConsumerCore::part_of(const MessageId& id) const {
    if (partitions_ == 0) return 0;
    if (id.partition >= 0 && static_cast<std::uint32_t>(id.partition) < partitions_) return static_cast<std::uint32_t>(id.partition);
    return Error{ErrorKind::incorrect, "pulsar-partition", "the id names no partition of this consumer's topic"};
}

std::int32_t ConsumerCore::partition_of(std::uint32_t part) const {
    return partitions_ == 0 ? own_partition_ : static_cast<std::int32_t>(part);
}

Result<void> ConsumerCore::judge(std::span<const MessageId> ids, Judgement judgement) {
    for (const auto& id : ids)
        if (auto part = part_of(id); !part) return part.error();
    if (judgement == Judgement::ack_cumulative && !is_cumulative()) return no_cumulative_ack();
    if (core_->is_over()) return client_closed();
    core_->post([self = shared_from_this(), all = std::vector<MessageId>(ids.begin(), ids.end()), judgement] {
        if (self->core_->is_over()) return;
        auto& session = self->core_->session();
        const auto now = self->core_->now();
        for (const auto& id : all) {
            const auto& part = self->parts_[*self->part_of(id)];
            if (part.is_over) continue;
            switch (judgement) {
                case Judgement::ack: session.ack(part.id, id, std::nullopt, now); break;
                case Judgement::ack_cumulative: session.ack_cumulative(part.id, id, std::nullopt, now); break;
                case Judgement::nack: session.nack(part.id, id, now); break;
            }
        }
    });
    return kernel::ok();
}

// --- The I/O thread: opening and closing.

void ConsumerCore::open(std::move_only_function<void(Result<std::unique_ptr<Consumer>>)> done) {
    for (const auto& start : starts_)
        if (partitions_ == 0 ? start.partition > 0 && start.partition != own_partition_
                             : start.partition < 0 || static_cast<std::uint32_t>(start.partition) >= partitions_)
            return done(Error{ErrorKind::incorrect, "pulsar-partition", "a start names no partition of the topic"});
    opening_ = std::move(done);
    to_open_ = alive_ = parts_.size();
    for (std::uint32_t i = 0; i < parts_.size(); ++i) {
        auto options = options_;
        options.topic = partitions_ == 0 ? topic_ : wire::partition_name(topic_, i);
        for (const auto& start : starts_)
            if (partitions_ == 0 || start.partition == static_cast<std::int32_t>(i)) options.start = start;
        parts_[i].id = core_->session().open_consumer(std::move(options), core_->now());
        core_->own(parts_[i].id, shared_from_this(), i);
    }
}

void ConsumerCore::on_opened(std::uint32_t part, const Result<void>& result) {
    --to_open_;
    if (!result) {
        give_up_opening(result.error());
        return part_is_over(part);
    }
    if (to_open_ > 0 || !opening_) return;
    look();
    std::exchange(opening_, {})(std::make_unique<Consumer>(shared_from_this()));
}

void ConsumerCore::give_up_opening(const Error& why) {
    if (!opening_) return;
    auto done = std::exchange(opening_, {});
    end(why);
    close({});
    done(why);
}

void ConsumerCore::close(std::move_only_function<void(Result<void>)> done) {
    if (alive_ == 0) {
        if (done) done(close_error_ ? Result<void>(*close_error_) : kernel::ok());
        return;
    }
    if (done) closers_.push_back(std::move(done));
    if (is_closing_) return;
    is_closing_ = true;
    end(consumer_closed());
    for (std::size_t i = 0; i < parts_.size(); ++i)
        if (!parts_[i].is_over) core_->session().close_consumer(parts_[i].id, core_->now());
}

void ConsumerCore::end(const Error& reason) {
    if (!ended_) ended_ = reason;
    for (const auto& call : std::exchange(receivers_, {})) answer(call, *ended_);
}

void ConsumerCore::on_closed(std::uint32_t part, const Result<void>& result) {
    if (!is_closing_) {
        end(result ? consumer_closed() : result.error());
        part_is_over(part);
        return close({});
    }
    if (!result && !close_error_) close_error_ = result.error();
    part_is_over(part);
}

void ConsumerCore::part_is_over(std::uint32_t part) {
    if (std::exchange(parts_[part].is_over, true)) return;
    if (--alive_ > 0) return;
    connected_ = false;
    auto closers = std::exchange(closers_, {});
    for (auto& done : closers) done(close_error_ ? Result<void>(*close_error_) : kernel::ok());
}

void ConsumerCore::fail_everything(const Error& reason) {
    if (opening_) std::exchange(opening_, {})(reason);
    is_closing_ = true;
    end(reason);
    for (std::uint32_t i = 0; i < parts_.size(); ++i) part_is_over(i);
}

void ConsumerCore::look() {
    connected_ =
        alive_ == parts_.size() && std::ranges::all_of(parts_, [this](const Part& part) { return core_->session().is_attached(part.id); });
}

// --- The I/O thread: messages.

void ConsumerCore::receive(const std::shared_ptr<ReceiveCall>& call) {
    if (core_->is_over()) return answer(call, client_closed());
    if (call->messages_max == 0) return answer(call, bad_options("at least one message is received"));
    if (call->is_cancelled) return answer(call, std::vector<Message>());
    receivers_.push_back(call);
    serve();
    if (!call->done) return;
    if (call->wait_max.count() <= 0) return answer(call, std::vector<Message>());
    if (call->wait_max >= for_ever) return;
    call->timer.emplace(core_->io(), call->wait_max);
    call->timer->async_wait([self = shared_from_this(), call](const boost::system::error_code& error) {
        if (!error) self->give_up(call);
    });
}

void ConsumerCore::give_up(const std::shared_ptr<ReceiveCall>& call) {
    call->is_cancelled = true;  // should it come only later
    if (call->done && std::ranges::find(receivers_, call) != receivers_.end()) answer(call, std::vector<Message>());
}

void ConsumerCore::answer(const std::shared_ptr<ReceiveCall>& call, Result<std::vector<Message>> result) {
    std::erase(receivers_, call);
    call->timer.reset();  // here: whoever keeps the call may let go of it on another thread
    if (call->done) std::exchange(call->done, {})(std::move(result));
}

void ConsumerCore::serve() {
    while (!receivers_.empty()) {
        auto messages = take(receivers_.front()->messages_max);
        if (messages.empty() && !ended_) return;
        const auto call = std::move(receivers_.front());
        receivers_.pop_front();
        if (messages.empty()) answer(call, *ended_);
        else answer(call, std::move(messages));
    }
}

std::vector<Message> ConsumerCore::take(std::size_t messages_max) {
    std::vector<Message> messages;
    if (is_closing_ || ended_) return messages;
    const auto first = turn_;
    for (std::size_t i = 0; i < parts_.size() && messages.size() < messages_max; ++i) {
        const auto index = (first + i) % parts_.size();
        auto& part = parts_[index];
        if (!part.is_readable) continue;
        auto taken = core_->session().take(part.id, messages_max - messages.size(), core_->now());
        if (!taken) {
            part.is_readable = false;
            ended_ = taken.error();
            break;
        }
        if (taken->empty()) part.is_readable = false;
        const auto partition = partition_of(static_cast<std::uint32_t>(index));
        for (auto& message : *taken) message.id.partition = partition;
        if (messages.empty()) messages = *std::move(taken);
        else messages.insert(messages.end(), std::make_move_iterator(taken->begin()), std::make_move_iterator(taken->end()));
        turn_ = (index + 1) % parts_.size();
    }
    return messages;
}

void ConsumerCore::on_readable(std::uint32_t part) {
    parts_[part].is_readable = true;
    serve();
}

void ConsumerCore::on_event(ConsumerEvent::What what, std::uint32_t part) {
    if (!hooks_.on_event) return;
    const ConsumerEvent event{.what = what, .partition = partition_of(part)};
    call_guarded("pulsar-on-event-threw", [&] { hooks_.on_event(event); });
}

// --- The I/O thread: orders.

void ConsumerCore::ack(const MessageId& id, bool cumulative, Outcome<> done) {
    if (auto why = refusal()) return done(*std::move(why));
    const auto part = part_of(id);
    if (!part) return done(part.error());
    if (cumulative && !is_cumulative()) return done(no_cumulative_ack());
    const auto operation = core_->expect(std::move(done));
    if (cumulative) core_->session().ack_cumulative(parts_[*part].id, id, operation, core_->now());
    else core_->session().ack(parts_[*part].id, id, operation, core_->now());
}

void ConsumerCore::redeliver_all() {
    for (const auto& part : parts_)
        if (!part.is_over) core_->session().redeliver_all(part.id, core_->now());
}

void ConsumerCore::seek(const MessageId& id, Outcome<> done) {
    if (auto why = refusal()) return done(*std::move(why));
    const bool everywhere = id == earliest || id == latest;
    const auto part = part_of(id);
    if (!everywhere && !part) return done(part.error());
    auto gathered = std::make_shared<Gathered>(everywhere ? parts_.size() : 1, std::move(done));
    for (std::uint32_t i = 0; i < parts_.size(); ++i) {
        if (!everywhere && i != *part) continue;
        const auto operation = core_->expect([gathered](const Result<void>& result) { gathered->add(result); });
        core_->session().seek(parts_[i].id, id, operation, core_->now());
    }
}

void ConsumerCore::last_message_id(std::uint32_t part, Outcome<std::optional<MessageId>> done) {
    if (auto why = refusal()) return done(*std::move(why));
    if (part >= parts_.size()) return done(Error{ErrorKind::incorrect, "pulsar-partition", "the topic has no such partition"});
    const auto partition = partition_of(part);
    const auto operation = core_->expect_last([partition, d = std::move(done)](Result<std::optional<MessageId>> last) mutable {
        if (last && *last) (*last)->partition = partition;
        d(std::move(last));
    });
    core_->session().last_message_id(parts_[part].id, operation, core_->now());
}

void ConsumerCore::unsubscribe(Outcome<> done) {
    if (auto why = refusal()) return done(*std::move(why));
    auto closed = [self = shared_from_this(), d = std::move(done)](Result<void> result) mutable {
        if (!result) return d(std::move(result));
        self->close(std::move(d));
    };
    auto gathered = std::make_shared<Gathered>(parts_.size(), std::move(closed));
    for (const auto& part : parts_) {
        const auto operation = core_->expect([gathered](const Result<void>& result) { gathered->add(result); });
        core_->session().unsubscribe(part.id, operation, core_->now());
    }
}

std::optional<Error> ConsumerCore::refusal() const {
    if (core_->is_over()) return client_closed();
    if (is_closing_) return ended_ ? *ended_ : consumer_closed();
    return std::nullopt;
}

}  // namespace platform::pulsar::client
