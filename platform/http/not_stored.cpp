// A streamed answer says it itself.
#include "platform/http/not_stored.hpp"

#include "platform/runtime/coroutine.hpp"

#include <memory>

namespace platform::http {
namespace {

kernel::Task<Response> answered(std::shared_ptr<const Handler> handler, Exchange* exchange) {
    auto result = co_await (*handler)(*exchange);
    if (result && !result->streamed) result->headers.emplace_back("Cache-Control", "no-store");
    co_return result;
}

}  // namespace

Handler not_stored(Handler handler) {
    return [kept = std::make_shared<const Handler>(std::move(handler))](Exchange& exchange) { return answered(kept, &exchange); };
}

}  // namespace platform::http
