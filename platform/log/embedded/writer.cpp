// Messages gather per topic until a block is full; the group's end flushes what is left.
#include "platform/log/embedded/writer.hpp"

#include "platform/log/embedded/block.hpp"

#include <algorithm>

namespace platform::log::embedded {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

namespace {

constexpr std::size_t block_bytes_max = 256 * 1024;
constexpr std::size_t topics_max = 1000;

}  // namespace

Result<std::vector<Appended>> Writer::write(const std::vector<Request>& group) {
    if (auto restored = restore(); !restored) return std::move(restored).error();
    doubtful_ = true;
    auto written = write_in_transaction(group);
    if (written) doubtful_ = false;
    return written;
}

Result<void> Writer::restore() {
    if (!doubtful_) return kernel::ok();
    inserts_.clear();
    auto durable = read_durable(connection_);
    if (!durable) return std::move(durable).error();
    next_ = std::move(*durable);
    doubtful_ = false;
    return kernel::ok();
}

Result<void> Writer::probe() {
    auto transaction = sql::Transaction::begin(connection_);
    if (!transaction) return std::move(transaction).error();
    if (auto done = connection_.execute("UPDATE identity SET probes = probes + 1"); !done) return done;
    return transaction->commit();
}

Result<std::vector<Appended>> Writer::write_in_transaction(const std::vector<Request>& group) {
    auto transaction = sql::Transaction::begin(connection_);
    if (!transaction) return std::move(transaction).error();
    now_ = kernel::SystemClock().now();
    open_.clear();
    Moved moved;
    std::vector<Appended> appended;
    appended.reserve(group.size());
    for (const auto& request : group) {
        auto one = add(request, moved);
        if (!one) return std::move(one).error();
        appended.push_back(*one);
    }
    for (auto& [topic, open] : open_)
        if (auto done = flush(topic, open); !done) return std::move(done).error();
    for (const auto& [key, sequence] : moved)
        if (auto done = write_producer(key, sequence); !done) return std::move(done).error();
    if (auto done = transaction->commit(); !done) return std::move(done).error();
    return appended;
}

Result<Appended> Writer::add(const Request& request, Moved& moved) {
    auto topic = topic_named(request.topic);
    if (!topic) return std::move(topic).error();
    const auto repeats = count_repeats(request, (*topic)->id, moved);
    auto& head = (*topic)->head;
    const Appended appended{.first = Position{head + 1}, .last = Position{head + request.ends.size() - repeats}};
    auto& open = open_[(*topic)->id];
    for (std::size_t i = repeats; i < request.ends.size(); ++i) {
        const auto begin = i == 0 ? 0 : request.ends[i - 1];
        const auto size = request.ends[i] - begin;
        if (!open.bytes.empty() && open.bytes.size() + size > block_bytes_max)
            if (auto done = flush((*topic)->id, open); !done) return std::move(done).error();
        if (open.bytes.empty()) open.first = head + 1;
        open.bytes.append(request.bytes, begin, size);
        open.last = ++head;
    }
    return appended;
}

// How many messages at the front are in the log already.
std::size_t Writer::count_repeats(const Request& request, std::int64_t topic, Moved& moved) {
    if (!request.producer) return 0;
    const ProducerKey key{topic, request.producer->name};
    auto& known = next_.producers[key];
    const auto first = request.producer->first_sequence;
    const auto last = first + request.ends.size() - 1;
    const auto repeats = known < first ? 0 : std::min<std::uint64_t>(known - first + 1, request.ends.size());
    if (last > known) known = moved[key] = last;
    return repeats;
}

Result<Topic*> Writer::topic_named(const std::string& name) {
    if (const auto found = next_.topics.find(name); found != next_.topics.end()) return &found->second;
    if (next_.topics.size() >= topics_max)
        return Error{ErrorKind::conflict, "too-many-topics", "the log has 1,000 topics, which is the bound"};
    const auto id = static_cast<std::int64_t>(next_.topics.size()) + 1;
    auto insert = connection_.prepare("INSERT INTO topic (id, name) VALUES (?, ?)");
    if (!insert) return std::move(insert).error();
    (*insert)->bind(0, id);
    (*insert)->bind(1, std::string_view(name));
    if (auto done = (*insert)->run(); !done) return std::move(done).error();
    auto created = connection_.execute(
        "CREATE TABLE " + table_of(id) +
        " (last INTEGER NOT NULL PRIMARY KEY, first INTEGER NOT NULL, appended_at INTEGER NOT NULL, payload BLOB NOT NULL)");
    if (!created) return std::move(created).error();
    return &next_.topics.emplace(name, Topic{.id = id, .head = 0}).first->second;
}

Result<void> Writer::flush(std::int64_t topic, Open& open) {
    if (open.bytes.empty()) return kernel::ok();
    auto& insert = inserts_[topic];
    if (!insert) {
        auto prepared = connection_.prepare("INSERT INTO " + table_of(topic) + " (last, first, appended_at, payload) VALUES (?, ?, ?, ?)");
        if (!prepared) return std::move(prepared).error();
        insert = std::move(*prepared);
    }
    const auto block = to_block(open.bytes);
    insert->bind(0, static_cast<std::int64_t>(open.last));
    insert->bind(1, static_cast<std::int64_t>(open.first));
    insert->bind(2, static_cast<std::int64_t>(now_.time_since_epoch().count()));
    insert->bind_bytes(3, block);
    auto done = insert->run();
    if (!done) return std::move(done).error();
    open.bytes.clear();
    return kernel::ok();
}

Result<void> Writer::write_producer(const ProducerKey& key, std::uint64_t sequence) {
    auto upsert = connection_.prepare("INSERT OR REPLACE INTO producer (topic, name, sequence) VALUES (?, ?, ?)");
    if (!upsert) return std::move(upsert).error();
    (*upsert)->bind(0, key.first);
    (*upsert)->bind(1, std::string_view(key.second));
    (*upsert)->bind(2, static_cast<std::int64_t>(sequence));
    auto done = (*upsert)->run();
    if (!done) return std::move(done).error();
    return kernel::ok();
}

}  // namespace platform::log::embedded
