// Frames of the binary protocol, all integers big-endian:
//   simple   u32 total size | u32 command size | BaseCommand
//   payload  the same | [0x0e02 u32 size BrokerEntryMetadata] | [0x0e01 u32 CRC32C] | u32 metadata size | MessageMetadata | payload
// The total size counts everything after itself. Pure; nothing here allocates more than what came, or trusts a length that was sent.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/wire/pulsar.pb.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace platform::pulsar::wire {

inline constexpr std::size_t message_bytes_default = 5 * 1024 * 1024;  // metadata and payload of one SEND, before CONNECTED says otherwise
inline constexpr std::size_t frame_padding_bytes = 10 * 1024;          // a frame may be larger than a message by its command

// Cuts a stream of bytes into frames. Its buffer holds at most one frame of the largest size and what was read beyond it.
class Splitter {
public:
    explicit Splitter(std::size_t message_bytes_max = message_bytes_default) { limit(message_bytes_max); }
    // What CONNECTED allows: frames of that and the padding.
    void limit(std::size_t message_bytes_max) { frame_bytes_max_ = message_bytes_max + frame_padding_bytes; }

    // Room to read into, at least `bytes_min`. Ends the life of the views that next() gave.
    std::span<char> prepare(std::size_t bytes_min);
    // So many bytes were read into it. REQUIRES: not more than prepare() gave.
    void commit(std::size_t bytes);

    // The next whole frame without its total size; nothing while it is not there yet. incorrect "pulsar-frame" when the size is impossible:
    // the stream is lost, close the connection. The view lives until prepare().
    kernel::Result<std::optional<std::string_view>> next();

private:
    std::string buffer_;
    std::size_t begin_ = 0, end_ = 0;
    std::size_t frame_bytes_max_ = 0;
};

// The command of a frame that Splitter gave, and what follows it (empty for a simple frame). A command of a type that this client does not
// know parses with has_type() false: to be ignored. incorrect "pulsar-frame" when it cannot be read, lacks a required field or the part
// that its type names. A ServerError of a later protocol is set to UnknownError, never lost; a lookup's answer that says neither yes nor
// no is set to Failed. `command` is overwritten, so that it can be used again without allocating.
kernel::Result<std::string_view> parse_command(std::string_view frame, proto::BaseCommand& command);

// A simple frame, whole. REQUIRES: every required field is set.
std::string encode(const proto::BaseCommand& command);

// What follows the command of a MESSAGE or SEND.
struct MessageSection {
    std::optional<proto::BrokerEntryMetadata> broker_entry;
    bool has_checksum = false;
    proto::MessageMetadata metadata;
    std::string_view payload;  // as sent: compressed, and of a batch all of it
};
// incorrect "pulsar-checksum" when the CRC32C is wrong, "pulsar-message" when it cannot be read; unsupported "pulsar-compression" when a
// later protocol compressed it. Overwrites `section`.
kernel::Result<void> parse_message(std::string_view bytes, MessageSection& section);

// A SEND frame, whole, with checksum. `payload` as it is to be sent. Metadata and payload are counted against the message size by the
// caller: message_bytes().
std::string encode_send(const proto::BaseCommand& send, const proto::MessageMetadata& metadata, std::string_view payload);
std::size_t message_bytes(const proto::MessageMetadata& metadata, std::size_t payload_bytes);

// CRC32C (Castagnoli) of bytes. REQUIRES: less than 2 GiB.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace platform::pulsar::wire
