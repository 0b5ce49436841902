// Just enough HTTP/1.1 over blocking or polled sockets for a load generator. Failures end the program with a sentence: a bench that goes on
// after one measures nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;
double seconds_between(Clock::time_point begin, Clock::time_point end);

// Options of the command line, "--name value"; what has no name is a target.
struct Options {
    std::map<std::string, std::string, std::less<>> values;
    std::vector<std::string> targets;
    const std::string& text(std::string_view name) const;  // ends the program when missing
    std::uint64_t number(std::string_view name) const;
    std::uint64_t number_or(std::string_view name, std::uint64_t otherwise) const;
};

[[noreturn]] void fail(std::string_view what);

// A connected TCP socket with TCP_NODELAY. "127.0.0.1:8000".
int connect_to(const std::string& address);
void send_all(int socket, std::string_view bytes);

// One answer at the beginning of `received`, if it is whole. Only answers with Content-Length.
struct Answer {
    int status = 0;
    std::size_t bytes = 0;  // of head and body; 0: not whole yet
    std::string_view body;
};
Answer answer_in(std::string_view received);

// Sends one request on a blocking socket and waits for its answer; the body is returned, another status than 200 ends the program.
std::string get(int socket, const std::string& host, const std::string& target, const std::string& token);

// Values in milliseconds; sorts. 0 for none.
double percentile(std::vector<double>& values, double share);

}  // namespace bench
