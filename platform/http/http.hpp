// HTTP/1.1 server (Boost.Beast underneath): routes, streamed bodies in and out, content encodings, limits and time-outs.
// The only place that knows HTTP; handlers see these types. No Beast header is needed to write a handler.
#pragma once

#include "kernel/task.hpp"
#include "platform/http/problem.hpp"
#include "platform/runtime/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace platform::http {

struct Limits {
    std::size_t header_bytes_max = 16 * 1024;  // 431 "headers-too-large"
    std::size_t target_bytes_max = 8 * 1024;   // 414 "target-too-long"
    std::size_t connections_max = 10'000;      // accepted beyond it: 503 "too-many-connections", closed
    std::uint64_t decoded_body_bytes_max = 0;  // of one request after decompression; 0: no limit (streams); handlers limit reads
    std::size_t decoded_expansion_max = 200;   // decompressed / compressed beyond 1 MiB decoded: 413 "body-expands-too-much"
    std::size_t answer_spool_bytes_max = 1024u * 1024 * 1024;                   // of a streamed answer, waiting for a peer that still sends
    std::size_t answer_spools_bytes_max = std::size_t{4} * 1024 * 1024 * 1024;  // of all of them together, in temporary files
    std::chrono::seconds header_timeout{10};                                    // first byte of a request .. its last header
    std::chrono::seconds idle_timeout{75};                                      // between requests of a kept connection
    std::chrono::seconds body_stall_timeout{30};                                // no byte of a body, in or out, for that long
    std::chrono::seconds drain_timeout{10};                                     // at SIGTERM: requests in flight get that long
    std::chrono::microseconds sweep_every{500'000};  // how often time-outs are looked at and the Date header is made
};

struct Request {
    std::string method;                                           // "GET"
    std::string path;                                             // decoded, without the query
    std::string route;                                            // pattern that matched: "/data/{id}"
    std::vector<std::pair<std::string, std::string>> parameters;  // from the path: {"id", "..."}
    std::vector<std::pair<std::string, std::string>> query;       // decoded, in order
    std::vector<std::pair<std::string, std::string>> headers;     // names in lower case
    std::string id;                                               // ours, unique; in the log line and in problems as "instance"

    std::string_view header(std::string_view name) const;                      // "" if absent
    std::string_view parameter(std::string_view name) const;                   // "" if absent
    std::optional<std::string_view> query_value(std::string_view name) const;  // the first
    std::string_view media_type() const;    // of Content-Type, without parameters, lower case; "" if absent
    std::string charset() const;            // of Content-Type, lower case, without quotes; "" if absent
    std::string_view bearer_token() const;  // of "Authorization: Bearer X"; "" if absent
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  // further ones
    std::optional<Problem> problem;                            // takes the place of `body`; the server adds `instance`
    bool streamed = false;                                     // the handler has answered through the Writer
};

Response json(int status, std::string body);
Response answer(const Problem& problem);  // application/problem+json, Retry-After when set

// The request body, decoded (identity, gzip, zstd; another Content-Encoding: 415 "content-encoding-unknown"). Reads from the socket as it
// is asked, so an unread body exerts back-pressure. 100-continue is answered at the first read.
class Body {
public:
    virtual ~Body() = default;
    // The next bytes (1 B..256 KiB), or empty at the end. incorrect "body-truncated" (the peer closed in the middle),
    // "body-encoding-broken", "body-stalled", "body-expands-too-much"; interrupted when the server stops.
    virtual kernel::Task<std::string> read() = 0;
    // Asked before that many more bytes are kept; its error ends the reading.
    using Admit = std::function<kernel::Result<void>(std::size_t more)>;
    // All of it, or incorrect "body-too-large" once it exceeds `bytes_max`.
    virtual kernel::Task<std::string> read_all(std::size_t bytes_max, Admit admit) = 0;
    kernel::Task<std::string> read_all(std::size_t bytes_max);
};

// A streamed answer (chunked). Never waits for a peer that is still sending its request: what it does not read yet goes to a bounded
// temporary file, so that a client which reads only after it has sent everything cannot dead-lock. One coroutine may read the body while
// another, of the same handler on the same thread, writes.
class Writer {
public:
    virtual ~Writer() = default;
    virtual kernel::Task<> start(int status, std::string content_type) = 0;  // once, before write
    virtual kernel::Task<> write(std::string chunk) = 0;
};

struct Exchange {
    Request request;
    Body& body;
    Writer& writer;
};

// Runs on the server's I/O thread: must not block. The Exchange outlives the task. A Result error becomes a problem by its kind.
using Handler = std::function<kernel::Task<Response>(Exchange&)>;

class Routes {
public:
    // Pattern segments: literal or {name}. The most literal match wins. HEAD is served by GET. Unknown path: 404 "no-such-path"; known path
    // with another method: 405 with Allow.
    void add(std::string method, std::string pattern, Handler handler);

    struct Entry {
        std::string method, pattern;
        Handler handler;
    };
    const std::vector<Entry>& entries() const { return entries_; }

private:
    std::vector<Entry> entries_;
};

// A server on one address. Each accepted connection is one coroutine on one of the I/O threads.
class Server {
public:
    struct Options {
        std::string host = "127.0.0.1";
        std::uint16_t port = 0;  // 0: any free one, see port()
        int threads = 1;
        std::string name = "http";  // in log lines and metric labels
        Limits limits = {};
        std::string port_option = "--port";  // named in the error for a taken port
        // For a server that asks nobody who he is: a page of any site, open in a browser of this machine, must not reach it. A Host that is
        // no name of this machine: 403 "host-not-local"; an Origin that is none: 403 "origin-foreign".
        bool local_only = false;
    };
    // Binds and listens; unavailable "port-taken" with a message that says how to choose another.
    static kernel::Result<std::unique_ptr<Server>> listen(Options options, Routes routes, runtime::Metrics& metrics);
    virtual ~Server() = default;
    virtual std::uint16_t port() const = 0;
    // Starts the I/O threads.
    virtual void start() = 0;
    // Stops accepting, lets requests in flight end (up to drain_timeout), closes, joins. Idempotent.
    virtual void stop() = 0;
};

}  // namespace platform::http
