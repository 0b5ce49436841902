// A batch is what whole blocks give, up to its bounds.
#include "platform/log/embedded/subscription.hpp"

#include "platform/log/embedded/block.hpp"

namespace platform::log::embedded {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

namespace {

constexpr std::size_t batch_bytes_max = 8 * 1024 * 1024;

}  // namespace

Result<std::vector<Message>> EmbeddedSubscription::next(std::size_t messages_max, std::chrono::milliseconds wait_max,
                                                        std::stop_token stop) {
    std::vector<Message> batch;
    std::size_t bytes = 0;
    if (block_.empty() && !wait(wait_max, std::move(stop))) return batch;
    while (batch.size() < messages_max && bytes < batch_bytes_max) {
        if (block_.empty()) {
            auto more = read_block();
            // What was read before the trouble is given first: the next call meets the trouble again.
            if (!more && batch.empty()) return std::move(more).error();
            if (!more || !*more) break;
        }
        bytes += block_.front().envelope.data.size();
        read_to_ = block_.front().position.value;
        batch.push_back(std::move(block_.front()));
        block_.pop_front();
    }
    return batch;
}

// True once there is something after what was read.
bool EmbeddedSubscription::wait(std::chrono::milliseconds wait_max, std::stop_token stop) {
    std::unique_lock lock(shared_->mutex);
    return shared_->changed.wait_for(lock, std::move(stop), wait_max, [&] { return shared_->topic(topic_).head > read_to_; });
}

// Up to the published head only: a reader must not be ahead of what head() says, or its position would lie behind the log.
Result<bool> EmbeddedSubscription::read_block() {
    const auto topic = [&] {
        const std::lock_guard lock(shared_->mutex);
        return shared_->topic(topic_);
    }();
    if (topic.id == 0) return false;
    if (!select_) {
        auto prepared = connection_->prepare("SELECT last, first, appended_at, payload FROM " + table_of(topic.id) +
                                             " WHERE last > ? AND last <= ? ORDER BY last LIMIT 1");
        if (!prepared) return std::move(prepared).error();
        select_ = std::move(*prepared);
    }
    const sql::Use row(*select_);
    row->bind(0, static_cast<std::int64_t>(read_to_));
    row->bind(1, static_cast<std::int64_t>(topic.head));
    auto there = row->step();
    if (!there || !*there) return there;
    if (auto done = decode(*row); !done) return std::move(done).error();
    return true;
}

Result<void> EmbeddedSubscription::decode(const sql::Statement& row) {
    const auto last = static_cast<std::uint64_t>(row.integer(0));
    const auto first = static_cast<std::uint64_t>(row.integer(1));
    const kernel::Timestamp appended_at{std::chrono::milliseconds(row.integer(2))};
    auto envelopes = messages_from(row.text(3));
    if (!envelopes) return std::move(envelopes).error();
    if (envelopes->empty() || first + envelopes->size() - 1 != last || first > read_to_ + 1)
        return Error{ErrorKind::fault, "log-corrupt", "blocks of the log do not follow each other; restore all files from one copy"};
    auto position = first;
    for (auto& envelope : *envelopes) {
        if (position > read_to_) block_.push_back({Position{position}, appended_at, std::move(envelope)});
        ++position;
    }
    return kernel::ok();
}

}  // namespace platform::log::embedded
