// Any text is an access token or none, and its id is a part of it.
#include "collector_query/application/service_collector_query.hpp"
#include "kernel/check.hpp"
#include "kernel/hex.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto id = collector_query::application::token_id_of(text);
    if (!id) return 0;
    CHECK(kernel::bytes_from_hex(*id, 8), "an id is 16 hex digits");
    CHECK(text.starts_with("acr_" + *id + "_"), "the id stands in the token");
    CHECK(kernel::bytes_from_hex(text.substr(21), 24), "the secret is 48 hex digits, and the end");
    return 0;
}
