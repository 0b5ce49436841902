// A token is the operator's, a centre's key, or nothing.
#include "data_center_classifier/infrastructure/http/authentication.hpp"

#include "platform/runtime/digest.hpp"

namespace data_center_classifier::infrastructure::http {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using platform::http::Request;

bool Authentication::has_operator_token(const Request& request) const {
    return !options_.operator_token.empty() && platform::runtime::equal_in_constant_time(request.bearer_token(), options_.operator_token);
}

Result<Submitter> Authentication::named(const Request& request) const {
    const auto name = request.header("x-data-center");
    if (name.empty()) return Submitter{};
    if (!domain::is_data_center_id(name))
        return Error{ErrorKind::incorrect, "data-center-id-invalid",
                     "X-Data-Center is 1 to 64 of a-z, 0-9 and -, and starts with a letter or digit"};
    return Submitter{.sender = {.id = {std::string(name)}, .grade = std::string(domain::no_grade)}, .by_key = false};
}

Result<Submitter> Authentication::by_key(const Request& request) const {
    auto sender = cache_.authenticate(request.bearer_token());
    if (!sender) return std::move(sender).error();
    if (sender->suspended) return Error{ErrorKind::forbidden, "data-center-suspended", "the operator has suspended this data centre"};
    // Two centres named in one request: filing under either might be wrong.
    if (const auto name = request.header("x-data-center"); !name.empty() && name != sender->id.value)
        return Error{ErrorKind::forbidden, "data-center-foreign", "X-Data-Center names another data centre than the key belongs to"};
    return Submitter{.sender = std::move(*sender), .by_key = true};
}

Result<Submitter> Authentication::may_send(const Request& request) const {
    if (options_.open) return named(request);
    if (has_operator_token(request))
        return Error{ErrorKind::forbidden, "operator-cannot-send", "records are sent with a key of the data centre that they come from"};
    return by_key(request);
}

Result<Submitter> Authentication::may_retract(const Request& request) const {
    if (!options_.open && !has_operator_token(request)) return by_key(request);
    auto submitter = named(request);
    if (submitter && submitter->sender.id.value.empty())
        return Error{ErrorKind::incorrect, "data-center-missing", "the header X-Data-Center names the data centre whose record it is"};
    return submitter;
}

Result<void> Authentication::is_operator(const Request& request) const {
    if (options_.open || has_operator_token(request)) return kernel::ok();
    auto sender = cache_.authenticate(request.bearer_token());
    if (!sender) return std::move(sender).error();
    return Error{ErrorKind::forbidden, "operator-only", "this asks for the operator's token, not for a data centre's key"};
}

Result<void> Authentication::may_see(const Request& request, std::string_view center) const {
    if (options_.open || has_operator_token(request)) return kernel::ok();
    auto sender = cache_.authenticate(request.bearer_token());
    if (!sender) return std::move(sender).error();
    if (sender->id.value != center) return Error{ErrorKind::forbidden, "data-center-foreign", "a key opens what is its data centre's only"};
    return kernel::ok();
}

}  // namespace data_center_classifier::infrastructure::http
