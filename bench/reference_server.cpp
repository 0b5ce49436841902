// The yardstick: the least that a durable HTTP intake can do. Appends each body to a file, makes a whole group of them durable with one
// fdatasync, and answers 200 after it. No parsing, no judging, no index. Usage: bench_reference_server FILE; prints its port.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::size_t buffer_bytes = 16 * 1024;
constexpr std::uint64_t body_bytes_max = 1024 * 1024;

// Writes what waits as one group, then tells all that waited. While a group is written the next one gathers.
class GroupWriter {
public:
    GroupWriter(asio::io_context& io, int file) : io_(io), file_(file), thread_([this] { run(); }) {}
    ~GroupWriter() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    GroupWriter(const GroupWriter&) = delete;
    GroupWriter& operator=(const GroupWriter&) = delete;

    // `done` is called on the I/O thread, after the commit.
    void append(std::string bytes, std::move_only_function<void(bool)> done) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back({std::move(bytes), std::move(done)});
        }
        changed_.notify_one();
    }

private:
    struct Waiting {
        std::string bytes;
        std::move_only_function<void(bool)> done;
    };

    bool write_all(const std::string& bytes) const {
        for (std::size_t at = 0; at < bytes.size();) {
            const auto written = write(file_, bytes.data() + at, bytes.size() - at);
            if (written <= 0) return false;
            at += static_cast<std::size_t>(written);
        }
        return fdatasync(file_) == 0;
    }

    void run() {
        std::string bytes;
        while (true) {
            std::vector<Waiting> group;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
                if (waiting_.empty()) return;
                group.swap(waiting_);
            }
            bytes.clear();
            for (const auto& one : group) bytes += one.bytes;
            const bool good = write_all(bytes);
            asio::post(io_, [good, written = std::move(group)]() mutable {
                for (auto& one : written) one.done(good);
            });
        }
    }

    asio::io_context& io_;
    int file_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Waiting> waiting_;
    bool stopped_ = false;
    std::thread thread_;
};

// One connection; it lives as long as something is under way on it.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, GroupWriter& writer) : socket_(std::move(socket)), writer_(writer) {}

    void read() {
        parser_.emplace();
        parser_->body_limit(body_bytes_max);
        http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
            if (!failed) self->append();
        });
    }

private:
    void append() {
        auto request = parser_->release();
        response_ = {http::status::ok, request.version()};
        response_.keep_alive(request.keep_alive());
        writer_.append(std::move(request.body()), [self = shared_from_this()](bool good) {
            if (good) self->answer();
        });
    }

    void answer() {
        response_.prepare_payload();
        http::async_write(socket_, response_, [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
            if (!failed && self->response_.keep_alive()) self->read();
        });
    }

    tcp::socket socket_;
    GroupWriter& writer_;
    beast::flat_buffer buffer_{buffer_bytes};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::empty_body> response_;
};

void accept_next(tcp::acceptor& acceptor, GroupWriter& writer) {
    acceptor.async_accept([&acceptor, &writer](boost::system::error_code failed, tcp::socket socket) {
        if (!failed) {
            socket.set_option(tcp::no_delay(true));
            std::make_shared<Session>(std::move(socket), writer)->read();
        }
        accept_next(acceptor, writer);
    });
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) return std::fputs("usage: bench_reference_server FILE\n", stderr), 2;
    const int file = open(arguments[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return std::perror(arguments[1]), 1;
    asio::io_context io(1);
    {
        GroupWriter writer(io, file);
        tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
        std::printf("%d\n", acceptor.local_endpoint().port());
        std::fflush(stdout);
        accept_next(acceptor, writer);
        asio::signal_set signals(io, SIGTERM, SIGINT);
        signals.async_wait([&io](auto, auto) { io.stop(); });
        io.run();
    }
    close(file);
    return 0;
}
