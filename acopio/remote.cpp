// Requests of the command line, over the HTTP client.
#include "acopio/remote.hpp"

#include "acopio/embedded.hpp"
#include "acopio/files.hpp"
#include "acopio/json_view.hpp"
#include "acopio/trouble.hpp"
#include "platform/http/client.hpp"

#include <CLI/CLI.hpp>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t addresses_bytes_max = 4096;

ErrorKind kind_of(int status) {
    switch (status) {
        case 401:
        case 403: return ErrorKind::forbidden;
        case 404:
        case 410: return ErrorKind::not_found;
        case 409: return ErrorKind::conflict;
        case 429:
        case 502:
        case 503:
        case 504: return ErrorKind::unavailable;
        case 501: return ErrorKind::unsupported;
        default: return status >= 400 && status < 500 ? ErrorKind::incorrect : ErrorKind::fault;
    }
}

// The client knows no command line; this does.
Error with_cure(Error error) {
    if (error.code == "server-not-reached") error.message += ". Is the server running? Start it with `acopio serve`, or name its address";
    return error;
}

// What to do, where the problem does not say, or cannot know.
std::string cure_of(int status, std::string_view code) {
    if (code == "no-such-path") return "Is this the other port? The intake's address is given with --intake, that of queries with --query";
    if (status == 401) return "Give a key or token that is valid here: see --help for --token-file or --key-file";
    if (status == 403) return "Ask the operator of the server";
    if (status == 503) return "Try again in a moment";
    return "";
}

std::string side_name(Side side) {
    return side == Side::intake ? "intake" : "query";
}

Error not_readable(const std::string& directory, Side side) {
    return {ErrorKind::incorrect, "data-directory-unreadable",
            directory +
                " cannot be read by this user, so the server's address is not known. Ask as its owner, or name the address with --" +
                side_name(side)};
}

}  // namespace

void add_data_option(CLI::App& app, ServerOptions& options, const std::string& what) {
    app.add_option_function<std::string>(
           "--data",
           [&options](const std::string& text) {
               options.data = text;
               options.data_given = true;
           },
           what)
        ->envname("ACOPIO_DATA")
        ->type_name("DIR")
        ->default_str(options.data);
}

void add_server_options(CLI::App& app, ServerOptions& options, Side side, const std::string& token_variable) {
    const auto name = side_name(side);
    add_data_option(app, options, "Directory of the server on this machine: its address and operator token");
    app.add_option("--" + name, options.address,
                   "The server's address; default: from --data, or 127.0.0.1:800" + std::string(side == Side::intake ? "0" : "1"))
        ->envname(side == Side::intake ? "ACOPIO_INTAKE" : "ACOPIO_QUERY")
        ->type_name("HOST:PORT");
    auto* file = app.add_option("--token-file", options.token_file,
                                "File with a token; default: $" + token_variable + ", or the operator's of --data");
    file->type_name("FILE");
    app.add_option("--token", options.token)->envname(token_variable)->group("");  // hidden: a secret does not belong on a command line
}

Result<Address> address_of(const ServerOptions& options, Side side) {
    if (!options.address.empty()) return address_from_text(options.address);
    const DataDirectory directory{options.data};
    std::error_code failed;
    const bool there = std::filesystem::exists(directory.path, failed);
    if (!there && !failed && options.data_given)
        return Error{ErrorKind::incorrect, "data-directory-missing",
                     options.data + " is not there. Name the server's directory with --data, or its address with --" + side_name(side)};
    const bool running = there && std::filesystem::exists(directory.addresses(), failed);
    if (failed) return not_readable(options.data, side);
    if (running) {
        const auto content = read_file(directory.addresses(), addresses_bytes_max);
        if (!content && content.error().kind == ErrorKind::forbidden) return not_readable(options.data, side);
        boost::system::error_code broken;
        const auto value = content ? boost::json::parse(*content, broken) : boost::json::value();
        const auto text = text_of(object_of(value), side_name(side));
        if (!broken && !text.empty()) return address_from_text(text);
    }
    if (options.data_given)
        return Error{ErrorKind::unavailable, "server-not-running",
                     "no server runs on " + options.data + ". Start it with `acopio serve --data " + options.data +
                         "`, or name another's address with --" + side_name(side)};
    return Address{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(side == Side::intake ? 8000 : 8001)};
}

