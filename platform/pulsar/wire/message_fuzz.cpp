// Any bytes as what follows a MESSAGE command: read within their bounds, batches too; what was read can be sent and is the same again.
#include "kernel/check.hpp"
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/compression.hpp"
#include "platform/pulsar/wire/frame.hpp"

namespace {

using namespace platform::pulsar;

constexpr std::size_t payload_max = 1024 * 1024;

void read_batch(std::string_view payload, std::int64_t count) {
    auto reader = wire::BatchReader::open(payload, count);
    if (!reader) return;
    proto::SingleMessageMetadata single;
    std::size_t bytes = 0;
    while (!reader->at_end()) {
        const auto message = reader->next(single);
        if (!message) return;
        bytes += message->size();
        CHECK(message->data() >= payload.data() && message->data() + message->size() <= payload.data() + payload.size(),
              "a message lies in its batch");
    }
    CHECK(bytes <= payload.size(), "no byte is in two messages");
}

void check_section(std::string_view bytes) {
    wire::MessageSection section;
    if (!wire::parse_message(bytes, section)) return;
    proto::BaseCommand send;
    send.set_type(proto::BaseCommand::SEND);
    send.mutable_send()->set_producer_id(1);
    send.mutable_send()->set_sequence_id(section.metadata.sequence_id());
    const auto frame = wire::encode_send(send, section.metadata, section.payload);
    const auto rest = wire::parse_command(std::string_view(frame).substr(4), send);
    CHECK(rest, "what was written can be read");
    wire::MessageSection again;
    CHECK(wire::parse_message(*rest, again), "what was written can be read");
    CHECK(again.has_checksum && again.payload == section.payload, "the payload is the same");
    std::string payload;
    if (!wire::decompress(section.metadata.compression(), section.payload,
                          section.metadata.compression() == proto::NONE ? section.payload.size() : section.metadata.uncompressed_size(),
                          payload_max, payload)) {
        return;
    }
    read_batch(payload, section.metadata.num_messages_in_batch());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    check_section(text);
    // With a right checksum in front, so that the checksum does not hide what is behind.
    const auto crc = wire::crc32c(text);
    std::string summed = "\x0e\x01";
    for (const auto shift : {24U, 16U, 8U, 0U}) summed += static_cast<char>(crc >> shift);
    check_section(summed.append(text));
    read_batch(text, size > 0 ? bytes[size - 1] : 0);
    return 0;
}
