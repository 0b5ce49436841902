// One io_context run by the caller: a coroutine that sends, one that reads, and a watchdog that closes the socket when nothing moves.
#include "platform/http/client.hpp"

#include "platform/http/client_tls.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace platform::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::chrono::milliseconds asked_again_after{5};
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}
std::string_view view_of(beast::string_view text) {
    return {text.data(), text.size()};
}

Error broken() {
    return {ErrorKind::unavailable, "answer-broken", "the connection ended before the answer was whole"};
}
Error not_reached(const std::string& host, std::uint16_t port) {
    return {ErrorKind::unavailable, "server-not-reached", "nothing answers at " + host + ":" + std::to_string(port)};
}

// Gives every line of a stream; the last may lack its line end.
class Lines {
public:
    Lines(std::function<void(std::string_view)> line, std::size_t bytes_max) : line_(std::move(line)), bytes_max_(bytes_max) {}
    bool feed(std::string_view bytes) {
        while (true) {
            const auto end = bytes.find('\n');
            rest_ += bytes.substr(0, end);
            if (rest_.size() > bytes_max_) return false;
            if (end == std::string_view::npos) return true;
            line_(rest_);
            rest_.clear();
            bytes.remove_prefix(end + 1);
        }
    }
    void finish() {
        if (!rest_.empty()) line_(rest_);
    }

private:
    std::function<void(std::string_view)> line_;
    std::size_t bytes_max_;
    std::string rest_;
};

// One request and its answer. Everything runs on the thread that calls run().
class Call {
public:
    Call(std::string host, std::uint16_t port, Client::Options options, std::function<void(std::string_view)> line)
        : host_(std::move(host)), port_(port), options_(std::move(options)), lines_(std::move(line), options_.answer_bytes_max) {}

    // `next` empty: `head` is the whole request.
    Result<Reply> run(std::string head, std::function<Result<Client::Piece>()> next) {
        if (options_.tls) {
            auto context = tls_context(*options_.tls);
            if (!context) return std::move(context).error();
            tls_context_ = std::move(*context);
            tls_.emplace(socket_, *tls_context_);
            if (auto expected = expect_host(*tls_, host_); !expected) return std::move(expected).error();
        }
        asio::co_spawn(io_, talk(std::move(head), std::move(next)), [this](const std::exception_ptr& thrown) {
            if (thrown && !failed_) failed_ = broken();
            end();
        });
        asio::co_spawn(io_, watch(), [](const std::exception_ptr&) {});
        io_.run();
        if (failed_) return *failed_;
        return std::move(reply_);
    }

private:
    asio::awaitable<void> talk(std::string head, std::function<Result<Client::Piece>()> next) {
        moved(options_.connect_timeout);
        tcp::resolver resolver(io_);
        auto [unresolved, places] = co_await resolver.async_resolve(host_, std::to_string(port_), as_result);
        if (unresolved) co_return fail(not_reached(host_, port_));
        auto [unconnected, place] = co_await asio::async_connect(socket_, places, as_result);
        if (unconnected) co_return fail(not_reached(host_, port_));
        boost::system::error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        if (tls_) {
            const auto [failed] = co_await tls_->async_handshake(asio::ssl::stream_base::client, as_result);
            if (failed) co_return fail(handshake_error(*tls_, host_, failed));
            co_await exchange(&*tls_, std::move(head), std::move(next));
        } else {
            co_await exchange(&socket_, std::move(head), std::move(next));
        }
    }

    template <class Stream>
    asio::awaitable<void> exchange(Stream* stream, std::string head, std::function<Result<Client::Piece>()> next) {
        connected_ = true;
        moved(options_.idle_timeout);
        if (next) asio::co_spawn(io_, send(stream, std::move(head), std::move(next)), [](const std::exception_ptr&) {});
        else if (!co_await write(stream, std::move(head))) co_return fail(broken());
        co_await receive(stream);
    }

    template <class Stream>
    asio::awaitable<void> send(Stream* stream, std::string head, std::function<Result<Client::Piece>()> next) {
        if (!co_await write(stream, std::move(head))) co_return;
        while (!ended_) {
            auto piece = next();
            if (!piece) {
                fail(std::move(piece).error());
                end();
                co_return;
            }
            if (!*piece) {
                moved(options_.idle_timeout);
                asio::steady_timer pause(io_, asked_again_after);
                co_await pause.async_wait(as_result);
                continue;
            }
            const std::string& bytes = **piece;
            char size[16];
            const auto digits = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
            const bool last = bytes.empty();
            std::string chunk(size, digits);
            chunk += "\r\n";
            chunk += bytes;
            chunk += "\r\n";
            // A server that has heard enough answers and closes: what it said is read by the other coroutine.
            if (!co_await write(stream, std::move(chunk)) || last) co_return;
        }
    }

