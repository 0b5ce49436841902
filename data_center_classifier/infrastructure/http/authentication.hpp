// Who asks, and what it may do. Decided from the head of a request, before its body is read.
#pragma once

#include "data_center_classifier/application/service_data_centers.hpp"
#include "platform/http/http.hpp"

namespace data_center_classifier::infrastructure::http {

// Who sends records. In open mode without the header X-Data-Center each record names its own centre: then `sender` has no id.
struct Submitter {
    application::Sender sender;
    bool by_key = false;
    std::string request_id = {};  // of the request that it sends them with
    std::string key_id = {};      // of the key that it sends them with; it may be revoked while it sends
};

// Thread-safe; never waits.
class Authentication {
public:
    struct Options {
        bool open = false;           // nobody is asked
        std::string operator_token;  // compared in constant time
    };
    Authentication(Options options, const application::DataCenterCache& cache) : options_(std::move(options)), cache_(cache) {}

    // Errors: forbidden "key-missing", "key-unknown", "key-revoked", "data-center-suspended", "operator-cannot-send", "data-center-foreign"
    // (X-Data-Center names another centre than the key's); incorrect "data-center-id-invalid".
    kernel::Result<Submitter> may_send(const platform::http::Request& request) const;
    // As may_send; the operator too, who names the centre as in open mode (incorrect "data-center-missing").
    kernel::Result<Submitter> may_retract(const platform::http::Request& request) const;
    // forbidden "key-missing", "key-unknown", "key-revoked"; "operator-only" for a centre's key.
    kernel::Result<void> is_operator(const platform::http::Request& request) const;
    // The operator, or the centre itself: forbidden "data-center-foreign" for another one's key.
    kernel::Result<void> may_see(const platform::http::Request& request, std::string_view center) const;

private:
    bool has_operator_token(const platform::http::Request& request) const;
    kernel::Result<Submitter> named(const platform::http::Request& request) const;
    kernel::Result<Submitter> by_key(const platform::http::Request& request) const;

    Options options_;
    const application::DataCenterCache& cache_;
};

}  // namespace data_center_classifier::infrastructure::http
