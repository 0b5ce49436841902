// Core: between threads and the session, and between the session and sockets.
#include "platform/pulsar/client/core.hpp"

#include "kernel/check.hpp"
#include "platform/pulsar/wire/topic.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"

#include <boost/asio/post.hpp>

#include <string_view>
#include <variant>

namespace platform::pulsar::client {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using runtime::Level;

constexpr std::uint32_t partitions_max = 10'000;
constexpr std::size_t avoided_max = 1000;
constexpr std::chrono::milliseconds look_interval{100};
constexpr std::chrono::milliseconds cancelled_handlers_max{200};  // a name look-up may hang; ~io_context waits for it

// Whether it ended without throwing; what it throws is logged and goes no further.
template <class Call>
bool run_guarded(const char* what, Call& call) {
    const auto done = runtime::guarded([&call] {
        call();
        return kernel::ok();
    });
    if (!done) runtime::log(Level::error, what, {{"code", std::string_view(done.error().code)}});
    return static_cast<bool>(done);
}

template <class Map, class Key>
std::optional<typename Map::mapped_type> take_out(Map& map, const Key& key) {
    auto found = map.extract(key);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
}

}  // namespace

Error client_closed() {
    return Error{ErrorKind::interrupted, "pulsar-client-closed", "the client is closed"};
}

Error bad_options(const char* what) {
    return Error{ErrorKind::incorrect, "pulsar-options", what};
}

void call_guarded(const char* what, const std::function<void()>& call) {
    run_guarded(what, call);
}

Core::Core(ClientOptions options, std::vector<session::Address> services)
    : options_(std::move(options)), work_(io_.get_executor()), timer_(io_) {
    auto session_options = options_.session;
    session_options.services = std::move(services);
    session_options.tokens = static_cast<bool>(options_.token);
    std::random_device random;
    session_options.seed = (std::uint64_t{random()} << 32) | random();
    if (options_.token)
        tokens_ = std::make_unique<runtime::BlockingPool>(runtime::BlockingPool::Options{.threads = 1, .name = "pulsar-token"});
    enter();
    session_ = std::make_unique<session::Session>(std::move(session_options), now_);
}

Core::~Core() = default;

void Core::start() {
    thread_ = std::thread([this] {
        runtime::name_this_thread("pulsar-client");
        const auto work = [this] { io_.run(); };
        while (!run_guarded("pulsar-client-threw", work)) {
        }  // it goes on with what comes next
        io_.restart();
        const auto rest = [this] { io_.run_for(cancelled_handlers_max); };  // they hold what holds this
        run_guarded("pulsar-client-threw", rest);
    });
}

void Core::stop() {
    if (!thread_.joinable()) return;
    CHECK(!is_on_io_thread(), "a client is not destroyed on its own I/O thread");
    post([this] { close({}); });
    {
        std::unique_lock lock(mutex_);
        closed_now_.wait_for(lock, options_.close_timeout, [this] { return is_closed_; });
    }
    post([this] { finish(); });
    thread_.join();
    tokens_.reset();
}

// --- Any thread.

void Core::post(Job job) {
    {
        std::unique_lock lock(mutex_);
        if (finished_) {
            lock.unlock();
            return job();
        }
        jobs_.push_back(std::move(job));
        if (std::exchange(woken_, true)) return;
    }
    wake();
}

void Core::list(std::shared_ptr<ProducerCore> producer) {
    {
        const std::lock_guard lock(mutex_);
        if (finished_) return;
        listed_.push_back(std::move(producer));
        if (std::exchange(woken_, true)) return;
    }
    wake();
}

void Core::wake() {
    boost::asio::post(io_, [this] { take_jobs(); });
}

// --- The I/O thread.

void Core::enter() {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    now_ = {.steady = std::chrono::steady_clock::now(),
            .wall_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count())};
}

void Core::take_jobs() {
    enter();
    {
        const std::lock_guard lock(mutex_);
        woken_ = false;
        taken_jobs_.swap(jobs_);
        taken_listed_.swap(listed_);
    }
    for (const auto& producer : taken_listed_) {
        const auto pump = [&producer] { producer->pump(); };
        run_guarded("pulsar-client-threw", pump);
    }
    taken_listed_.clear();
    for (auto& job : taken_jobs_) run_guarded("pulsar-client-threw", job);
    taken_jobs_.clear();
    act();
}

