// Rest: one request to Pulsar's admin interface, and what its answer means.
#pragma once

#include "kernel/result.hpp"
#include "platform/http/client.hpp"
#include "platform/pulsar/admin/admin.hpp"

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace platform::pulsar::admin {

struct Place {
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    std::string target;  // path and query; "" when the URL ends behind the port
};
// incorrect "pulsar-admin-url".
kernel::Result<Place> place_from(std::string_view url);

class Rest {
public:
    // incorrect "pulsar-admin-url".
    static kernel::Result<Rest> open(const Options& options);

    // Whether a thing is there is an answer, everything else that is no success an error.
    struct Answer {
        enum class What : std::uint8_t {
            done,      // 2xx
            missing,   // 404 of Pulsar
            exists,    // 409
            not_here,  // 405: this Pulsar has no such policy, or it is switched off
        };
        What what = What::done;
        boost::json::value value;  // null for an empty answer
        std::string reason;        // of what was not done
    };
    // `path` begins behind "/admin/v2/"; `body` is JSON.
    kernel::Result<Answer> ask(const std::string& method, const std::string& path, const std::optional<std::string>& body = {});

private:
    Rest(Options options, Place place) : options_(std::move(options)), place_(std::move(place)) {}
    kernel::Result<platform::http::Reply> send(const Place& place, const std::string& method, const std::optional<std::string>& body);
    kernel::Result<platform::http::Reply> follow(const std::string& method, const std::string& path,
                                                 const std::optional<std::string>& body);

    Options options_;
    Place place_;
};

}  // namespace platform::pulsar::admin
