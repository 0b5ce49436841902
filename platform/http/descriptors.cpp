// The bounds are those of getrlimit(2).
#include "platform/http/descriptors.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace platform::http {
namespace {

// Databases with their logs, listening sockets, event queues: about 70. Answers in temporary files: as many as streams at once.
constexpr std::size_t reserved = 96;
constexpr std::size_t reserved_for_spools = 256;
constexpr std::size_t used_at_most = 1'000'000;  // a bound of "unlimited" is none that anybody meets

}  // namespace

std::size_t raise_descriptor_limit() {
    rlimit bound{};
    if (::getrlimit(RLIMIT_NOFILE, &bound) != 0) return 0;
    const auto soft = bound.rlim_cur;
    bound.rlim_cur = bound.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &bound) != 0) bound.rlim_cur = soft;
    return static_cast<std::size_t>(std::min<rlim_t>(bound.rlim_cur, used_at_most));
}

std::size_t connections_that_fit(std::size_t descriptors, std::size_t servers) {
    const auto left = descriptors > reserved ? descriptors - reserved : 0;
    const auto for_spools = std::min(reserved_for_spools, left / 4);
    return std::max<std::size_t>((left - for_spools) / std::max<std::size_t>(servers, 1), 1);
}

void SpareDescriptor::take() {
    if (file_ < 0) file_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void SpareDescriptor::release() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
}

}  // namespace platform::http
