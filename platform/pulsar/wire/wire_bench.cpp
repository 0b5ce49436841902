// What the wire costs a message of 1 KiB: making batches and SEND frames, cutting the stream, reading MESSAGE entries.
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/compression.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>

namespace {

using namespace platform::pulsar;

constexpr std::size_t message_size = 1024;

std::string payload_of(std::size_t size) {
    std::string payload;
    for (std::uint32_t i = 1; payload.size() < size; i = i * 1664525 + 1013904223) payload += std::to_string(i % 1000) + ",word\n";
    payload.resize(size);
    return payload;
}

void fill(proto::SingleMessageMetadata& single, std::uint64_t sequence) {
    single.set_partition_key("3f2504e0-4f89-11d3-9a0c-0305e82c3301");
    single.set_sequence_id(sequence);
}

std::string batch_of(std::int64_t count) {
    const auto payload = payload_of(message_size);
    std::string batch;
    proto::SingleMessageMetadata single;
    for (std::int64_t i = 0; i < count; ++i) {
        fill(single, static_cast<std::uint64_t>(i));
        wire::add_to_batch(batch, single, payload);
    }
    return batch;
}

void fill(proto::BaseCommand& command, std::int64_t count) {
    command.set_type(proto::BaseCommand::SEND);
    command.mutable_send()->set_producer_id(7);
    command.mutable_send()->set_sequence_id(1000000);
    command.mutable_send()->set_highest_sequence_id(1000000 + static_cast<std::uint64_t>(count));
    command.mutable_send()->set_num_messages(static_cast<std::int32_t>(count));
}

void fill(proto::MessageMetadata& metadata, std::int64_t count) {
    metadata.set_producer_name("outbox-collector-0");
    metadata.set_sequence_id(1000000);
    metadata.set_highest_sequence_id(1000000 + static_cast<std::uint64_t>(count));
    metadata.set_publish_time(1790000000000);
    metadata.set_num_messages_in_batch(static_cast<std::int32_t>(count));
    metadata.set_partition_key("3f2504e0-4f89-11d3-9a0c-0305e82c3301");
}

// The stream of a broker: `entries` MESSAGE frames, each a batch of `count`. Made from SEND frames, whose rest is the same.
std::string stream_of(int entries, std::int64_t count) {
    proto::BaseCommand send;
    proto::MessageMetadata metadata;
    fill(send, count);
    fill(metadata, count);
    const auto frame = wire::encode_send(send, metadata, batch_of(count));
    const auto rest = *wire::parse_command(std::string_view(frame).substr(4), send);
    proto::BaseCommand message;
    message.set_type(proto::BaseCommand::MESSAGE);
    message.mutable_message()->set_consumer_id(3);
    message.mutable_message()->mutable_message_id()->set_ledgerid(123456);
    message.mutable_message()->mutable_message_id()->set_entryid(4567);
    auto head = wire::encode(message);
    const auto total = head.size() - 4 + rest.size();
    for (std::size_t i = 0; i < 4; ++i) head[i] = static_cast<char>(total >> (8 * (3 - i)));
    std::string stream;
    for (int i = 0; i < entries; ++i) stream.append(head).append(rest);
    return stream;
}

void count_messages(benchmark::State& state, std::int64_t a_turn) {
    state.SetItemsProcessed(state.iterations() * a_turn);
    state.counters["per_message"] =
        benchmark::Counter(static_cast<double>(state.iterations() * a_turn), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void build_a_batch(benchmark::State& state) {
    const auto payload = payload_of(message_size);
    std::string batch;
    proto::SingleMessageMetadata single;
    for (auto _ : state) {
        batch.clear();
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            fill(single, static_cast<std::uint64_t>(i));
            wire::add_to_batch(batch, single, payload);
        }
        benchmark::DoNotOptimize(batch.data());
    }
    count_messages(state, state.range(0));
}
BENCHMARK(build_a_batch)->Arg(10)->Arg(100)->Arg(1000);

void encode_a_send(benchmark::State& state) {
    const auto batch = batch_of(state.range(0));
    proto::BaseCommand send;
    proto::MessageMetadata metadata;
    for (auto _ : state) {
        fill(send, state.range(0));
        fill(metadata, state.range(0));
        benchmark::DoNotOptimize(wire::encode_send(send, metadata, batch).data());
    }
    count_messages(state, state.range(0));
}
BENCHMARK(encode_a_send)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

void read_messages(benchmark::State& state) {
    constexpr int entries = 16;
    constexpr std::size_t a_read = 64 * 1024;
    const auto stream = stream_of(entries, state.range(0));
    wire::Splitter splitter;
    proto::BaseCommand command;
    wire::MessageSection section;
    proto::SingleMessageMetadata single;
    for (auto _ : state) {
        for (std::string_view left = stream; !left.empty();) {
            const auto room = splitter.prepare(a_read);
            const auto count = std::min({room.size(), left.size(), a_read});
            std::copy_n(left.data(), count, room.data());
            splitter.commit(count);
            left.remove_prefix(count);
            while (true) {
                const auto frame = splitter.next();
                if (!frame || !*frame) break;
                const auto rest = wire::parse_command(**frame, command);
                if (!rest || !wire::parse_message(*rest, section)) state.SkipWithError("a message cannot be read");
                auto reader = wire::BatchReader::open(section.payload, section.metadata.num_messages_in_batch());
                while (reader && !reader->at_end()) {
                    const auto payload = reader->next(single);
                    if (!payload || payload->size() != message_size) state.SkipWithError("a batch cannot be read");
                    benchmark::DoNotOptimize(payload->data());
                }
            }
        }
    }
    count_messages(state, entries * state.range(0));
}
BENCHMARK(read_messages)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

void checksum(benchmark::State& state) {
    const auto bytes = payload_of(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(wire::crc32c(bytes));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(64)->Arg(1024)->Arg(128 * 1024);

void compress_and_back(benchmark::State& state) {
    const auto codec = static_cast<proto::CompressionType>(state.range(0));
    const auto batch = batch_of(100);
    std::string small;
    std::string back;
    for (auto _ : state) {
        if (!wire::compress(codec, batch, small)) state.SkipWithError("compress");
        if (!wire::decompress(codec, small, batch.size(), batch.size(), back)) state.SkipWithError("decompress");
    }
    count_messages(state, 100);
}
BENCHMARK(compress_and_back)->DenseRange(0, 4);

}  // namespace
