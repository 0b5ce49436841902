// The public classes: each call becomes a job of the I/O thread.
#include "platform/pulsar/client/client.hpp"

#include "kernel/check.hpp"
#include "platform/pulsar/client/core.hpp"
#include "platform/pulsar/client/suspend.hpp"
#include "platform/pulsar/client/tls.hpp"
#include "platform/runtime/digest.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string_view>

namespace platform::pulsar::client {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using kernel::Task;
using runtime::Bring;
using runtime::suspend_until;

// A Task that ends with what `order(outcome)` brings; `order` runs on the I/O thread.
template <class T, class Order>
Task<T> ask(std::shared_ptr<Core> core, Order order) {
    return suspend_until<T>([c = std::move(core), o = std::move(order)](Bring<T> bring) mutable {
        c->post([o2 = std::move(o), b = std::move(bring)]() mutable { o2(std::move(b)); });
    });
}

Error opening_cancelled() {
    return Error{ErrorKind::interrupted, "pulsar-cancelled", "the wait was given up"};
}

// A Task that ends with what `open(opening)` brings, or is given up.
template <class Handle, class HandleCore, class Open>
Task<std::unique_ptr<Handle>> opened(std::shared_ptr<Core> core, Open open, std::stop_token stop) {
    auto opening = std::make_shared<Opening<Handle, HandleCore>>();
    auto cancel = [core, opening] { core->post([opening] { opening->give_up(opening_cancelled()); }); };
    co_return co_await suspend_with_cancel<std::unique_ptr<Handle>>(
        [core, opening, o = std::make_shared<Open>(std::move(open))](Bring<std::unique_ptr<Handle>> bring) {
            opening->done = std::move(bring);
            core->post([opening, o] { (*o)(opening); });
        },
        std::move(cancel), std::move(stop));
}

Task<std::unique_ptr<Consumer>> opened_consumer(std::shared_ptr<Core> core, ConsumerOptions options, std::vector<MessageId> starts,
                                                ConsumerHooks hooks, std::stop_token stop) {
    auto* const io = core.get();
    return opened<Consumer, ConsumerCore>(
        std::move(core),
        [io, o = std::move(options), s = std::move(starts), h = std::move(hooks)](const std::shared_ptr<OpeningConsumer>& opening) mutable {
            io->open_consumer(std::move(o), std::move(s), std::move(h), opening);
        },
        std::move(stop));
}

Result<std::vector<session::Address>> services_of(std::string_view service) {
    const auto scheme_end = service.find("://");
    if (scheme_end == std::string_view::npos)
        return Error{ErrorKind::incorrect, "pulsar-url", "a service is pulsar://host:port or pulsar+ssl://host:port"};
    const std::string scheme(service.substr(0, scheme_end + 3));
    std::vector<session::Address> services;
    for (auto rest = service.substr(scheme_end + 3);;) {
        const auto end = std::min(rest.find(','), rest.size());
        auto address = session::address_from(scheme + std::string(rest.substr(0, end)));
        if (!address) return std::move(address).error();
        services.push_back(*std::move(address));
        if (end == rest.size()) return services;
        rest.remove_prefix(end + 1);
    }
}

using Receipts = std::vector<Result<Receipt>>;

Task<Receipts> submitted(const std::shared_ptr<ProducerCore>& core, const std::shared_ptr<SendCall>& call, std::stop_token stop) {
    auto cancel = [core, call] { core->core()->post([core, call] { core->cancel(call); }); };
    return suspend_with_cancel<Receipts>(
        [core, call](Bring<Receipts> bring) {
            call->done = std::move(bring);
            core->submit(call);
        },
        std::move(cancel), std::move(stop));
}

Task<Receipt> send_one(std::shared_ptr<ProducerCore> core, OutMessage message, std::stop_token stop) {
    auto call = std::make_shared<SendCall>();
    call->messages.push_back(std::move(message));
    auto receipts = co_await submitted(core, call, std::move(stop));
    if (!receipts) co_return std::move(receipts).error();
    co_return std::move(receipts->front());
}

Task<Receipts> send_many(std::shared_ptr<ProducerCore> core, std::vector<OutMessage> messages, std::stop_token stop) {
    if (messages.empty()) co_return Receipts();
    auto call = std::make_shared<SendCall>();
    call->messages = std::move(messages);
    co_return co_await submitted(core, call, std::move(stop));
}

Task<> flush_all(std::shared_ptr<ProducerCore> core) {
    auto call = std::make_shared<SendCall>();
    call->is_flush = true;
    const auto flushed = co_await submitted(core, call, {});
    if (!flushed) co_return flushed.error();
    co_return kernel::ok();
}

Task<std::vector<std::optional<MessageId>>> last_of_all(std::shared_ptr<ConsumerCore> core) {
    std::vector<std::optional<MessageId>> all;
    const auto count = std::max<std::uint32_t>(core->partitions(), 1);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto last = co_await ask<std::optional<MessageId>>(
            core->core(), [core, i](Bring<std::optional<MessageId>> bring) { core->last_message_id(i, std::move(bring)); });
        if (!last) co_return last.error();
        all.push_back(*last);
    }
    co_return all;
}

}  // namespace