void Core::act() {
    if (is_finished_here_) return;
    while (auto action = session_->next()) std::visit([this](auto& one) { on(one); }, *action);
    for (const auto& connection : to_flush_) connection->flush();
    to_flush_.clear();
    look_at_handles();
    arm_timer();
}

void Core::arm_timer() {
    const auto next = session_->next_tick();
    if (!next || (armed_ && *armed_ <= *next)) return;  // one that comes too early does no harm, and setting it anew costs
    armed_ = next;
    timer_.expires_at(*next);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        armed_.reset();
        enter();
        session_->tick(now_);
        act();
    });
}

void Core::look_at_handles() {
    if (now_.steady - looked_at_ < look_interval) return;
    looked_at_ = now_.steady;
    for (const auto& [id, handle] : producers_)
        if (handle.part == 0) handle.core->look();
    for (const auto& [id, handle] : consumers_)
        if (handle.part == 0) handle.core->look();
}

void Core::close(Outcome<> done) {
    if (session_closed_ || is_finished_here_) {
        if (done) done(session_closed_ ? kernel::ok() : Result<void>(client_closed()));
        return;
    }
    if (done) closers_.push_back(std::move(done));
    if (over_.exchange(true, std::memory_order_acq_rel)) return;
    for (const auto& [id, handle] : producers_) handle.core->close({});
    for (const auto& [id, handle] : consumers_) handle.core->close({});
    session_->close(now_);
}

void Core::on(session::SessionClosed& /*closed*/) {
    session_closed_ = true;
    fail_everything();
    {
        const std::lock_guard lock(mutex_);
        is_closed_ = true;
    }
    closed_now_.notify_all();
    auto closers = std::exchange(closers_, {});
    for (auto& done : closers) done(kernel::ok());
}

void Core::fail_everything() {
    for (auto& [id, handle] : std::exchange(producers_, {})) handle.core->fail_everything(client_closed());
    for (auto& [id, handle] : std::exchange(consumers_, {})) handle.core->fail_everything(client_closed());
    for (auto& [id, done] : std::exchange(expected_, {})) done(client_closed());
    for (auto& [id, done] : std::exchange(expected_last_, {})) done(client_closed());
    for (auto& [id, done] : std::exchange(expected_partitions_, {})) done(client_closed());
}

void Core::finish() {
    over_.store(true, std::memory_order_release);
    fail_everything();
    for (auto& done : std::exchange(closers_, {})) done(client_closed());
    is_finished_here_ = true;
    for (const auto& [id, connection] : std::exchange(connections_, {})) connection->hang_up();
    timer_.cancel();
    std::vector<Job> left;
    {
        const std::lock_guard lock(mutex_);
        finished_ = true;
        left.swap(jobs_);
        listed_.clear();
    }
    for (auto& job : left) job();
    work_.reset();
    io_.stop();
}

// --- For connections.

void Core::connected(session::ConnectionId id) {
    enter();
    session_->connected(id, now_);
    act();
}

void Core::received(session::ConnectionId id, std::size_t bytes) {
    enter();
    session_->received(id, bytes, now_);
    act();
}

void Core::written(session::ConnectionId id, std::size_t bytes) {
    enter();
    session_->written(id, bytes);
    act();
}

void Core::closed(session::ConnectionId id, const Error& why) {
    runtime::log(Level::warn, "pulsar-connection-ended",
                 {{"code", std::string_view(why.code)}, {"message", std::string_view(why.message)}});
    connections_.erase(id);
    std::erase(want_token_, id);
    enter();
    session_->closed(id, why, now_);
    act();
}

void Core::avoid(const session::Address& host, const boost::asio::ip::tcp::endpoint& endpoint) {
    if (avoided_.size() >= avoided_max) avoided_.clear();
    avoided_[to_text(host)] = endpoint;
}

