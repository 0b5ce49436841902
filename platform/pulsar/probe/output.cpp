#include "platform/pulsar/probe/output.hpp"

#include <boost/json/serialize.hpp>

#include <string_view>

#include <unistd.h>

namespace platform::pulsar::probe {

void Output::say(const boost::json::object& line) {
    const auto text = boost::json::serialize(line) + "\n";
    const std::lock_guard lock(mutex_);
    for (std::string_view rest = text; !rest.empty();) {
        const auto count = ::write(descriptor_, rest.data(), rest.size());
        if (count <= 0) return;  // nobody listens any more
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
}

}  // namespace platform::pulsar::probe
