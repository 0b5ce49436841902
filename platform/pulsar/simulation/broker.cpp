// Connections, lookups and producers. Subscriptions are in dispatch.cpp.
#include "platform/pulsar/simulation/broker.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace platform::pulsar::simulation {

using Type = proto::BaseCommand;

namespace {

constexpr std::uint64_t no_request = ~std::uint64_t{0};

}  // namespace

Cluster::Cluster(Options options, Scheduler& scheduler, Network& network, Random random, Report& report)
    : options_(std::move(options)), scheduler_(scheduler), network_(network), random_(random), report_(report) {
    alive_.assign(static_cast<std::size_t>(options_.brokers) + 1, true);  // the last is the proxy
    for (const auto& name : options_.topics) topics_[name].name = name;
}

int Cluster::broker_of(const session::Address& address) {
    if (address.port != (address.tls ? 6651 : 6650)) return -1;
    if (address.host == "proxy") return 1000;
    if (!address.host.starts_with("broker-")) return -1;
    return std::atoi(address.host.c_str() + 7);
}

session::Address Cluster::address_of(int broker) const {
    return {.host = broker == options_.brokers ? "proxy" : say("broker-{}", broker),
            .port = static_cast<std::uint16_t>(options_.tls ? 6651 : 6650),
            .tls = options_.tls};
}

std::string Cluster::url_of(int broker, bool tls) const {
    return say("pulsar{}://broker-{}:{}", tls ? "+ssl" : "", broker, tls ? 6651 : 6650);
}

Cluster::Peer* Cluster::find(LinkId link) {
    const auto it = peers_.find(link);
    return it == peers_.end() ? nullptr : &it->second;
}

Cluster::Topic* Cluster::find_topic(const std::string& name) {
    const auto it = topics_.find(name);
    if (it != topics_.end()) return &it->second;
    report_.violation("a topic was asked for that nobody opened: " + name);
    return nullptr;
}

// ---- connections

void Cluster::accepted(LinkId link, int broker, std::uint64_t incarnation) {
    Peer& peer = peers_[link];
    peer.link = link;
    peer.broker = broker;
    peer.through_proxy = broker == options_.brokers;
    peer.incarnation = incarnation;
    peer.last_came = scheduler_.now();
    scheduler_.after(options_.keep_alive, [this, link] { check_alive(link); });
}

void Cluster::check_alive(LinkId link) {
    Peer* peer = find(link);
    if (peer == nullptr) return;
    if (scheduler_.now() - peer->last_came >= options_.keep_alive) {
        if (peer->ping_out) return close(link);
        peer->ping_out = true;
        Type ping;
        ping.set_type(Type::PING);
        ping.mutable_ping();
        write(*peer, ping);
    }
    scheduler_.after(options_.keep_alive, [this, link] { check_alive(link); });
}

// Somebody else wants what this one holds: is it still there?
void Cluster::suspect(Peer& peer) {
    if (!options_.checks_liveness) return;
    report_.count("zombie suspected");
    Type ping;
    ping.set_type(Type::PING);
    ping.mutable_ping();
    write(peer, ping);
    const Time asked = scheduler_.now();
    scheduler_.after(std::chrono::seconds(5), [this, link = peer.link, asked] {
        Peer* there = find(link);
        if (there != nullptr && there->last_came <= asked) close(link);
    });
}

void Cluster::write(Peer& peer, const Type& command) {
    if (report_.tracing()) {
        report_.trace(say("{} broker {} -> link {} (run {}): {}", scheduler_.clock(), peer.broker, static_cast<std::uint64_t>(peer.link),
                          peer.incarnation, proto::BaseCommand::Type_Name(command.type())));
    }
    network_.server_write(peer.link, wire::encode(command));
}

void Cluster::fail(Peer& peer, std::uint64_t request, proto::ServerError error, const std::string& message) {
    report_.count("error answered");
    Type command;
    command.set_type(Type::ERROR);
    command.mutable_error()->set_request_id(request);
    command.mutable_error()->set_error(error);
    command.mutable_error()->set_message(message);
    write(peer, command);
}

void Cluster::succeed(Peer& peer, std::uint64_t request) {
    if (random_.chance(faults_.unanswered)) return report_.count("unanswered");
    Type command;
    command.set_type(Type::SUCCESS);
    command.mutable_success()->set_request_id(request);
    write(peer, command);
}

void Cluster::close(LinkId link) {
    network_.server_close(link);
    forget(link);
}

void Cluster::ended(LinkId link) {
    forget(link);
}

