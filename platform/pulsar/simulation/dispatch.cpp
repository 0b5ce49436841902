// Subscriptions: who gets which entry, and what is acknowledged.
#include "platform/pulsar/simulation/broker.hpp"
#include "platform/pulsar/wire/topic.hpp"

#include <algorithm>

namespace platform::pulsar::simulation {

using Type = proto::BaseCommand;

namespace {

constexpr std::uint64_t no_entry = ~std::uint64_t{0};

bool shares(proto::CommandSubscribe::SubType type) {
    return type == proto::CommandSubscribe::Shared || type == proto::CommandSubscribe::Key_Shared;
}

int hash_of(const std::string& key) {
    return static_cast<int>(wire::murmur3(key) % 65536);
}

}  // namespace

std::int64_t Cluster::position(const std::string& topic, std::uint64_t ledger, std::uint64_t entry) const {
    const auto& log = topics_.at(topic).log;
    const auto it =
        std::ranges::lower_bound(log, std::pair(ledger, entry), {}, [](const Entry& one) { return std::pair(one.ledger, one.entry); });
    return it == log.end() || it->ledger != ledger || it->entry != entry ? -1 : it - log.begin();
}

// The first entry at or behind an id.
std::size_t Cluster::start_position(const Topic& topic, const proto::MessageIdData& id) const {
    if (id.ledgerid() == no_entry) return 0;
    const auto it = std::ranges::lower_bound(topic.log, std::pair(std::uint64_t{id.ledgerid()}, std::uint64_t{id.entryid()}), {},
                                             [](const Entry& one) { return std::pair(one.ledger, one.entry); });
    return static_cast<std::size_t>(it - topic.log.begin());
}

std::int64_t Cluster::backlog(const std::string& topic_name, const std::string& subscription_name) const {
    const auto& topic = topics_.at(topic_name);
    const auto it = topic.subscriptions.find(subscription_name);
    if (it == topic.subscriptions.end()) return -1;
    return static_cast<std::int64_t>(topic.log.size() - it->second.mark - it->second.acked.size());
}

bool Cluster::lost_acks(const std::string& topic_name, const std::string& subscription_name) const {
    const auto& topic = topics_.at(topic_name);
    const auto it = topic.subscriptions.find(subscription_name);
    return it != topic.subscriptions.end() && it->second.lost;
}

std::uint64_t Cluster::last_sent(const std::string& topic_name, const std::string& subscription_name, std::size_t position) const {
    const auto& subscriptions = topics_.at(topic_name).subscriptions;
    const auto it = subscriptions.find(subscription_name);
    if (it == subscriptions.end()) return 0;
    const auto sent = it->second.sent.find(position);
    return sent == it->second.sent.end() ? 0 : sent->second;
}

std::string Cluster::describe(const std::string& topic_name, const std::string& subscription_name) const {
    const auto& topic = topics_.at(topic_name);
    const auto it = topic.subscriptions.find(subscription_name);
    if (it == topic.subscriptions.end()) return "no subscription " + subscription_name;
    const auto& subscription = it->second;
    std::string text =
        say("{}: log {} mark {} acked {} partly {} read {} redeliver {}", subscription_name, topic.log.size(), subscription.mark,
            subscription.acked.size(), subscription.partly.size(), subscription.read, subscription.redeliver.size());
    for (const Consumer* consumer : subscription.consumers) {
        text += say("; {}{} permits {} pending {}", consumer->name, consumer == subscription.active ? " (active)" : "", consumer->permits,
                    consumer->pending.size());
    }
    return text;
}

void Cluster::subscribe(LinkId link, const proto::CommandSubscribe& command) {
    Peer* peer = find(link);
    if (peer == nullptr || peer->creating_consumers.erase(command.consumer_id()) == 0) return;
    Topic* topic = find_topic(command.topic());
    if (topic == nullptr) return;
    if (topic->owner != peer->broker) {
        return fail(*peer, command.request_id(), proto::ServiceNotReady, "the namespace bundle is not served by this instance");
    }
    if (random_.chance(faults_.register_errors)) {
        return fail(*peer, command.request_id(),
                    random_.one_of({proto::ServiceNotReady, proto::MetadataError, proto::PersistenceError, proto::TooManyRequests}),
                    "simulated");
    }
    if (peer->consumers.contains(command.consumer_id())) return succeed(*peer, command.request_id());
    auto found = topic->subscriptions.find(command.subscription());
    if (found == topic->subscriptions.end()) {
        found = topic->subscriptions.try_emplace(command.subscription()).first;
        Subscription& fresh = found->second;
        fresh.name = command.subscription();
        fresh.durable = command.durable();
        fresh.type = command.subtype();
        if (!fresh.durable && command.has_start_message_id()) fresh.mark = start_position(*topic, command.start_message_id());
        else fresh.mark = command.initialposition() == proto::CommandSubscribe::Earliest ? 0 : topic->log.size();
        fresh.read = fresh.kept_mark = fresh.mark;
    }
    Subscription& subscription = found->second;
    const auto busy = [&](proto::ServerError error, const std::string& why) {
        report_.count("consumer busy");
        for (Consumer* other : std::vector(subscription.consumers)) suspect(*other->peer);
        fail(*peer, command.request_id(), error, why);
    };
    if (subscription.consumers.empty()) subscription.type = command.subtype();
    if (subscription.type != command.subtype()) return busy(proto::ConsumerBusy, "the subscription is of another type");
    if (subscription.type == proto::CommandSubscribe::Exclusive && !subscription.consumers.empty()) {
        return busy(proto::ConsumerBusy, "the subscription has a consumer");
    }
    std::vector<std::pair<int, int>> ranges;
    for (const auto& range : command.keysharedmeta().hashranges()) ranges.emplace_back(range.start(), range.end());
    for (const Consumer* other : subscription.consumers) {
        for (const auto& its : other->ranges) {
            for (const auto& mine : ranges) {
                if (mine.first <= its.second && its.first <= mine.second) return busy(proto::ConsumerAssignError, "the ranges are taken");
            }
        }
    }
    Consumer& consumer = peer->consumers[command.consumer_id()];
    consumer.peer = peer;
    consumer.topic = topic;
    consumer.subscription = &subscription;
    consumer.id = command.consumer_id();
    consumer.name = command.consumer_name();
    consumer.priority = command.priority_level();
    consumer.ranges = std::move(ranges);
    if (command.has_consumer_epoch()) consumer.epoch = command.consumer_epoch();
    peer->closed_consumers.erase(consumer.id);
    subscription.consumers.push_back(&consumer);
    succeed(*peer, command.request_id());
    choose_active(*topic, subscription);
}

void Cluster::choose_active(Topic& topic, Subscription& subscription) {
    if (shares(subscription.type)) return dispatch_later(topic, subscription);
    Consumer* chosen = nullptr;
    for (Consumer* consumer : subscription.consumers) {
        if (chosen == nullptr || std::tie(consumer->priority, consumer->name) < std::tie(chosen->priority, chosen->name)) chosen = consumer;
    }
    const bool changed = chosen != subscription.active;
    subscription.active = chosen;
    if (changed) subscription.read = subscription.mark;
    if (subscription.type == proto::CommandSubscribe::Failover) {
        for (Consumer* consumer : subscription.consumers) {
            if (!changed && consumer != subscription.consumers.back()) continue;
            Type command;
            command.set_type(Type::ACTIVE_CONSUMER_CHANGE);
            command.mutable_active_consumer_change()->set_consumer_id(consumer->id);
            command.mutable_active_consumer_change()->set_is_active(consumer == chosen);
            write(*consumer->peer, command);
        }
    }
    if (chosen != nullptr) dispatch_later(topic, subscription);
}

// Takes it out of its subscription; the caller takes it out of its peer.
void Cluster::remove_consumer(Consumer& consumer) {
    Topic& topic = *consumer.topic;
    Subscription& subscription = *consumer.subscription;
    std::erase(subscription.consumers, &consumer);
    for (const auto& [position, messages] : consumer.pending) {
        if (position >= subscription.mark && !subscription.acked.contains(position))
            subscription.redeliver[position] = ++subscription.redeliveries[position];
    }
    consumer.pending.clear();
    if (subscription.consumers.empty() && !subscription.durable) {
        topic.subscriptions.erase(std::string(subscription.name));
        return;
    }
    if (subscription.consumers.empty()) {
        subscription.active = nullptr;
        subscription.redeliver.clear();
        subscription.redeliveries.clear();
        subscription.read = subscription.mark;
        return;
    }
    choose_active(topic, subscription);
}

void Cluster::disconnect_consumer(Consumer& consumer, std::optional<int> assigned) {
    Peer& peer = *consumer.peer;
    const auto id = consumer.id;
    Type command;
    command.set_type(Type::CLOSE_CONSUMER);
    auto& close = *command.mutable_close_consumer();
    close.set_consumer_id(id);
    close.set_request_id(0);
    if (assigned) {
        close.set_assignedbrokerserviceurl(url_of(*assigned, false));
        close.set_assignedbrokerserviceurltls(url_of(*assigned, true));
    }
    remove_consumer(consumer);
    peer.consumers.erase(id);
    peer.closed_consumers.insert(id);
    write(peer, command);
}

void Cluster::close_consumer(Peer& peer, const proto::CommandCloseConsumer& command) {
    if (peer.creating_consumers.erase(command.consumer_id()) == 0) {
        if (const auto it = peer.consumers.find(command.consumer_id()); it != peer.consumers.end()) {
            remove_consumer(it->second);
            peer.consumers.erase(it);
            peer.closed_consumers.insert(command.consumer_id());
        }
    }
    succeed(peer, command.request_id());
}

void Cluster::unsubscribe(Peer& peer, const proto::CommandUnsubscribe& command) {
    const auto it = peer.consumers.find(command.consumer_id());
    if (it == peer.consumers.end()) return fail(peer, command.request_id(), proto::MetadataError, "no such consumer");
    Subscription& subscription = *it->second.subscription;
    if (subscription.consumers.size() > 1)
        return fail(peer, command.request_id(), proto::ConsumerBusy, "the subscription has other consumers");
    Topic& topic = *it->second.topic;
    const std::string name = subscription.name;
    peer.consumers.erase(it);
    peer.closed_consumers.insert(command.consumer_id());
    topic.subscriptions.erase(name);
    succeed(peer, command.request_id());
}

void Cluster::flow(Peer& peer, const proto::CommandFlow& command) {
    const auto it = peer.consumers.find(command.consumer_id());
    if (it == peer.consumers.end()) return;
    Consumer& consumer = it->second;
    if (command.messagepermits() == 0) return report_.violation("FLOW of nothing");
    std::uint32_t permits = command.messagepermits();
    if (options_.sabotage == Sabotage::forgets_permits) permits /= 2;
    consumer.permits += permits;
    const auto limit = queue_limits_.find(consumer.name);
    if (limit == queue_limits_.end()) {
        report_.violation("a consumer under a name that nobody gave: " + consumer.name);
    } else if (consumer.permits > static_cast<std::int64_t>(limit->second)) {
        report_.violation(say("{} allows {} messages, and its queue has room for {}", consumer.name, consumer.permits, limit->second));
    }
    dispatch_later(*consumer.topic, *consumer.subscription);
}

void Cluster::dispatch_later(Topic& topic, Subscription& subscription) {
    if (subscription.dispatching) return;
    subscription.dispatching = true;
    scheduler_.after(random_.duration(Duration(0), Duration(500)), [this, name = topic.name, subscription_name = subscription.name] {
        Topic& there = topics_.at(name);
        const auto it = there.subscriptions.find(subscription_name);
        if (it == there.subscriptions.end()) return;
        it->second.dispatching = false;
        dispatch(there, it->second);
    });
}

void Cluster::dispatch(Topic& topic, Subscription& subscription) {
    if (shares(subscription.type)) dispatch_shared(topic, subscription);
    else dispatch_single(topic, subscription);
    if (!topic.terminated || subscription.read < topic.log.size() || !topic.pushed.empty()) return;
    for (Consumer* consumer : subscription.consumers) {
        if (consumer->told_end) continue;
        consumer->told_end = true;
        Type command;
        command.set_type(Type::REACHED_END_OF_TOPIC);
        command.mutable_reached_end_of_topic()->set_consumer_id(consumer->id);
        write(*consumer->peer, command);
    }
}

void Cluster::dispatch_single(Topic& topic, Subscription& subscription) {
    Consumer* consumer = subscription.active;
    if (consumer == nullptr) return;
    while (consumer->permits > 0 && subscription.read < topic.log.size()) {
        const std::size_t position = subscription.read++;
        if (position < subscription.mark || subscription.acked.contains(position)) continue;
        if (options_.sabotage == Sabotage::skips_an_entry && position == 3 && !subscription.skipped) {
            subscription.skipped = true;
            continue;
        }
        deliver(topic, subscription, *consumer, position, 0);
        if (options_.sabotage == Sabotage::delivers_twice && position > 2 && !subscription.doubled) {
            subscription.doubled = true;
            deliver(topic, subscription, *consumer, position, 0);
        }
    }
}

// Who of a Shared or Key_Shared subscription gets an entry; nobody if none may now.
Cluster::Consumer* Cluster::consumer_for(Topic& topic, Subscription& subscription, std::size_t position, std::set<std::string>& blocked) {
    const auto& key = topic.log[position].key;
    if (subscription.type == proto::CommandSubscribe::Shared) {
        for (std::size_t i = 0; i < subscription.consumers.size(); ++i) {
            Consumer* consumer = subscription.consumers[++subscription.turn % subscription.consumers.size()];
            if (consumer->permits > 0) return consumer;
        }
        return nullptr;
    }
    if (blocked.contains(key)) return nullptr;
    Consumer* chosen = nullptr;
    if (!subscription.consumers.front()->ranges.empty()) {
        for (Consumer* consumer : subscription.consumers) {
            for (const auto& [first, last] : consumer->ranges) {
                if (first <= hash_of(key) && hash_of(key) <= last) chosen = consumer;
            }
        }
    } else {
        chosen = subscription.consumers[static_cast<std::size_t>(hash_of(key)) % subscription.consumers.size()];
    }
    // What another has of that key must be acknowledged before.
    for (Consumer* other : subscription.consumers) {
        if (other == chosen) continue;
        if (std::ranges::any_of(other->pending, [&](const auto& pending) { return topic.log[pending.first].key == key; })) chosen = nullptr;
        if (chosen == nullptr) break;
    }
    if (chosen != nullptr && chosen->permits > 0) return chosen;
    blocked.insert(key);
    return nullptr;
}

void Cluster::dispatch_shared(Topic& topic, Subscription& subscription) {
    if (subscription.consumers.empty()) return;
    std::set<std::string> blocked;
    for (auto it = subscription.redeliver.begin(); it != subscription.redeliver.end();) {
        const auto [position, times] = *it;
        if (position < subscription.mark || subscription.acked.contains(position)) {
            it = subscription.redeliver.erase(it);
            continue;
        }
        Consumer* consumer = consumer_for(topic, subscription, position, blocked);
        if (consumer == nullptr) {
            if (subscription.type == proto::CommandSubscribe::Shared) return;
            ++it;
            continue;
        }
        it = subscription.redeliver.erase(it);
        deliver(topic, subscription, *consumer, position, times);
    }
    while (subscription.read < topic.log.size()) {
        const std::size_t position = subscription.read;
        if (position < subscription.mark || subscription.acked.contains(position)) {
            ++subscription.read;
            continue;
        }
        Consumer* consumer = consumer_for(topic, subscription, position, blocked);
        if (consumer == nullptr) {
            if (subscription.type == proto::CommandSubscribe::Shared) return;
            if (std::ranges::none_of(subscription.consumers, [](const Consumer* one) { return one->permits > 0; })) return;
            // Its key waits; others need not.
            subscription.redeliver[position] = 0;
            ++subscription.read;
            continue;
        }
        ++subscription.read;
        if (options_.sabotage == Sabotage::skips_an_entry && position == 3 && !subscription.skipped) {
            subscription.skipped = true;
            continue;
        }
        deliver(topic, subscription, *consumer, position, 0);
    }
}

void Cluster::deliver(Topic& topic, Subscription& subscription, Consumer& consumer, std::size_t position, std::uint32_t redeliveries) {
    const Entry& entry = topic.log[position];
    Type command;
    command.set_type(Type::MESSAGE);
    auto& message = *command.mutable_message();
    message.set_consumer_id(consumer.id);
    message.mutable_message_id()->set_ledgerid(entry.ledger);
    message.mutable_message_id()->set_entryid(entry.entry);
    message.mutable_message_id()->set_partition(wire::partition_of_name(topic.name));
    if (redeliveries > 0) message.set_redelivery_count(redeliveries);
    int charged = entry.messages;
    if (const auto partly = subscription.partly.find(position); partly != subscription.partly.end()) {
        report_.count("partly acknowledged batch");
        // The broker does not charge what is acknowledged already.
        charged = static_cast<int>(partly->second.count());
        if (options_.sabotage != Sabotage::forgets_ack_set) {
            for (const auto word : partly->second.words()) message.add_ack_set(static_cast<std::int64_t>(word));
        }
    }
    if (consumer.epoch && !shares(subscription.type)) message.set_consumer_epoch(*consumer.epoch);
    consumer.permits -= charged;
    subscription.sent[position] = scheduler_.steps();
    if (shares(subscription.type)) consumer.pending[position] = entry.messages;

    std::string frame = wire::encode(command);
    if (options_.entry_metadata && consumer.peer->wants_entry_metadata) {
        proto::BrokerEntryMetadata metadata;
        metadata.set_broker_timestamp(scheduler_.wall_ms());
        metadata.set_index(entry.first_index + static_cast<std::uint64_t>(entry.messages) - 1);
        const std::string encoded = metadata.SerializeAsString();
        frame += "\x0e\x02";
        for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(encoded.size() >> shift & 0xff);
        frame += encoded;
    }
    frame += entry.bytes;
    const std::size_t total = frame.size() - 4;
    for (std::size_t i = 0; i < 4; ++i) frame[i] = static_cast<char>(total >> (24 - 8 * i) & 0xff);
    if (report_.tracing()) {
        report_.trace(say("{} broker {} -> link {} (run {}): MESSAGE {}:{} x{} to {} of {}, permits {}", scheduler_.clock(),
                          consumer.peer->broker, static_cast<std::uint64_t>(consumer.peer->link), consumer.peer->incarnation, entry.ledger,
                          entry.entry, charged, consumer.name, subscription.name, consumer.permits));
    }
    network_.server_write(consumer.peer->link, frame);
}

// ---- acknowledgements

void Cluster::mark(Subscription& subscription, std::size_t position, const proto::MessageIdData& id, const Entry& entry) {
    if (position < subscription.mark || subscription.acked.contains(position)) return;
    if (id.ack_set_size() == 0) {
        subscription.acked.insert(position);
        subscription.partly.erase(position);
        return;
    }
    std::vector<std::uint64_t> words;
    for (const auto word : id.ack_set()) words.push_back(static_cast<std::uint64_t>(word));
    const auto open = wire::BitSet::from_words(std::move(words));
    const auto count = static_cast<std::size_t>(entry.messages);
    if (!entry.is_batch) return report_.violation("an ack_set of an entry that is no batch");
    const auto [it, is_new] = subscription.partly.try_emplace(position, wire::BitSet::all(count));
    for (std::size_t i = 0; i < count; ++i) {
        if (!open.test(i)) it->second.clear(i);
    }
    if (!it->second.none()) return;
    subscription.partly.erase(it);
    subscription.acked.insert(position);
}

void Cluster::settle(Subscription& subscription) {
    while (!subscription.acked.empty() && *subscription.acked.begin() <= subscription.mark) {
        if (*subscription.acked.begin() == subscription.mark) ++subscription.mark;
        subscription.acked.erase(subscription.acked.begin());
    }
    subscription.partly.erase(subscription.partly.begin(), subscription.partly.lower_bound(subscription.mark));
    if (!random_.chance(300)) return;
    subscription.kept_mark = subscription.mark;
    subscription.kept_acked = subscription.acked;
    subscription.kept_partly = subscription.partly;
}

void Cluster::ack(Peer& peer, const proto::CommandAck& command) {
    const auto it = peer.consumers.find(command.consumer_id());
    if (it == peer.consumers.end()) {
        if (command.has_request_id()) {
            later(peer.link, [this, request = command.request_id(), id = command.consumer_id()](Peer& there) {
                Type answer;
                answer.set_type(Type::ACK_RESPONSE);
                answer.mutable_ack_response()->set_consumer_id(id);
                answer.mutable_ack_response()->set_request_id(request);
                answer.mutable_ack_response()->set_error(proto::ConsumerNotFound);
                answer.mutable_ack_response()->set_message("no such consumer");
                write(there, answer);
            });
        }
        return;
    }
    Consumer& consumer = it->second;
    Subscription& subscription = *consumer.subscription;
    Topic& topic = *consumer.topic;
    const bool is_cumulative = command.ack_type() == proto::CommandAck::Cumulative;
    if (is_cumulative && shares(subscription.type)) return report_.violation("a cumulative ack on a shared subscription");
    if (is_cumulative && command.message_id_size() != 1) return report_.violation("a cumulative ack of several ids");
    if (options_.sabotage != Sabotage::drops_acks || topic.log.size() % 3 != 0) {
        for (const auto& id : command.message_id()) {
            if (is_cumulative && id.entryid() == no_entry) {  // all of the ledgers before
                for (std::size_t before = subscription.mark; before < topic.log.size() && topic.log[before].ledger < id.ledgerid();
                     ++before) {
                    subscription.acked.insert(before);
                    subscription.partly.erase(before);
                }
                continue;
            }
            const auto found = position(topic.name, id.ledgerid(), id.entryid());
            if (found < 0) {
                report_.violation(say("an ack of {}:{}, which was never stored", id.ledgerid(), id.entryid()));
                continue;
            }
            const auto at = static_cast<std::size_t>(found);
            if (is_cumulative) {
                for (std::size_t before = subscription.mark; before < at; ++before) {
                    subscription.acked.insert(before);
                    subscription.partly.erase(before);
                }
            }
            mark(subscription, at, id, topic.log[at]);
            if (subscription.acked.contains(at)) {
                for (Consumer* one : subscription.consumers) one->pending.erase(at);
            }
        }
        settle(subscription);
        dispatch_later(topic, subscription);
    }
    if (!command.has_request_id()) return;
    if (random_.chance(faults_.unanswered)) return report_.count("unanswered");
    later(peer.link, [this, request = command.request_id(), id = command.consumer_id()](Peer& there) {
        Type answer;
        answer.set_type(Type::ACK_RESPONSE);
        answer.mutable_ack_response()->set_consumer_id(id);
        answer.mutable_ack_response()->set_request_id(request);
        write(there, answer);
    });
}

void Cluster::redeliver(Peer& peer, const proto::CommandRedeliverUnacknowledgedMessages& command) {
    const auto it = peer.consumers.find(command.consumer_id());
    if (it == peer.consumers.end()) return;
    Consumer& consumer = it->second;
    Subscription& subscription = *consumer.subscription;
    report_.count("redelivery asked for");
    if (shares(subscription.type)) {
        const auto again = [&](std::size_t position) {
            if (consumer.pending.erase(position) > 0) subscription.redeliver[position] = ++subscription.redeliveries[position];
        };
        if (command.message_ids_size() == 0) {
            for (const auto& [position, messages] : std::map(consumer.pending)) again(position);
        }
        for (const auto& id : command.message_ids()) {
            const auto found = position(consumer.topic->name, id.ledgerid(), id.entryid());
            if (found >= 0) again(static_cast<std::size_t>(found));
        }
    } else {
        if (command.has_consumer_epoch() && consumer.epoch)
            consumer.epoch = std::max(*consumer.epoch, std::uint64_t{command.consumer_epoch()});
        if (&consumer != subscription.active) return;
        subscription.read = subscription.mark;
    }
    dispatch_later(*consumer.topic, subscription);
}

void Cluster::seek(Peer& peer, const proto::CommandSeek& command) {
    const auto it = peer.consumers.find(command.consumer_id());
    if (it == peer.consumers.end()) return fail(peer, command.request_id(), proto::MetadataError, "no such consumer");
    Subscription& subscription = *it->second.subscription;
    Topic& topic = *it->second.topic;
    report_.count("seek");
    if (random_.chance(faults_.request_errors)) {
        return fail(peer, command.request_id(), random_.one_of({proto::MetadataError, proto::PersistenceError}),
                    "the cursor could not be moved");
    }
    std::size_t target = start_position(topic, command.message_id());
    if (options_.sabotage == Sabotage::seeks_elsewhere && target > 0) --target;
    const bool answer_first = random_.chance(300);
    const auto answer = [&] {
        const auto request = command.request_id();
        if (answer_first) return succeed(peer, request);
        later(peer.link, [this, request](Peer& there) { succeed(there, request); });
    };
    subscription.mark = subscription.read = target;
    subscription.acked.clear();
    subscription.partly.clear();
    subscription.redeliver.clear();
    subscription.redeliveries.clear();
    const auto& ids = command.message_id();
    if (ids.ack_set_size() > 0 && target < topic.log.size() && topic.log[target].is_batch)
        mark(subscription, target, ids, topic.log[target]);
    settle(subscription);
    subscription.kept_mark = subscription.mark;
    subscription.kept_acked = subscription.acked;
    subscription.kept_partly = subscription.partly;
    for (Consumer* consumer : subscription.consumers) consumer->pending.clear();
    if (answer_first) answer();
    // A subscription that is not durable goes with its last consumer.
    for (Consumer* consumer : std::vector(subscription.consumers)) disconnect_consumer(*consumer, std::nullopt);
    if (!answer_first) answer();
}

void Cluster::last_message_id(Peer& peer, const proto::CommandGetLastMessageId& command) {
    const auto it = peer.consumers.find(command.consumer_id());
    if (it == peer.consumers.end()) return fail(peer, command.request_id(), proto::MetadataError, "no such consumer");
    if (random_.chance(faults_.request_errors)) return fail(peer, command.request_id(), proto::MetadataError, "simulated");
    const Topic& topic = *it->second.topic;
    Type answer;
    answer.set_type(Type::GET_LAST_MESSAGE_ID_RESPONSE);
    auto& response = *answer.mutable_get_last_message_id_response();
    response.set_request_id(command.request_id());
    auto& id = *response.mutable_last_message_id();
    id.set_ledgerid(topic.ledger);
    id.set_entryid(no_entry);
    if (!topic.log.empty()) {
        id.set_ledgerid(topic.log.back().ledger);
        id.set_entryid(topic.log.back().entry);
        if (topic.log.back().is_batch) id.set_batch_index(topic.log.back().messages - 1);
    }
    write(peer, answer);
}

void Cluster::terminate(const std::string& name) {
    Topic& topic = topics_.at(name);
    if (topic.terminated) return;
    report_.count("terminated");
    topic.terminated = true;
    for (auto& [subscription_name, subscription] : topic.subscriptions) dispatch_later(topic, subscription);
}

}  // namespace platform::pulsar::simulation
