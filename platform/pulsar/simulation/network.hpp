// Network: simulated time and simulated TCP between sessions and brokers. Bytes of one direction keep their order; everything else is at
// the mercy of the seed: delays, chunks, cuts at any byte, black holes, one end that learns of the end later than the other, or never.
#pragma once

#include "platform/pulsar/session/types.hpp"
#include "platform/pulsar/simulation/random.hpp"
#include "platform/pulsar/simulation/report.hpp"
#include "platform/pulsar/simulation/say.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace platform::pulsar::simulation {

using session::Time;

class Scheduler {
public:
    Time now() const { return now_; }
    session::Now both() const { return {.steady = now_, .wall_ms = wall_ms()}; }
    std::uint64_t wall_ms() const { return 1'700'000'000'000U + static_cast<std::uint64_t>(millis()); }
    std::int64_t millis() const { return std::chrono::duration_cast<std::chrono::milliseconds>(now_ - start_).count(); }
    std::string clock() const;  // for traces: seconds with six digits

    void at(Time time, std::function<void()> what);
    void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
    // Runs what is next; false when nothing is left.
    bool step();
    std::uint64_t steps() const { return steps_; }

private:
    struct Event {
        Time time;
        std::uint64_t number;
        std::function<void()> what;
    };
    static bool later(const Event& a, const Event& b) { return a.time != b.time ? a.time > b.time : a.number > b.number; }

    const Time start_ = Time(std::chrono::hours(1));
    Time now_ = start_;
    std::uint64_t numbers_ = 0, steps_ = 0;
    std::vector<Event> heap_;
};

enum class LinkId : std::uint64_t {};

// A process's end of its connections.
class Client {
public:
    virtual ~Client() = default;
    virtual void connected(session::ConnectionId connection) = 0;
    virtual void bytes_came(session::ConnectionId connection, std::string_view bytes) = 0;
    virtual void took(session::ConnectionId connection, std::size_t bytes) = 0;
    virtual void ended(session::ConnectionId connection, const kernel::Error& why) = 0;
};

// The brokers' end.
class Server {
public:
    virtual ~Server() = default;
    virtual bool is_alive(int broker) const = 0;
    virtual void accepted(LinkId link, int broker, std::uint64_t incarnation) = 0;
    virtual void bytes_came(LinkId link, std::string_view bytes) = 0;
    virtual void ended(LinkId link) = 0;
};

class Network {
public:
    // Per mille of what is dialled, or of what is sent.
    struct Faults {
        Duration delay_min{50}, delay_max{2000};
        unsigned refuses = 0, never_connects = 0;
        unsigned cuts = 0;         // a new connection is cut somewhere in its first bytes
        unsigned holes = 0;        // likewise, but nobody is told
        unsigned half_closes = 0;  // the client's end closes; what it had sent still arrives
        unsigned chunks = 100;     // what is written at once comes in pieces
        unsigned stalls = 0;       // a delay of up to `stall`
        Duration stall{2'000'000};
    };

    Network(Scheduler& scheduler, Random random, Report& report) : scheduler_(scheduler), random_(random), report_(report) {}
    void serve(Server& server) { server_ = &server; }
    Faults& faults() { return faults_; }
    // No fault that was chosen for a living connection strikes any more, but a black hole stays one.
    void calm();

    // --- For processes. `incarnation`: which run of which process; unique.
    void dial(Client& client, std::uint64_t incarnation, session::ConnectionId connection, std::optional<int> broker);
    void write(std::uint64_t incarnation, session::ConnectionId connection, const std::shared_ptr<const std::string>& bytes);
    void hang_up(std::uint64_t incarnation, session::ConnectionId connection);
    // The process dies: its ends of all connections, some of which brokers hear of late.
    void leave(std::uint64_t incarnation);

    // --- For brokers.
    void server_write(LinkId link, std::string_view bytes);
    void server_close(LinkId link);
    void kill(int broker);  // the power is gone: of some connections the clients hear, of others never

    // --- For the world: strikes a living connection.
    void cut_one();
    void hole_one();
    std::size_t links() const { return links_.size(); }

private:
    struct Way {
        Time last;
        std::uint64_t sent = 0;
        std::optional<std::uint64_t> cut_at, hole_at, close_at;
        bool hole = false;
        bool ended = false;  // nothing more is taken: its sender is gone
    };
    struct Link {
        LinkId id;
        Client* client;
        std::uint64_t incarnation;
        session::ConnectionId connection;
        int broker;
        bool client_open = true, server_open = false;
        std::string unsent;
        bool taking = false;
        Way to_server, to_client;
    };

    Link* find(LinkId id);
    Link* find(std::uint64_t incarnation, session::ConnectionId connection);
    void take(LinkId id);
    void carry(Link& link, bool to_server, std::string_view bytes);
    void deliver_later(Link& link, bool to_server, std::string bytes);
    void end_client_later(Link& link, Time when);
    void end_server_later(Link& link, Time when);
    void cut(Link& link);
    void forget_if_over(LinkId id);
    Time arrival(Way& way);

    Scheduler& scheduler_;
    Random random_;
    Report& report_;
    Server* server_ = nullptr;
    Faults faults_;
    std::uint64_t numbers_ = 0;
    std::map<LinkId, Link> links_;
    std::map<std::pair<std::uint64_t, session::ConnectionId>, LinkId> by_client_;
};

}  // namespace platform::pulsar::simulation
