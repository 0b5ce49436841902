// HTTP/1.1 client for the command line and for tests: synchronous, a connection for each request.
#pragma once

#include "kernel/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace platform::http {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Reply {
    int status = 0;
    HeaderList headers;  // names in lower case
    std::string body;    // "" when it went to the line callback
    bool streamed = false;

    std::string_view header(std::string_view name) const;  // "" if absent
};

// TLS 1.2 or later; the certificate must be valid and for the host that is dialled. There is no way around that.
struct ClientTls {
    std::string ca_file;  // PEM; empty: the system's store
};

// One server. Not thread-safe. Errors of every call: unavailable "server-not-reached" (no connection), "server-silent" (nothing for
// `idle_timeout`), "answer-broken" (it ended in the middle, or is not HTTP); incorrect "answer-too-large". With TLS also: incorrect
// "tls-ca-file", "tls-host"; unavailable "tls-handshake"; forbidden "tls-name" (the certificate is another host's), "tls-unknown-ca",
// "tls-expired", "tls-not-yet-valid", "tls-certificate" (another fault of it).
class Client {
public:
    struct Options {
        std::chrono::seconds connect_timeout{5};
        std::chrono::seconds idle_timeout{60};              // no byte in or out for that long
        std::size_t answer_bytes_max = 256u * 1024 * 1024;  // of an answer that is kept; and of one line of a streamed one
        std::optional<ClientTls> tls{};                     // none: plain HTTP
    };
    Client(std::string host, std::uint16_t port) : Client(std::move(host), port, Options{}) {}
    Client(std::string host, std::uint16_t port, Options options) : host_(std::move(host)), port_(port), options_(std::move(options)) {}

    // One request with a body that is there already (none when empty and the method has none).
    kernel::Result<Reply> request(const std::string& method, const std::string& target, const HeaderList& headers,
                                  const std::string& body = {});

    // A part of a body; "" ends it. None: there is nothing yet, ask again.
    using Piece = std::optional<std::string>;
    // POSTs a body of any length, chunked: `next` gives it a piece at a time (an error ends the call with that error). It does not wait
    // long, for the answer is not read meanwhile; none is asked again soon, for as long as the server keeps the connection. An answer of
    // type application/x-ndjson with status 200 goes to `line`, a line at a time, while the body is still being sent; any other answer is
    // in the reply, and ends the sending.
    kernel::Result<Reply> upload(const std::string& target, const HeaderList& headers, std::function<kernel::Result<Piece>()> next,
                                 std::function<void(std::string_view)> line);

private:
    std::string host_;
    std::uint16_t port_;
    Options options_;
};

}  // namespace platform::http
