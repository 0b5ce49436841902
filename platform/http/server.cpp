// Listening, the I/O threads, and the orderly end.
#include "platform/http/connection.hpp"
#include "platform/http/descriptors.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <pthread.h>

#include <algorithm>
#include <thread>

namespace platform::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using kernel::Error;
using kernel::ErrorKind;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

constexpr std::chrono::milliseconds accept_again_after{50};
constexpr std::chrono::seconds accept_failure_logged_every{1};

// A lane, its thread and its sweep.
struct Runner {
    explicit Runner(Site& site) : lane(site), sweep_timer(lane.io), work(asio::make_work_guard(lane.io)) {}

    Lane lane;
    asio::steady_timer sweep_timer;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    bool ended = false;  // of the lane's thread, as the timer: cancelling alone is lost on a timer that has just gone off
    std::jthread thread;
};

Await<void> sweep(Runner* runner) {
    while (!runner->ended) {
        runner->sweep_timer.expires_after(runner->lane.site.options.limits.sweep_every);
        const auto [error] = co_await runner->sweep_timer.async_wait(quietly);
        if (error) co_return;
        runner->lane.sweep();
    }
}

// Whatever is thrown on an I/O thread ends what threw it, and not the thread.
void run(asio::io_context& io, const std::string& server) {
    for (;;) {
        const auto ran = runtime::guarded([&] {
            io.run();
            return kernel::ok();
        });
        if (ran) return;
        const auto logged = runtime::guarded([&] {
            runtime::log(runtime::Level::error, "io-thread-threw", {{"server", server}, {"code", std::string_view(ran.error().code)}});
            return kernel::ok();
        });
        (void)logged;  // there may be no memory for a line
    }
}

// Counts as a connection of the site as long as it lives.
class Seat {
public:
    explicit Seat(Site& site) : site_(&site) { site.connections_gauge.set(static_cast<double>(site.connections.fetch_add(1) + 1)); }
    Seat(Seat&& other) noexcept : site_(std::exchange(other.site_, nullptr)) {}
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
        if (site_) site_->connection_ended();
    }

private:
    Site* site_;
};

