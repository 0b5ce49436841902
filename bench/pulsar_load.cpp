// bench_pulsar_load: our Pulsar client against a real broker, for pulsar.py. Prints one JSON object.
//   produce | latency  --service URL --topic NAME --messages N [options of pulsar_flow.hpp]
//   consume            also --subscription NAME
#include "bench/pulsar_flow.hpp"

#include <cstdio>
#include <string_view>

namespace {

void print(const bench::Flow& flow, const bench::Took& took) {
    const auto messages = static_cast<double>(flow.messages);
    std::printf(
        "{\"messages\": %.0f, \"per_second\": %.1f, \"cpu_seconds\": %.3f, \"caller_cpu_seconds\": %.3f, \"process_cpu_seconds\": %.3f}\n",
        messages, messages / took.seconds, took.cpu_seconds, took.caller_seconds, bench::process_cpu_seconds());
}

}  // namespace

int main(int count, char** arguments) {
    bench::Options options;
    for (int i = 2; i + 1 < count; i += 2) {
        const std::string_view word = arguments[i];
        if (!word.starts_with("--")) bench::fail("options are --name value");
        options.values.emplace(word.substr(2), arguments[i + 1]);
    }
    const std::string_view kind = count > 1 ? arguments[1] : "";
    const auto client = bench::open_client(options.text("service"));
    const auto flow = bench::flow_from(options);
    if (kind == "produce") {
        print(flow, bench::produce(*client, flow));
    } else if (kind == "consume") {
        print(flow, bench::consume(*client, flow, options.text("subscription")));
    } else if (kind == "latency") {
        auto all = bench::latencies(*client, flow);
        const auto p50 = bench::percentile(all, 0.5);
        const auto p99 = bench::percentile(all, 0.99);
        std::printf("{\"messages\": %llu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"cpu_seconds\": %.3f}\n",
                    static_cast<unsigned long long>(flow.messages), p50, p99, bench::process_cpu_seconds());
    } else {
        bench::fail("usage: bench_pulsar_load produce|consume|latency --option value ...");
    }
    return 0;
}