boost::asio::ip::tcp::endpoint Core::avoided(const session::Address& host) const {
    const auto found = avoided_.find(to_text(host));
    return found == avoided_.end() ? boost::asio::ip::tcp::endpoint() : found->second;
}

void Core::on(session::Dial& dial) {
    auto connection =
        std::make_shared<Connection>(*this, io_, dial.connection, std::move(dial.address), options_.tls, options_.session.connect_timeout);
    connections_[dial.connection] = connection;
    connection->dial();
}

void Core::on(session::Write& write) {
    const auto found = connections_.find(write.connection);
    if (found == connections_.end()) return;
    found->second->queue(std::move(write.bytes));
    if (to_flush_.empty() || to_flush_.back() != found->second) to_flush_.push_back(found->second);
}

void Core::on(session::HangUp& hang_up) {
    const auto connection = take_out(connections_, hang_up.connection);
    std::erase(want_token_, hang_up.connection);
    if (!connection) return;
    (*connection)->hang_up();
    runtime::log(Level::info, "pulsar-hung-up", {{"why", std::string_view(hang_up.why)}});
}

// One call at a time, however many wait: a supplier that hangs is not asked again and again.
void Core::on(session::WantToken& want) {
    want_token_.push_back(want.connection);
    if (is_asking_for_token_) return;
    is_asking_for_token_ = tokens_ && tokens_->submit([self = shared_from_this()] {
        auto token = runtime::guarded(self->options_.token);
        self->post([self, t = std::move(token)] { self->give_token(t); });
    });
    if (!is_asking_for_token_) give_token(Error{ErrorKind::unavailable, "pulsar-token", "the token's supplier cannot be asked"});
}

void Core::give_token(const Result<std::string>& token) {
    if (is_finished_here_) return;
    is_asking_for_token_ = false;
    for (const auto id : std::exchange(want_token_, {}))
        if (connections_.contains(id)) session_->token(id, token, now_);
}

// --- For producers and consumers.

session::OperationId Core::expect(Outcome<> done) {
    const auto operation = new_operation();
    expected_.emplace(operation, std::move(done));
    return operation;
}

session::OperationId Core::expect_last(Outcome<std::optional<MessageId>> done) {
    const auto operation = new_operation();
    expected_last_.emplace(operation, std::move(done));
    return operation;
}

void Core::own(session::ProducerId id, std::shared_ptr<ProducerCore> producer, std::uint32_t part) {
    producers_[id] = {.core = std::move(producer), .part = part};
}

void Core::own(session::ConsumerId id, std::shared_ptr<ConsumerCore> consumer, std::uint32_t part) {
    consumers_[id] = {.core = std::move(consumer), .part = part};
}

void Core::ask_partitions(const std::string& topic, Outcome<std::uint32_t> done) {
    if (is_over()) return done(client_closed());
    auto name = wire::topic_name(topic);
    if (!name) return done(std::move(name).error());
    const auto operation = new_operation();
    expected_partitions_.emplace(operation, std::move(done));
    session_->partitions(operation, *std::move(name), now_);
}

void Core::open_producer(ProducerOptions options, const std::shared_ptr<OpeningProducer>& opening) {
    if (options.pending_messages_max == 0 || options.pending_bytes_max == 0)
        return opening->answer(bad_options("a producer's pending_messages_max and pending_bytes_max are at least 1"));
    auto topic = wire::topic_name(options.topic);
    if (!topic) return opening->answer(std::move(topic).error());
    ask_partitions(*topic, [this, opening, o = std::move(options), name = *topic](Result<std::uint32_t> count) mutable {
        if (!opening->done) return;  // given up
        if (!count) return opening->answer(std::move(count).error());
        opening->core = std::make_shared<ProducerCore>(shared_from_this(), std::move(o), std::move(name), *count);
        opening->core->open([opening](Result<std::unique_ptr<Producer>> opened) { opening->answer(std::move(opened)); });
    });
}

