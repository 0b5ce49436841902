// Any envelope is an event or a fault; an event is written as it reads. Inputs look like the golden files: a line "name value" each.
#include "kernel/check.hpp"
#include "kernel/event_collected_data.hpp"
#include "kernel/event_data_center.hpp"
#include "kernel/event_raw_data.hpp"

#include <algorithm>

namespace {

kernel::Envelope envelope_of(std::string_view text) {
    kernel::Envelope envelope;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto space = std::min(line.find(' '), line.size());
        const std::string name(line.substr(0, space)), value(line.substr(std::min(space + 1, line.size())));
        if (name == "type") envelope.type = value;
        else if (name == "key") envelope.key = value;
        else if (name == "data") envelope.data = value;
        else envelope.attributes.emplace_back(name, value);
    }
    return envelope;
}

template <class Decode>
void check_fixed_point(const kernel::Envelope& envelope, Decode decode) {
    auto event = decode(envelope);
    if (!event) {
        CHECK(event.error().kind == kernel::ErrorKind::fault, "what is no event is a fault");
        return;
    }
    const auto written = kernel::to_envelope(*std::move(event));
    auto again = decode(written);
    CHECK(again, "an event that was read is written so that it reads");
    const auto rewritten = kernel::to_envelope(*std::move(again));
    CHECK(rewritten.type == envelope.type && rewritten.key == written.key && rewritten.data == written.data &&
              rewritten.attributes == written.attributes,
          "an event reads as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto envelope = envelope_of({reinterpret_cast<const char*>(data), size});
    check_fixed_point(envelope, [](const auto& one) { return kernel::raw_data_event_from(one); });
    check_fixed_point(envelope, [](const auto& one) { return kernel::collected_data_event_from(one); });
    check_fixed_point(envelope, [](const auto& one) { return kernel::data_center_event_from(one); });
    return 0;
}
