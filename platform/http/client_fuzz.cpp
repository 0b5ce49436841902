// Fuzzes what the client makes of an answer. The first byte chooses the call; the rest is what a server says before it closes.
#include "kernel/check.hpp"
#include "platform/http/client.hpp"

#include <string>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// A server of one answer: it says it without listening, then hears the client out.
class OneAnswer {
public:
    OneAnswer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* name = reinterpret_cast<sockaddr*>(&address);
        CHECK(::bind(listener_, name, size) == 0 && ::listen(listener_, 1) == 0 && ::getsockname(listener_, name, &size) == 0,
              "it listens");
        port_ = ntohs(address.sin_port);
    }
    ~OneAnswer() { ::close(listener_); }
    OneAnswer(const OneAnswer&) = delete;
    OneAnswer& operator=(const OneAnswer&) = delete;
    std::uint16_t port() const { return port_; }
    void give(std::string_view bytes) const {
        const int peer = ::accept(listener_, nullptr, nullptr);
        ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        ::shutdown(peer, SHUT_WR);
        for (char heard[4096]; ::recv(peer, heard, sizeof heard, 0) > 0;) {
        }
        ::close(peer);
    }

private:
    int listener_;
    std::uint16_t port_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::size_t answer_bytes_max = 1000;
    static const OneAnswer server;
    const std::jthread speaker([&] { server.give({reinterpret_cast<const char*>(data) + 1, size - 1}); });
    platform::http::Client client("127.0.0.1", server.port(), {.answer_bytes_max = answer_bytes_max});
    using Piece = platform::http::Client::Piece;
    const auto line = [&](std::string_view text) { CHECK(text.size() <= answer_bytes_max && !text.contains('\n'), "a line is one"); };
    const auto reply =
        (data[0] & 1) != 0 ? client.upload("/", {}, [] { return kernel::Result<Piece>(Piece("")); }, line) : client.request("GET", "/", {});
    if (reply) CHECK(reply->body.size() <= answer_bytes_max && reply->status >= 0 && reply->status <= 999, "a reply keeps to its bounds");
    else CHECK(reply.error().code == "answer-broken" || reply.error().code == "answer-too-large", "a failure has its code");
    return 0;
}
