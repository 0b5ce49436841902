// Any text is a time or none, a day or none; what is one reads back as it is written.
#include "kernel/check.hpp"
#include "kernel/clock.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto time = kernel::timestamp_from_text(text)) {
        const auto written = kernel::to_text(*time);
        CHECK(written.size() == 24, "a time is written in 24 characters");
        CHECK(kernel::timestamp_from_text(written) == time, "a time reads back");
    }
    if (const auto day = kernel::day_from_text(text)) {
        CHECK(kernel::to_text(*day) == text, "a day has one text");
        CHECK(kernel::timestamp_from_text(text) == kernel::Timestamp(*day), "a day is its midnight");
    }
    return 0;
}