void Core::open_consumer(ConsumerOptions options, std::vector<MessageId> starts, ConsumerHooks hooks,
                         const std::shared_ptr<OpeningConsumer>& opening) {
    if (options.queue_messages_max == 0 || options.queue_bytes_max == 0)
        return opening->answer(bad_options("a consumer's queue_messages_max and queue_bytes_max are at least 1"));
    auto topic = wire::topic_name(options.topic);
    if (!topic) return opening->answer(std::move(topic).error());
    ask_partitions(*topic, [this, opening, o = std::move(options), s = std::move(starts), h = std::move(hooks),
                            name = *topic](Result<std::uint32_t> count) mutable {
        if (!opening->done) return;  // given up
        if (!count) return opening->answer(std::move(count).error());
        opening->core =
            std::make_shared<ConsumerCore>(shared_from_this(), std::move(o), std::move(s), std::move(h), std::move(name), *count);
        opening->core->open([opening](Result<std::unique_ptr<Consumer>> opened) { opening->answer(std::move(opened)); });
    });
}

void Core::on(session::Partitions& partitions) {
    auto done = take_out(expected_partitions_, partitions.operation);
    if (!done) return;
    if (partitions.count && *partitions.count > partitions_max)
        partitions.count = Error{ErrorKind::unavailable, "pulsar-protocol",
                                 "the broker speaks of " + std::to_string(*partitions.count) + " partitions, more than are believed"};
    (*done)(std::move(partitions.count));
}

void Core::on(session::ProducerOpened& opened) {
    const auto found = producers_.find(opened.producer);
    if (found == producers_.end()) return;
    const auto handle = found->second;
    if (!opened.facts) producers_.erase(found);
    handle.core->on_opened(handle.part, std::move(opened.facts));
}

void Core::on(session::Sent& sent) {
    const auto found = producers_.find(sent.producer);
    if (found == producers_.end()) return;
    const auto handle = found->second;
    handle.core->on_sent(handle.part, sent);
}

void Core::operation_done(session::OperationId operation, Result<void> result) {
    if (auto done = take_out(expected_, operation)) (*done)(std::move(result));
}

void Core::on(session::Flushed& flushed) {
    operation_done(flushed.operation, std::move(flushed.result));
}

void Core::on(session::Done& done) {
    operation_done(done.operation, std::move(done.result));
}

void Core::on(session::LastMessage& last) {
    if (auto done = take_out(expected_last_, last.operation)) (*done)(std::move(last.id));
}

void Core::on(session::ProducerClosed& closed) {
    if (auto handle = take_out(producers_, closed.producer)) handle->core->on_closed(handle->part, closed.result);
}

void Core::on(session::ConsumerOpened& opened) {
    const auto found = consumers_.find(opened.consumer);
    if (found == consumers_.end()) return;
    const auto handle = found->second;
    if (!opened.result) consumers_.erase(found);
    handle.core->on_opened(handle.part, opened.result);
}

void Core::on(session::Readable& readable) {
    std::uint32_t part = 0;
    if (const auto consumer = consumer_of(readable.consumer, part)) consumer->on_readable(part);
}

void Core::on(session::ActiveChanged& changed) {
    std::uint32_t part = 0;
    const auto what = changed.active ? ConsumerEvent::What::active : ConsumerEvent::What::inactive;
    if (const auto consumer = consumer_of(changed.consumer, part)) consumer->on_event(what, part);
}

void Core::on(session::Reattached& reattached) {
    std::uint32_t part = 0;
    if (const auto consumer = consumer_of(reattached.consumer, part)) consumer->on_event(ConsumerEvent::What::reattached, part);
}

void Core::on(session::EndOfTopic& end) {
    std::uint32_t part = 0;
    if (const auto consumer = consumer_of(end.consumer, part)) consumer->on_event(ConsumerEvent::What::end_of_topic, part);
}

void Core::on(session::ConsumerClosed& closed) {
    if (auto handle = take_out(consumers_, closed.consumer)) handle->core->on_closed(handle->part, closed.result);
}

std::shared_ptr<ConsumerCore> Core::consumer_of(session::ConsumerId id, std::uint32_t& part) {
    const auto found = consumers_.find(id);
    if (found == consumers_.end()) return nullptr;
    part = found->second.part;
    return found->second.core;
}

}  // namespace platform::pulsar::client