// --- Producer

Producer::~Producer() {
    core_->core()->post([core = core_] { core->close({}); });
}

Task<Receipt> Producer::send(OutMessage message, std::stop_token stop) {
    return send_one(core_, std::move(message), std::move(stop));
}

Result<void> Producer::try_send(OutMessage message, OnSent on_sent) {
    return core_->try_send(std::move(message), std::move(on_sent));
}

Task<Receipts> Producer::send_all(std::vector<OutMessage> messages, std::stop_token stop) {
    return send_many(core_, std::move(messages), std::move(stop));
}

Task<> Producer::flush() {
    return flush_all(core_);
}

void Producer::abandon() {
    core_->core()->post([core = core_] { core->abandon(); });
}

Task<> Producer::close() {
    return ask<void>(core_->core(), [core = core_](Bring<void> bring) { core->close(std::move(bring)); });
}

const std::string& Producer::topic() const {
    return core_->topic();
}
const std::string& Producer::name() const {
    return core_->name();
}
std::uint32_t Producer::partitions() const {
    return core_->partitions();
}
std::int64_t Producer::last_sequence(std::uint32_t partition) const {
    return core_->last_sequence(partition);
}
std::size_t Producer::pending_messages() const {
    return core_->pending_messages();
}
std::size_t Producer::pending_bytes() const {
    return core_->pending_bytes();
}
bool Producer::is_connected() const {
    return core_->is_connected();
}
std::optional<Error> Producer::ended() const {
    return core_->ended();
}

// --- Consumer

Consumer::~Consumer() {
    core_->core()->post([core = core_] { core->close({}); });
}

Task<std::vector<Message>> Consumer::receive(std::size_t messages_max, std::chrono::milliseconds wait_max, std::stop_token stop) {
    auto call = std::make_shared<ReceiveCall>();
    call->messages_max = messages_max;
    call->wait_max = wait_max;
    auto cancel = [core = core_, call] { core->core()->post([core, call] { core->give_up(call); }); };
    return suspend_with_cancel<std::vector<Message>>(
        [core = core_, call](Bring<std::vector<Message>> bring) {
            call->done = std::move(bring);
            core->core()->post([core, call] { core->receive(call); });
        },
        std::move(cancel), std::move(stop));
}

Result<std::vector<Message>> Consumer::receive_blocking(std::size_t messages_max, std::chrono::milliseconds wait_max,
                                                        std::stop_token stop) {
    const auto& io = core_->core();
    CHECK(!io->is_on_io_thread(), "the I/O thread does not wait for itself");
    struct Box {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<Result<std::vector<Message>>> result;
    };
    auto box = std::make_shared<Box>();
    auto call = std::make_shared<ReceiveCall>();
    call->messages_max = messages_max;
    call->wait_max = wait_max;
    call->done = [box](Result<std::vector<Message>> result) {
        const std::lock_guard lock(box->mutex);
        box->result = std::move(result);
        box->changed.notify_one();
    };
    io->post([core = core_, call] { core->receive(call); });
    const std::stop_callback on_stop(std::move(stop), [core = core_, call] { core->core()->post([core, call] { core->give_up(call); }); });
    std::unique_lock lock(box->mutex);
    box->changed.wait(lock, [&box] { return box->result.has_value(); });
    return *std::move(box->result);
}

Result<void> Consumer::ack(const MessageId& id) {
    return core_->judge({&id, 1}, ConsumerCore::Judgement::ack);
}
Result<void> Consumer::ack(std::span<const MessageId> ids) {
    return core_->judge(ids, ConsumerCore::Judgement::ack);
}
Result<void> Consumer::ack_cumulative(const MessageId& id) {
    return core_->judge({&id, 1}, ConsumerCore::Judgement::ack_cumulative);
}
Result<void> Consumer::nack(const MessageId& id) {
    return core_->judge({&id, 1}, ConsumerCore::Judgement::nack);
}

