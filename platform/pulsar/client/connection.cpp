// Sockets by Asio. Every handler holds the connection; once it is dead, they do nothing.
#include "platform/pulsar/client/connection.hpp"

#include "platform/pulsar/client/core.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace platform::pulsar::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using kernel::ErrorKind;

constexpr std::size_t read_bytes = 128 * 1024;
constexpr std::size_t gather_frames_max = 64;  // what one sendmsg of Asio takes
constexpr std::size_t gather_bytes_max = 1024 * 1024;
constexpr std::size_t tls_write_bytes = 64 * 1024;

kernel::Error unavailable(const char* code, std::string message) {
    return kernel::Error{ErrorKind::unavailable, code, std::move(message)};
}

}  // namespace

Connection::Connection(Core& core, asio::io_context& io, session::ConnectionId id, session::Address address, TlsOptions tls,
                       std::chrono::milliseconds connect_timeout)
    : core_(core),
      id_(id),
      address_(std::move(address)),
      tls_options_(std::move(tls)),
      // A little less than the session gives, so that the reason is told before it hangs up.
      dial_until_(std::chrono::steady_clock::now() + connect_timeout * 9 / 10),
      resolver_(io),
      socket_(io),
      limit_(io) {}

void Connection::dial() {
    Error no_address;
    const auto literal = asio::ip::make_address(address_.host, no_address);
    if (!no_address) {
        endpoints_.emplace_back(literal, address_.port);
        // Not at once: the session is still handing out actions.
        asio::post(limit_.get_executor(), [self = shared_from_this()] {
            if (!self->dead_) self->connect_next(unavailable("pulsar-connect", "not tried"));
        });
        return;
    }
    limit_to(dial_until_ - std::chrono::steady_clock::now());
    resolver_.async_resolve(address_.host, std::to_string(address_.port), tcp::resolver::numeric_service,
                            [self = shared_from_this()](const Error& error, const tcp::resolver::results_type& found) {
                                if (!self->dead_) self->resolved(error, found);
                            });
}

void Connection::resolved(const Error& error, const tcp::resolver::results_type& found) {
    if (error) return end(unavailable("pulsar-resolve", address_.host + ": " + error.message()));
    for (const auto& entry : found) endpoints_.push_back(entry.endpoint());
    if (const auto avoided = std::ranges::find(endpoints_, core_.avoided(address_)); avoided != endpoints_.end())
        std::ranges::rotate(endpoints_, avoided + 1);
    connect_next(unavailable("pulsar-resolve", address_.host + ": no address"));
}

void Connection::connect_next(const kernel::Error& last) {
    const auto left = dial_until_ - std::chrono::steady_clock::now();
    if (endpoint_ == endpoints_.size() || left <= left.zero()) return end(last);
    limit_to(left / static_cast<int>(endpoints_.size() - endpoint_));
    Error ignored;
    socket_.close(ignored);
    socket_.async_connect(endpoints_[endpoint_++], [self = shared_from_this()](const Error& error) {
        if (!self->dead_) self->tcp_connected(error);
    });
}

void Connection::tcp_connected(const Error& error) {
    if (timed_out_) {
        avoid_address();
        return connect_next(unavailable("pulsar-connect-timeout", to_text(address_) + ": no answer"));
    }
    if (error) return connect_next(unavailable("pulsar-connect", to_text(address_) + ": " + error.message()));
    answered_ = true;
    Error ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    if (address_.tls) return shake_hands();
    up();
}

void Connection::shake_hands() {
    auto context = tls_context(tls_options_);
    if (!context) return end(context.error());
    tls_context_ = *std::move(context);
    tls_ = std::make_unique<TlsStream>(std::move(socket_), *tls_context_);
    if (auto expected = expect_host(*tls_, address_.host); !expected) return end(expected.error());
    limit_to(dial_until_ - std::chrono::steady_clock::now());
    tls_->async_handshake(TlsStream::client, [self = shared_from_this()](const Error& error) {
        if (self->dead_) return;
        if (self->timed_out_) return self->end(unavailable("pulsar-connect-timeout", to_text(self->address_) + ": no answer to TLS"));
        if (error) return self->end(tls_error(*self->tls_, error));
        self->up();
    });
}

