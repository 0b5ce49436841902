// Connection: one accepted socket, request after request, as one coroutine on one I/O thread. Internal to the server.
#pragma once

#include "platform/http/body.hpp"
#include "platform/http/http.hpp"
#include "platform/http/routing.hpp"
#include "platform/http/spool.hpp"
#include "platform/http/target.hpp"
#include "platform/http/wire.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace platform::http {

class Connection;
class StreamWriter;

// What all connections of a server share.
struct Site {
    Site(Server::Options options_, const Routes& routes, runtime::Metrics& metrics);

    struct Instruments {
        std::array<runtime::Counter, 4> by_class;  // 2xx .. 5xx
        runtime::Histogram seconds;
    };
    const Instruments& instruments_of(const Router::Match& match) const { return match.entry != nullptr ? routed[match.index] : unrouted; }
    std::string new_request_id();
    void connection_ended();

    Server::Options options;
    Router router;
    SpoolQuota spools;
    std::vector<Instruments> routed;
    Instruments unrouted;
    runtime::Gauge connections_gauge;
    std::string id_prefix;
    std::atomic<std::uint64_t> last_id = 0;
    std::atomic<std::size_t> connections = 0;
    std::mutex mutex;
    std::condition_variable ended;  // a connection
};

// One I/O thread's share of a server. Everything but `io` belongs to that thread.
struct Lane {
    explicit Lane(Site& site_);
    void sweep();    // compares deadlines; twice a second
    void drain();    // connections without a request end, the others after theirs
    void abandon();  // whatever waits for a peer stops waiting

    boost::asio::io_context io{1};
    Site& site;
    std::unordered_set<Connection*> open;
    bool draining = false;
    std::string date;  // header line
};

class Connection {
public:
    Connection(Lane& lane, Socket socket);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Await<void> run();
    Wire& wire() { return wire_; }
    bool between_requests() const { return between_requests_; }

private:
    enum class Head { incomplete, ready, refused, ended };
    enum class Next { request, linger, close };

    Await<Head> read_head();
    Head parse_head();
    Head check_head();
    Head refuse(int status, std::string code, std::string detail, std::string_view mend);
    Await<Next> refused();

    Await<Next> exchange();
    Request make_request(const Router::Match& match, Target target);
    RequestBody::Facts body_facts(const Request& request);
    Await<kernel::Result<Response>> handled(const Router::Match& match, Exchange& exchange);
    kernel::Result<Response> not_routed(const Router::Match& match) const;
    Await<Next> answer_streamed(RequestBody& body, StreamWriter& writer, Outlet& outlet);
    Await<Next> answer_plain(const Request& request, RequestBody& body, Response response);
    void write_answer(const Response& response, bool head_only, bool close);
    void record(const Router::Match& match, const Request& request, int status, Moment since);

    Lane& lane_;
    const Limits& limits_;
    Wire wire_;
    std::optional<Parser> parser_;
    Target target_;
    Problem problem_;  // why a head was refused
    bool between_requests_ = true;
};

// Serves the connection to its end; then it no longer counts.
Await<void> serve(Lane& lane, Socket socket);

}  // namespace platform::http
