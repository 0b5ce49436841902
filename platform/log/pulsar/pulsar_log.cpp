// Producers are opened when they are needed; a thread ends appends that wait too long, and looks whether the brokers are there.
#include "platform/log/pulsar/pulsar_log.hpp"

#include "platform/log/pulsar/channels.hpp"
#include "platform/log/pulsar/message.hpp"
#include "platform/log/pulsar/position.hpp"
#include "platform/log/pulsar/subscription.hpp"
#include "platform/log/pulsar/topic_ends.hpp"
#include "platform/pulsar/wire/topic.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace platform::log::pulsar {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
namespace client = platform::pulsar::client;

constexpr std::size_t append_messages_max = 10'000;
constexpr std::size_t append_bytes_max = 64 * 1024 * 1024;
constexpr std::size_t message_bytes_max = (5 * 1024 - 64) * 1024;  // the brokers' default, less what is around a message
constexpr std::size_t name_random_bytes = 8;
constexpr std::chrono::milliseconds look_every{200};
constexpr std::chrono::milliseconds request_timeout{10'000};  // what takes longer is tried again by who asked
constexpr std::chrono::milliseconds busy_timeout{35'000};     // in that time a broker finds out that a session of ours is dead
constexpr std::chrono::milliseconds close_timeout{2'000};
constexpr std::chrono::seconds unconnected_max{3};  // then the log is not healthy, though nobody appends

// Ends appends that wait too long. One thread.
class Deadlines {
public:
    struct Entry {
        std::chrono::steady_clock::time_point at;
        std::stop_source stop;
    };
    using Place = std::list<Entry>::iterator;
    Place add(std::chrono::milliseconds time) {
        const std::lock_guard lock(mutex_);
        return entries_.insert(entries_.end(), {std::chrono::steady_clock::now() + time, {}});
    }
    void remove(Place place) {
        const std::lock_guard lock(mutex_);
        entries_.erase(place);
    }
    void end_late() { end_until(std::chrono::steady_clock::now()); }
    void end_all() { end_until(std::chrono::steady_clock::time_point::max()); }

private:
    void end_until(std::chrono::steady_clock::time_point until) {
        std::vector<std::stop_source> late;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& entry : entries_) {  // all wait as long: the oldest first
                if (entry.at > until) break;
                late.push_back(entry.stop);
            }
        }
        for (auto& stop : late) stop.request_stop();
    }

    std::mutex mutex_;
    std::list<Entry> entries_;
};

// What append() takes of the log's bounds while it waits.
class Share {
public:
    Share(std::atomic<std::size_t>& all, std::size_t part, std::size_t all_max) : all_(all), part_(part) {
        fits_ = all_.fetch_add(part) + part <= std::max(all_max, part);
    }
    ~Share() { all_ -= part_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    bool fits() const { return fits_; }

private:
    std::atomic<std::size_t>& all_;
    std::size_t part_;
    bool fits_;
};

Error too_large() {
    return {ErrorKind::incorrect, "append-too-large", "one append takes at most 10,000 messages and 64 MiB"};
}

// As the port promises: only unavailable and interrupted leave it open whether something is stored. That the brokers refuse this process
// is no fault of who appends.
Error append_error(Error error) {
    if (error.code == "pulsar-client-closed" || error.code == "log-closed")
        return {ErrorKind::interrupted, "log-closed", "the event log was closed before it confirmed"};
    if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::interrupted || error.kind == ErrorKind::forbidden)
        return {ErrorKind::unavailable, "log-not-confirmed", "the event log did not confirm in time: " + error.message};
    return error;
}

class PulsarLog final : public EventLog {
public:
    PulsarLog(Options options, std::shared_ptr<client::Client> opened, std::string id)
        : options_(std::move(options)),
          client_(std::move(opened)),
          id_(std::move(id)),
          own_name_("acopio-" + runtime::random_hex(name_random_bytes)),
          ends_(client_, [this](const std::string& topic) { return full_name(topic); }),
          channels_([this](const ChannelKey& key) { return open_channel(key); }),
          watching_([this](const std::stop_token& stop) { watch(stop); }) {}

    kernel::Task<Appended> append(std::string topic, std::vector<kernel::Envelope> messages, std::optional<Producer> producer) override;
    Result<std::unique_ptr<Subscription>> subscribe(std::string topic, std::string group, Position after) override;
    Result<Position> head(std::string topic) override {
        auto end = ends_.end(topic);
        if (!end) return std::move(end).error();
        return end->value_or(Position{});
    }
    Result<std::optional<Message>> last(std::string topic) override {
        auto last = ends_.last(topic);
        if (!last) return std::move(last).error();
        if (!*last) return std::optional<Message>();
        return std::optional((*last)->message);
    }
    Result<std::uint64_t> behind(std::string topic, Position after) override { return ends_.behind(topic, after); }
    Result<std::uint64_t> last_sequence(std::string topic, std::string producer) override {
        auto channel = runtime::run(channels_.get({.topic = std::move(topic), .producer = std::move(producer)}));
        if (!channel && channel.error().kind == ErrorKind::not_found) return std::uint64_t{0};
        if (!channel) return std::move(channel).error();
        return (*channel)->stored.load();
    }
    std::string id() override { return id_; }
    void stop() override {
        std::call_once(stopped_, [this] {
            deadlines_.end_all();
            client_->stop();
        });
    }
    bool healthy() const override { return healthy_.load(std::memory_order_acquire); }

private:
    std::string full_name(const std::string& topic) const {
        return platform::pulsar::wire::partition_name("persistent://" + options_.tenant + "/" + options_.name_space + "/" + topic, 0);
    }
    Result<ChannelPtr> open_channel(const ChannelKey& key);
    kernel::Task<Appended> send(std::string topic, std::vector<kernel::Envelope> messages, std::optional<Producer> producer,
                                std::stop_token stop);
    void watch(const std::stop_token& stop);

    Options options_;
    std::shared_ptr<client::Client> client_;
    std::string id_, own_name_;
    std::atomic<std::size_t> messages_ = 0, bytes_ = 0;  // of appends that wait
    std::atomic<bool> healthy_ = true;
    TopicEnds ends_;
    Deadlines deadlines_;
    Channels channels_;
    std::once_flag stopped_;
    std::jthread watching_;
};

// A named producer begins where the log ends: what the broker has received says nothing of what is stored.
Result<ChannelPtr> PulsarLog::open_channel(const ChannelKey& key) {
    client::ProducerOptions wanted;
    wanted.topic = full_name(key.topic);
    wanted.name = key.producer.empty() ? own_name_ + "-" + key.topic : key.producer;
    wanted.compression = platform::pulsar::proto::LZ4;
    wanted.batch_messages_max = batch_messages_max;
    wanted.batch_delay = std::chrono::milliseconds(0);
    wanted.pending_messages_max = options_.queue_messages_max + append_messages_max;
    wanted.pending_bytes_max = options_.queue_bytes_max + append_bytes_max;
    if (!key.producer.empty()) wanted.first_sequence = 1;
    auto producer = runtime::run(client_->producer(std::move(wanted)));
    if (!producer && producer.error().code == "pulsar-producer-busy" && !key.producer.empty())
        return Error{ErrorKind::conflict, "log-in-use",
                     "another acopio serves this log (somebody publishes to " + key.topic +
                         " under the same name). Stop that one, or use another namespace: one server a log"};
    if (!producer) return std::move(producer).error();
    auto channel = std::make_shared<Channel>();
    channel->producer = std::move(*producer);
    if (key.producer.empty()) return channel;
    auto last = ends_.last(key.topic);
    if (!last) return std::move(last).error();
    const auto received = static_cast<std::uint64_t>(std::max<std::int64_t>(channel->producer->last_sequence(), 0));
    // Where others append to the topic, too, its last message says nothing of this producer.
    channel->stored = *last && (*last)->producer == key.producer ? (*last)->sequence : received;
    return channel;
}

kernel::Task<Appended> PulsarLog::append(std::string topic, std::vector<kernel::Envelope> messages, std::optional<Producer> producer) {
    if (messages.empty()) co_return Error{ErrorKind::incorrect, "append-empty", "there is nothing to append"};
    if (messages.size() > append_messages_max) co_return too_large();
    std::size_t bytes = 0;
    for (const auto& message : messages) {
        const auto size = message_bytes(message);
        if (size > message_bytes_max)
            co_return Error{
                ErrorKind::incorrect, "append-too-large",
                "a message of " + std::to_string(size) + " bytes is larger than the log takes (" + std::to_string(message_bytes_max) + ")"};
        bytes += size;
    }
    if (bytes > append_bytes_max) co_return too_large();
    const Share messages_share(messages_, messages.size(), options_.queue_messages_max);
    const Share bytes_share(bytes_, bytes, options_.queue_bytes_max);
    if (!messages_share.fits() || !bytes_share.fits())
        co_return Error{ErrorKind::busy, "log-queue-full", "too much waits to be appended to the log; retry later"};

    const auto deadline = deadlines_.add(options_.append_timeout);
    auto stop = deadline->stop.get_token();
    auto appended = co_await send(std::move(topic), std::move(messages), std::move(producer), std::move(stop));
    deadlines_.remove(deadline);
    if (!appended && appended.error().kind == ErrorKind::unavailable) healthy_.store(false, std::memory_order_release);
    co_return appended;
}

kernel::Task<Appended> PulsarLog::send(std::string topic, std::vector<kernel::Envelope> messages, std::optional<Producer> producer,
                                       std::stop_token stop) {
    const ChannelKey key{.topic = topic, .producer = producer ? producer->name : std::string()};
    auto found = co_await channels_.get(key);
    // Nothing was sent: whatever the reason is, nothing is stored.
    if (!found) co_return append_error(std::move(found).error());
    const auto channel = *found;

    const auto stored = channel->stored.load();
    const std::size_t repeats =
        producer && producer->first_sequence <= stored ? std::min<std::size_t>(messages.size(), stored - producer->first_sequence + 1) : 0;
    if (repeats == messages.size()) co_return Appended{.first = {1}, .last = {0}};
    std::vector<client::OutMessage> outgoing;
    outgoing.reserve(messages.size() - repeats);
    for (std::size_t i = repeats; i < messages.size(); ++i) {
        const auto number = producer ? producer->first_sequence + i : channel->number.fetch_add(1);
        outgoing.push_back(to_message(std::move(messages[i]), topic, channel->producer->name() + ":" + std::to_string(number)));
        if (producer) outgoing.back().sequence = number;
    }
    auto results = co_await channel->producer->send_all(std::move(outgoing), std::move(stop));
    if (!results) {
        channels_.give_up(key, channel);
        co_return append_error(std::move(results).error());
    }
    Appended appended{.first = {1}, .last = {0}};
    for (auto& result : *results) {
        if (!result) {
            // Of a named producer it must be known what is stored before more is sent.
            if (producer) channels_.give_up(key, channel);
            co_return append_error(std::move(result).error());
        }
        // Stored, and its receipt was lost with a connection. Where it lies is not known; who names a producer need not know it.
        if (result->duplicate && !producer)
            co_return append_error(
                {ErrorKind::unavailable, "pulsar-place-unknown", "the broker has it, and its place was lost with a connection"});
        if (result->duplicate) continue;
        auto position = position_of(result->id);
        if (!position) co_return std::move(position).error();
        if (appended.last < appended.first) appended.first = *position;
        appended.last = *position;
    }
    if (producer) channel->stored = producer->first_sequence + messages.size() - 1;
    if (appended.first <= appended.last) ends_.appended(topic, appended.last);
    co_return appended;
}

Result<std::unique_ptr<Subscription>> PulsarLog::subscribe(std::string topic, std::string group, Position after) {
    std::unique_ptr<client::Consumer> guard;
    std::shared_ptr<Turn> turn;
    if (!group.empty()) {
        turn = std::make_shared<Turn>();
        client::ConsumerOptions wanted;
        wanted.topic = full_name(topic);
        wanted.subscription = group;
        wanted.name = own_name_;
        wanted.type = client::SubscriptionType::failover;
        wanted.queue_messages_max = 1;
        auto opened = runtime::run(client_->consumer(std::move(wanted), {.on_event = [turn](const client::ConsumerEvent& event) {
                                                         if (event.what == client::ConsumerEvent::What::active) turn->told(true);
                                                         if (event.what == client::ConsumerEvent::What::inactive) turn->told(false);
                                                     }}));
        if (!opened && opened.error().kind != ErrorKind::not_found) return std::move(opened).error();
        if (opened) guard = std::move(*opened);
        else turn.reset();  // there is no such topic yet, and nobody to share it with
    }
    auto counted = [this, topic](Position position, std::uint64_t index) { ends_.counted(topic, position, index); };
    return std::unique_ptr<Subscription>(
        std::make_unique<PulsarSubscription>(client_, full_name(topic), after, std::move(guard), std::move(turn), std::move(counted)));
}

void PulsarLog::watch(const std::stop_token& stop) {
    runtime::name_this_thread("log watch");
    std::mutex mutex;
    std::condition_variable_any never;
    auto connected_at = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
        std::unique_lock lock(mutex);
        never.wait_for(lock, stop, look_every, [] { return false; });
        deadlines_.end_late();
        const auto now = std::chrono::steady_clock::now();
        const bool connected = channels_.are_connected();
        if (connected) connected_at = now;
        const bool healthy = connected || (healthy_.load() && now - connected_at < unconnected_max);
        if (healthy_.exchange(healthy, std::memory_order_acq_rel) != healthy)
            runtime::log(healthy ? runtime::Level::info : runtime::Level::warn, healthy ? "log-connected" : "log-not-connected");
    }
}

}  // namespace

