// A sender on this thread, a reader of the answer on another.
#include "bench/load.hpp"
#include "bench/record.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t read_bytes = 256 * 1024;
constexpr std::size_t tail_bytes = 400;

std::string head_of(const Options& options) {
    return "POST /raw-data HTTP/1.1\r\nHost: " + options.text("address") + "\r\nAuthorization: Bearer " + options.text("key") +
           "\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
}

// Reads to the end and gives back the last bytes: the line of totals.
std::string drain(int socket) {
    std::vector<char> bytes(read_bytes);
    std::string tail;
    while (true) {
        const auto count = recv(socket, bytes.data(), bytes.size(), 0);
        if (count <= 0) return tail;
        tail.append(bytes.data(), static_cast<std::size_t>(count));
        if (tail.size() > tail_bytes) tail.erase(0, tail.size() - tail_bytes);
    }
}

void send_chunk(int socket, const std::string& lines) {
    std::array<char, 20> size;
    const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", lines.size());
    send_all(socket, {size.data(), static_cast<std::size_t>(length)});
    send_all(socket, lines);
    send_all(socket, "\r\n");
}

void must_have_accepted(const std::string& tail, std::uint64_t count) {
    if (tail.find("\"accepted\":" + std::to_string(count) + ",") == std::string::npos || tail.find("\"done\":true") == std::string::npos)
        fail("not every record was accepted: " + tail.substr(tail.size() > 200 ? tail.size() - 200 : 0));
}

// What the prober looks for: the newest record that was sent as the first of a burst.
struct Watched {
    std::mutex mutex;
    std::uint64_t number = 0;
    Clock::time_point sent;
    bool ended = false;
};

// Asks for one watched record again and again until a query finds it; then takes the newest one.
std::vector<double> probe(const Options& options, Watched& watched) {
    const int socket = connect_to(options.text("query"));
    std::vector<double> milliseconds;
    std::uint64_t last = 0;
    while (true) {
        std::uint64_t number = 0;
        Clock::time_point sent;
        {
            const std::lock_guard lock(watched.mutex);
            if (watched.ended) break;
            number = watched.number;
            sent = watched.sent;
        }
        if (number == last) {
            std::this_thread::sleep_for(std::chrono::microseconds(500));
            continue;
        }
        const auto target = "/data?record_id=" + record_id(number) + "&limit=1";
        while (get(socket, options.text("query"), target, options.text("token")).starts_with("{\"data\":[]"))
            if (seconds_between(sent, Clock::now()) > 60) fail("a record was not visible within a minute");
        milliseconds.push_back(1e3 * seconds_between(sent, Clock::now()));
        last = number;
    }
    close(socket);
    return milliseconds;
}

}  // namespace

void stream(const Options& options) {
    const auto count = options.number("records");
    const auto first = options.number_or("first", 0);
    const int socket = connect_to(options.text("address"));
    std::string tail;
    const auto begin = Clock::now();
    std::jthread reader([&] { tail = drain(socket); });
    send_all(socket, head_of(options));
    std::string lines;
    std::uint64_t bytes = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        append_record(lines, first + i);
        lines += '\n';
        if (lines.size() < chunk_bytes && i + 1 < count) continue;
        send_chunk(socket, lines);
        bytes += lines.size();
        lines.clear();
    }
    send_all(socket, "0\r\n\r\n");
    reader.join();
    const auto seconds = seconds_between(begin, Clock::now());
    close(socket);
    must_have_accepted(tail, count);
    std::printf("{\"records\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"per_second\":%.1f,\"mb_per_second\":%.2f}\n",
                static_cast<unsigned long long>(count), static_cast<unsigned long long>(bytes), seconds,
                static_cast<double>(count) / seconds, static_cast<double>(bytes) / seconds / 1e6);
}

void visible(const Options& options) {
    constexpr auto tick = std::chrono::milliseconds(10);
    constexpr std::uint64_t ticks_per_second = 100;
    const auto per_tick = std::max<std::uint64_t>(1, options.number("rate") / ticks_per_second);
    const auto ticks = options.number("seconds") * ticks_per_second;
    const int socket = connect_to(options.text("address"));
    Watched watched;
    std::string tail;
    std::vector<double> milliseconds;
    std::jthread reader([&] { tail = drain(socket); });
    std::jthread prober([&] { milliseconds = probe(options, watched); });
    send_all(socket, head_of(options));
    auto number = options.number_or("first", 0) + 1;  // 0 is "nothing is watched"
    std::string lines;
    const auto begin = Clock::now();
    for (std::uint64_t turn = 0; turn < ticks; ++turn) {
        std::this_thread::sleep_until(begin + tick * turn);
        lines.clear();
        const auto watch = number;
        for (std::uint64_t i = 0; i < per_tick; ++i) {
            append_record(lines, number++);
            lines += '\n';
        }
        const auto now = Clock::now();
        send_chunk(socket, lines);
        const std::lock_guard lock(watched.mutex);
        watched.number = watch;
        watched.sent = now;
    }
    const auto seconds = seconds_between(begin, Clock::now());
    send_all(socket, "0\r\n\r\n");
    reader.join();
    {
        const std::lock_guard lock(watched.mutex);
        watched.ended = true;
    }
    prober.join();
    close(socket);
    const std::uint64_t sent = ticks * per_tick;
    must_have_accepted(tail, sent);
    std::printf("{\"records\":%s,\"per_second\":%.1f,\"probes\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", std::to_string(sent).c_str(),
                static_cast<double>(sent) / seconds, milliseconds.size(), percentile(milliseconds, 0.5), percentile(milliseconds, 0.99));
}

}  // namespace bench
