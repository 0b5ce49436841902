#include "platform/pulsar/admin/rest.hpp"

#include <boost/json/parse.hpp>

#include <charconv>

namespace platform::pulsar::admin {
namespace {

namespace json = boost::json;
using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t answer_bytes_max = 4 * 1024 * 1024;
constexpr std::chrono::seconds connect_timeout{5};
constexpr std::chrono::seconds idle_timeout{30};
constexpr int redirects_max = 5;
constexpr std::size_t reason_bytes_max = 300;
constexpr std::uint16_t http_port = 8080;
constexpr std::uint16_t https_port = 8443;

Error bad_url(std::string_view url) {
    return {
        ErrorKind::incorrect, "pulsar-admin-url",
        "\"" + std::string(url) + "\" is no address of Pulsar's admin interface: it should be as http://host:8080 or https://host:8443"};
}

// The client's errors in the words of this room. What TLS refuses keeps its code.
Error not_reached(const Options& options, Error error) {
    if (!error.code.starts_with("tls-") || error.kind == ErrorKind::unavailable) {
        error.kind = ErrorKind::unavailable;
        error.code = "pulsar-admin-not-reached";
    }
    error.message = "Pulsar's admin interface at " + options.url + " cannot be asked: " + error.message;
    return error;
}

std::string cut(std::string text) {
    if (text.size() > reason_bytes_max) text.resize(reason_bytes_max);
    return text;
}

bool is_json(const http::Reply& reply) {
    return reply.header("content-type").starts_with("application/json");
}

// "" when the answer gives none.
std::string reason_of(const http::Reply& reply) {
    boost::system::error_code failed;
    const auto value = json::parse(reply.body, failed);
    const auto* object = failed ? nullptr : value.if_object();
    const auto* reason = object ? object->if_contains("reason") : nullptr;
    const auto* text = reason ? reason->if_string() : nullptr;
    return text ? cut(std::string(*text)) : std::string();
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 307 || status == 308;
}

}  // namespace

Result<Place> place_from(std::string_view url) {
    Place place;
    auto rest = url;
    if (rest.starts_with("https://")) place.tls = true;
    else if (!rest.starts_with("http://")) return bad_url(url);
    rest.remove_prefix(place.tls ? 8 : 7);
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos) place.target = rest.substr(slash);
    if (place.target == "/") place.target.clear();
    auto authority = rest.substr(0, slash);
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return bad_url(url);
        place.host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
    } else {
        const auto colon = authority.find(':');
        place.host = authority.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    }
    place.port = place.tls ? https_port : http_port;
    if (!port.empty()) {
        const auto [end, failed] = std::from_chars(port.data() + 1, port.data() + port.size(), place.port);
        if (port.front() != ':' || failed != std::errc{} || end != port.data() + port.size() || place.port == 0) return bad_url(url);
    }
    // What would end the line of a request, or is no host.
    if (place.host.empty() || url.find_first_of(" \t\r\n@,\"") != std::string_view::npos) return bad_url(url);
    return place;
}

Result<Rest> Rest::open(const Options& options) {
    auto place = place_from(options.url);
    if (!place) return std::move(place).error();
    if (!place->target.empty()) return bad_url(options.url);
    return Rest(options, std::move(*place));
}

Result<http::Reply> Rest::send(const Place& place, const std::string& method, const std::optional<std::string>& body) {
    http::HeaderList headers{{"Accept", "application/json"}};
    if (body) headers.emplace_back("Content-Type", "application/json");
    if (options_.token) {
        auto token = options_.token();
        if (!token) return std::move(token).error();
        if (token->find_first_of("\r\n") != std::string::npos)
            return Error{ErrorKind::incorrect, "pulsar-token", "a token for Pulsar is one line"};
        headers.emplace_back("Authorization", "Bearer " + *token);
    }
    http::Client::Options options{
        .connect_timeout = connect_timeout, .idle_timeout = idle_timeout, .answer_bytes_max = answer_bytes_max, .tls = {}};
    if (place.tls) options.tls = http::ClientTls{.ca_file = options_.ca_file};
    auto reply = http::Client(place.host, place.port, std::move(options)).request(method, place.target, headers, body.value_or(""));
    if (!reply) return not_reached(options_, std::move(reply).error());
    return reply;
}

// A broker that is not the one to ask names the one that is. Never from TLS to none: the token would be seen.
Result<http::Reply> Rest::follow(const std::string& method, const std::string& path, const std::optional<std::string>& body) {
    auto place = place_;
    place.target = "/admin/v2/" + path;
    for (int hops = 0; hops <= redirects_max; ++hops) {
        auto reply = send(place, method, body);
        if (!reply || !is_redirect(reply->status)) return reply;
        auto next = place_from(reply->header("location"));
        if (!next || next->target.empty() || next->tls < place.tls) break;
        place = std::move(*next);
    }
    return Error{ErrorKind::unsupported, "pulsar-admin-answer", "Pulsar's admin interface at " + options_.url + " sends to nowhere"};
}

Result<Rest::Answer> Rest::ask(const std::string& method, const std::string& path, const std::optional<std::string>& body) {
    auto reply = follow(method, path, body);
    if (!reply) return std::move(reply).error();
    const auto reason = reason_of(*reply);
    const auto words = method + " /admin/v2/" + path + " was answered with " + std::to_string(reply->status) +
                       (reason.empty() ? std::string() : " (" + reason + ")");
    const auto not_pulsar = [&] {
        return Error{ErrorKind::unsupported, "pulsar-admin-answer",
                     "what answers at " + options_.url + " does not answer as Pulsar's admin interface: " + words};
    };
    switch (reply->status) {
        case 200:
        case 201:
        case 202:
        case 204: break;
        case 401:
        case 403:
            return Error{
                ErrorKind::forbidden, "pulsar-admin-refused",
                "Pulsar's admin interface at " + options_.url + " refuses us: " + words + ". Give a token that may administer the tenant"};
        case 404:
            if (!is_json(*reply)) return not_pulsar();
            return Answer{.what = Answer::What::missing, .value = {}, .reason = reason};
        case 405: return Answer{.what = Answer::What::not_here, .value = {}, .reason = reason};
        case 409: return Answer{.what = Answer::What::exists, .value = {}, .reason = reason};
        default:
            if (reply->status == 429 || reply->status >= 500)
                return Error{ErrorKind::unavailable, "pulsar-admin-not-reached",
                             "Pulsar's admin interface at " + options_.url + " cannot answer now: " + words};
            if (reason.empty()) return not_pulsar();
            return Error{ErrorKind::unsupported, "pulsar-admin-answer",
                         "Pulsar's admin interface at " + options_.url + " does not do what it was asked: " + words};
    }
    if (reply->body.empty()) return Answer{};
    boost::system::error_code failed;
    auto value = json::parse(reply->body, failed);
    if (failed) return not_pulsar();
    return Answer{.what = Answer::What::done, .value = std::move(value), .reason = {}};
}

}  // namespace platform::pulsar::admin
