// Tests of the server over real sockets: what a well-meaning client sees, and what a hostile one meets.
#include "platform/http/http.hpp"
#include "platform/http/decode.hpp"
#include "platform/http/descriptors.hpp"
#include "platform/http/raw_peer.hpp"
#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/coroutine.hpp"

#include <atomic>
#include <deque>
#include <future>
#include <new>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace platform::http {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing_aid::RawPeer;

kernel::Task<Response> echo(Exchange* exchange) {
    auto body = co_await exchange->body.read_all(1'000'000);
    if (!body) co_return std::move(body).error();
    co_return json(200, *std::move(body));
}

kernel::Task<Response> describe(Exchange* exchange) {
    const auto& request = exchange->request;
    std::string text = request.method + " " + request.path + " " + request.route;
    for (const auto& [name, value] : request.parameters) text += " " + name + "=" + value;
    for (const auto& [name, value] : request.query) text += " ?" + name + "=" + value;
    co_return json(200, text);
}

kernel::Task<Response> throwing_on_thread() {
    boost::asio::post(co_await boost::asio::this_coro::executor, [] { throw std::bad_alloc(); });
    co_return json(200, "and then something is thrown");
}

kernel::Task<Response> ignore_body(Exchange*) {
    co_return json(200, "ignored");
}

// Answers a line per piece of the body that it reads, like the intake of NDJSON.
kernel::Task<Response> line_by_line(Exchange* exchange) {
    auto started = co_await exchange->writer.start(200, "application/x-ndjson");
    if (!started) co_return std::move(started).error();
    for (;;) {
        auto bytes = co_await exchange->body.read();
        if (!bytes) co_return std::move(bytes).error();
        if (bytes->empty()) break;
        auto written = co_await exchange->writer.write(*bytes + "!");
        if (!written) co_return std::move(written).error();
    }
    Response response;
    response.streamed = true;
    co_return response;
}

// As line_by_line, but one coroutine reads while another writes.
struct Relay {
    explicit Relay(Exchange& of, const boost::asio::any_io_executor& executor) : exchange(of), changed(executor) {
        changed.expires_at(std::chrono::steady_clock::time_point::max());
    }
    Exchange& exchange;
    boost::asio::steady_timer changed;
    std::deque<std::string> pieces;
    bool ended = false;
};

kernel::Task<> relay_in(Relay* relay) {
    while (!relay->ended) {
        auto bytes = co_await relay->exchange.body.read();
        relay->ended = !bytes || bytes->empty();
        if (bytes && !bytes->empty()) relay->pieces.push_back(*bytes + "!");
        relay->changed.cancel();
        if (!bytes) co_return std::move(bytes).error();
    }
    co_return kernel::ok();
}

