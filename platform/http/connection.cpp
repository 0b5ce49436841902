// The life of a connection: header, handler, answer, and again.
#include "platform/http/connection.hpp"

#include "platform/http/header.hpp"
#include "platform/http/local.hpp"
#include "platform/http/stream.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/runtime/logging.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace platform::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;

constexpr std::size_t input_max = 64 * 1024;
constexpr std::size_t discarded_max = 64 * 1024;
constexpr std::string_view shorter_target = "ask for less at once";
constexpr std::string_view smaller_header = "send fewer or shorter headers";
constexpr std::size_t start_line_extra = 64;  // method and version, beside the target

std::string_view view_of(beast::string_view text) {
    return {text.data(), text.size()};
}

void make_lower(std::string& text, std::size_t size) {
    std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

Moment now() {
    return std::chrono::steady_clock::now();
}

std::string to_json_of(Problem problem, const std::string& instance) {
    problem.instance = instance;
    return to_json(problem);
}

bool method_has_body(std::string_view method) {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

Connection::Connection(Lane& lane, Socket socket)
    : lane_(lane), limits_(lane.site.options.limits), wire_(std::move(socket), std::max(input_max, 2 * limits_.header_bytes_max)) {
    lane_.open.insert(this);
    if (lane_.draining) wire_.stop();
}

Connection::~Connection() {
    lane_.open.erase(this);
}

Await<void> Connection::run() {
    auto next = Next::request;
    while (next == Next::request) {
        const auto head = co_await read_head();
        if (head == Head::ended) co_return;
        next = head == Head::ready ? co_await exchange() : co_await refused();
        wire_.shrink();
    }
    if (next == Next::linger) co_await wire_.linger();
}

Await<Connection::Head> Connection::read_head() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
    parser_->body_limit(boost::none);
    parser_->eager(false);
    Moment started{};
    for (;;) {
        const auto head = parse_head();
        if (head != Head::incomplete) co_return head;
        if (lane_.draining) co_return Head::ended;
        const bool idle = wire_.input().empty() && !parser_->got_some();
        if (!idle && started == Moment{}) started = now();
        between_requests_ = true;
        const auto io = co_await wire_.fill(idle ? now() + limits_.idle_timeout : started + limits_.header_timeout);
        between_requests_ = false;
        if (io == Io::expired && !idle)
            co_return refuse(408, "header-too-slow", "the header did not come in time", "send a request at once");
        if (io == Io::full) co_return refuse(431, "headers-too-large", "the header is too large", smaller_header);
        if (io != Io::done) co_return Head::ended;
    }
}

Connection::Head Connection::parse_head() {
    if (!parser_->got_some())
        while (wire_.input().starts_with("\r\n")) wire_.consume(2);  // some clients end a body with one too many
    const auto input = wire_.input();
    if (input.empty()) return Head::incomplete;
    boost::system::error_code error;
    wire_.consume(parser_->put(boost::asio::buffer(input.data(), input.size()), error));
    if (!error && parser_->is_header_done()) return check_head();
    const bool in_start_line = parser_->get().target().empty();
    if (in_start_line && input.size() > limits_.target_bytes_max + start_line_extra && input.find('\n') == std::string_view::npos)
        return refuse(414, "target-too-long", "the target of the request is too long", shorter_target);
    if (!error || error == beast::http::error::need_more) return Head::incomplete;
    if (error == beast::http::error::header_limit) return refuse(431, "headers-too-large", "the header is too large", smaller_header);
    // A line that ends with LF alone looks to the parser as if its version were wrong.
    const bool ends_with_cr = input.substr(0, input.find('\n')).ends_with('\r');
    if (error == beast::http::error::bad_version && ends_with_cr)
        return refuse(505, "http-version-unknown", "this is a server of HTTP/1.1", "speak HTTP/1.1 to it, or put a proxy in between");
    return refuse(400, "request-broken", "this is not a request of HTTP/1.1",
                  "send lines that end with CR LF, without blanks before a colon; an HTTP library does it right");
}

Connection::Head Connection::check_head() {
    const auto& message = parser_->get();
    if (message.target().size() > limits_.target_bytes_max)
        return refuse(414, "target-too-long", "the target of the request is too long", shorter_target);
    if (message.version() == 11 && message.count(field::host) != 1)
        return refuse(400, "host-missing", "HTTP/1.1 wants one Host header", "send one Host header");
    // Which of the two counts would be a guess, and who stands in between may guess otherwise.
    for (const beast::string_view name : {"Authorization", "Content-Type", "Content-Encoding", "X-Data-Center"})
        if (message.count(name) > 1)
            return refuse(400, "header-twice", "the header " + std::string(name) + " stands there twice", "send it once");
    if (message.count(field::transfer_encoding) != 0) {
        const bool chunked = message.count(field::transfer_encoding) == 1 && beast::iequals(message[field::transfer_encoding], "chunked");
        if (!chunked || message.version() != 11)
            return refuse(501, "transfer-encoding-unknown", "the only Transfer-Encoding is chunked, in HTTP/1.1",
                          "send Content-Length, or Transfer-Encoding: chunked; compression is a Content-Encoding");
    }
    if (message.count(field::expect) != 0 && !beast::iequals(message[field::expect], "100-continue"))
        return refuse(417, "expectation-unknown", "the only expectation is 100-continue", "leave the header Expect out");
    auto target = target_from(view_of(message.target()));
    if (!target) return refuse(400, target.error().code, target.error().message, "write the target as RFC 9112, 3.2 has it");
    if (lane_.site.options.local_only) {
        const bool elsewhere = !target->authority.empty() && !is_local_authority(target->authority);
        if (elsewhere || !is_local_authority(view_of(message[field::host])))
            return refuse(403, "host-not-local", "this server is open to everybody, and so answers under names of this machine only",
                          "ask as localhost or 127.0.0.1, or serve with keys instead of --open");
        const bool foreign = message.count(field::origin) > 1 || !is_local_origin(view_of(message[field::origin]));
        if (message.count(field::origin) != 0 && foreign)
            return refuse(403, "origin-foreign", "this server is open to everybody, and so answers no web page but those of this machine",
                          "ask without a browser, or serve with keys instead of --open");
    }
    target_ = *std::move(target);
    return Head::ready;
}

Connection::Head Connection::refuse(int status, std::string code, std::string detail, std::string_view mend) {
    problem_ = problem_from({kernel::ErrorKind::incorrect, std::move(code), std::move(detail)});
    problem_.status = status;
    problem_.mend = mend;
    return Head::refused;
}

Await<Connection::Next> Connection::refused() {
    const Router::Match nowhere;
    Request request;
    request.id = lane_.site.new_request_id();
    auto response = answer(problem_);
    response.body = to_json_of(problem_, request.id);
    write_answer(response, false, true);
    // A head that cannot be served is the peer's doing, 501 and 505 too: whoever watches for 5xx watches for ours.
    constexpr int of_the_peer = 400;
    record(nowhere, request, of_the_peer, now());
    const auto io = co_await wire_.flush(limits_.body_stall_timeout);
    co_return io == Io::done ? Next::linger : Next::close;
}

Await<Connection::Next> Connection::exchange() {
    const auto since = now();
    const auto method = view_of(parser_->get().method_string());
    const auto match = lane_.site.router.match(method, target_.segments);
    Outlet outlet(wire_, limits_.answer_spool_bytes_max, lane_.site.spools);
    auto request = make_request(match, std::move(target_));
    RequestBody body(*parser_, wire_, outlet, limits_, body_facts(request));
    const bool close = !parser_->keep_alive() || lane_.draining;
    StreamWriter writer(outlet, body, limits_,
                        {.head = request.method == "HEAD", .chunked = parser_->get().version() == 11, .close = close, .date = lane_.date});
    Exchange exchange{std::move(request), body, writer};

    auto result = match.entry != nullptr ? co_await handled(match, exchange) : not_routed(match);
    if (!writer.started()) {
        if (result && result->streamed) result = kernel::Error{kernel::ErrorKind::fault, "answer-missing", "a handler gave no answer"};
        if (!result) {
            result = answer(problem_from(result.error()));
        }
        if (result->problem) result->body = to_json_of(*std::move(result->problem), exchange.request.id);
        record(match, exchange.request, result->status, since);
        co_return co_await answer_plain(exchange.request, body, *std::move(result));
    }
    record(match, exchange.request, writer.status(), since);
    if (!result || !result->streamed) co_return Next::close;  // no last chunk: the peer sees that it is not all
    co_return co_await answer_streamed(body, writer, outlet);
}

// The rest of a streamed answer. A peer that still sends is read from, too, so that it comes to reading.
Await<Connection::Next> Connection::answer_streamed(RequestBody& body, StreamWriter& writer, Outlet& outlet) {
    const auto ended = writer.end();
    if (!ended) co_return Next::close;
    const bool all_read = body.at_end() || co_await body.discard(discarded_max);
    const auto flushed = co_await outlet.flush(limits_.body_stall_timeout);
    if (!flushed) co_return Next::close;
    if (!all_read) co_return Next::linger;
    co_return writer.closes() || lane_.draining ? Next::close : Next::request;
}

Request Connection::make_request(const Router::Match& match, Target target) {
    const auto& message = parser_->get();
    Request request;
    request.method = view_of(message.method_string());
    request.path = std::move(target.path);
    if (match.entry != nullptr) request.route = match.entry->pattern;
    request.parameters = match.parameters;
    request.query = std::move(target.query);
    request.headers.reserve(8);
    for (const auto& header : message) {
        auto& [name, value] = request.headers.emplace_back(view_of(header.name_string()), view_of(header.value()));
        make_lower(name, name.size());
        if (header.name() == field::content_type) make_lower(value, std::min(value.find(';'), value.size()));
    }
    request.id = lane_.site.new_request_id();
    return request;
}

RequestBody::Facts Connection::body_facts(const Request& request) {
    RequestBody::Facts facts;
    facts.content_encoding = request.header("content-encoding");
    facts.continue_asked = parser_->get().version() == 11 && parser_->get().count(field::expect) != 0 && !parser_->is_done();
    facts.length_required = method_has_body(request.method) && !parser_->content_length() && !parser_->chunked();
    return facts;
}

kernel::Result<Response> Connection::not_routed(const Router::Match& match) const {
    Problem problem;
    if (match.allowed.empty()) {
        problem = problem_from({kernel::ErrorKind::not_found, "no-such-path", "nothing is served at this path"});
        problem.mend = "check the path, and whether this is the port that serves it: the intake and the queries have one each";
    } else if (parser_->get().method() == beast::http::verb::options) {
        Response known;
        known.status = 204;
        known.headers.emplace_back("Allow", match.allowed);
        return known;
    } else {
        problem = problem_from({kernel::ErrorKind::incorrect, "method-not-allowed", "this path knows " + match.allowed});
        problem.status = 405;
        problem.mend = "use one of these methods";
    }
    auto response = answer(problem);
    if (!match.allowed.empty()) response.headers.emplace_back("Allow", match.allowed);
    return response;
}

// Whatever a handler throws becomes a fault. What it says may hold anything, so it is not logged.
Await<kernel::Result<Response>> Connection::handled(const Router::Match& match, Exchange& exchange) {
    kernel::Result<Response> result;
    try {
        result = co_await match.entry->handler(exchange);
    } catch (const std::bad_alloc&) {
        result = kernel::Error{kernel::ErrorKind::fault, "out-of-memory", "a handler found no memory"};
    } catch (...) {
        result = kernel::Error{kernel::ErrorKind::fault, "handler-threw", "a handler threw an exception"};
    }
    if (!result && result.error().kind == kernel::ErrorKind::fault)
        runtime::log(runtime::Level::error, "request-failed",
                     {{"server", lane_.site.options.name},
                      {"request", exchange.request.id},
                      {"route", exchange.request.route},
                      {"code", result.error().code},
                      {"message", result.error().message}});
    co_return result;
}

Await<Connection::Next> Connection::answer_plain(const Request& request, RequestBody& body, Response response) {
    const auto left = parser_->content_length_remaining();
    const bool much_left = !body.at_end() && (body.continue_asked() || (left && *left > discarded_max));
    const bool close = !parser_->keep_alive() || lane_.draining || much_left || body.broken();
    write_answer(response, request.method == "HEAD", close);
    if (!wire_.send_now()) {
        const auto io = co_await wire_.flush(limits_.body_stall_timeout);
        if (io != Io::done) co_return Next::close;
    }
    if (wire_.broken()) co_return Next::close;
    if (body.at_end()) co_return close ? Next::close : Next::request;
    if (body.continue_asked()) co_return Next::close;
    if (much_left || body.broken()) co_return Next::linger;
    const bool all_read = co_await body.discard(discarded_max);
    if (!all_read) co_return Next::linger;
    co_return close ? Next::close : Next::request;
}

void Connection::write_answer(const Response& response, bool head_only, bool close) {
    auto& out = wire_.out();
    add_status_line(out, response.status);
    const bool may_have_body = response.status >= 200 && response.status != 204 && response.status != 304;
    if (may_have_body) {
        if (!response.content_type.empty()) add_header(out, "Content-Type", response.content_type);
        add_header(out, "Content-Length", response.body.size());
    }
    for (const auto& [name, value] : response.headers) add_header(out, name, value);
    if (close) add_header(out, "Connection", "close");
    else if (parser_->is_header_done() && parser_->get().version() == 10) add_header(out, "Connection", "keep-alive");
    out += lane_.date;
    out += "\r\n";
    if (may_have_body && !head_only) out += response.body;
}

void Connection::record(const Router::Match& match, const Request& request, int status, Moment since) {
    const auto seconds = std::chrono::duration<double>(now() - since).count();
    auto instruments = lane_.site.instruments_of(match);
    instruments.by_class[static_cast<std::size_t>(std::clamp(status / 100, 2, 5) - 2)].add();
    instruments.seconds.observe(seconds);
    runtime::log(runtime::Level::debug, "request",
                 {{"server", lane_.site.options.name},
                  {"request", request.id},
                  {"method", request.method},
                  {"route", request.route},
                  {"status", std::int64_t{status}},
                  {"seconds", seconds}});
}

Site::Site(Server::Options options_, const Routes& routes, runtime::Metrics& metrics)
    : options(std::move(options_)),
      router(routes),
      spools(options.limits.answer_spools_bytes_max),
      id_prefix(runtime::random_hex(3) + "-") {
    const auto instruments_for = [&](const std::string& route) {
        Instruments instruments;
        for (std::size_t i = 0; i < instruments.by_class.size(); ++i)
            instruments.by_class[i] =
                metrics.counter("acopio_http_requests_total", "Requests answered.",
                                {{"server", options.name}, {"route", route}, {"status", std::to_string(i + 2) + "xx"}});
        instruments.seconds = metrics.seconds("acopio_http_seconds", "From the header's end to the answer's beginning, or a stream's end.",
                                              {{"server", options.name}, {"route", route}});
        return instruments;
    };
    for (const auto& entry : router.entries()) routed.push_back(instruments_for(entry.pattern));
    unrouted = instruments_for("-");
    connections_gauge = metrics.gauge("acopio_http_connections", "Open connections.", {{"server", options.name}});
}

std::string Site::new_request_id() {
    std::array<char, 16> digits{};
    const auto id = last_id.fetch_add(1, std::memory_order_relaxed) + 1;
    auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), id, 16).ptr;
    std::string text = id_prefix;
    text.append(digits.data(), end);
    return text;
}

void Site::connection_ended() {
    connections_gauge.set(static_cast<double>(connections.fetch_sub(1) - 1));
    const std::lock_guard lock(mutex);
    ended.notify_all();
}

Lane::Lane(Site& site_) : site(site_), date(date_line()) {}

void Lane::sweep() {
    date = date_line();
    for (auto* connection : open) connection->wire().check(now());
}

void Lane::drain() {
    draining = true;
    for (auto* connection : open)
        if (connection->between_requests()) connection->wire().stop();
}

void Lane::abandon() {
    for (auto* connection : open) connection->wire().stop();
}

Await<void> serve(Lane& lane, Socket socket) {
    Connection connection(lane, std::move(socket));
    co_await connection.run();
}

}  // namespace platform::http
