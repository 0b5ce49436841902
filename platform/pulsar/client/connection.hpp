// Connection: a socket of the session's, with its name look-up, dialling and TLS. Lives on the client's I/O thread.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/client/tls.hpp"
#include "platform/pulsar/session/fifo.hpp"
#include "platform/pulsar/session/types.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace platform::pulsar::client {

class Core;

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(Core& core, boost::asio::io_context& io, session::ConnectionId id, session::Address address, TlsOptions tls,
               std::chrono::milliseconds connect_timeout);

    // Tries each address of the host in turn; each has its share of what is left of the timeout. Begins after the one that took a
    // connection last time and then was of no use. Ends in Core::connected() or closed().
    void dial();
    void queue(std::shared_ptr<const std::string> bytes) { out_.push_back(std::move(bytes)); }
    // Writes what is queued, many frames at once, unless a write is under way.
    void flush();
    // Nothing is reported after this.
    void hang_up();

private:
    using Error = boost::system::error_code;
    void resolved(const Error& error, const boost::asio::ip::tcp::resolver::results_type& found);
    void connect_next(const kernel::Error& last);
    void tcp_connected(const Error& error);
    void shake_hands();
    void up();
    void read();
    void was_read(const Error& error, std::size_t bytes);
    void was_written(const Error& error, std::size_t bytes);
    void limit_to(std::chrono::steady_clock::duration time);
    void end(const kernel::Error& why);
    void let_go();
    void avoid_address();  // the one that was tried last
    kernel::Error ended(const Error& error);
    boost::asio::ip::tcp::socket& socket() { return tls_ ? tls_->next_layer() : socket_; }

    Core& core_;
    const session::ConnectionId id_;
    const session::Address address_;
    const TlsOptions tls_options_;
    const std::chrono::steady_clock::time_point dial_until_;
    boost::asio::ip::tcp::resolver resolver_;
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer limit_;
    std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
    std::size_t endpoint_ = 0;
    std::shared_ptr<boost::asio::ssl::context> tls_context_;
    std::unique_ptr<TlsStream> tls_;
    std::string tls_in_, tls_out_;
    session::Fifo<std::shared_ptr<const std::string>> out_;
    std::vector<boost::asio::const_buffer> gathered_;
    std::size_t writing_ = 0;  // frames at the head of out_ that a write has
    bool timed_out_ = false;
    bool answered_ = false;  // by TCP
    bool heard_ = false;     // something of the broker's
    bool up_ = false;
    bool dead_ = false;
};

}  // namespace platform::pulsar::client
