// Core: a client's I/O thread with its session; what Client, Producer and Consumer have in common. Jobs come in by an inbox that wakes the
// thread once for many; the session's actions are carried out after each entry into it.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/client/client.hpp"
#include "platform/pulsar/client/connection.hpp"
#include "platform/pulsar/client/consumer_core.hpp"
#include "platform/pulsar/client/producer_core.hpp"
#include "platform/pulsar/session/session.hpp"
#include "platform/runtime/blocking_pool.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace platform::pulsar::client {

using Job = std::move_only_function<void()>;
template <class T = void>
using Outcome = std::move_only_function<void(kernel::Result<T>)>;

kernel::Error client_closed();
kernel::Error bad_options(const char* what);
// Runs code of the application: what it throws is logged and goes no further.
void call_guarded(const char* what, const std::function<void()>& call);

// One call of Client::producer(), consumer() or reader(), until it is answered. Lives on the I/O thread.
template <class Handle, class HandleCore>
struct Opening {
    Outcome<std::unique_ptr<Handle>> done;  // empty when it was answered: what comes later is dropped, and closes itself
    std::shared_ptr<HandleCore> core;       // when the topic's partitions are known

    void answer(kernel::Result<std::unique_ptr<Handle>> result) {
        if (done) std::exchange(done, {})(std::move(result));
    }
    void give_up(const kernel::Error& why) {
        if (!done) return;
        if (const auto opened = std::exchange(core, {})) opened->give_up_opening(why);
        answer(why);
    }
};
using OpeningProducer = Opening<Producer, ProducerCore>;
using OpeningConsumer = Opening<Consumer, ConsumerCore>;

class Core : public std::enable_shared_from_this<Core> {
public:
    Core(ClientOptions options, std::vector<session::Address> services);
    ~Core();

    void start();
    // The end, for ever: closes gracefully for `close_timeout` at most. Not on the I/O thread.
    void stop();

    // --- Any thread.

    // Runs on the I/O thread, in the order of the calls. After the end at once, on this thread: a job asks is_over() first.
    void post(Job job);
    // pump() of that producer runs on the I/O thread, before the jobs that are posted later.
    void list(std::shared_ptr<ProducerCore> producer);
    bool is_over() const { return over_.load(std::memory_order_acquire); }
    const ClientOptions& options() const { return options_; }
    bool is_on_io_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

    // --- The I/O thread: for connections.

    void connected(session::ConnectionId id);
    std::span<char> prepare(session::ConnectionId id, std::size_t bytes_min) { return session_->prepare(id, bytes_min); }
    void received(session::ConnectionId id, std::size_t bytes);
    void written(session::ConnectionId id, std::size_t bytes);
    void closed(session::ConnectionId id, const kernel::Error& why);
    // Of several addresses of a host: the last that is not to be the first again.
    void avoid(const session::Address& host, const boost::asio::ip::tcp::endpoint& endpoint);
    boost::asio::ip::tcp::endpoint avoided(const session::Address& host) const;

    // --- The I/O thread: for producers and consumers.

    session::Session& session() { return *session_; }
    session::Now now() const { return now_; }
    boost::asio::io_context& io() { return io_; }

    void open_producer(ProducerOptions options, const std::shared_ptr<OpeningProducer>& opening);
    void open_consumer(ConsumerOptions options, std::vector<MessageId> starts, ConsumerHooks hooks,
                       const std::shared_ptr<OpeningConsumer>& opening);
    void ask_partitions(const std::string& topic, Outcome<std::uint32_t> done);
    void close(Outcome<> done);

    void own(session::ProducerId id, std::shared_ptr<ProducerCore> producer, std::uint32_t part);
    void own(session::ConsumerId id, std::shared_ptr<ConsumerCore> consumer, std::uint32_t part);
    session::OperationId expect(Outcome<> done);  // Flushed or Done
    session::OperationId expect_last(Outcome<std::optional<MessageId>> done);

private:
    template <class T>
    struct Handle {
        std::shared_ptr<T> core;
        std::uint32_t part = 0;
    };

    void enter();  // before each use of the session: what time it is
    void act();    // after it
    void take_jobs();
    void wake();
    void arm_timer();
    void look_at_handles();
    void finish();
    void fail_everything();
    void give_token(const kernel::Result<std::string>& token);
    session::OperationId new_operation() { return session::OperationId{++last_operation_}; }

    void on(session::Dial& dial);
    void on(session::Write& write);
    void on(session::HangUp& hang_up);
    void on(session::WantToken& want);
    void on(session::Partitions& partitions);
    void on(session::ProducerOpened& opened);
    void on(session::Sent& sent);
    void on(session::Room& /*room*/) {}  // ProducerCore keeps the bounds
    void on(session::Flushed& flushed);
    void on(session::ProducerClosed& closed);
    void on(session::ConsumerOpened& opened);
    void on(session::Readable& readable);
    void on(session::ActiveChanged& changed);
    void on(session::Reattached& reattached);
    void on(session::EndOfTopic& end);
    void on(session::Done& done);
    void on(session::LastMessage& last);
    void on(session::ConsumerClosed& closed);
    void on(session::SessionClosed& closed);
    void operation_done(session::OperationId operation, kernel::Result<void> result);
    std::shared_ptr<ConsumerCore> consumer_of(session::ConsumerId id, std::uint32_t& part);

    const ClientOptions options_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer timer_;
    std::optional<session::Time> armed_;
    std::unique_ptr<session::Session> session_;
    session::Now now_;

    std::unordered_map<session::ConnectionId, std::shared_ptr<Connection>> connections_;
    std::vector<std::shared_ptr<Connection>> to_flush_;
    std::unordered_map<std::string, boost::asio::ip::tcp::endpoint> avoided_;  // by host and port
    std::vector<session::ConnectionId> want_token_;
    bool is_asking_for_token_ = false;
    std::unordered_map<session::ProducerId, Handle<ProducerCore>> producers_;
    std::unordered_map<session::ConsumerId, Handle<ConsumerCore>> consumers_;
    std::unordered_map<session::OperationId, Outcome<>> expected_;
    std::unordered_map<session::OperationId, Outcome<std::optional<MessageId>>> expected_last_;
    std::unordered_map<session::OperationId, Outcome<std::uint32_t>> expected_partitions_;
    std::vector<Outcome<>> closers_;
    std::uint64_t last_operation_ = 0;
    session::Time looked_at_{};
    bool session_closed_ = false;
    bool is_finished_here_ = false;  // nothing of the session's is carried out any more

    std::atomic<bool> over_{false};  // nothing new is taken
    std::mutex mutex_;
    std::condition_variable closed_now_;
    bool is_closed_ = false;  // the session said so
    bool finished_ = false;   // jobs run where they are posted
    bool woken_ = false;
    std::vector<Job> jobs_, taken_jobs_;
    std::vector<std::shared_ptr<ProducerCore>> listed_, taken_listed_;
    std::unique_ptr<runtime::BlockingPool> tokens_;  // a supplier may block
    std::thread thread_;
};

}  // namespace platform::pulsar::client
