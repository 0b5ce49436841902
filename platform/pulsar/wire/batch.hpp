// Batches: the payload of an entry whose metadata has num_messages_in_batch, N times u32 size | SingleMessageMetadata | payload. Compressed
// as one block.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/wire/pulsar.pb.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace platform::pulsar::wire {

// Appends one message to the concatenation. Sets `single.payload_size`.
void add_to_batch(std::string& batch, proto::SingleMessageMetadata& single, std::string_view payload);

// Reads the messages of an uncompressed batch in order.
class BatchReader {
public:
    // `count` as the metadata says. incorrect "pulsar-batch" when so many cannot be in so few bytes.
    static kernel::Result<BatchReader> open(std::string_view batch, std::int64_t count);
    bool at_end() const { return left_ == 0; }
    // The next message's metadata (overwrites `single`) and its payload, a view into the batch. incorrect "pulsar-batch" when a size is
    // impossible, and when bytes are left behind the last. REQUIRES: not at_end().
    kernel::Result<std::string_view> next(proto::SingleMessageMetadata& single);

private:
    BatchReader(std::string_view rest, std::int64_t left) : rest_(rest), left_(left) {}
    std::string_view rest_;
    std::int64_t left_;
};

}  // namespace platform::pulsar::wire
