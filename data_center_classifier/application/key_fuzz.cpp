// Any text is a key or none; only the key that was issued opens its centre. A leading "=" stands for that key.
#include "data_center_classifier/application/service_data_centers.hpp"
#include "kernel/check.hpp"
#include "platform/runtime/digest.hpp"

namespace {

using namespace data_center_classifier;

// A centre with one key.
struct Target {
    Target() {
        const kernel::DataCenterId center{"st-mary"};
        const auto hash = platform::runtime::hex(platform::runtime::sha256(key));
        auto made = domain::apply({}, kernel::DataCenterRegistered{center, "St Mary", {}});
        cache.put(domain::apply(std::move(made), kernel::DataCenterKeyIssued{center, application::key_id_of(key), hash, {}}));
        CHECK(cache.authenticate(key), "the key opens its centre");
    }
    std::string key = "ack_00112233445566aa_" + std::string(48, '7');
    application::DataCenterCache cache;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Target target;
    std::string text(reinterpret_cast<const char*>(data), size);
    if (text.starts_with('=')) text.replace(0, 1, target.key);
    const auto key_id = application::key_id_of(text);
    CHECK(key_id.empty() || text.starts_with("ack_" + key_id), "a key's id stands in it");
    const auto sender = target.cache.authenticate(text);
    CHECK(bool(sender) == (text == target.key), "no other text opens the centre");
    CHECK(sender || sender.error().kind == kernel::ErrorKind::forbidden, "a refusal is one");
    return 0;
}