Result<void> set_address(Options& options, std::string_view address) {
    const Error bad{ErrorKind::incorrect, "log-address",
                    "'" + std::string(address.substr(0, 200)) +
                        "' is no address of a log: pulsar://HOST:6650, or pulsar://HOST:6650/TENANT/NAMESPACE (pulsar+ssl:// with TLS)"};
    const auto scheme = address.find("://");
    if (scheme == std::string_view::npos) return bad;
    const auto path = address.find('/', scheme + 3);
    options.client.service = address.substr(0, path);
    if (address.substr(0, path).size() == scheme + 3) return bad;
    // As the client will read it.
    for (auto rest = address.substr(0, path).substr(scheme + 3); !rest.empty();) {
        const auto end = std::min(rest.find(','), rest.size());
        auto host = std::string(rest.substr(0, end));
        if (host.find("://") == std::string::npos) host.insert(0, address.substr(0, scheme + 3));
        if (!platform::pulsar::session::address_from(host)) return bad;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    auto name = path == std::string_view::npos ? std::string_view() : address.substr(path + 1);
    if (name.ends_with('/')) name.remove_suffix(1);
    if (name.empty()) return kernel::ok();
    const auto slash = name.find('/');
    if (slash == std::string_view::npos || slash == 0 || name.find('/', slash + 1) != std::string_view::npos) return bad;
    if (!platform::pulsar::wire::topic_name("persistent://" + std::string(name) + "/topic")) return bad;
    options.tenant = name.substr(0, slash);
    options.name_space = name.substr(slash + 1);
    return kernel::ok();
}

Result<std::unique_ptr<EventLog>> open(Options options) {
    if (!options.admin.token) options.admin.token = options.client.token;
    if (options.admin.ca_file.empty()) options.admin.ca_file = options.client.tls.ca_file;
    auto found = platform::pulsar::admin::check(options.admin,
                                                {.tenant = options.tenant, .name_space = options.name_space, .topics = options.topics});
    if (!found) return std::move(found).error();
    for (std::size_t i = 0; i < options.topics.size(); ++i)
        if (found->partitions.at(i) != 1)
            return Error{ErrorKind::unsupported, "log-partitions",
                         "the topic " + options.topics[i] + " has " + std::to_string(found->partitions.at(i)) +
                             " partitions, and one process reads one. Use another namespace, made with --partitions 1"};
    options.client.session.operation_timeout = std::min(options.client.session.operation_timeout, request_timeout);
    options.client.session.busy_timeout = std::min(options.client.session.busy_timeout, busy_timeout);
    options.client.close_timeout = std::min(options.client.close_timeout, close_timeout);
    auto opened = client::Client::open(options.client);
    if (!opened) return std::move(opened).error();
    return std::unique_ptr<EventLog>(
        std::make_unique<PulsarLog>(std::move(options), std::shared_ptr<client::Client>(std::move(*opened)), std::move(found->log_id)));
}

}  // namespace platform::log::pulsar