kernel::Task<> relay_out(Relay* relay) {
    auto done = co_await relay->exchange.writer.start(200, "application/x-ndjson");
    while (done && !(relay->ended && relay->pieces.empty())) {
        if (relay->pieces.empty()) {
            co_await relay->changed.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            continue;
        }
        auto piece = std::move(relay->pieces.front());
        relay->pieces.pop_front();
        co_await boost::asio::post(boost::asio::use_awaitable);  // lets the reading side come to its waiting
        const int times = piece.starts_with("flood") ? 600 : 1;
        for (int i = 0; done && i < times; ++i) done = co_await relay->exchange.writer.write(times == 1 ? piece : std::string(30'000, 'q'));
    }
    co_return done;
}

kernel::Task<Response> relayed(Exchange* exchange) {
    using namespace boost::asio::experimental::awaitable_operators;
    Relay relay(*exchange, co_await boost::asio::this_coro::executor);
    const auto [in, out] = co_await (relay_in(&relay) && relay_out(&relay));
    if (!in) co_return in.error();
    if (!out) co_return out.error();
    Response response;
    response.streamed = true;
    co_return response;
}

kernel::Task<Response> break_in_the_middle(Exchange* exchange) {
    auto started = co_await exchange->writer.start(200, "text/plain");
    if (!started) co_return std::move(started).error();
    auto written = co_await exchange->writer.write("half");
    if (!written) co_return std::move(written).error();
    co_return kernel::Error{kernel::ErrorKind::fault, "half-only", "it broke"};
}

kernel::Task<Response> throwing(Exchange*) {
    throw std::runtime_error("patient-marker");
    co_return Response();
}

kernel::Task<Response> failing(kernel::ErrorKind kind) {
    co_return kernel::Error{kind, "what-failed", "why it failed"};
}

kernel::Task<Response> refusing() {
    co_return answer(problem_from({kernel::ErrorKind::not_found, "thing-unknown", "there is no such thing"}));
}

kernel::Task<Response> large(Exchange*) {
    co_return json(200, std::string(20'000'000, 'x'));
}

// A gate that handlers wait at, on a pool.
struct Gate {
    std::promise<void> entered;
    std::promise<void> open;
    runtime::BlockingPool pool{{.threads = 1}};
};

kernel::Task<Response> waiting(Gate* gate) {
    auto waited = co_await runtime::blocking_call(gate->pool, [gate]() -> kernel::Result<void> {
        gate->entered.set_value();
        gate->open.get_future().wait();
        return kernel::ok();
    });
    if (!waited) co_return std::move(waited).error();
    co_return json(200, "at last");
}

Routes test_routes(Gate* gate) {
    Routes routes;
    routes.add("POST", "/echo", [](Exchange& exchange) { return echo(&exchange); });
    routes.add("PUT", "/echo", [](Exchange& exchange) { return echo(&exchange); });
    routes.add("GET", "/things/{id}", [](Exchange& exchange) { return describe(&exchange); });
    routes.add("GET", "/things/special", [](Exchange& exchange) { return describe(&exchange); });
    routes.add("POST", "/things/{id}/parts/{part}", [](Exchange& exchange) { return describe(&exchange); });
    routes.add("POST", "/ignore", [](Exchange& exchange) { return ignore_body(&exchange); });
    routes.add("POST", "/lines", [](Exchange& exchange) { return line_by_line(&exchange); });
    routes.add("POST", "/relay", [](Exchange& exchange) { return relayed(&exchange); });
    routes.add("GET", "/lines", [](Exchange& exchange) { return line_by_line(&exchange); });
    routes.add("GET", "/broken", [](Exchange& exchange) { return break_in_the_middle(&exchange); });
    routes.add("GET", "/throw", [](Exchange& exchange) { return throwing(&exchange); });
    routes.add("GET", "/throw-on-thread", [](Exchange&) { return throwing_on_thread(); });
    routes.add("GET", "/busy", [](Exchange&) { return failing(kernel::ErrorKind::busy); });
    routes.add("GET", "/fault", [](Exchange&) { return failing(kernel::ErrorKind::fault); });
    routes.add("GET", "/refuse", [](Exchange&) { return refusing(); });
    routes.add("GET", "/large", [](Exchange& exchange) { return large(&exchange); });
    routes.add("GET", "/wait", [gate](Exchange&) { return waiting(gate); });
    return routes;
}

class HttpTest : public testing::Test {
protected:
    void serve(Limits limits = {}, int threads = 1, bool local_only = false) {
        auto made =
            Server::listen({.threads = threads, .name = "test", .limits = limits, .local_only = local_only}, test_routes(&gate_), metrics_);
        ASSERT_TRUE(made) << made.error().message;
        server_ = *std::move(made);
        server_->start();
    }
    std::string ask(std::string_view request) {
        RawPeer peer(server_->port());
        peer.send(request);
        return peer.read_answer();
    }

    runtime::Metrics metrics_;
    Gate gate_;
    std::unique_ptr<Server> server_;
};

std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string get(std::string_view path, std::string_view headers = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}

std::string gzipped(std::string_view text) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

TEST_F(HttpTest, a_body_comes_back_with_its_length_and_type) {
    serve();
    EXPECT_THAT(ask(post("/echo", "hello")), AllOf(StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"),
                                                   EndsWith("\r\n\r\nhello"), Not(HasSubstr("Server:")), Not(HasSubstr("Connection:"))));
}

TEST_F(HttpTest, one_connection_serves_many_requests) {
    serve();
    RawPeer peer(server_->port());
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(peer.send(post("/echo", std::to_string(i))));
        ASSERT_THAT(peer.read_answer(), EndsWith("\r\n\r\n" + std::to_string(i)));
    }
}

TEST_F(HttpTest, pipelined_requests_are_answered_in_order) {
    serve();
    RawPeer peer(server_->port());
    peer.send(post("/echo", "one") + get("/things/2") + "\r\n" + post("/ignore", "three") + post("/echo", "four"));
    EXPECT_THAT(peer.read_answer(), EndsWith("one"));
    EXPECT_THAT(peer.read_answer(), EndsWith("GET /things/2 /things/{id} id=2"));
    EXPECT_THAT(peer.read_answer(), EndsWith("ignored"));
    EXPECT_THAT(peer.read_answer(), EndsWith("four"));
}

TEST_F(HttpTest, the_most_literal_route_wins_and_parameters_are_decoded) {
    serve();
    EXPECT_THAT(ask(get("/things/special")), EndsWith("GET /things/special /things/special"));
    EXPECT_THAT(ask(get("/things/a%2Fb%20c?x=1+2&y=%C3%A9&z")), EndsWith("GET /things/a/b c /things/{id} id=a/b c ?x=1 2 ?y=\xC3\xA9 ?z="));
    EXPECT_THAT(ask(post("/things/1/parts/2", "")), EndsWith("id=1 part=2"));
    EXPECT_THAT(ask("GET http://host:80/things/7 HTTP/1.1\r\nHost: a\r\n\r\n"), EndsWith("id=7"));
}

TEST_F(HttpTest, head_has_the_header_of_get_and_no_body) {
    serve();
    RawPeer peer(server_->port());
    peer.send("HEAD /things/1 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/things/2"));
    EXPECT_THAT(peer.read_answer(true), AllOf(HasSubstr("200 OK"), HasSubstr("Content-Length: 32")));
    EXPECT_THAT(peer.read_answer(), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("id=2")));
}

