// Fuzzes a server with what a connection may bring: each input is sent whole over the loopback, then the answers are read to the end.
#include "kernel/check.hpp"
#include "platform/http/http.hpp"
#include "platform/http/raw_peer.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/logging.hpp"

namespace {

using namespace platform;

kernel::Task<http::Response> echo(http::Exchange* exchange) {
    auto body = co_await exchange->body.read_all(100'000);
    if (!body) co_return std::move(body).error();
    co_return http::json(200, *std::move(body));
}

kernel::Task<http::Response> lines(http::Exchange* exchange) {
    auto done = co_await exchange->writer.start(200, "text/plain");
    while (done) {
        auto bytes = co_await exchange->body.read();
        if (!bytes) co_return std::move(bytes).error();
        if (bytes->empty()) break;
        done = co_await exchange->writer.write(*std::move(bytes));
    }
    if (!done) co_return std::move(done).error();
    http::Response response;
    response.streamed = true;
    co_return response;
}

// One server for all inputs.
struct Target {
    Target() {
        runtime::set_log_level(runtime::Level::error);
        http::Routes routes;
        routes.add("POST", "/echo", [](http::Exchange& exchange) { return echo(&exchange); });
        routes.add("POST", "/lines", [](http::Exchange& exchange) { return lines(&exchange); });
        routes.add("GET", "/things/{id}", [](http::Exchange& exchange) { return echo(&exchange); });
        auto made = http::Server::listen({}, std::move(routes), metrics);
        CHECK(made, "the server of the fuzzer listens");
        server = *std::move(made);
        server->start();
    }
    runtime::Metrics metrics;
    std::unique_ptr<http::Server> server;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Target target;
    http::testing_aid::RawPeer peer(target.server->port());
    CHECK(peer.connected(), "the server takes connections");
    peer.send({reinterpret_cast<const char*>(data), size});
    peer.end_sending();
    const auto answers = peer.read_to_end();
    CHECK(answers.empty() || answers.starts_with("HTTP/1.1 "), "what comes back is HTTP");
    CHECK(peer.closed(), "the server closes a connection that has ended");
    return 0;
}
