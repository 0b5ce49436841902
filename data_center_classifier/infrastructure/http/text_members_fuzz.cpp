// Any bytes are an object of texts, or are refused; members that were read read again.
#include "data_center_classifier/infrastructure/http/text_members.hpp"
#include "kernel/check.hpp"
#include "platform/http/json_writer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using data_center_classifier::infrastructure::http::text_members;
    const auto members = text_members({reinterpret_cast<const char*>(data), size});
    if (!members) {
        const auto& code = members.error().code;
        CHECK(code == "body-not-understood" || code == "member-twice", "a refusal has one of two codes");
        return 0;
    }
    platform::http::JsonWriter json;
    json.open('{');
    for (const auto& [name, text] : *members) json.name(name).text(text);
    json.close('}');
    const auto again = text_members(json.take());
    CHECK(again && *again == *members, "what was read reads again");
    return 0;
}