TEST_F(HttpTest, an_unknown_path_is_404_and_an_unknown_method_405_with_allow) {
    serve();
    EXPECT_THAT(ask(get("/nothing")), AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("\"code\":\"no-such-path\"")));
    EXPECT_THAT(ask("DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: POST, PUT, OPTIONS\r\n")));
    EXPECT_THAT(ask(post("/things/1", "")), AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD, OPTIONS\r\n")));
    EXPECT_THAT(ask("OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 204"), HasSubstr("Allow: POST, PUT, OPTIONS\r\n")));
    EXPECT_THAT(ask("OPTIONS /nothing HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 404"));
}

TEST_F(HttpTest, lines_that_end_with_lf_alone_are_a_broken_request_and_no_version) {
    serve();
    EXPECT_THAT(ask("GET /things/1 HTTP/1.1\nHost: a\n\n"), AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("CR LF")));
}

TEST_F(HttpTest, a_header_that_says_two_things_is_refused) {
    serve();
    for (const std::string name : {"Authorization", "Content-Type", "Content-Encoding", "x-data-center"})
        EXPECT_THAT(ask(post("/echo", "a", name + ": one\r\n" + name + ": two\r\n")),
                    AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("\"code\":\"header-twice\"")))
            << name;
}

TEST_F(HttpTest, after_a_body_that_is_no_body_the_connection_ends_and_says_so) {
    serve({.body_stall_timeout = 1s});
    const std::string chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_THAT(ask(chunked + "zz\r\n"), AllOf(HasSubstr("body-framing-broken"), HasSubstr("Connection: close\r\n")));
    EXPECT_THAT(ask(chunked + "5\r\nab"), AllOf(StartsWith("HTTP/1.1 408"), HasSubstr("Connection: close\r\n")));
    RawPeer peer(server_->port());
    peer.send(chunked + "5\r\nab");
    peer.end_sending();
    EXPECT_THAT(peer.read_answer(), AllOf(HasSubstr("body-truncated"), HasSubstr("Connection: close\r\n")));
}

TEST_F(HttpTest, what_a_peer_writes_wrong_is_not_counted_as_ours) {
    serve();
    ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n");
    EXPECT_THAT(metrics_.exposition(), HasSubstr("acopio_http_requests_total{route=\"-\",server=\"test\",status=\"4xx\"} 2"));
}