void Cluster::forget(LinkId link) {
    const auto it = peers_.find(link);
    if (it == peers_.end()) return;
    auto node = peers_.extract(it);  // what follows must not find it
    Peer& peer = node.mapped();
    for (auto& [id, consumer] : peer.consumers) remove_consumer(consumer);
    for (auto& [id, producer] : peer.producers) remove_producer(producer);
}

void Cluster::later(LinkId link, std::function<void(Peer&)> what) {
    scheduler_.after(random_.duration(Duration(0), Duration(3000)), [this, link, what = std::move(what)] {
        if (Peer* peer = find(link)) what(*peer);
    });
}

void Cluster::bytes_came(LinkId link, std::string_view bytes) {
    Peer* peer = find(link);
    if (peer == nullptr) return;
    peer->last_came = scheduler_.now();
    peer->ping_out = false;
    const auto room = peer->splitter.prepare(bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    peer->splitter.commit(bytes.size());
    while ((peer = find(link)) != nullptr) {
        const auto frame = peer->splitter.next();
        if (!frame) return report_.violation("the client sent what is no frame");
        if (!*frame) return;
        static thread_local Type command;
        const auto rest = wire::parse_command(**frame, command);
        if (!rest || !command.has_type()) return report_.violation("the client sent a command that cannot be read");
        report_.fold(static_cast<std::uint64_t>(command.type()) * 31 + (*frame)->size());
        if (report_.tracing()) {
            report_.trace(say("{} broker {} <- link {} (run {}): {} {}", scheduler_.clock(), peer->broker, static_cast<std::uint64_t>(link),
                              peer->incarnation, proto::BaseCommand::Type_Name(command.type()),
                              command.has_send()   ? std::to_string(command.send().sequence_id())
                              : command.has_flow() ? std::to_string(command.flow().messagepermits())
                                                   : std::string()));
        }
        handle(*peer, command, *rest);
    }
}

void Cluster::handle(Peer& peer, const Type& command, std::string_view rest) {
    const LinkId link = peer.link;
    if (!peer.is_connected && command.type() != Type::CONNECT && command.type() != Type::PONG && command.type() != Type::PING) {
        return report_.violation("a command before CONNECT: " + proto::BaseCommand::Type_Name(command.type()));
    }
    if (random_.chance(faults_.unknown_commands)) {
        report_.count("unknown command");
        // type = 99 and a field of that number: parsers of this protocol know neither.
        network_.server_write(link, std::string_view("\0\0\0\x0a\0\0\0\x06\x08\x63\x9a\x06\x01x", 14));
    }
    if (random_.chance(faults_.pings)) {
        Type ping;
        ping.set_type(Type::PING);
        ping.mutable_ping();
        write(peer, ping);
    }
    if (options_.tokens && random_.chance(faults_.challenges) && peer.challenge == 0 && peer.is_connected) challenge(peer);
    const auto never = [&] {
        if (!random_.chance(faults_.unanswered)) return false;
        report_.count("unanswered");
        return true;
    };
    switch (command.type()) {
        case Type::CONNECT:
            if (never()) return;
            return later(link, [this, connect_command = command.connect()](Peer& there) { connect(there, connect_command); });
        case Type::PING: {
            Type pong;
            pong.set_type(Type::PONG);
            pong.mutable_pong();
            return write(peer, pong);
        }
        case Type::PONG: return;
        case Type::AUTH_RESPONSE: {
            const auto& token = command.auth_response().response().auth_data();
            if (!is_token_good(token)) {
                report_.count("authentication refused");
                fail(peer, no_request, proto::AuthenticationError, "the token is not good");
                return close(link);
            }
            report_.count("token renewed");
            peer.challenge = 0;
            const auto expiry = std::strtoull(token.c_str() + 5, nullptr, 10);
            return scheduler_.after(std::chrono::milliseconds(expiry - scheduler_.wall_ms()), [this, link] {
                if (Peer* there = find(link)) challenge(*there);
            });
        }
        case Type::PARTITIONED_METADATA:
            if (never()) return;
            return later(link, [this, asked = command.partitioned_metadata()](Peer& there) { partitions(there, asked); });
        case Type::LOOKUP:
            if (never()) return;
            return later(link, [this, asked = command.lookup()](Peer& there) { lookup(there, asked); });
        default: break;
    }
    if (peer.through_proxy && peer.broker == options_.brokers) {
        return report_.violation("a command to the proxy itself: " + proto::BaseCommand::Type_Name(command.type()));
    }
    switch (command.type()) {
        case Type::PRODUCER: {
            const auto& producer = command.producer();
            auto& epoch = epochs_[{static_cast<std::uint64_t>(link), producer.producer_id()}];
            if (producer.epoch() < epoch) report_.violation("the epoch of a producer went back");
            epoch = producer.epoch();
            if (!peer.creating_producers.insert(producer.producer_id()).second) {
                return fail(peer, producer.request_id(), proto::ServiceNotReady, "the producer is already present on the connection");
            }
            if (random_.chance(faults_.unanswered / 2)) {
                report_.count("unanswered");
                peer.creating_producers.erase(producer.producer_id());
                return;
            }
            return later(link, [this, link, producer](Peer&) { open_producer(link, producer); });
        }
        case Type::SEND: return push(peer, command.send(), rest);
        case Type::CLOSE_PRODUCER: return close_producer(peer, command.close_producer());
        case Type::SUBSCRIBE: {
            const auto& asked = command.subscribe();
            if (!peer.creating_consumers.insert(asked.consumer_id()).second) {
                return fail(peer, asked.request_id(), proto::ServiceNotReady, "the consumer is already present on the connection");
            }
            if (random_.chance(faults_.unanswered / 2)) {
                report_.count("unanswered");
                peer.creating_consumers.erase(asked.consumer_id());
                return;
            }
            return later(link, [this, link, asked](Peer&) { subscribe(link, asked); });
        }
        case Type::FLOW: return flow(peer, command.flow());
        case Type::ACK: return ack(peer, command.ack());
        case Type::REDELIVER_UNACKNOWLEDGED_MESSAGES: return redeliver(peer, command.redeliver_unacknowledged_messages());
        case Type::SEEK: return seek(peer, command.seek());
        case Type::UNSUBSCRIBE: return unsubscribe(peer, command.unsubscribe());
        case Type::CLOSE_CONSUMER: return close_consumer(peer, command.close_consumer());
        case Type::GET_LAST_MESSAGE_ID:
            if (never()) return;
            return later(link, [this, asked = command.get_last_message_id()](Peer& there) { last_message_id(there, asked); });
        default: return report_.violation("a command that no client sends: " + proto::BaseCommand::Type_Name(command.type()));
    }
}

bool Cluster::is_token_good(const std::string& token) const {
    return token.starts_with("good:") && std::strtoull(token.c_str() + 5, nullptr, 10) > scheduler_.wall_ms();
}

void Cluster::connect(Peer& peer, const proto::CommandConnect& command) {
    if (peer.is_connected) return report_.violation("CONNECT twice");
    if (options_.tokens && (command.auth_method_name() != "token" || !is_token_good(command.auth_data()))) {
        report_.count("authentication refused");
        fail(peer, no_request, proto::AuthenticationError, "the token is not good");
        return close(peer.link);
    }
    if (!command.proxy_to_broker_url().empty()) {
        if (!peer.through_proxy) return report_.violation("proxy_to_broker_url to a broker");
        int broker = -1;
        for (int i = 0; i < options_.brokers; ++i) {
            if (command.proxy_to_broker_url() == say("broker-{}:{}", i, options_.tls ? 6651 : 6650)) broker = i;
        }
        if (broker < 0) return report_.violation("no such broker behind the proxy: " + command.proxy_to_broker_url());
        if (!is_alive(broker)) return close(peer.link);
        peer.broker = broker;
    }
    if (!command.feature_flags().supports_auth_refresh()) report_.violation("no supports_auth_refresh");
    peer.is_connected = true;
    peer.wants_entry_metadata = command.feature_flags().supports_broker_entry_metadata();
    Type answer;
    answer.set_type(Type::CONNECTED);
    answer.mutable_connected()->set_server_version("simulated");
    answer.mutable_connected()->set_protocol_version(19);
    answer.mutable_connected()->set_max_message_size(options_.message_bytes_max);
    write(peer, answer);
    if (options_.tokens) {
        const auto expiry = std::strtoull(command.auth_data().c_str() + 5, nullptr, 10);
        scheduler_.after(std::chrono::milliseconds(expiry - scheduler_.wall_ms()), [this, link = peer.link] {
            if (Peer* there = find(link)) challenge(*there);
        });
    }
}

void Cluster::challenge(Peer& peer) {
    report_.count("auth challenge");
    Type command;
    command.set_type(Type::AUTH_CHALLENGE);
    command.mutable_auth_challenge()->mutable_challenge()->set_auth_method_name("token");
    command.mutable_auth_challenge()->mutable_challenge()->set_auth_data("");
    write(peer, command);
    peer.challenge = ++numbers_;
    scheduler_.after(options_.keep_alive * 2, [this, link = peer.link, number = peer.challenge] {
        Peer* there = find(link);
        if (there != nullptr && there->challenge == number) close(link);
    });
}

// ---- lookups

int Cluster::choose_owner() {
    std::vector<int> choices;
    for (int i = 0; i < options_.brokers; ++i) {
        if (is_alive(i)) choices.push_back(i);
    }
    return choices.empty() ? -1 : choices[random_.below(choices.size())];
}

void Cluster::partitions(Peer& peer, const proto::CommandPartitionedTopicMetadata& command) {
    Type answer;
    answer.set_type(Type::PARTITIONED_METADATA_RESPONSE);
    auto& response = *answer.mutable_partitioned_metadata_response();
    response.set_request_id(command.request_id());
    if (random_.chance(faults_.request_errors)) {
        report_.count("error answered");
        response.set_response(proto::CommandPartitionedTopicMetadataResponse::Failed);
        response.set_error(random_.one_of({proto::ServiceNotReady, proto::MetadataError, proto::TooManyRequests}));
        response.set_message("simulated");
    } else {
        std::uint32_t count = 0;
        while (topics_.contains(say("{}-partition-{}", command.topic(), count))) ++count;
        response.set_response(proto::CommandPartitionedTopicMetadataResponse::Success);
        response.set_partitions(count);
    }
    write(peer, answer);
}

void Cluster::lookup(Peer& peer, const proto::CommandLookupTopic& command) {
    Topic* topic = find_topic(command.topic());
    if (topic == nullptr) return;
    Type answer;
    answer.set_type(Type::LOOKUP_RESPONSE);
    auto& response = *answer.mutable_lookup_response();
    response.set_request_id(command.request_id());
    const auto point_to = [&](int broker) {
        response.set_brokerserviceurl(url_of(broker, false));
        response.set_brokerserviceurltls(url_of(broker, true));
    };
    const int here = peer.through_proxy ? choose_owner() : peer.broker;
    if (here < 0 || random_.chance(faults_.lookup_errors)) {
        report_.count("lookup failed");
        response.set_response(proto::CommandLookupTopicResponse::Failed);
        response.set_error(random_.one_of({proto::ServiceNotReady, proto::MetadataError, proto::TooManyRequests, proto::UnknownError}));
        response.set_message("simulated");
        return write(peer, answer);
    }
    if (!peer.through_proxy && random_.chance(faults_.endless_redirects)) {
        report_.count("redirect to itself");
        point_to(here);
        response.set_response(proto::CommandLookupTopicResponse::Redirect);
        return write(peer, answer);
    }
    if (topic->owner < 0 || !is_alive(topic->owner)) {
        const int chosen = command.authoritative() || peer.through_proxy ? here : choose_owner();
        if (chosen != here) {
            report_.count("redirect");
            point_to(chosen);
            response.set_response(proto::CommandLookupTopicResponse::Redirect);
            response.set_authoritative(true);
            return write(peer, answer);
        }
        topic->owner = here;
        ++topic->generation;
        topic->ledger += random_.below(3) + 1;
        topic->next_entry = 0;
    }
    point_to(topic->owner);
    response.set_response(proto::CommandLookupTopicResponse::Connect);
    response.set_authoritative(true);
    response.set_proxy_through_service_url(options_.proxy);
    if (!peer.through_proxy && topic->owner != here && random_.chance(faults_.redirects)) {
        report_.count("redirect");
        response.set_response(proto::CommandLookupTopicResponse::Redirect);
        response.set_authoritative(random_.chance(500));
    }
    write(peer, answer);
}

// ---- producers

void Cluster::open_producer(LinkId link, const proto::CommandProducer& command) {
    Peer* peer = find(link);
    if (peer == nullptr || peer->creating_producers.erase(command.producer_id()) == 0) return;
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
    if (topic->terminated) return fail(*peer, command.request_id(), proto::TopicTerminatedError, "the topic was terminated");
    if (const auto there = peer->producers.find(command.producer_id()); there != peer->producers.end()) {
        Type answer;  // as the broker does: of the producer that is there, without its last sequence id
        answer.set_type(Type::PRODUCER_SUCCESS);
        answer.mutable_producer_success()->set_request_id(command.request_id());
        answer.mutable_producer_success()->set_producer_name(there->second.name);
        return write(*peer, answer);
    }
    Producer producer;
    producer.topic = topic;
    producer.id = command.producer_id();
    producer.name = command.has_producer_name() && !command.producer_name().empty() ? command.producer_name() : say("given-{}", ++numbers_);
    producer.epoch = command.epoch();
    producer.access = command.producer_access_mode();
    if (command.has_topic_epoch()) producer.topic_epoch = command.topic_epoch();
    producer.request = command.request_id();
    add_producer(*peer, *topic, std::move(producer));
}

void Cluster::add_producer(Peer& peer, Topic& topic, Producer producer) {
    const bool taken = topic.exclusive || !topic.waiting.empty();
    const auto fence = [&](const std::string& why) {
        report_.count("fenced");
        fail(peer, producer.request, proto::ProducerFenced, why);
    };
    const bool is_behind = producer.topic_epoch && topic.has_epoch && *producer.topic_epoch < topic.epoch;
    switch (producer.access) {
        case proto::Shared:
            if (taken) {
                report_.count("producer busy");
                return fail(peer, producer.request, proto::ProducerBusy, "the topic has an exclusive producer");
            }
            break;
        case proto::Exclusive:
            if (taken || !topic.producers.empty()) {
                for (Producer* other : std::vector(topic.producers)) suspect(*other->peer);
                return fence("the topic has a producer");
            }
            if (is_behind) return fence("the topic epoch has moved on");
            break;
        case proto::WaitForExclusive:
            if (is_behind) return fence("the topic epoch has moved on");
            if (topic.exclusive || !topic.producers.empty()) {
                report_.count("waits for exclusive access");
                producer.waiting = true;
            }
            break;
        case proto::ExclusiveWithFencing: {
            if (is_behind) return fence("the topic epoch has moved on");
            for (Producer* other : std::vector(topic.waiting.begin(), topic.waiting.end())) {
                Peer& its = *other->peer;
                const auto id = other->id;
                const auto request = other->request;
                std::erase(topic.waiting, other);
                its.producers.erase(id);
                fail(its, request, proto::ProducerFenced, "fenced out");
            }
            if (!topic.producers.empty()) report_.count("fences others");
            for (Producer* other : std::vector(topic.producers)) disconnect_producer(*other, std::nullopt);
            break;
        }
        default: return fail(peer, producer.request, proto::NotAllowedError, "access mode");
    }
    for (Producer* other : std::vector(topic.producers)) {
        if (producer.waiting || other->name != producer.name) continue;  // who waits is asked for its name later
        if (other->peer == &peer && other->id == producer.id && other->epoch < producer.epoch) {
            remove_producer(*other);
            peer.producers.erase(producer.id);
            continue;
        }
        report_.count("producer busy");
        suspect(*other->peer);
        return fail(peer, producer.request, proto::ProducerBusy, "the name is in use");
    }
    Producer& added = peer.producers[producer.id] = std::move(producer);
    added.peer = &peer;
    peer.closed_producers.erase(added.id);
    if (added.waiting) {
        topic.waiting.push_back(&added);
        Type answer;
        answer.set_type(Type::PRODUCER_SUCCESS);
        answer.mutable_producer_success()->set_request_id(added.request);
        answer.mutable_producer_success()->set_producer_name(added.name);
        answer.mutable_producer_success()->set_producer_ready(false);
        return write(peer, answer);
    }
    producer_ready(added);
}

void Cluster::producer_ready(Producer& producer) {
    Topic& topic = *producer.topic;
    const bool has_waited = std::exchange(producer.waiting, false);
    topic.producers.push_back(&producer);
    if (producer.access != proto::Shared) {
        topic.exclusive = true;
        topic.exclusive_name = producer.name;
        topic.epoch = producer.topic_epoch ? *producer.topic_epoch : topic.epoch + 1;
        topic.has_epoch = true;
    }
    // Who waits its turn does so without a deadline: that answer comes, or the connection ends.
    if (!has_waited && random_.chance(faults_.unanswered)) return report_.count("unanswered");
    Type answer;
    answer.set_type(Type::PRODUCER_SUCCESS);
    auto& success = *answer.mutable_producer_success();
    success.set_request_id(producer.request);
    success.set_producer_name(producer.name);
    success.set_last_sequence_id(options_.deduplication ? topic.known[producer.name].pushed : -1);
    if (topic.has_epoch) success.set_topic_epoch(topic.epoch);
    success.set_producer_ready(true);
    write(*producer.peer, answer);
}

// Takes it out of its topic; the caller takes it out of its peer.
void Cluster::remove_producer(Producer& producer) {
    Topic& topic = *producer.topic;
    std::erase(topic.waiting, &producer);
    if (std::erase(topic.producers, &producer) == 0 || !topic.producers.empty()) return;
    topic.exclusive = false;
    while (!topic.waiting.empty() && !topic.exclusive) {
        Producer& next = *topic.waiting.front();
        topic.waiting.pop_front();
        report_.count("exclusive access handed on");
        producer_ready(next);
    }
}

void Cluster::disconnect_producer(Producer& producer, std::optional<int> assigned) {
    Peer& peer = *producer.peer;
    Type command;
    command.set_type(Type::CLOSE_PRODUCER);
    auto& close = *command.mutable_close_producer();
    close.set_producer_id(producer.id);
    close.set_request_id(0);
    if (assigned) {
        close.set_assignedbrokerserviceurl(url_of(*assigned, false));
        close.set_assignedbrokerserviceurltls(url_of(*assigned, true));
    }
    remove_producer(producer);
    peer.closed_producers.insert(producer.id);
    peer.producers.erase(producer.id);
    write(peer, command);
}

void Cluster::close_producer(Peer& peer, const proto::CommandCloseProducer& command) {
    if (peer.creating_producers.erase(command.producer_id()) > 0) return succeed(peer, command.request_id());
    const auto it = peer.producers.find(command.producer_id());
    if (it == peer.producers.end()) return succeed(peer, command.request_id());
    if (it->second.pushed > 0) {
        it->second.close_request = command.request_id();
        return;
    }
    remove_producer(it->second);
    peer.closed_producers.insert(it->first);
    peer.producers.erase(it);
    succeed(peer, command.request_id());
}

void Cluster::send_error(Peer& peer, std::uint64_t producer, std::uint64_t sequence, proto::ServerError error) {
    report_.count("send error");
    Type command;
    command.set_type(Type::SEND_ERROR);
    command.mutable_send_error()->set_producer_id(producer);
    command.mutable_send_error()->set_sequence_id(sequence);
    command.mutable_send_error()->set_error(error);
    command.mutable_send_error()->set_message("simulated");
    write(peer, command);
}

void Cluster::push(Peer& peer, const proto::CommandSend& command, std::string_view rest) {
    const auto it = peer.producers.find(command.producer_id());
    if (it == peer.producers.end() || it->second.waiting) {
        if (!peer.closed_producers.contains(command.producer_id())) report_.violation("SEND of a producer that is not there");
        return;
    }
    Producer& producer = it->second;
    Topic& topic = *producer.topic;
    static thread_local wire::MessageSection section;
    if (auto parsed = wire::parse_message(rest, section); !parsed)
        return report_.violation("a SEND cannot be read: " + parsed.error().message);
    const auto& metadata = section.metadata;
    const std::uint64_t lowest = command.sequence_id();
    const std::uint64_t highest = std::max(lowest, command.highest_sequence_id());
    if (wire::message_bytes(metadata, section.payload.size()) > static_cast<std::size_t>(options_.message_bytes_max)) {
        report_.violation("a SEND that is larger than the broker takes");
    }
    if (!section.has_checksum) report_.violation("a SEND without a checksum");
    if (metadata.producer_name() != producer.name) report_.violation("a SEND under another name: " + metadata.producer_name());
    if (metadata.sequence_id() != lowest || std::max(metadata.sequence_id(), metadata.highest_sequence_id()) != highest) {
        report_.violation("the sequence ids of a SEND and of its metadata differ");
    }
    if (metadata.num_messages_in_batch() != command.num_messages())
        report_.violation("the message counts of a SEND and of its metadata differ");
    if (command.num_messages() > 1 && !command.has_highest_sequence_id()) report_.violation("a batch without its highest sequence id");
    const auto hash = std::hash<std::string_view>{}(rest);
    const auto [known_frame, is_new] = frames_.try_emplace({peer.incarnation, producer.id, lowest}, hash);
    if (!is_new) {
        report_.count("frame sent again");
        if (known_frame->second != hash) report_.violation(say("the frame of sequence {} changed when it was sent again", lowest));
    }
    if (producer.any && lowest <= producer.last_highest) {
        report_.violation(say("sequence {} after {} within one attachment", lowest, producer.last_highest));
    }
    producer.any = true;
    producer.last_highest = highest;
    if (topic.terminated) return send_error(peer, producer.id, highest, proto::TopicTerminatedError);

    Pushed pushed;
    pushed.link = peer.link;
    pushed.producer_id = producer.id;
    pushed.producer_name = producer.name;
    pushed.entry.bytes = std::string(rest);
    pushed.entry.producer = producer.name;
    pushed.entry.lowest = lowest;
    pushed.entry.highest = highest;
    pushed.entry.messages = command.num_messages();
    pushed.entry.is_batch = metadata.has_num_messages_in_batch();
    pushed.entry.key = metadata.partition_key();
    if (options_.deduplication && options_.sabotage != Sabotage::stores_twice) {
        Known& known = topic.known[producer.name];
        const auto low = static_cast<std::int64_t>(lowest);
        if (low <= known.pushed) {
            if (low <= known.persisted) {
                report_.count("duplicate");
                return receipt(pushed, no_request, no_request);
            }
            report_.count("perhaps a duplicate");
            return send_error(peer, producer.id, highest, proto::PersistenceError);
        }
        known.pushed = static_cast<std::int64_t>(highest);
    }
    ++producer.pushed;
    topic.last_persist = std::max(topic.last_persist, scheduler_.now() + random_.duration(options_.persist_min, options_.persist_max));
    topic.pushed.push_back(std::move(pushed));
    if (options_.sabotage == Sabotage::swaps_entries && topic.pushed.size() > 1 && !topic.sabotaged) {
        topic.sabotaged = true;
        std::swap(topic.pushed.back().entry, topic.pushed[topic.pushed.size() - 2].entry);
    }
    scheduler_.at(topic.last_persist, [this, name = topic.name, generation = topic.generation] { persist_next(name, generation); });
}

void Cluster::persist_next(const std::string& name, std::uint64_t generation) {
    Topic& topic = topics_.at(name);
    if (topic.generation != generation || topic.pushed.empty()) return;
    if (random_.chance(faults_.persist_failures)) return fail_pushed(topic);
    Pushed pushed = std::move(topic.pushed.front());
    topic.pushed.pop_front();
    const auto ledger = topic.ledger;
    const auto entry = topic.next_entry;
    const bool twice = options_.sabotage == Sabotage::stores_twice && topic.log.size() % 5 == 2;
    if (options_.sabotage == Sabotage::receipt_without_storing && topic.log.size() > 2 && !topic.sabotaged) {
        topic.sabotaged = true;
        ++topic.next_entry;
    } else {
        if (options_.sabotage == Sabotage::changes_a_payload && topic.log.size() == 2) pushed.entry.bytes.back() ^= 1;
        store(topic, pushed.entry);
        if (twice) store(topic, pushed.entry);
    }
    const std::uint64_t off = options_.sabotage == Sabotage::wrong_receipt_id && topic.log.size() % 4 == 3 ? 1 : 0;
    receipt(pushed, ledger, entry + off);
    Peer* peer = find(pushed.link);
    if (peer == nullptr) return;
    const auto it = peer->producers.find(pushed.producer_id);
    if (it == peer->producers.end() || it->second.pushed == 0) return;
    if (--it->second.pushed > 0 || it->second.close_request == 0) return;
    const auto request = it->second.close_request;
    remove_producer(it->second);
    peer->closed_producers.insert(it->first);
    peer->producers.erase(it);
    succeed(*peer, request);
}

void Cluster::store(Topic& topic, Entry entry) {
    entry.ledger = topic.ledger;
    entry.entry = topic.next_entry++;
    entry.first_index = topic.next_index;
    topic.next_index += static_cast<std::uint64_t>(entry.messages);
    Known& known = topic.known[entry.producer];
    known.persisted = std::max(known.persisted, static_cast<std::int64_t>(entry.highest));
    known.pushed = std::max(known.pushed, known.persisted);
    topic.log.push_back(std::move(entry));
    if (on_stored) on_stored(topic.name, topic.log.back(), topic.log.size() - 1);
    for (auto& [name, subscription] : topic.subscriptions) dispatch_later(topic, subscription);
}

void Cluster::receipt(const Pushed& pushed, std::uint64_t ledger, std::uint64_t entry) {
    if (options_.sabotage == Sabotage::never_receipts) return;
    Peer* peer = find(pushed.link);
    if (peer == nullptr || pushed.mute) return;
    Type command;
    command.set_type(Type::SEND_RECEIPT);
    auto& receipt = *command.mutable_send_receipt();
    receipt.set_producer_id(pushed.producer_id);
    receipt.set_sequence_id(random_.chance(faults_.first_id_receipts) ? pushed.entry.highest : pushed.entry.lowest);
    receipt.mutable_message_id()->set_ledgerid(ledger);
    receipt.mutable_message_id()->set_entryid(entry);
    receipt.set_highest_sequence_id(pushed.entry.highest);
    write(*peer, command);
    if (!random_.chance(faults_.odd_receipts)) return;
    report_.count("receipt twice");
    write(*peer, command);
}

// The ledger cannot be written: all that waits fails, and the producers are sent away.
void Cluster::fail_pushed(Topic& topic) {
    report_.count("not persisted");
    const auto failed = std::move(topic.pushed);
    topic.pushed.clear();
    ++topic.generation;
    topic.ledger += 1;
    topic.next_entry = 0;
    topic.last_persist = scheduler_.now();
    for (auto& [name, known] : topic.known) known.pushed = known.persisted;
    for (const auto& pushed : failed) {
        if (Peer* peer = find(pushed.link)) send_error(*peer, pushed.producer_id, pushed.entry.highest, proto::PersistenceError);
    }
    for (Producer* producer : std::vector(topic.producers)) disconnect_producer(*producer, std::nullopt);
}

// ---- strikes

void Cluster::kill(int broker, Duration back_after) {
    if (!is_alive(broker)) return;
    report_.count("broker killed");
    report_.trace(say("{} broker {} is killed", scheduler_.clock(), broker));
    alive_[static_cast<std::size_t>(broker)] = false;
    network_.kill(broker);
    std::vector<LinkId> gone;
    for (const auto& [link, peer] : peers_) {
        if (peer.broker == broker) gone.push_back(link);
    }
    for (auto& [name, topic] : topics_) {
        if (topic.owner != broker) continue;
        topic.owner = -1;
        ++topic.generation;
        // Some of what was pushed reached the bookies; nobody is told.
        for (std::size_t kept = random_.below(topic.pushed.size() + 1); kept > 0; --kept) {
            Entry entry = std::move(topic.pushed.front().entry);
            topic.pushed.pop_front();
            store(topic, std::move(entry));
        }
        if (!topic.pushed.empty()) report_.count("pushed and lost");
        topic.pushed.clear();
        topic.last_persist = scheduler_.now();
        for (auto& [producer, known] : topic.known) known.pushed = known.persisted;
        for (auto& [subscription_name, subscription] : topic.subscriptions) {
            subscription.redeliveries.clear();
            subscription.redeliver.clear();
            subscription.read = 0;
            if (!options_.loses_acks || !subscription.durable) continue;
            report_.count("acknowledgements lost");
            subscription.lost = true;
            subscription.mark = subscription.kept_mark;
            subscription.acked = subscription.kept_acked;
            subscription.partly = subscription.kept_partly;
        }
    }
    for (const LinkId link : gone) {
        network_.server_close(link);  // those that came through the proxy
        forget(link);
    }
    scheduler_.after(back_after, [this, broker] {
        alive_[static_cast<std::size_t>(broker)] = true;
        report_.trace(say("{} broker {} is back", scheduler_.clock(), broker));
    });
}

void Cluster::unload(const std::string& name) {
    Topic& topic = topics_.at(name);
    if (topic.owner < 0) return;
    report_.count("unload");
    report_.trace(say("{} {} is unloaded", scheduler_.clock(), name));
    const auto persist_all = [&] {
        while (!topic.pushed.empty()) {
            Pushed pushed = std::move(topic.pushed.front());
            topic.pushed.pop_front();
            const auto ledger = topic.ledger;
            const auto entry = topic.next_entry;
            store(topic, pushed.entry);
            if (random_.chance(700)) receipt(pushed, ledger, entry);
            else report_.count("receipt lost");
        }
    };
    if (random_.chance(500)) persist_all();
    std::optional<int> assigned;
    if (random_.chance(500) && !options_.proxy) {
        if (const int chosen = choose_owner(); chosen >= 0) assigned = chosen;
    }
    for (Producer* producer : std::vector(topic.waiting.begin(), topic.waiting.end())) disconnect_producer(*producer, assigned);
    // In one go, so that nobody who waits gets exclusive access of a topic that is leaving.
    topic.waiting.clear();
    for (Producer* producer : std::vector(topic.producers)) disconnect_producer(*producer, assigned);
    persist_all();
    topic.owner = -1;
    ++topic.generation;
    topic.last_persist = scheduler_.now();
    for (auto& [subscription_name, subscription] : topic.subscriptions) {
        subscription.kept_mark = subscription.mark;
        subscription.kept_acked = subscription.acked;
        subscription.kept_partly = subscription.partly;
        subscription.redeliveries.clear();
        subscription.redeliver.clear();
        subscription.read = subscription.mark;
    }
    std::vector<Consumer*> consumers;
    for (auto& [subscription_name, subscription] : topic.subscriptions) {
        consumers.insert(consumers.end(), subscription.consumers.begin(), subscription.consumers.end());
    }
    for (Consumer* consumer : consumers) disconnect_consumer(*consumer, assigned);
    if (assigned && random_.chance(800)) {
        topic.owner = *assigned;
        topic.ledger += 1;
        topic.next_entry = 0;
        report_.count("unload with an assigned broker");
    } else if (assigned) {
        report_.count("assigned broker that is wrong");
    }
}

void Cluster::close_one_connection() {
    if (peers_.empty()) return;
    auto it = peers_.begin();
    std::advance(it, random_.below(peers_.size()));
    report_.count("broker closes a connection");
    close(it->first);
}

void Cluster::calm() {
    faults_ = {};
}

bool Cluster::is_quiet() const {
    return std::ranges::all_of(topics_, [](const auto& topic) { return topic.second.pushed.empty(); });
}

}  // namespace platform::pulsar::simulation