// The handler of a limit that was set anew, or cancelled, comes with an error, or finds that its time is in the future.
void Connection::limit_to(std::chrono::steady_clock::duration time) {
    timed_out_ = false;
    limit_.expires_after(time);
    limit_.async_wait([self = shared_from_this()](const Error& error) {
        if (error || self->dead_ || self->up_ || self->limit_.expiry() > std::chrono::steady_clock::now()) return;
        self->timed_out_ = true;
        if (self->endpoints_.empty())
            return self->end(unavailable("pulsar-connect-timeout", self->address_.host + ": its name was not resolved in time"));
        Error ignored;
        self->socket().close(ignored);  // ends the attempt
    });
}

void Connection::up() {
    up_ = true;
    limit_.cancel();
    if (tls_) tls_in_.resize(read_bytes);
    core_.connected(id_);
    if (!dead_) read();
}

void Connection::read() {
    auto done = [self = shared_from_this()](const Error& error, std::size_t bytes) {
        if (!self->dead_) self->was_read(error, bytes);
    };
    // TLS writes into the buffer when it is asked to go on, which may be after a hang-up: it has one of its own.
    if (tls_) return tls_->async_read_some(asio::buffer(tls_in_), std::move(done));
    const auto room = core_.prepare(id_, read_bytes);
    socket_.async_read_some(asio::buffer(room.data(), room.size()), std::move(done));
}

void Connection::was_read(const Error& error, std::size_t bytes) {
    if (error) return end(ended(error));
    heard_ = true;
    if (tls_) {
        const auto room = core_.prepare(id_, bytes);
        std::memcpy(room.data(), tls_in_.data(), bytes);
    }
    core_.received(id_, bytes);
    if (!dead_) read();
}

void Connection::flush() {
    if (dead_ || !up_ || writing_ > 0 || out_.empty()) return;
    auto done = [self = shared_from_this()](const Error& error, std::size_t bytes) {
        if (!self->dead_) self->was_written(error, bytes);
    };
    std::size_t bytes = 0;
    if (tls_) {  // a record for each buffer: small frames are put together
        tls_out_.clear();
        while (writing_ < out_.size() && (writing_ == 0 || tls_out_.size() + out_[writing_]->size() <= tls_write_bytes))
            tls_out_ += *out_[writing_++];
        asio::async_write(*tls_, asio::buffer(tls_out_), std::move(done));
        return;
    }
    gathered_.clear();
    while (writing_ < out_.size() && writing_ < gather_frames_max && bytes < gather_bytes_max) {
        const auto& frame = *out_[writing_++];
        gathered_.emplace_back(frame.data(), frame.size());
        bytes += frame.size();
    }
    asio::async_write(socket_, std::span<const asio::const_buffer>(gathered_), std::move(done));
}

void Connection::was_written(const Error& error, std::size_t bytes) {
    if (error) return end(ended(error));
    for (; writing_ > 0; --writing_) out_.pop_front();
    core_.written(id_, bytes);
    flush();
}

kernel::Error Connection::ended(const Error& error) {
    if (tls_ && is_tls_error(error)) return tls_error(*tls_, error);
    return unavailable("pulsar-connection-lost", to_text(address_) + ": " + error.message());
}

void Connection::avoid_address() {
    if (endpoints_.size() > 1) core_.avoid(address_, endpoints_[endpoint_ - 1]);
}

void Connection::hang_up() {
    if (answered_ && !heard_) avoid_address();
    let_go();
}

void Connection::let_go() {
    dead_ = true;
    resolver_.cancel();
    limit_.cancel();
    Error ignored;
    socket().close(ignored);
}

void Connection::end(const kernel::Error& why) {
    // What another certificate, or another of ours, must mend is the same at every address.
    if (answered_ && !heard_ && why.kind != ErrorKind::forbidden) avoid_address();
    let_go();
    core_.closed(id_, why);  // forgets this connection: the handler that called keeps it
}

}  // namespace platform::pulsar::client
