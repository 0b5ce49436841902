// Any bytes are either a block's messages, which encode to the same block again, or a fault.
#include "kernel/check.hpp"
#include "platform/log/embedded/block.hpp"

namespace {

void check_block(const std::string& block) {
    using namespace platform::log::embedded;
    const auto messages = messages_from(block);
    if (!messages) return;
    std::string again;
    for (const auto& message : *messages) encode(again, message);
    CHECK(to_block(again) == block, "a block that can be read is written the same again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(bytes), size);
    check_block(text);                                     // nearly always a wrong checksum
    check_block(platform::log::embedded::to_block(text));  // always a right one: the lengths are what is tried
    return 0;
}
