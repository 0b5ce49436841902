// Wire: the socket of one connection with its buffers and its deadline. Belongs to one I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace platform::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using Moment = std::chrono::steady_clock::time_point;
template <class T>
using Await = boost::asio::awaitable<T, boost::asio::any_io_executor>;

enum class Io {
    done,
    closed,   // by the peer, or broken
    expired,  // the deadline passed
    stopped,  // the server stops
    full,     // the input buffer is full and nothing of it was consumed
};

class Wire {
public:
    // `input_max`: bytes that input() may grow to.
    Wire(Socket socket, std::size_t input_max);

    // What came and was not consumed. Valid until the next fill().
    std::string_view input() const { return {in_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) { begin_ += bytes; }
    // Waits for some bytes more. `Io::done` means that there are, or that interrupt_fill() was called.
    Await<Io> fill(Moment deadline);
    // The same without waiting: nothing if it would have to.
    std::optional<Io> fill_now();
    // A fill() waits; interrupt_fill() lets it end, as done without more bytes, because there is something to be sent, too.
    bool filling() const { return filling_; }
    void interrupt_fill();

    // What is to be sent; append to it.
    std::string& out() { return out_; }
    // Sends what the peer takes without waiting. True once nothing is left, or the connection is broken (what was left is dropped).
    bool send_now();
    bool broken() const { return broken_; }
    // Sends all of out(). The peer may stall for `stall` at a time.
    Await<Io> flush(std::chrono::steady_clock::duration stall);
    // Waits until there is something to read or room to write.
    Await<Io> wait_either(Moment deadline);

    // The peer sees the end of what we send; what it still sends is taken and dropped for a while, so that it reads our answer before the
    // connection is reset.
    Await<void> linger();
    // Gives memory of a large request back.
    void shrink();

    // For the sweep of the I/O thread: cancels what waits beyond its deadline.
    void check(Moment now);
    // Cancels what waits, now and from now on.
    void stop();

private:
    std::optional<Io> cannot_fill();
    bool make_room();
    void arm(Moment deadline);
    Io disarm(bool failed);

    Socket socket_;
    std::vector<char> in_;
    std::size_t input_max_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::string out_;
    std::size_t sent_ = 0;  // of out_
    Moment deadline_ = Moment::max();
    bool expired_ = false;
    bool stopped_ = false;
    bool broken_ = false;
    bool filling_ = false;
    bool interrupted_ = false;
    bool ended_ = false;  // the peer sends no more; another asynchronous read would wait for an event that does not come
};

}  // namespace platform::http
