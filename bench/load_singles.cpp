// One thread, epoll, one request in flight on each connection.
#include "bench/load.hpp"
#include "bench/record.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace bench {
namespace {

constexpr std::size_t read_bytes = 16 * 1024;

struct Connection {
    int socket = -1;
    Clock::time_point begun;
    std::string received;
};

class Singles {
public:
    explicit Singles(const Options& options)
        : head_("POST " + options.text("path") + " HTTP/1.1\r\nHost: " + options.text("address") + "\r\nAuthorization: Bearer " +
                options.text("key") + "\r\nContent-Type: application/json\r\nContent-Length: "),
          number_(options.number_or("first", 0)),
          connections_(options.number("connections")),
          epoll_(epoll_create1(EPOLL_CLOEXEC)) {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            connections_[i].socket = connect_to(options.text("address"));
            epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
            if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].socket, &event) != 0) fail("epoll");
        }
    }
    ~Singles() {
        for (const auto& connection : connections_) close(connection.socket);
        close(epoll_);
    }
    Singles(const Singles&) = delete;
    Singles& operator=(const Singles&) = delete;

    void run(double seconds) {
        const auto begin = Clock::now();
        for (auto& connection : connections_) post(connection);
        std::array<epoll_event, 256> events;
        while (true) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            if (count < 0 && errno != EINTR) fail("epoll");
            const auto now = Clock::now();
            if (seconds_between(begin, now) >= seconds) return print(seconds_between(begin, now));
            for (int i = 0; i < count; ++i) read(connections_[events[static_cast<std::size_t>(i)].data.u64], now);
        }
    }

private:
    // A request is far smaller than a socket's buffer: it never blocks.
    void post(Connection& connection) {
        body_.clear();
        append_record(body_, number_++);
        request_ = head_;
        request_ += std::to_string(body_.size());
        request_ += "\r\n\r\n";
        request_ += body_;
        connection.begun = Clock::now();
        send_all(connection.socket, request_);
    }

    void read(Connection& connection, Clock::time_point now) {
        std::array<char, read_bytes> bytes;
        const auto count = recv(connection.socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) fail("the server closed a connection");
        connection.received.append(bytes.data(), static_cast<std::size_t>(count));
        const auto answer = answer_in(connection.received);
        if (answer.bytes == 0) return;
        if (answer.status == 200 || answer.status == 202) milliseconds_.push_back(1e3 * seconds_between(connection.begun, now));
        else ++others_;
        connection.received.erase(0, answer.bytes);
        post(connection);
    }

    void print(double seconds) {
        const auto count = milliseconds_.size();
        std::printf("{\"requests\":%zu,\"others\":%zu,\"seconds\":%.3f,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", count,
                    others_, seconds, static_cast<double>(count) / seconds, percentile(milliseconds_, 0.5),
                    percentile(milliseconds_, 0.99));
    }

    std::string head_, body_, request_;
    std::uint64_t number_;
    std::vector<Connection> connections_;
    int epoll_;
    std::vector<double> milliseconds_;
    std::size_t others_ = 0;
};

}  // namespace

void singles(const Options& options) {
    Singles(options).run(static_cast<double>(options.number("seconds")));
}

}  // namespace bench
