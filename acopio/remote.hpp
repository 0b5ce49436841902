// Talking to a running server: where it is, as whom, and its answers as values.
#pragma once

#include "acopio/address.hpp"
#include "kernel/result.hpp"

#include <boost/json.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace acopio {

// Which of the two servers a command speaks to.
enum class Side : std::uint8_t { intake, query };

// What every command that speaks to a server can be told.
struct ServerOptions {
    std::string data = "var";
    bool data_given = false;  // by option or environment: then it must be there
    std::string address;      // "": from DIR/addresses.json, else the side's usual port on this machine
    std::string token_file;   // "": from the environment, else DIR/operator.token
    std::string token;        // from the environment
};
// Adds --data.
void add_data_option(CLI::App& app, ServerOptions& options, const std::string& what);
// Adds --data, --intake or --query, and --token-file. `token_variable` is the environment variable of the token itself.
void add_server_options(CLI::App& app, ServerOptions& options, Side side, const std::string& token_variable);

// incorrect "address-invalid". Without an address in the options: incorrect "data-directory-missing" or "data-directory-unreadable"; and
// unavailable "server-not-running" when no server runs on a directory that was given.
kernel::Result<Address> address_of(const ServerOptions& options, Side side);
// "" when there is none: then the server decides (open mode). The token in the data directory goes to a server on this machine only.
kernel::Result<std::string> token_of(const ServerOptions& options, const Address& address);

// An Error from an answer that is no success: the problem's words, and the kind that its status stands for.
kernel::Error error_from(int status, std::string_view body);

// Text for one segment of a path, or a name or value of a query.
std::string percent_encoded(std::string_view text);

using Headers = std::vector<std::pair<std::string, std::string>>;

// One server. Not thread-safe. Each call is one request, with the time-outs of the HTTP client.
class Remote {
public:
    Remote(Address address, std::string token) : address_(std::move(address)), token_(std::move(token)) {}
    static kernel::Result<Remote> at(const ServerOptions& options, Side side);

    // What came, byte for byte, and what it means. Numbers keep their digits in the text only.
    struct Document {
        std::string text;
        boost::json::value value;  // null for an empty answer
    };
    // An answer that is JSON, or an Error: the client's for what did not arrive, error_from() for what was refused.
    kernel::Result<Document> fetch(const std::string& method, const std::string& path, const std::optional<boost::json::value>& body = {});
    // Its value alone.
    kernel::Result<boost::json::value> call(const std::string& method, const std::string& path,
                                            const std::optional<boost::json::value>& body = {});
    kernel::Result<boost::json::value> get(const std::string& path) { return call("GET", path); }

    // POSTs a body of any length that `next` gives a chunk at a time (empty: the end; none: not yet). A streamed answer (NDJSON) goes to
    // `line`, line by line while the body is still being sent; any other is in the result.
    struct Answer {
        int status = 0;
        bool streamed = false;
        std::string body;
    };
    kernel::Result<Answer> upload(const std::string& path, Headers headers,
                                  std::function<kernel::Result<std::optional<std::string>>()> next,
                                  std::function<void(std::string_view)> line);

    const Address& address() const { return address_; }
    Headers headers() const;  // the authorization

private:
    Address address_;
    std::string token_;
};

}  // namespace acopio