// A connection too many: told so without waiting, and closed.
void turn_away(Socket socket) {
    static const std::string text = [] {
        auto problem = problem_from({ErrorKind::busy, "too-many-connections", "too many connections are open; retry later"});
        const auto body = to_json(problem);
        return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\n"
               "Content-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    }();
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(Socket::shutdown_send, ignored);
    std::array<char, 4096> unread{};
    socket.read_some(asio::buffer(unread), ignored);  // a close with unread bytes would be a reset
}

class AsioServer final : public Server {
public:
    AsioServer(Options options, const Routes& routes, runtime::Metrics& metrics) : site_(std::move(options), routes, metrics) {
        for (int i = 0; i < std::max(site_.options.threads, 1); ++i) runners_.push_back(std::make_unique<Runner>(site_));
        acceptor_.emplace(runners_.front()->lane.io);
        accept_timer_.emplace(runners_.front()->lane.io);
    }
    ~AsioServer() override { stop_all(); }

    kernel::Result<void> bind();
    std::uint16_t port() const override { return port_; }
    void start() override;
    void stop() override { stop_all(); }

private:
    void keep_sweeping(Runner& runner);
    void keep_accepting();
    Await<void> accept();
    void accept_failed(const boost::system::error_code& error);
    bool turn_one_away();
    void take(Runner& runner, Socket socket);
    void stop_all();
    template <class F>
    void on_every_lane(F act) {
        for (auto& runner : runners_) asio::post(runner->lane.io, [runner = runner.get(), act] { act(*runner); });
    }

    Site site_;
    std::vector<std::unique_ptr<Runner>> runners_;
    std::optional<Acceptor> acceptor_;  // of the first lane
    std::optional<asio::steady_timer> accept_timer_;
    SpareDescriptor spare_;
    int accept_failures_ = 0;  // since one was logged
    std::chrono::steady_clock::time_point accept_failure_next_logged_{};
    std::uint16_t port_ = 0;
    std::mutex life_;
    bool started_ = false;
    bool stopped_ = false;
};

kernel::Result<void> AsioServer::bind() {
    const auto& options = site_.options;
    const auto where = options.host + ":" + std::to_string(options.port);
    boost::system::error_code error;
    tcp::resolver resolver(runners_.front()->lane.io);
    const auto found = resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
    if (error || found.empty())
        return Error{ErrorKind::incorrect, "host-unknown", options.name + " cannot listen on " + where + ": the host is unknown"};
    const auto endpoint = found.begin()->endpoint();
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(tcp::acceptor::max_listen_connections, error);
    if (error == asio::error::address_in_use)
        return Error{ErrorKind::unavailable, "port-taken",
                     options.name + " cannot listen on " + where + ": the port is taken; choose another with " + options.port_option};
    if (error) return Error{ErrorKind::unavailable, "listen-failed", options.name + " cannot listen on " + where + ": " + error.message()};
    port_ = acceptor_->local_endpoint(error).port();
    return kernel::ok();
}

void AsioServer::start() {
    const std::lock_guard lock(life_);
    if (started_ || stopped_) return;
    started_ = true;
    for (auto& runner : runners_) keep_sweeping(*runner);
    keep_accepting();
    const auto name = site_.options.name.substr(0, 15);
    for (auto& runner : runners_) {
        runner->thread = std::jthread([this, raw = runner.get()] { run(raw->lane.io, site_.options.name); });
        pthread_setname_np(runner->thread.native_handle(), name.c_str());
    }
}

void AsioServer::keep_sweeping(Runner& runner) {
    asio::co_spawn(runner.lane.io, sweep(&runner), [this, &runner](const std::exception_ptr& thrown) {
        if (thrown && !runner.ended) keep_sweeping(runner);
    });
}

void AsioServer::keep_accepting() {
    asio::co_spawn(runners_.front()->lane.io, accept(), [this](const std::exception_ptr& thrown) {
        if (thrown && acceptor_->is_open()) keep_accepting();
    });
}

Await<void> AsioServer::accept() {
    for (std::size_t next = 0;; next = (next + 1) % runners_.size()) {
        auto& runner = *runners_[next];
        auto [error, socket] = co_await acceptor_->async_accept(runner.lane.io, quietly);
        if (!acceptor_->is_open()) co_return;
        if (error) {  // the peer left already, or there are no descriptors: wait, then go on
            accept_failed(error);
            const bool out_of_descriptors =
                error == asio::error::no_descriptors || error == boost::system::errc::too_many_files_open_in_system;
            if (out_of_descriptors && turn_one_away()) continue;
            accept_timer_->expires_after(accept_again_after);
            co_await accept_timer_->async_wait(quietly);
            continue;
        }
        if (site_.connections.load() >= site_.options.limits.connections_max) turn_away(std::move(socket));
        else take(runner, std::move(socket));
    }
}

void AsioServer::accept_failed(const boost::system::error_code& error) {
    ++accept_failures_;
    const auto now = std::chrono::steady_clock::now();
    if (now < accept_failure_next_logged_) return;
    accept_failure_next_logged_ = now + accept_failure_logged_every;
    runtime::log(
        runtime::Level::warn, "accept-failed",
        {{"server", site_.options.name}, {"reason", error.message()}, {"times", std::int64_t{std::exchange(accept_failures_, 0)}}});
}

// Without a descriptor for it nobody would answer a peer; the spare one is enough to say so. False if there was none to be told.
bool AsioServer::turn_one_away() {
    boost::system::error_code error;
    acceptor_->non_blocking(true, error);
    spare_.release();
    auto socket = acceptor_->accept(runners_.front()->lane.io, error);
    if (!error) turn_away(std::move(socket));
    spare_.take();
    return !error;
}

void AsioServer::take(Runner& runner, Socket socket) {
    asio::post(runner.lane.io, [this, &lane = runner.lane, taken = std::move(socket), seat = Seat(site_)]() mutable {
        asio::co_spawn(lane.io, serve(lane, std::move(taken)), [this, held = std::move(seat)](const std::exception_ptr& thrown) {
            if (thrown) runtime::log(runtime::Level::error, "connection-threw", {{"server", site_.options.name}});
        });
    });
}

void AsioServer::stop_all() {
    const std::lock_guard once(life_);
    if (std::exchange(stopped_, true)) return;
    if (!started_) {
        boost::system::error_code ignored;
        acceptor_->close(ignored);
        return;
    }
    asio::post(runners_.front()->lane.io, [this] {
        boost::system::error_code ignored;
        acceptor_->close(ignored);
        accept_timer_->cancel();
    });
    on_every_lane([](Runner& runner) { runner.lane.drain(); });
    const auto all_ended = [this] { return site_.connections.load() == 0; };
    {
        std::unique_lock lock(site_.mutex);
        if (!site_.ended.wait_for(lock, site_.options.limits.drain_timeout, all_ended)) {
            on_every_lane([](Runner& runner) { runner.lane.abandon(); });
            site_.ended.wait(lock, all_ended);  // handlers wait for nothing but our own work, which ends
        }
    }
    on_every_lane([](Runner& runner) {
        runner.ended = true;
        runner.sweep_timer.cancel();
        runner.work.reset();
    });
    for (auto& runner : runners_) runner->thread.join();
}

}  // namespace

// NOLINTNEXTLINE(performance-unnecessary-value-param): callers give their routes away, as the header says
kernel::Result<std::unique_ptr<Server>> Server::listen(Options options, Routes routes, runtime::Metrics& metrics) {
    auto server = std::make_unique<AsioServer>(std::move(options), routes, metrics);
    auto bound = server->bind();
    if (!bound) return std::move(bound).error();
    return std::unique_ptr<Server>(std::move(server));
}

}  // namespace platform::http
