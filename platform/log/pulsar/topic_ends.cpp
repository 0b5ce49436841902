// A reader that receives next to nothing asks for the last message's id; another reads that message.
#include "platform/log/pulsar/topic_ends.hpp"

#include "platform/log/pulsar/message.hpp"
#include "platform/log/pulsar/position.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/guarded.hpp"

#include <algorithm>
#include <condition_variable>

namespace platform::log::pulsar {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
namespace client = platform::pulsar::client;

constexpr std::size_t counts_max = 256;
constexpr std::chrono::milliseconds refresh_every{500};
constexpr std::chrono::seconds wanted_for{60};  // a topic is kept fresh so long after somebody asked how far it goes
constexpr std::chrono::seconds read_wait{10};

}  // namespace

TopicEnds::TopicEnds(std::shared_ptr<client::Client> client, std::function<std::string(const std::string&)> full_name)
    : client_(std::move(client)), full_name_(std::move(full_name)), refreshing_([this](const std::stop_token& stop) {
          runtime::name_this_thread("log ends");
          std::mutex mutex;
          std::condition_variable_any never;
          while (!stop.stop_requested()) {
              std::unique_lock lock(mutex);
              never.wait_for(lock, stop, refresh_every, [] { return false; });
              if (!stop.stop_requested()) refresh();
          }
      }) {}

void TopicEnds::stop() {
    refreshing_.request_stop();
    if (refreshing_.joinable()) refreshing_.join();
}

void TopicEnds::refresh() {
    std::vector<std::string> wanted;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [topic, facts] : facts_)
            if (std::chrono::steady_clock::now() - facts.wanted_at < wanted_for) wanted.push_back(topic);
    }
    // What cannot be learned now is learned later: whoever needs it asks, and is told why not.
    for (const auto& topic : wanted) (void)runtime::guarded([&] { return last(topic); });
}

TopicEnds::Facts& TopicEnds::facts_of(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    return facts_[topic];
}

Result<std::optional<client::MessageId>> TopicEnds::ask(Facts& facts, const std::string& topic) {
    if (!facts.probe) {
        auto opened = runtime::run(client_->reader({.topic = full_name_(topic), .start = client::latest, .queue_messages_max = 1}));
        if (!opened && opened.error().kind == ErrorKind::not_found) return std::optional<client::MessageId>();
        if (!opened) return std::move(opened).error();
        facts.probe = std::move(*opened);
    }
    auto id = runtime::run(facts.probe->last_message_id());
    if (!id) facts.probe.reset();
    return id;
}

Result<std::optional<Position>> TopicEnds::end(const std::string& topic) {
    auto& facts = facts_of(topic);
    const std::lock_guard asking(facts.asking);
    auto id = ask(facts, topic);
    if (!id) return std::move(id).error();
    if (!*id) {
        const std::lock_guard lock(mutex_);
        facts.looked_at = true;
        return std::optional<Position>();
    }
    auto position = position_of(**id);
    if (!position) return std::move(position).error();
    const std::lock_guard lock(mutex_);
    facts.end = std::max(facts.end.value_or(Position{}), *position);
    facts.looked_at = true;
    return std::optional(*position);
}

Result<TopicEnds::Last> TopicEnds::read(const std::string& topic, const client::MessageId& id) {
    auto reader =
        runtime::run(client_->reader({.topic = full_name_(topic), .start = id, .start_inclusive = true, .queue_messages_max = 1}));
    if (!reader) return std::move(reader).error();
    auto messages = (*reader)->receive_blocking(1, read_wait);
    if (!messages) return std::move(messages).error();
    if (messages->empty()) return Error{ErrorKind::unavailable, "log-silent", "the log did not give a message that it holds"};
    auto& found = messages->front();
    Last last{.message = {}, .index = found.index, .producer = found.entry->producer_name, .sequence = found.sequence};
    auto message = from_message(std::move(found));
    if (!message) return std::move(message).error();
    last.message = std::move(*message);
    return last;
}

Result<std::optional<TopicEnds::Last>> TopicEnds::last(const std::string& topic) {
    auto& facts = facts_of(topic);
    const std::lock_guard asking(facts.asking);
    auto id = ask(facts, topic);
    if (!id) return std::move(id).error();
    if (!*id) {
        const std::lock_guard lock(mutex_);
        facts.looked_at = true;
        return std::optional<Last>();
    }
    auto position = position_of(**id);
    if (!position) return std::move(position).error();
    {
        const std::lock_guard lock(mutex_);
        if (facts.last && facts.last->message.position == *position) return facts.last;
    }
    auto read_now = read(topic, **id);
    if (!read_now) return std::move(read_now).error();
    const std::lock_guard lock(mutex_);
    facts.last = std::move(*read_now);
    facts.end = std::max(facts.end.value_or(Position{}), facts.last->message.position);
    facts.looked_at = true;
    return facts.last;
}

std::optional<std::uint64_t> TopicEnds::index_of(const Facts& facts, Position position) const {
    if (facts.last && facts.last->message.position == position) return facts.last->index;
    const auto found = std::ranges::find(facts.counts, position, &std::pair<Position, std::uint64_t>::first);
    return found == facts.counts.end() ? std::nullopt : std::optional(found->second);
}

Result<std::uint64_t> TopicEnds::behind(const std::string& topic, Position after) {
    auto& facts = facts_of(topic);
    const bool looked_at = [&] {
        const std::lock_guard lock(mutex_);
        facts.wanted_at = std::chrono::steady_clock::now();
        return facts.looked_at;
    }();
    if (!looked_at)
        if (auto asked = last(topic); !asked) return std::move(asked).error();
    const std::lock_guard lock(mutex_);
    if (!facts.end || *facts.end <= after) return std::uint64_t{0};
    // The last message whose number is known may lie before the end: then there are more than that.
    const auto after_index = index_of(facts, after);
    if (facts.last && facts.last->index && facts.last->message.position > after) {
        if (after.value == 0) return *facts.last->index + 1;
        if (after_index && *facts.last->index > *after_index) return *facts.last->index - *after_index;
    }
    // Each entry holds a message at least.
    const auto end_id = id_of(*facts.end);
    const auto begin = entry_after(after);
    if (!begin || begin->ledger != end_id.ledger || begin->entry > end_id.entry) return end_id.entry + 1;
    return end_id.entry - begin->entry + 1;
}

void TopicEnds::appended(const std::string& topic, Position position) {
    auto& facts = facts_of(topic);
    const std::lock_guard lock(mutex_);
    facts.end = std::max(facts.end.value_or(Position{}), position);
}

void TopicEnds::counted(const std::string& topic, Position position, std::uint64_t index) {
    auto& facts = facts_of(topic);
    const std::lock_guard lock(mutex_);
    facts.counts.emplace_back(position, index);
    if (facts.counts.size() > counts_max) facts.counts.pop_front();
}

}  // namespace platform::log::pulsar
