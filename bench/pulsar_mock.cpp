// bench_pulsar_mock: what our Pulsar client costs, without a broker's limits: the broker is a thread of this process that answers at once.
//   produce | consume --messages N [--batch N: of the entries that it feeds; options of pulsar_flow.hpp]
// Prints one JSON object. CPU and allocations are those of our client and of the loop that uses it, never the broker's; the first fifth of
// the messages is not counted. "a core" divides by the CPU of both of our threads together.
#include "bench/pulsar_flow.hpp"
#include "bench/pulsar_mock_broker.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>

namespace {

// A slot for each thread, so that counting costs next to nothing.
struct alignas(64) Slot {
    std::atomic<std::uint64_t> count{0}, bytes{0};
};
constexpr std::size_t slots_max = 64;
constinit std::array<Slot, slots_max> slots;
constinit std::atomic<std::size_t> slots_used{0};
constinit thread_local std::size_t own_slot = slots_max;

std::size_t slot_of_this_thread() {
    if (own_slot == slots_max) own_slot = slots_used.fetch_add(1) % slots_max;
    return own_slot;
}

void* counted(std::size_t bytes, std::size_t alignment) {
    auto& slot = slots[slot_of_this_thread()];
    slot.count.store(slot.count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    slot.bytes.store(slot.bytes.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    void* const at = alignment == 0 ? std::malloc(bytes) : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (!at) std::abort();
    return at;
}

struct Counts {
    double messages = 0, seconds = 0, process = 0, broker = 0, caller = 0, allocations = 0, bytes = 0, entries = 0;
};

Counts counts_now(const bench::MockBroker& broker, std::size_t broker_slot, double messages) {
    Counts counts{.messages = messages,
                  .seconds = static_cast<double>(bench::Clock::now().time_since_epoch().count()) * 1e-9,
                  .process = bench::process_cpu_seconds(),
                  .broker = broker.cpu_seconds(),
                  .caller = bench::thread_cpu_seconds(),
                  .entries = static_cast<double>(broker.entries())};
    for (std::size_t i = 0; i < slots_max; ++i) {
        if (i == broker_slot) continue;
        counts.allocations += static_cast<double>(slots[i].count.load());
        counts.bytes += static_cast<double>(slots[i].bytes.load());
    }
    return counts;
}

}  // namespace

void* operator new(std::size_t bytes) {
    return counted(bytes, 0);
}
void* operator new[](std::size_t bytes) {
    return counted(bytes, 0);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept {
    std::free(at);
}
void operator delete[](void* at) noexcept {
    std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
    std::free(at);
}
void operator delete[](void* at, std::size_t) noexcept {
    std::free(at);
}
void operator delete(void* at, std::align_val_t) noexcept {
    std::free(at);
}
void operator delete[](void* at, std::align_val_t) noexcept {
    std::free(at);
}
void operator delete(void* at, std::size_t, std::align_val_t) noexcept {
    std::free(at);
}
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept {
    std::free(at);
}

int main(int count, char** arguments) {
    bench::Options options;
    options.values.emplace("topic", "persistent://public/default/mock");
    for (int i = 2; i + 1 < count; i += 2) {
        const std::string_view word = arguments[i];
        if (!word.starts_with("--")) bench::fail("options are --name value");
        options.values.emplace(word.substr(2), arguments[i + 1]);
    }
    const std::string_view kind = count > 1 ? arguments[1] : "";
    if (kind != "produce" && kind != "consume") bench::fail("usage: bench_pulsar_mock produce|consume --messages N ...");
    auto flow = bench::flow_from(options);
    std::atomic<std::size_t> broker_slot{0};
    const bench::MockBroker broker(flow.size, options.number_or("batch", 100), [&broker_slot] { broker_slot = slot_of_this_thread(); });

    const auto client = bench::open_client(broker.service());
    Counts begun;
    flow.warm = flow.messages / 5;
    flow.at_warm = [&] { begun = counts_now(broker, broker_slot, static_cast<double>(flow.warm)); };
    if (kind == "produce") bench::produce(*client, flow);
    else bench::consume(*client, flow, "mock");
    const auto ended = counts_now(broker, broker_slot, static_cast<double>(flow.messages));
    const auto messages = ended.messages - begun.messages;
    const auto cpu = ended.process - begun.process - (ended.broker - begun.broker);
    const auto caller = ended.caller - begun.caller;
    std::printf(
        "{\"messages\": %.0f, \"per_second\": %.0f, \"per_second_a_core\": %.0f, \"cpu_us\": %.3f, \"caller_cpu_us\": %.3f, "
        "\"io_cpu_us\": %.3f, \"broker_cpu_us\": %.3f, \"allocations\": %.4f, \"allocated_bytes\": %.1f, \"messages_an_entry\": %.1f}\n",
        messages, messages / (ended.seconds - begun.seconds), messages / cpu, cpu / messages * 1e6, caller / messages * 1e6,
        (cpu - caller) / messages * 1e6, (ended.broker - begun.broker) / messages * 1e6, (ended.allocations - begun.allocations) / messages,
        (ended.bytes - begun.bytes) / messages, messages / (ended.entries - begun.entries));
    return 0;
}