Result<void> Consumer::redeliver_all() {
    if (core_->core()->is_over()) return client_closed();
    core_->core()->post([core = core_] {
        if (!core->core()->is_over()) core->redeliver_all();
    });
    return kernel::ok();
}

Task<> Consumer::ack_with_receipt(MessageId id) {
    return ask<void>(core_->core(), [core = core_, id](Bring<void> bring) { core->ack(id, false, std::move(bring)); });
}
Task<> Consumer::ack_cumulative_with_receipt(MessageId id) {
    return ask<void>(core_->core(), [core = core_, id](Bring<void> bring) { core->ack(id, true, std::move(bring)); });
}
Task<> Consumer::seek(MessageId id) {
    return ask<void>(core_->core(), [core = core_, id](Bring<void> bring) { core->seek(id, std::move(bring)); });
}
Task<std::optional<MessageId>> Consumer::last_message_id(std::uint32_t partition) {
    return ask<std::optional<MessageId>>(core_->core(), [core = core_, partition](Bring<std::optional<MessageId>> bring) {
        core->last_message_id(partition, std::move(bring));
    });
}
Task<std::vector<std::optional<MessageId>>> Consumer::last_message_ids() {
    return last_of_all(core_);
}
Task<> Consumer::unsubscribe() {
    return ask<void>(core_->core(), [core = core_](Bring<void> bring) { core->unsubscribe(std::move(bring)); });
}
Task<> Consumer::close() {
    return ask<void>(core_->core(), [core = core_](Bring<void> bring) { core->close(std::move(bring)); });
}

const std::string& Consumer::topic() const {
    return core_->topic();
}
std::uint32_t Consumer::partitions() const {
    return core_->partitions();
}
bool Consumer::is_connected() const {
    return core_->is_connected();
}

// --- Client

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
    auto services = services_of(options.service);
    if (!services) return std::move(services).error();
    if (std::ranges::any_of(*services, &session::Address::tls))
        if (auto context = tls_context(options.tls); !context) return std::move(context).error();
    auto core = std::make_shared<Core>(std::move(options), *std::move(services));
    core->start();
    return std::make_unique<Client>(std::move(core));
}

Client::Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Client::~Client() {
    core_->stop();
}

void Client::stop() {
    core_->stop();
}

Task<std::unique_ptr<Producer>> Client::producer(ProducerOptions options, std::stop_token stop) {
    return opened<Producer, ProducerCore>(
        core_,
        [core = core_.get(), o = std::move(options)](const std::shared_ptr<OpeningProducer>& opening) mutable {
            core->open_producer(std::move(o), opening);
        },
        std::move(stop));
}

Task<std::unique_ptr<Consumer>> Client::consumer(ConsumerOptions options, ConsumerHooks hooks, std::stop_token stop) {
    return opened_consumer(core_, std::move(options), {}, std::move(hooks), std::move(stop));
}

Task<std::unique_ptr<Consumer>> Client::reader(ReaderOptions options, ConsumerHooks hooks, std::stop_token stop) {
    ConsumerOptions of_reader{.topic = std::move(options.topic),
                              .subscription = "reader-" + runtime::random_hex(8),  // a broker takes none without a name
                              .name = std::move(options.name),
                              .type = SubscriptionType::exclusive,
                              .durable = false,
                              .start = options.start,
                              .start_inclusive = options.start_inclusive,
                              .read_compacted = options.read_compacted,
                              .properties = {},
                              .queue_messages_max = options.queue_messages_max,
                              .queue_bytes_max = options.queue_bytes_max,
                              .sticky_ranges = {}};
    return opened_consumer(core_, std::move(of_reader), std::move(options.starts), std::move(hooks), std::move(stop));
}

Task<std::uint32_t> Client::partitions(std::string topic) {
    return ask<std::uint32_t>(
        core_, [core = core_, t = std::move(topic)](Bring<std::uint32_t> bring) { core->ask_partitions(t, std::move(bring)); });
}

Task<> Client::close() {
    return ask<void>(core_, [core = core_](Bring<void> bring) { core->close(std::move(bring)); });
}

Task<session::Session::Sizes> Client::sizes() {
    return ask<session::Session::Sizes>(core_, [core = core_](Bring<session::Session::Sizes> bring) {
        if (core->is_over()) return bring(client_closed());
        bring(core->session().sizes());
    });
}

}  // namespace platform::pulsar::client
