// The codecs of payloads: LZ4 raw block, zlib stream, ZSTD frame, SNAPPY raw.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/wire/pulsar.pb.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace platform::pulsar::wire {

// `codec` NONE gives the bytes as they are. Appends to `out`, which is cleared first. fault when the library fails.
kernel::Result<void> compress(proto::CompressionType codec, std::string_view bytes, std::string& out);

// Exactly `size` bytes, as the metadata says. incorrect "pulsar-compression" when `size` is above `size_max` (checked before anything is
// allocated), the bytes are broken, or they give another size; unsupported "pulsar-compression" for a codec of a later protocol.
kernel::Result<void> decompress(proto::CompressionType codec, std::string_view bytes, std::size_t size, std::size_t size_max,
                                std::string& out);

}  // namespace platform::pulsar::wire
