// Names of topics, and the partition of a key.
#pragma once

#include "kernel/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace platform::pulsar::wire {

// The whole name: "raw-data" -> "persistent://public/default/raw-data", "t/n/raw-data" -> "persistent://t/n/raw-data". incorrect
// "pulsar-topic-name" for what Pulsar would refuse (no tenant, namespace or name; characters outside those that it takes in a path).
kernel::Result<std::string> topic_name(std::string_view name);

// "<topic>-partition-<index>".
std::string partition_name(std::string_view topic, std::uint32_t index);
// The index of a name that ends with "-partition-<number>", else -1. A "-partition-" in the middle is part of a name.
std::int32_t partition_of_name(std::string_view topic);

// Murmur3_32 (seed 0) of the key's UTF-8 bytes, without its sign bit: the one hash that is the same in every Pulsar client.
// Source: A. Appleby, MurmurHash3_x86_32.
std::uint32_t murmur3(std::string_view key);
// REQUIRES: partitions > 0.
inline std::uint32_t partition_of_key(std::string_view key, std::uint32_t partitions) {
    return murmur3(key) % partitions;
}

}  // namespace platform::pulsar::wire
