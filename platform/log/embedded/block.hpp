// Block: several messages as one row's payload. Form, little endian: the XXH3 hash of the rest (64 bits), then for each message the lengths
// (32 bits each) and texts of key, type, data, the count of attributes, and of each attribute name and value.
#pragma once

#include "kernel/envelope.hpp"
#include "kernel/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace platform::log::embedded {

// Appends one message to `out`. REQUIRES: every text is shorter than 4 GiB.
void encode(std::string& out, const kernel::Envelope& message);

// The payload of a row: the checksum and the messages as encode() made them.
std::string to_block(std::string_view messages);

// fault "log-corrupt" when the bytes are not what to_block() gave.
kernel::Result<std::vector<kernel::Envelope>> messages_from(std::string_view block);

}  // namespace platform::log::embedded
