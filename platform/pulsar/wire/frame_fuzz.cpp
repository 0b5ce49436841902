// Any bytes as a stream: the frames are the same however it is cut, and a command that can be read is written and read the same again.
#include "kernel/check.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace platform::pulsar;

constexpr std::size_t message_bytes_max = 100'000;

struct Split {
    std::vector<std::string> frames;
    bool broken = false;
    bool operator==(const Split&) const = default;
};

Split split(std::string_view stream, std::size_t piece) {
    wire::Splitter splitter(message_bytes_max);
    Split done;
    while (!stream.empty() && !done.broken) {
        const auto room = splitter.prepare(1);
        const auto count = std::min({piece, stream.size(), room.size()});
        std::copy_n(stream.data(), count, room.data());
        splitter.commit(count);
        stream.remove_prefix(count);
        while (true) {
            const auto frame = splitter.next();
            done.broken = !frame;
            if (!frame || !*frame) break;
            done.frames.emplace_back(**frame);
        }
    }
    return done;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view stream(reinterpret_cast<const char*>(bytes), size);
    const auto whole = split(stream, size);
    CHECK(split(stream, 1) == whole, "a cut changes no frame");
    CHECK(split(stream, 7) == whole, "a cut changes no frame");
    proto::BaseCommand command;
    proto::BaseCommand again;
    for (const auto& frame : whole.frames) {
        const auto rest = wire::parse_command(frame, command);
        if (!rest || !command.has_type()) continue;
        CHECK(rest->data() + rest->size() == frame.data() + frame.size(), "the rest is the end of the frame");
        const auto encoded = wire::encode(command);
        CHECK(wire::parse_command(std::string_view(encoded).substr(4), again), "what was written can be read");
        CHECK(again.type() == command.type(), "of the same type");
    }
    return 0;
}
