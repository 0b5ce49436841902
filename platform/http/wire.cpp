// Reads and writes of one connection. A deadline costs no timer: the sweep of the I/O thread compares it now and then.
#include "platform/http/wire.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace platform::http {
namespace {

namespace asio = boost::asio;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t input_at_first = 4 * 1024;
constexpr std::size_t buffer_kept_max = 64 * 1024;
constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;
constexpr std::chrono::seconds linger_max{2};

}  // namespace

Wire::Wire(Socket socket, std::size_t input_max) : socket_(std::move(socket)), in_(input_at_first), input_max_(input_max) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
}

std::optional<Io> Wire::cannot_fill() {
    if (stopped_) return Io::stopped;
    if (ended_) return Io::closed;
    if (!make_room()) return Io::full;
    return std::nullopt;
}

bool Wire::make_room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ < in_.size()) return true;
    if (begin_ > 0) {
        std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        return true;
    }
    if (in_.size() >= input_max_) return false;
    in_.resize(std::min(in_.size() * 4, input_max_));
    return true;
}

void Wire::arm(Moment deadline) {
    expired_ = false;
    deadline_ = deadline;
}

Io Wire::disarm(bool failed) {
    deadline_ = Moment::max();
    if (!failed) return Io::done;
    if (stopped_) return Io::stopped;
    return expired_ ? Io::expired : Io::closed;
}

Await<Io> Wire::fill(Moment deadline) {
    if (const auto reason = cannot_fill()) co_return *reason;
    arm(deadline);
    interrupted_ = false;
    filling_ = true;
    const auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(in_.data() + end_, in_.size() - end_), quietly);
    filling_ = false;
    end_ += bytes;
    if (error && error != asio::error::operation_aborted) ended_ = true;
    const bool only_interrupted = interrupted_ && !expired_ && !stopped_ && !ended_;
    co_return disarm(error && !only_interrupted);
}

void Wire::interrupt_fill() {
    interrupted_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

std::optional<Io> Wire::fill_now() {
    if (const auto reason = cannot_fill()) return reason;
    boost::system::error_code error;
    end_ += socket_.read_some(asio::buffer(in_.data() + end_, in_.size() - end_), error);
    if (error == asio::error::would_block) return std::nullopt;
    ended_ = static_cast<bool>(error);
    return error ? Io::closed : Io::done;
}

bool Wire::send_now() {
    while (sent_ < out_.size()) {
        boost::system::error_code error;
        sent_ += socket_.write_some(asio::buffer(out_.data() + sent_, out_.size() - sent_), error);
        if (error == asio::error::would_block) {
            out_.erase(0, std::exchange(sent_, 0));
            return false;
        }
        if (error) {
            broken_ = true;
            break;
        }
    }
    out_.clear();
    sent_ = 0;
    return true;
}

Await<Io> Wire::flush(std::chrono::steady_clock::duration stall) {
    while (!send_now()) {
        if (stopped_) co_return Io::stopped;
        arm(std::chrono::steady_clock::now() + stall);
        const auto [error] = co_await socket_.async_wait(Socket::wait_write, quietly);
        if (error) co_return disarm(true);
        disarm(false);
    }
    co_return broken_ ? Io::closed : Io::done;
}

Await<Io> Wire::wait_either(Moment deadline) {
    using asio::experimental::awaitable_operators::operator||;
    if (stopped_) co_return Io::stopped;
    arm(deadline);
    const auto first = co_await (socket_.async_wait(Socket::wait_read, quietly) || socket_.async_wait(Socket::wait_write, quietly));
    const auto error = first.index() == 0 ? std::get<0>(std::get<0>(first)) : std::get<0>(std::get<1>(first));
    co_return disarm(static_cast<bool>(error));
}

Await<void> Wire::linger() {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    const auto deadline = std::chrono::steady_clock::now() + linger_max;
    std::size_t dropped = 0;
    while (dropped < linger_bytes_max && std::chrono::steady_clock::now() < deadline) {
        dropped += input().size();
        consume(input().size());
        if (co_await fill(deadline) != Io::done) co_return;
    }
}

void Wire::shrink() {
    if (begin_ == end_ && in_.size() > input_at_first * 4) {
        in_ = std::vector<char>(input_at_first);
        begin_ = end_ = 0;
    }
    if (out_.empty() && out_.capacity() > buffer_kept_max) out_ = std::string();
}

void Wire::check(Moment now) {
    if (now < deadline_) return;
    deadline_ = Moment::max();
    expired_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void Wire::stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

}  // namespace platform::http
