#include "platform/pulsar/simulation/network.hpp"

#include <algorithm>

namespace platform::pulsar::simulation {

namespace {
kernel::Error gone(std::string_view how) {
    return {kernel::ErrorKind::unavailable, "simulated", std::string(how)};
}
constexpr std::size_t socket_bytes = 4096;  // what a socket takes of a peer that reads nothing
}  // namespace

std::string Scheduler::clock() const {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now_ - start_).count();
    const std::string fraction = std::to_string(micros % 1'000'000);
    return say("{}.{}{}", micros / 1'000'000, std::string(6 - fraction.size(), '0'), fraction);
}

void Scheduler::at(Time time, std::function<void()> what) {
    heap_.push_back({.time = std::max(time, now_), .number = numbers_++, .what = std::move(what)});
    std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Scheduler::step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = event.time;
    ++steps_;
    event.what();
    return true;
}

Network::Link* Network::find(LinkId id) {
    const auto it = links_.find(id);
    return it == links_.end() ? nullptr : &it->second;
}

Network::Link* Network::find(std::uint64_t incarnation, session::ConnectionId connection) {
    const auto it = by_client_.find({incarnation, connection});
    return it == by_client_.end() ? nullptr : find(it->second);
}

void Network::calm() {
    for (auto& [id, link] : links_) {
        for (Way* way : {&link.to_server, &link.to_client}) {
            way->cut_at = way->close_at = std::nullopt;
            if (!way->hole) way->hole_at = std::nullopt;
        }
    }
}

// When the next bytes of a direction arrive: never before those that were sent earlier.
Time Network::arrival(Way& way) {
    Duration delay = random_.duration(faults_.delay_min, faults_.delay_max);
    if (random_.chance(faults_.stalls)) {
        report_.count("stall");
        delay += random_.duration(Duration(1000), faults_.stall);
    }
    way.last = std::max(way.last, scheduler_.now() + delay);
    return way.last;
}

void Network::dial(Client& client, std::uint64_t incarnation, session::ConnectionId connection, std::optional<int> broker) {
    const LinkId id{++numbers_};
    if (by_client_.contains({incarnation, connection})) return report_.violation("a connection id was dialled twice");
    Link& link = links_[id];
    link.id = id;
    link.client = &client;
    link.incarnation = incarnation;
    link.connection = connection;
    link.broker = broker.value_or(-1);
    by_client_[{incarnation, connection}] = id;
    const Time when = scheduler_.now() + random_.duration(faults_.delay_min, faults_.delay_max);
    if (random_.chance(faults_.never_connects)) return report_.count("never connects");
    if (!broker || random_.chance(faults_.refuses)) {
        report_.count("connection refused");
        return end_client_later(link, when);
    }
    const auto up_to = [&] { return static_cast<std::uint64_t>(random_.between(0, random_.chance(500) ? 150 : 3000)); };
    if (random_.chance(faults_.cuts)) (random_.chance(500) ? link.to_server : link.to_client).cut_at = up_to();
    if (random_.chance(faults_.holes)) {
        (random_.chance(500) ? link.to_server : link.to_client).hole_at = up_to();
    }
    if (random_.chance(faults_.half_closes)) link.to_client.close_at = up_to();
    scheduler_.at(when, [this, id] {
        Link* up = find(id);
        if (up == nullptr || !up->client_open) return forget_if_over(id);
        if (!server_->is_alive(up->broker)) return end_client_later(*up, scheduler_.now());
        up->server_open = true;
        server_->accepted(id, up->broker, up->incarnation);
        up = find(id);
        if (up != nullptr && up->client_open) up->client->connected(up->connection);
    });
}

void Network::write(std::uint64_t incarnation, session::ConnectionId connection, const std::shared_ptr<const std::string>& bytes) {
    Link* link = find(incarnation, connection);
    if (link == nullptr || !link->client_open) return;
    link->unsent += *bytes;
    if (link->taking) return;
    link->taking = true;
    const LinkId id = link->id;
    scheduler_.after(Duration(random_.chance(faults_.chunks) ? random_.between(0, 3000) : 0), [this, id] { take(id); });
}