TEST_F(HttpTest, an_open_server_looks_at_the_host_in_the_target_too) {
    serve({}, 1, true);
    const auto asked = [&](const std::string& target) { return ask("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"); };
    EXPECT_THAT(asked("http://evil.example/things/1"), AllOf(StartsWith("HTTP/1.1 403"), HasSubstr("host-not-local")));
    EXPECT_THAT(asked("http://localhost@evil.example/things/1"), StartsWith("HTTP/1.1 403"));
    EXPECT_THAT(asked("http://127.0.0.1:8000/things/1"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpTest, every_refusal_of_a_head_says_what_to_do) {
    serve({.header_bytes_max = 1024, .target_bytes_max = 256, .header_timeout = 1s}, 1, true);
    const std::string line = "GET /things/1 HTTP/1.1\r\n";
    const std::string host = "Host: localhost\r\n";
    for (const auto& request :
         {std::string("GET\r\n\r\n"), "GET /" + std::string(400, 'a') + " HTTP/1.1\r\n" + host + "\r\n", line + "\r\n",
          line + host + "X: " + std::string(2000, 'a') + "\r\n\r\n", line + host + "Expect: rain\r\n\r\n",
          line + host + "Origin: http://evil.example\r\n\r\n", line + "Host: evil.example\r\n\r\n",
          "GET /a%zz HTTP/1.1\r\n" + host + "\r\n", line + host + "Authorization: a\r\nAuthorization: b\r\n\r\n", line + "Ho",
          "GET /nothing HTTP/1.1\r\n" + host + "\r\n", "DELETE /echo HTTP/1.1\r\n" + host + "\r\n"})
        EXPECT_THAT(ask(request), AllOf(StartsWith("HTTP/1.1 4"), HasSubstr("\"mend\":\""))) << request;
}

TEST_F(HttpTest, errors_become_problems_with_an_instance) {
    serve();
    EXPECT_THAT(ask(get("/busy")), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 1\r\n"), HasSubstr("\"code\":\"what-failed\""),
                                         HasSubstr("why it failed"), HasSubstr("\"instance\":\"")));
    testing::internal::CaptureStderr();
    EXPECT_THAT(ask(get("/fault")), AllOf(StartsWith("HTTP/1.1 500"), Not(HasSubstr("why it failed"))));
    EXPECT_THAT(ask(get("/throw")), AllOf(StartsWith("HTTP/1.1 500"), HasSubstr("handler-threw"), Not(HasSubstr("patient-marker"))));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), AllOf(HasSubstr("request-failed"), Not(HasSubstr("patient-marker"))));
}

TEST_F(HttpTest, a_problem_that_a_handler_answers_gets_the_instance_too) {
    serve();
    for (const auto* path : {"/refuse", "/busy", "/nowhere"})
        EXPECT_THAT(ask(get(path)), testing::ContainsRegex("\"instance\":\"[0-9a-f]+-[0-9a-f]+\"[}]")) << path;
    EXPECT_THAT(ask(get("/refuse")), AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("\"code\":\"thing-unknown\"")));
}

TEST_F(HttpTest, a_server_for_this_machine_only_answers_no_other_host) {
    serve({}, 1, true);
    const auto status = [&](const std::string& lines) { return ask("GET /things/1 HTTP/1.1\r\n" + lines + "\r\n").substr(9, 3); };
    for (const auto* host : {"localhost", "LocalHost:8000", "127.0.0.1:8000", "127.255.0.9", "[::1]", "[::1]:65535"})
        EXPECT_EQ(status("Host: " + std::string(host) + "\r\n"), "200") << host;
    for (const auto* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1:80:80", "127.0.0",
                             "127.0.0.256", "127.0.0.1:x", "128.0.0.1", "[::2]", "localhost:123456", "127.0.0.1@evil.example", ""})
        EXPECT_EQ(status("Host: " + std::string(host) + "\r\n"), "403") << host;
    EXPECT_THAT(ask(get("/things/1")), HasSubstr("\"code\":\"host-not-local\""));
    EXPECT_THAT(ask("GET /things/1 HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 403 "));
}

TEST_F(HttpTest, a_server_for_this_machine_only_answers_no_page_of_another_origin) {
    serve({}, 1, true);
    const auto answer = [&](const std::string& origin) {
        return ask("GET /things/1 HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin + "\r\n\r\n");
    };
    for (const auto* origin : {"http://localhost:3000", "https://127.0.0.1", "http://[::1]:8000"})
        EXPECT_THAT(answer(origin), StartsWith("HTTP/1.1 200 ")) << origin;
    for (const auto* origin : {"http://evil.example", "null", "", "file://", "http://localhost.evil.example", "http://localhost/x",
                               "http://localhost\r\nOrigin: http://evil.example"})
        EXPECT_THAT(answer(origin), AllOf(StartsWith("HTTP/1.1 403 "), HasSubstr("\"code\":\"origin-foreign\""))) << origin;
}

TEST_F(HttpTest, a_server_for_all_answers_every_host_and_origin) {
    serve();
    EXPECT_THAT(ask(get("/things/1", "Origin: http://elsewhere.example\r\n")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpTest, a_chunked_body_is_read_whatever_its_chunks) {
    serve();
    EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: "
                    "t\r\n\r\n"),
                EndsWith("abc0123456789"));
    EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("body-framing-broken")));
}

TEST_F(HttpTest, a_request_may_come_in_single_bytes) {
    serve();
    RawPeer peer(server_->port());
    for (const char c : post("/echo", "slow but sure")) ASSERT_TRUE(peer.send(std::string_view(&c, 1)));
    EXPECT_THAT(peer.read_answer(), EndsWith("slow but sure"));
}