Result<std::string> token_of(const ServerOptions& options, const Address& address) {
    if (!options.token_file.empty()) return read_secret_file(options.token_file);
    if (!options.token.empty()) return options.token;
    if (!is_loopback(address.host)) return std::string();
    const DataDirectory directory{options.data};
    std::error_code failed;
    if (std::filesystem::exists(directory.operator_token(), failed)) return read_secret_file(directory.operator_token());
    if (failed && options.data_given)
        return Error{ErrorKind::forbidden, "operator-token-unreadable",
                     directory.operator_token().string() + " cannot be read by this user. Ask as its owner, or give --token-file"};
    return std::string();
}

Error error_from(int status, std::string_view body) {
    boost::system::error_code failed;
    const auto value = boost::json::parse(body, failed);
    const auto problem = failed ? boost::json::object() : object_of(value);
    std::string message = text_of(problem, "detail", text_of(problem, "title"));
    if (message.empty()) message = "the server answered with status " + std::to_string(status);
    if (const auto expected = text_of(problem, "expected"); !expected.empty()) message += "; expected: " + expected;
    const auto code = text_of(problem, "code", "http-" + std::to_string(status));
    auto mend = cure_of(status, code);
    if (code != "no-such-path") mend = text_of(problem, "mend", mend);
    if (!mend.empty()) message = with_advice(std::move(message), mend);
    return {kind_of(status), code, std::move(message)};
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (plain.contains(c)) out += c;
        else out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
    return out;
}

Result<Remote> Remote::at(const ServerOptions& options, Side side) {
    auto address = address_of(options, side);
    if (!address) return std::move(address).error();
    auto token = token_of(options, *address);
    if (!token) return std::move(token).error();
    return Remote(std::move(*address), std::move(*token));
}

Headers Remote::headers() const {
    if (token_.empty()) return {};
    return {{"authorization", "Bearer " + token_}};
}

Result<Remote::Document> Remote::fetch(const std::string& method, const std::string& path, const std::optional<boost::json::value>& body) {
    auto sent = headers();
    if (body) sent.emplace_back("content-type", "application/json");
    platform::http::Client client(address_.host, address_.port);
    auto reply = client.request(method, path, sent, body ? boost::json::serialize(*body) : std::string());
    if (!reply) return with_cure(std::move(reply).error());
    if (reply->status >= 400) return error_from(reply->status, reply->body);
    if (reply->body.empty()) return Document{};
    boost::system::error_code failed;
    auto value = parsed_answer(reply->body, failed);
    if (failed) return Error{ErrorKind::fault, "answer-not-understood", "the server's answer is no JSON. Is it an acopio?"};
    return Document{.text = std::move(reply->body), .value = std::move(value)};
}

Result<boost::json::value> Remote::call(const std::string& method, const std::string& path, const std::optional<boost::json::value>& body) {
    auto document = fetch(method, path, body);
    if (!document) return std::move(document).error();
    return std::move(document->value);
}

Result<Remote::Answer> Remote::upload(const std::string& path, Headers further, std::function<Result<std::optional<std::string>>()> next,
                                      std::function<void(std::string_view)> line) {
    for (auto& header : headers()) further.push_back(std::move(header));
    platform::http::Client client(address_.host, address_.port);
    auto reply = client.upload(path, further, std::move(next), std::move(line));
    if (!reply) return with_cure(std::move(reply).error());
    return Answer{.status = reply->status, .streamed = reply->streamed, .body = std::move(reply->body)};
}

}  // namespace acopio
