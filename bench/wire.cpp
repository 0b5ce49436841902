// Blocking sockets and string searches.
#include "bench/wire.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;

std::uint64_t number_from(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{} || end == text.data()) fail("not a number: " + std::string(text));
    return value;
}

}  // namespace

double seconds_between(Clock::time_point begin, Clock::time_point end) {
    return std::chrono::duration<double>(end - begin).count();
}

void fail(std::string_view what) {
    std::fprintf(stderr, "bench_load: %.*s (%s)\n", static_cast<int>(what.size()), what.data(), std::strerror(errno));
    std::exit(1);
}

const std::string& Options::text(std::string_view name) const {
    const auto found = values.find(name);
    if (found == values.end()) fail("--" + std::string(name) + " is missing");
    return found->second;
}
std::uint64_t Options::number(std::string_view name) const {
    return number_from(text(name));
}
std::uint64_t Options::number_or(std::string_view name, std::uint64_t otherwise) const {
    return values.contains(name) ? number(name) : otherwise;
}

int connect_to(const std::string& address) {
    const auto colon = address.rfind(':');
    if (colon == std::string::npos) fail("an address is host:port");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(number_from(address.substr(colon + 1))));
    if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1) fail("an address is four numbers and a port");
    const int connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connected < 0 || connect(connected, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("cannot connect to " + address);
    const int on = 1;
    setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connected;
}

void send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) fail("cannot send");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

Answer answer_in(std::string_view received) {
    constexpr std::string_view length_name = "\r\ncontent-length:";
    const auto head_end = received.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return {};
    const auto head = received.substr(0, head_end + 2);
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
    const auto* found = std::search(head.begin(), head.end(), length_name.begin(), length_name.end(), same);
    if (head.size() < 13 || found == head.end()) fail("an answer without Content-Length");
    auto length = head.substr(static_cast<std::size_t>(found - head.begin()) + length_name.size());
    length.remove_prefix(std::min(length.find_first_not_of(' '), length.size()));
    const auto body_bytes = static_cast<std::size_t>(number_from(length));
    const auto bytes = head_end + 4 + body_bytes;
    if (received.size() < bytes) return {};
    return {.status = static_cast<int>(number_from(head.substr(9, 3))), .bytes = bytes, .body = received.substr(head_end + 4, body_bytes)};
}

std::string get(int socket, const std::string& host, const std::string& target, const std::string& token) {
    send_all(socket, "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + token + "\r\n\r\n");
    std::string received;
    while (true) {
        const auto before = received.size();
        received.resize(before + read_bytes);
        const auto read = recv(socket, received.data() + before, read_bytes, 0);
        if (read <= 0) fail("the server closed the connection");
        received.resize(before + static_cast<std::size_t>(read));
        const auto answer = answer_in(received);
        if (answer.bytes == 0) continue;
        if (answer.status != 200) fail(target + " was answered with " + std::to_string(answer.status));
        return std::string(answer.body);
    }
}

double percentile(std::vector<double>& values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

}  // namespace bench