TEST_F(HttpTest, a_request_cut_at_any_byte_harms_nobody) {
    serve();
    const std::string plain = post("/echo", "hello", "Content-Type: application/json\r\n");
    const std::string chunked = "POST /lines HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (const auto& whole : {plain, chunked}) {
        for (std::size_t cut = 0; cut < whole.size(); ++cut) {
            RawPeer peer(server_->port());
            peer.send(whole.substr(0, cut));
            peer.end_sending();
            ASSERT_THAT(peer.read_to_end(), Not(EndsWith("0\r\n\r\n"))) << cut;
            ASSERT_TRUE(peer.closed()) << cut;
        }
    }
    EXPECT_THAT(ask(post("/echo", "alive")), EndsWith("alive"));
}

TEST_F(HttpTest, expect_100_continue_is_answered_when_the_body_is_read) {
    serve();
    RawPeer peer(server_->port());
    peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("ok");
    EXPECT_THAT(peer.read_answer(), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("ok")));
}

TEST_F(HttpTest, expect_100_continue_is_not_answered_when_nobody_reads_the_body) {
    serve();
    RawPeer peer(server_->port());
    peer.send("POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_THAT(peer.read_to_end(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close")));
    EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 0\r\n\r\n"), StartsWith("HTTP/1.1 417"));
}

TEST_F(HttpTest, a_body_without_length_is_411_once_it_is_read) {
    serve();
    EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 411"), HasSubstr("length-required")));
    EXPECT_THAT(ask("POST /ignore HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpTest, a_body_beyond_the_bound_is_413_even_while_the_peer_sends) {
    serve();
    RawPeer peer(server_->port());
    const std::string much(3'000'000, 'x');
    std::thread sender([&] { peer.send(post("/echo", much)); });
    EXPECT_THAT(peer.read_to_end(), AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("body-too-large"), HasSubstr("Connection: close")));
    sender.join();
    RawPeer chunks(server_->port());
    std::thread chunk_sender([&] {
        chunks.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2DC6C0\r\n");
        chunks.send(much);
        chunks.send("\r\n0\r\n\r\n");
    });
    EXPECT_THAT(chunks.read_to_end(), AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("body-too-large")));
    chunk_sender.join();
}