// The socket takes some of what is to be written.
void Network::take(LinkId id) {
    Link* link = find(id);
    if (link == nullptr || !link->client_open) return;
    link->taking = false;
    if (link->unsent.empty()) return;
    std::size_t bytes = link->unsent.size();
    if (random_.chance(faults_.chunks)) bytes = static_cast<std::size_t>(random_.between(1, static_cast<std::int64_t>(bytes)));
    if (link->to_server.hole && link->to_server.sent > *link->to_server.hole_at + socket_bytes) return;
    const std::string piece = link->unsent.substr(0, bytes);
    link->unsent.erase(0, bytes);
    if (!link->unsent.empty()) {
        link->taking = true;
        scheduler_.after(random_.duration(Duration(0), Duration(2000)), [this, id] { take(id); });
    }
    carry(*link, true, piece);
    link = find(id);
    if (link != nullptr && link->client_open) link->client->took(link->connection, bytes);
}

void Network::server_write(LinkId id, std::string_view bytes) {
    Link* link = find(id);
    if (link != nullptr && link->server_open) carry(*link, false, bytes);
}

void Network::carry(Link& link, bool to_server, std::string_view bytes) {
    Way& way = to_server ? link.to_server : link.to_client;
    if (way.ended) return;
    const std::uint64_t before = way.sent;
    way.sent += bytes.size();
    if (way.hole) return;
    const auto left_of = [&](std::uint64_t mark) { return static_cast<std::size_t>(mark > before ? mark - before : 0); };
    if (way.hole_at && way.sent > *way.hole_at) {
        report_.count("black hole");
        if (const std::size_t left = left_of(*way.hole_at); left > 0) deliver_later(link, to_server, std::string(bytes.substr(0, left)));
        // Both directions are gone: routes break whole.
        link.to_server.hole = link.to_client.hole = true;
        for (Way* both : {&link.to_server, &link.to_client}) both->hole_at = both->hole_at.value_or(both->sent);
        return;
    }
    if (way.cut_at && way.sent > *way.cut_at) {
        if (const std::size_t left = left_of(*way.cut_at); left > 0) deliver_later(link, to_server, std::string(bytes.substr(0, left)));
        return cut(link);
    }
    if (way.close_at && way.sent > *way.close_at) {
        report_.count("half-close");
        if (const std::size_t left = left_of(*way.close_at); left > 0) deliver_later(link, to_server, std::string(bytes.substr(0, left)));
        // The broker's direction ends here; what the client says is heard until it hangs up or is not heard for long.
        way.ended = true;
        return end_client_later(link, arrival(way));
    }
    while (bytes.size() > 1 && random_.chance(faults_.chunks)) {
        const auto piece =
            static_cast<std::size_t>(random_.between(1, static_cast<std::int64_t>(std::min<std::size_t>(bytes.size() - 1, 40))));
        deliver_later(link, to_server, std::string(bytes.substr(0, piece)));
        bytes.remove_prefix(piece);
    }
    deliver_later(link, to_server, std::string(bytes));
}

void Network::deliver_later(Link& link, bool to_server, std::string bytes) {
    const LinkId id = link.id;
    scheduler_.at(arrival(to_server ? link.to_server : link.to_client), [this, id, to_server, bytes = std::move(bytes)] {
        Link* there = find(id);
        if (there == nullptr) return;
        if (to_server) {
            if (there->server_open) server_->bytes_came(id, bytes);
        } else if (there->client_open) {
            there->client->bytes_came(there->connection, bytes);
        }
    });
}

void Network::end_client_later(Link& link, Time when) {
    const LinkId id = link.id;
    scheduler_.at(when, [this, id] {
        Link* there = find(id);
        if (there == nullptr) return;
        if (there->client_open) {
            there->client_open = false;
            by_client_.erase({there->incarnation, there->connection});
            // What the client had written is carried, then its end closes too: the kernel does so when the socket is closed.
            if (there->server_open && !there->to_server.hole) end_server_later(*there, arrival(there->to_server));
            there->client->ended(there->connection, gone("the connection ended"));
        }
        forget_if_over(id);
    });
}

