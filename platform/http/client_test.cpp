// The client against the real server.
#include "platform/http/client.hpp"

#include "platform/http/http.hpp"
#include "platform/runtime/coroutine.hpp"

#include <gmock/gmock.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <thread>

namespace platform::http {
namespace {

kernel::Task<Response> echo(Exchange* exchange) {
    auto body = co_await exchange->body.read_all(1024 * 1024);
    if (!body) co_return std::move(body).error();
    co_return json(201, exchange->request.method + ":" + std::string(exchange->request.header("x-name")) + ":" + *body);
}

// Answers each piece of the body with a line that says its size, while the body is still coming.
kernel::Task<Response> measure(Exchange* exchange) {
    if (auto started = co_await exchange->writer.start(200, "application/x-ndjson"); !started) co_return std::move(started).error();
    std::size_t all = 0;
    while (true) {
        auto piece = co_await exchange->body.read();
        if (!piece) co_return std::move(piece).error();
        all += piece->size();
        auto written = co_await exchange->writer.write(std::to_string(all) + "\n");
        if (!written) co_return std::move(written).error();
        if (piece->empty()) break;
    }
    Response streamed;
    streamed.streamed = true;
    co_return streamed;
}

kernel::Task<Response> refuse() {
    Problem problem;
    problem.status = 415;
    problem.code = "not-that";
    co_return answer(problem);
}

class ClientTest : public testing::Test {
protected:
    ClientTest() {
        Routes routes;
        routes.add("POST", "/echo", [](Exchange& exchange) { return echo(&exchange); });
        routes.add("GET", "/echo", [](Exchange& exchange) { return echo(&exchange); });
        routes.add("POST", "/measure", [](Exchange& exchange) { return measure(&exchange); });
        routes.add("POST", "/refuse", [](Exchange&) { return refuse(); });
        server_ = *Server::listen({}, std::move(routes), metrics_);
        server_->start();
    }
    ~ClientTest() override { server_->stop(); }
    Client client() { return {"127.0.0.1", server_->port()}; }

    // Gives `count` pieces of `size` bytes.
    static std::function<kernel::Result<Client::Piece>()> pieces(std::size_t count, std::size_t size) {
        return [count, size]() mutable -> kernel::Result<Client::Piece> {
            if (count == 0) return Client::Piece("");
            --count;
            return Client::Piece(std::string(size, 'x'));
        };
    }

    runtime::Metrics metrics_;
    std::unique_ptr<Server> server_;
};

TEST_F(ClientTest, sends_method_headers_and_body_and_brings_the_answer) {
    const auto posted = client().request("POST", "/echo", {{"X-Name", "one"}}, "hello");
    ASSERT_TRUE(posted) << posted.error().message;
    EXPECT_EQ(posted->status, 201);
    EXPECT_EQ(posted->body, "POST:one:hello");
    EXPECT_EQ(posted->header("content-type"), "application/json");
    EXPECT_EQ(client().request("GET", "/echo", {})->body, "GET::");
    EXPECT_EQ(client().request("GET", "/nothing", {})->status, 404);
}

TEST_F(ClientTest, a_streamed_answer_comes_line_by_line_while_the_body_is_sent) {
    std::vector<std::string> lines;
    const auto reply = client().upload("/measure", {}, pieces(200, 50'000), [&](std::string_view line) { lines.emplace_back(line); });
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_TRUE(reply->streamed);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.back(), "10000000");
}

TEST_F(ClientTest, a_refusal_in_the_middle_of_the_body_is_brought) {
    const auto reply = client().upload("/refuse", {}, pieces(2000, 50'000), [](std::string_view) {});
    if (reply) {
        EXPECT_EQ(reply->status, 415);
        EXPECT_THAT(reply->body, testing::HasSubstr("not-that"));
    } else {
        EXPECT_EQ(reply.error().code, "answer-broken") << "the server may close on a peer that goes on sending";
    }
}

TEST_F(ClientTest, an_error_of_the_source_ends_the_call_with_it) {
    const auto reply = client().upload(
        "/measure", {}, [] { return kernel::Result<Client::Piece>(kernel::Error{kernel::ErrorKind::incorrect, "file-broken", ""}); },
        [](std::string_view) {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, "file-broken");
}

TEST_F(ClientTest, answers_are_read_while_a_source_has_nothing_yet) {
    std::vector<std::string> lines;
    int asked = 0;
    const auto reply = client().upload(
        "/measure", {},
        [&]() -> kernel::Result<Client::Piece> {
            if (asked++ == 0) return Client::Piece("abc");
            if (lines.empty() && asked < 2000) return Client::Piece();
            return Client::Piece("");
        },
        [&](std::string_view line) { lines.emplace_back(line); });
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_LT(asked, 2000) << "the first line never came before the end of the body";
    EXPECT_EQ(lines.front(), "3");
}

// A server that dies in the middle of a streamed answer.
TEST(ClientAlone, lines_that_came_before_the_connection_broke_are_brought) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
    std::jthread server([&] {
        auto socket = acceptor.accept();
        std::array<char, 1024> head{};
        socket.read_some(boost::asio::buffer(head));
        const std::string_view answer =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n8\r\none\ntwo\n\r\n3\r\nthr\r\n";
        boost::asio::write(socket, boost::asio::buffer(answer));
    });
    std::vector<std::string> lines;
    const auto reply = Client("127.0.0.1", acceptor.local_endpoint().port())
                           .upload(
                               "/measure", {}, [] { return kernel::Result<Client::Piece>(Client::Piece("")); },
                               [&](std::string_view line) { lines.emplace_back(line); });
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, "answer-broken");
    EXPECT_THAT(lines, testing::ElementsAre("one", "two"));
}

TEST_F(ClientTest, nobody_there_is_said) {
    const auto port = server_->port();
    server_->stop();
    const auto reply = Client("127.0.0.1", port).request("GET", "/echo", {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, kernel::ErrorKind::unavailable);
    EXPECT_EQ(reply.error().code, "server-not-reached");
}

}  // namespace
}  // namespace platform::http