TEST_F(HttpTest, a_limit_on_decoded_bytes_holds_for_every_handler) {
    serve({.decoded_body_bytes_max = 10});
    EXPECT_THAT(ask(post("/echo", "0123456789")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(ask(post("/echo", "0123456789a")), StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpTest, long_targets_are_414_and_long_headers_431) {
    serve();
    EXPECT_THAT(ask(get("/" + std::string(9'000, 'x'))), StartsWith("HTTP/1.1 414"));
    EXPECT_THAT(ask(get("/" + std::string(40'000, 'x'))), StartsWith("HTTP/1.1 414"));
    EXPECT_THAT(ask(get("/echo", "X: " + std::string(17'000, 'x') + "\r\n")), StartsWith("HTTP/1.1 431"));
}

TEST_F(HttpTest, compressed_bodies_are_read) {
    serve();
    EXPECT_THAT(ask(post("/echo", gzipped("a body"), "Content-Encoding: gzip\r\n")), EndsWith("\r\n\r\na body"));
    EXPECT_THAT(ask(post("/echo", gzipped("a body") + gzipped(", and more"), "Content-Encoding: x-gzip\r\n")),
                EndsWith("a body, and more"));
    EXPECT_THAT(ask(post("/echo", "a body", "Content-Encoding: identity\r\n")), EndsWith("a body"));
}

TEST_F(HttpTest, broken_or_unknown_encodings_are_told) {
    serve();
    EXPECT_THAT(ask(post("/echo", "x", "Content-Encoding: br\r\n")),
                AllOf(StartsWith("HTTP/1.1 415"), HasSubstr("content-encoding-unknown")));
    EXPECT_THAT(ask(post("/echo", "not gzip", "Content-Encoding: gzip\r\n")),
                AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("body-encoding-broken")));
    const auto whole = gzipped("a body");
    EXPECT_THAT(ask(post("/echo", whole.substr(0, whole.size() - 3), "Content-Encoding: gzip\r\n")), HasSubstr("body-encoding-broken"));
}

TEST_F(HttpTest, a_gzip_bomb_is_413) {
    serve();
    const auto bomb = gzipped(std::string(50'000'000, '\0'));
    EXPECT_THAT(ask(post("/lines", bomb, "Content-Encoding: gzip\r\nConnection: close\r\n")), Not(EndsWith("0\r\n\r\n")));
    serve({.decoded_expansion_max = 10});
    EXPECT_THAT(ask(post("/echo", bomb, "Content-Encoding: gzip\r\n")), StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpTest, requests_that_smuggle_are_refused) {
    serve();
    const std::string line = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    EXPECT_THAT(ask(line + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(ask(line + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(ask(line + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(ask(line + "Content-Length: +3\r\n\r\nabc"), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(ask(line + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), StartsWith("HTTP/1.1 501"));
    EXPECT_THAT(ask(line + "Transfer-Encoding: gzip\r\n\r\n"), StartsWith("HTTP/1.1 501"));
    EXPECT_THAT(ask(line + "Header : x\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpTest, broken_requests_are_refused_and_closed) {
    serve();
    for (const std::string_view request :
         {"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 tls\r\n\r\n", "GET\r\n\r\n", "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n",
          "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a HTTP/1.1\r\n\r\n", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"}) {
        RawPeer peer(server_->port());
        peer.send(request);
        EXPECT_THAT(peer.read_answer(), StartsWith("HTTP/1.1 400")) << request;
        EXPECT_TRUE(peer.closed()) << request;
    }
    EXPECT_THAT(ask("GET /a HTTP/3.0\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 505"));
}

TEST_F(HttpTest, a_slow_header_is_408_and_closed) {
    serve({.header_timeout = 1s});
    RawPeer peer(server_->port());
    peer.send("GET /things/1 HTTP/1.1\r\nHo");
    EXPECT_THAT(peer.read_answer(), AllOf(StartsWith("HTTP/1.1 408"), HasSubstr("header-too-slow")));
    EXPECT_TRUE(peer.closed());
}

TEST_F(HttpTest, a_stalled_body_is_408_and_an_idle_connection_closed) {
    serve({.idle_timeout = 1s, .body_stall_timeout = 1s});
    RawPeer idle(server_->port());
    EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"),
                AllOf(StartsWith("HTTP/1.1 408"), HasSubstr("body-stalled")));
    EXPECT_TRUE(idle.closed());
}

TEST_F(HttpTest, an_unread_small_body_keeps_the_connection_and_a_large_one_ends_it) {
    serve();
    RawPeer peer(server_->port());
    peer.send(post("/ignore", std::string(60'000, 'x')) + post("/echo", "next"));
    EXPECT_THAT(peer.read_answer(), EndsWith("ignored"));
    EXPECT_THAT(peer.read_answer(), EndsWith("next"));
    std::thread sender([&] { peer.send(post("/ignore", std::string(5'000'000, 'x'))); });
    EXPECT_THAT(peer.read_to_end(), AllOf(HasSubstr("Connection: close"), EndsWith("ignored")));
    sender.join();
}

TEST_F(HttpTest, http_1_0_is_served_without_chunks) {
    serve();
    RawPeer peer(server_->port());
    peer.send("POST /lines HTTP/1.0\r\nContent-Length: 2\r\n\r\nab");
    EXPECT_THAT(peer.read_to_end(), AllOf(Not(HasSubstr("Transfer-Encoding")), HasSubstr("Connection: close"), EndsWith("\r\n\r\nab!")));
    RawPeer kept(server_->port());
    kept.send("GET /things/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(kept.read_answer(), HasSubstr("Connection: keep-alive\r\n"));
}

TEST_F(HttpTest, a_large_answer_arrives_whole) {
    serve();
    RawPeer peer(server_->port());
    peer.send(get("/large"));
    const auto answer = peer.read_answer();
    EXPECT_EQ(answer.size() - answer.find("\r\n\r\n"), 20'000'004U);
}

std::string chunked_lines(std::string_view path, std::size_t chunks, std::size_t bytes) {
    std::string text = "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes);
    for (std::size_t i = 0; i < chunks; ++i) text += size + std::string(bytes, 'q') + "\r\n";
    return text + "0\r\n\r\n";
}

std::size_t count_of(const std::string& text, char c) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), c));
}

class HttpStreamTest : public HttpTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(one_coroutine_and_two, HttpStreamTest, testing::Values("/lines", "/relay"));

TEST_P(HttpStreamTest, a_streamed_answer_reaches_a_client_that_first_sends_everything) {
    serve();
    RawPeer peer(server_->port());
    ASSERT_TRUE(peer.send(chunked_lines(GetParam(), 1'000, 30'000)));  // far beyond the buffers of both sockets
    const auto answer = peer.read_answer();
    EXPECT_THAT(answer, EndsWith("0\r\n\r\n"));
    EXPECT_EQ(count_of(answer, 'q'), 30'000'000U);
    peer.send(get("/things/1"));
    EXPECT_THAT(peer.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpTest, a_streamed_answer_beyond_the_spool_is_broken_off) {
    serve({.answer_spool_bytes_max = 1'000'000});
    RawPeer peer(server_->port());
    peer.send(chunked_lines("/lines", 1'000, 30'000));
    EXPECT_THAT(peer.read_to_end(), Not(EndsWith("0\r\n\r\n")));
}

TEST_P(HttpStreamTest, a_client_that_reads_every_answer_before_it_sends_more_is_served) {
    serve();
    RawPeer peer(server_->port());
    peer.send("POST " + std::string(GetParam()) + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_THAT(peer.read_until("\r\n\r\n"), HasSubstr("application/x-ndjson"));
    for (int i = 0; i < 20; ++i) {
        peer.send("3\r\nabc\r\n");
        ASSERT_EQ(peer.read_until("!\r\n"), "4\r\nabc!\r\n");
    }
    peer.send("0\r\n\r\n");
    EXPECT_EQ(peer.read_until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_P(HttpStreamTest, a_client_that_waits_for_a_spooled_answer_before_it_sends_more_is_served) {
    serve();
    RawPeer peer(server_->port());
    const auto all = chunked_lines(GetParam(), 600, 30'000);
    const auto first = all.substr(0, all.size() - 5);
    ASSERT_TRUE(peer.send(first));
    std::size_t seen = 0;
    while (seen < 18'000'000U) {
        const auto part = peer.read_until("!");
        ASSERT_FALSE(part.empty());
        seen += count_of(part, 'q');
    }
    peer.send("0\r\n\r\n");
    EXPECT_THAT(peer.read_until("0\r\n\r\n"), EndsWith("0\r\n\r\n"));
}

TEST_F(HttpTest, what_is_written_while_the_body_is_waited_for_reaches_a_client_that_only_reads) {
    serve();
    RawPeer peer(server_->port());
    peer.send("POST /relay HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nflood\r\n");
    std::size_t seen = 0;
    while (seen < 18'000'000U) {
        const auto part = peer.read_until("\r\n");
        ASSERT_FALSE(part.empty());
        seen += count_of(part, 'q');
    }
    peer.send("0\r\n\r\n");
    EXPECT_THAT(peer.read_until("0\r\n\r\n"), EndsWith("0\r\n\r\n"));
}

TEST_F(HttpTest, a_stream_that_fails_ends_without_its_last_chunk) {
    serve();
    RawPeer peer(server_->port());
    peer.send(get("/broken"));
    testing::internal::CaptureStderr();
    EXPECT_THAT(peer.read_to_end(), EndsWith("4\r\nhalf\r\n"));
    testing::internal::GetCapturedStderr();
}

TEST_F(HttpTest, head_of_a_streamed_answer_has_no_body) {
    serve();
    RawPeer peer(server_->port());
    peer.send("HEAD /lines HTTP/1.1\r\nHost: a\r\n\r\n" + get("/things/1"));
    EXPECT_THAT(peer.read_answer(true), HasSubstr("Transfer-Encoding: chunked"));
    EXPECT_THAT(peer.read_answer(), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("id=1")));
}

TEST_F(HttpTest, connections_beyond_the_bound_are_turned_away) {
    serve({.connections_max = 2});
    RawPeer one(server_->port());
    RawPeer two(server_->port());
    one.send(get("/things/1"));
    EXPECT_THAT(one.read_answer(), StartsWith("HTTP/1.1 200"));
    two.send(get("/things/1"));
    EXPECT_THAT(two.read_answer(), StartsWith("HTTP/1.1 200"));
    RawPeer three(server_->port());
    EXPECT_THAT(three.read_to_end(), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("too-many-connections"), HasSubstr("Retry-After")));
}

// Lets no further descriptor be opened, as when all are in use.
class NoDescriptors {
public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int next = ::dup(0);
        ::close(next);
        auto now = before_;
        now.rlim_cur = static_cast<rlim_t>(next);
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

private:
    rlimit before_{};
};

TEST_F(HttpTest, a_connection_without_a_descriptor_for_it_is_told_so) {
    serve();
    RawPeer early(server_->port());
    early.send(get("/things/1"));
    EXPECT_THAT(early.read_answer(), StartsWith("HTTP/1.1 200"));
    RawPeer late;
    {
        const NoDescriptors here;
        ASSERT_TRUE(late.connect(server_->port()));
        EXPECT_THAT(late.read_to_end(), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("too-many-connections")));
        early.send(get("/things/1"));
        EXPECT_THAT(early.read_answer(), StartsWith("HTTP/1.1 200"));
    }
    RawPeer again(server_->port());
    again.send(get("/things/1"));
    EXPECT_THAT(again.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(Descriptors, are_raised_to_the_hard_bound_and_shared_between_the_servers_with_some_left) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    auto low = before;
    low.rlim_cur = std::min<rlim_t>(before.rlim_max, 200);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    const auto raised = raise_descriptor_limit();
    rlimit now{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
    EXPECT_EQ(now.rlim_cur, before.rlim_max);
    EXPECT_EQ(raised, std::min<rlim_t>(before.rlim_max, 1'000'000));
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    for (const std::size_t descriptors : {0U, 128U, 256U, 1024U, 4096U, 65536U}) {
        const auto each = connections_that_fit(descriptors, 2);
        EXPECT_GE(each, 1U);
        if (descriptors >= 128) EXPECT_LE(2 * each + 96, descriptors);
    }
    EXPECT_GE(connections_that_fit(65536, 2), 10'000U);
}

TEST_F(HttpTest, what_is_thrown_on_an_io_thread_ends_no_process) {
    serve();
    for (int i = 0; i < 3; ++i) {
        RawPeer peer(server_->port());
        peer.send(get("/throw-on-thread"));
        EXPECT_THAT(peer.read_answer(), StartsWith("HTTP/1.1 200"));
        peer.send(get("/things/1"));
        EXPECT_THAT(peer.read_answer(), StartsWith("HTTP/1.1 200"));
    }
}

TEST_F(HttpTest, a_taken_port_is_an_error_that_says_what_to_do) {
    serve();
    const auto second = Server::listen({.port = server_->port(), .name = "intake", .port_option = "--intake-port"}, Routes(), metrics_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "port-taken");
    EXPECT_THAT(second.error().message, HasSubstr("--intake-port"));
}

TEST_F(HttpTest, stop_lets_a_request_in_flight_end_and_closes_the_idle) {
    serve();
    RawPeer idle(server_->port());
    idle.send(get("/things/1"));
    idle.read_answer();
    RawPeer peer(server_->port());
    peer.send(get("/wait"));
    gate_.entered.get_future().wait();
    auto stopped = std::async(std::launch::async, [&] { server_->stop(); });
    EXPECT_TRUE(idle.closed());
    EXPECT_FALSE(RawPeer(server_->port()).connected());
    EXPECT_EQ(stopped.wait_for(0s), std::future_status::timeout);
    gate_.open.set_value();
    EXPECT_THAT(peer.read_to_end(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close"), EndsWith("at last")));
    stopped.get();
    server_->stop();  // again: nothing
}

TEST_F(HttpTest, stop_ends_it_whenever_its_timer_has_just_gone_off) {
    for (int i = 0; i < 200; ++i) {
        serve({.sweep_every = std::chrono::microseconds{20}}, 8);
        server_->stop();
    }
}

TEST_F(HttpTest, stop_ends_a_request_that_does_not_end_after_the_drain_timeout) {
    serve({.drain_timeout = 1s});
    RawPeer peer(server_->port());
    peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
    peer.read_until("\r\n\r\n");
    server_->stop();
    EXPECT_THAT(peer.read_to_end(), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("server-stopping")));
}

TEST_F(HttpTest, a_server_that_was_never_started_stops) {
    auto made = Server::listen({}, Routes(), metrics_);
    ASSERT_TRUE(made);
    (*made)->stop();
}

TEST_F(HttpTest, many_clients_on_several_threads_get_their_own_answers) {
    serve({}, 2);
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> clients;
        for (int client = 0; client < 8; ++client) {
            clients.emplace_back([&, client] {
                RawPeer peer(server_->port());
                for (int i = 0; i < 100; ++i) {
                    const auto text = std::to_string(client) + "/" + std::to_string(i);
                    peer.send(post("/echo", text));
                    if (peer.read_answer().ends_with("\r\n\r\n" + text)) ++good;
                }
            });
        }
    }
    EXPECT_EQ(good, 800);
}

TEST_F(HttpTest, requests_are_counted_by_route_and_class_of_status) {
    serve();
    ask(get("/things/1"));
    ask(get("/nothing"));
    server_->stop();
    const auto text = metrics_.exposition();
    EXPECT_THAT(text, HasSubstr(R"(acopio_http_requests_total{route="/things/{id}",server="test",status="2xx"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(acopio_http_requests_total{route="-",server="test",status="4xx"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(acopio_http_connections{server="test"} 0)"));
}

}  // namespace
}  // namespace platform::http
