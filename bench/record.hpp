// Made-up records for load: about 610 bytes each, every number another record, nothing of a real person.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

// Appends record `number` as one JSON object, without line end. The same number always gives the same bytes.
void append_record(std::string& out, std::uint64_t number);
std::string record_id(std::uint64_t number);

}  // namespace bench
