// Query latency on one kept connection.
#include "bench/load.hpp"

#include <unistd.h>

#include <cstdio>

namespace bench {

void pages(const Options& options) {
    if (options.targets.empty()) fail("no target");
    const int socket = connect_to(options.text("query"));
    const auto requests = options.number("requests");
    std::vector<double> milliseconds;
    std::size_t bytes = 0;
    for (std::uint64_t i = 0; i < requests; ++i) {
        const auto& target = options.targets[i % options.targets.size()];
        const auto begin = Clock::now();
        bytes += get(socket, options.text("query"), target, options.text("token")).size();
        milliseconds.push_back(1e3 * seconds_between(begin, Clock::now()));
    }
    close(socket);
    std::printf("{\"requests\":%zu,\"bytes\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", milliseconds.size(), bytes,
                percentile(milliseconds, 0.5), percentile(milliseconds, 0.99));
}

}  // namespace bench
