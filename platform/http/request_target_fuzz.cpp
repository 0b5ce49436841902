// Fuzzes the parsing of request targets: no crash, and what comes out keeps its promises.
#include "kernel/check.hpp"
#include "platform/http/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace platform::http;
    const auto target = target_from({reinterpret_cast<const char*>(data), size});
    if (!target) return 0;
    CHECK(target->path.starts_with('/'), "a path starts with a slash");
    CHECK(!target->segments.empty() && target->segments.size() <= segments_max, "the segments are bounded");
    CHECK(target->query.size() <= query_items_max, "the query is bounded");
    for (const char c : target->path) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a path holds no control characters");
    return 0;
}