void Network::end_server_later(Link& link, Time when) {
    const LinkId id = link.id;
    scheduler_.at(when, [this, id] {
        Link* there = find(id);
        if (there == nullptr) return;
        if (there->server_open) {
            there->server_open = false;
            server_->ended(id);
        }
        forget_if_over(id);
    });
}

void Network::cut(Link& link) {
    report_.count("cut");
    link.to_server.ended = link.to_client.ended = true;
    end_client_later(link, arrival(link.to_client));
    if (random_.chance(250)) {  // its keep-alive must find out
        report_.count("broker misses a cut");
        link.to_server.hole = true;
        link.to_server.hole_at = link.to_server.hole_at.value_or(link.to_server.sent);
        return;
    }
    end_server_later(link, arrival(link.to_server));
}

void Network::forget_if_over(LinkId id) {
    const auto it = links_.find(id);
    if (it != links_.end() && !it->second.client_open && !it->second.server_open) links_.erase(it);
}

void Network::hang_up(std::uint64_t incarnation, session::ConnectionId connection) {
    Link* link = find(incarnation, connection);
    if (link == nullptr) return;
    link->client_open = false;
    by_client_.erase({incarnation, connection});
    if (link->server_open && !link->to_server.hole) {
        end_server_later(*link, arrival(link->to_server));
    }
    forget_if_over(link->id);
}

void Network::leave(std::uint64_t incarnation) {
    for (auto it = by_client_.begin(); it != by_client_.end();) {
        if (it->first.first != incarnation) {
            ++it;
            continue;
        }
        Link& link = links_.at(it->second);
        it = by_client_.erase(it);
        link.client_open = false;
        link.client = nullptr;
        if (link.server_open && !link.to_server.hole) {
            // The machine died with it: no FIN.
            if (random_.chance(faults_.holes)) report_.count("dies without a FIN");
            else end_server_later(link, arrival(link.to_server));
        }
        forget_if_over(link.id);
    }
}

void Network::server_close(LinkId id) {
    Link* link = find(id);
    if (link == nullptr || !link->server_open) return;
    link->server_open = false;
    link->to_server.ended = true;
    if (!link->to_client.hole) end_client_later(*link, arrival(link->to_client));
    forget_if_over(id);
}

void Network::kill(int broker) {
    std::vector<LinkId> of_it;
    for (auto& [id, link] : links_) {
        if (link.broker == broker && link.server_open) of_it.push_back(id);
    }
    for (const LinkId id : of_it) {
        Link& link = links_.at(id);
        link.server_open = false;
        link.to_server.ended = true;
        if (random_.chance(faults_.holes)) {
            report_.count("killed without a FIN");
            link.to_client.hole = link.to_server.hole = true;
            for (Way* both : {&link.to_server, &link.to_client}) both->hole_at = both->hole_at.value_or(both->sent);
        } else if (!link.to_client.hole) {
            end_client_later(link, arrival(link.to_client));
        }
        forget_if_over(id);
    }
}

void Network::cut_one() {
    if (links_.empty()) return;
    auto it = links_.begin();
    std::advance(it, random_.below(links_.size()));
    Link& link = it->second;
    if (link.client_open && link.server_open && !link.to_server.hole && !link.to_client.ended) cut(link);
}

void Network::hole_one() {
    if (links_.empty()) return;
    auto it = links_.begin();
    std::advance(it, random_.below(links_.size()));
    Link& link = it->second;
    if (!link.client_open || !link.server_open || link.to_server.hole || link.to_client.ended) return;
    report_.count("black hole");
    link.to_server.hole = link.to_client.hole = true;
    for (Way* both : {&link.to_server, &link.to_client}) both->hole_at = both->hole_at.value_or(both->sent);
}

}  // namespace platform::pulsar::simulation