    template <class Stream>
    asio::awaitable<bool> write(Stream* stream, std::string bytes) {
        const auto [failed, written] = co_await asio::async_write(*stream, asio::buffer(bytes), as_result);
        moved(options_.idle_timeout);
        co_return !failed && written == bytes.size();
    }

    template <class Stream>
    asio::awaitable<void> receive(Stream* stream) {
        beast::http::response_parser<beast::http::buffer_body> parser;
        parser.body_limit(boost::none);
        beast::flat_buffer buffer;
        const auto [failed, size] = co_await beast::http::async_read_header(*stream, buffer, parser, as_result);
        if (failed || size == 0) co_return fail(broken());
        moved(options_.idle_timeout);
        read_head(parser.get());
        std::array<char, piece_bytes> piece;
        while (!parser.is_done()) {
            parser.get().body().data = piece.data();
            parser.get().body().size = piece.size();
            // Some, and not until the piece is full: what came before a connection breaks counts, too.
            const auto [stopped, count] = co_await beast::http::async_read_some(*stream, buffer, parser, as_result);
            (void)count;
            moved(options_.idle_timeout);
            if (!keep({piece.data(), piece.size() - parser.get().body().size}))
                co_return fail({ErrorKind::incorrect, "answer-too-large", "the answer is larger than this program keeps"});
            if (stopped && stopped != beast::http::error::need_buffer) co_return fail(broken());
        }
        if (reply_.streamed) lines_.finish();
    }

    void read_head(const beast::http::response<beast::http::buffer_body>& head) {
        reply_.status = static_cast<int>(head.result_int());
        for (const auto& field : head) reply_.headers.emplace_back(lower(view_of(field.name_string())), view_of(field.value()));
        reply_.streamed = reply_.status == 200 && reply_.header("content-type").starts_with("application/x-ndjson");
    }
    bool keep(std::string_view bytes) {
        if (reply_.streamed) return lines_.feed(bytes);
        if (reply_.body.size() + bytes.size() > options_.answer_bytes_max) return false;
        reply_.body += bytes;
        return true;
    }

    asio::awaitable<void> watch() {
        while (!ended_) {
            watchdog_.expires_at(deadline_);
            co_await watchdog_.async_wait(as_result);
            if (ended_ || std::chrono::steady_clock::now() < deadline_) continue;
            fail(connected_ ? Error{ErrorKind::unavailable, "server-silent", "the server did not answer in time"}
                            : not_reached(host_, port_));
            end();
        }
    }

    void moved(std::chrono::seconds allowed) { deadline_ = std::chrono::steady_clock::now() + allowed; }
    void fail(Error error) {
        if (!failed_) failed_ = std::move(error);
    }
    void end() {
        ended_ = true;
        boost::system::error_code ignored;
        socket_.close(ignored);
        watchdog_.cancel();
    }

    std::string host_;
    std::uint16_t port_;
    Client::Options options_;
    Lines lines_;
    asio::io_context io_{1};
    tcp::socket socket_{io_};
    std::shared_ptr<asio::ssl::context> tls_context_;
    std::optional<TlsStream> tls_;  // over the socket
    asio::steady_timer watchdog_{io_};
    std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + std::chrono::hours(1);
    bool connected_ = false;
    bool ended_ = false;
    std::optional<Error> failed_;
    Reply reply_;
};

std::string head_of(std::string_view method, std::string_view target, const std::string& host, std::uint16_t port,
                    const HeaderList& headers) {
    std::string head(method);
    head.append(1, ' ').append(target).append(" HTTP/1.1\r\nHost: ");
    if (host.contains(':')) head.append(1, '[').append(host).append(1, ']');  // IPv6
    else head += host;
    head.append(1, ':').append(std::to_string(port));
    head += "\r\nConnection: close\r\n";
    for (const auto& [name, value] : headers) head.append(name).append(": ").append(value).append("\r\n");
    return head;
}

}  // namespace

std::string_view Reply::header(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& one) { return one.first == name; });
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<Reply> Client::request(const std::string& method, const std::string& target, const HeaderList& headers, const std::string& body) {
    auto head = head_of(method, target, host_, port_, headers);
    if (!body.empty() || (method != "GET" && method != "HEAD")) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return Call(host_, port_, options_, {}).run(head + "\r\n" + body, {});
}

Result<Reply> Client::upload(const std::string& target, const HeaderList& headers, std::function<Result<Client::Piece>()> next,
                             std::function<void(std::string_view)> line) {
    auto head = head_of("POST", target, host_, port_, headers);
    head += "Transfer-Encoding: chunked\r\n\r\n";
    return Call(host_, port_, options_, std::move(line)).run(std::move(head), std::move(next));
}

}  // namespace platform::http
