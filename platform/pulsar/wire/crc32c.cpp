// CRC32C (RFC 3720 calls it CRC of iSCSI), by Intel's ISA-L.
#include "kernel/check.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <isa-l/crc.h>

#include <limits>

namespace platform::pulsar::wire {

std::uint32_t crc32c(std::string_view bytes) {
    CHECK(bytes.size() <= std::numeric_limits<int>::max(), "a message is smaller than 2 GiB");
    // The library only reads, and says so nowhere.
    auto* begin = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    return ~crc32_iscsi(begin, static_cast<int>(bytes.size()), ~0U);
}

}  // namespace platform::pulsar::wire
