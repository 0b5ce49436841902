// RawPeer: a peer of the tests and fuzzers that sends bytes as they are and reads with a deadline. Blocking; not for production.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace platform::http::testing_aid {

class RawPeer {
public:
    RawPeer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    explicit RawPeer(std::uint16_t port) : RawPeer() { connect(port); }
    ~RawPeer() { ::close(socket_); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    bool connect(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        return connected_;
    }
    bool connected() const { return connected_; }

    // Blocks until all is sent; false if the server has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    void end_sending() { ::shutdown(socket_, SHUT_WR); }

    // What comes until `mark` has come (then all up to its end), the server closes, or the time is over.
    std::string read_until(std::string_view mark, std::chrono::milliseconds time = std::chrono::seconds(20)) {
        const auto deadline = std::chrono::steady_clock::now() + time;
        for (;;) {
            const auto found = mark.empty() ? std::string::npos : buffered_.find(mark);
            if (found != std::string::npos) return taken(found + mark.size());
            if (!receive(deadline)) return taken(buffered_.size());
        }
    }
    // Everything up to the end of the connection.
    std::string read_to_end(std::chrono::milliseconds time = std::chrono::seconds(20)) { return read_until("", time); }
    // A whole answer with Content-Length or in chunks; `head` if it has no body.
    std::string read_answer(bool head = false) {
        auto answer = read_until("\r\n\r\n");
        if (head || answer.find("\r\n\r\n") == std::string::npos) return answer;
        if (answer.find("Transfer-Encoding: chunked") != std::string::npos) return answer + read_until("0\r\n\r\n");
        const auto at = answer.find("Content-Length: ");
        if (at == std::string::npos) return answer;
        const auto length = std::stoull(answer.substr(at + 16));
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (buffered_.size() < length && receive(deadline)) {
        }
        return answer + taken(std::min<std::size_t>(length, buffered_.size()));
    }
    // True once the server has closed the connection and nothing is left to read.
    bool closed(std::chrono::milliseconds time = std::chrono::seconds(20)) { return read_to_end(time).empty() && ended_; }

private:
    bool receive(std::chrono::steady_clock::time_point deadline) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        pollfd wait{socket_, POLLIN, 0};
        int ready = left <= 0 ? 0 : -1;
        while (ready < 0) {
            ready = ::poll(&wait, 1, static_cast<int>(left));
            if (ready < 0 && errno != EINTR) return false;  // a fuzzer's clock interrupts
        }
        if (ready == 0) return false;
        char bytes[65536];
        const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
        if (count <= 0) {
            ended_ = true;
            return false;
        }
        buffered_.append(bytes, static_cast<std::size_t>(count));
        return true;
    }
    std::string taken(std::size_t size) {
        auto out = buffered_.substr(0, size);
        buffered_.erase(0, size);
        return out;
    }

    int socket_;
    bool connected_ = false;
    bool ended_ = false;
    std::string buffered_;
};

}  // namespace platform::http::testing_aid
