// Identities that the services share. Each is a type of its own, so that one cannot be passed for another.
#pragma once

#include <compare>
#include <functional>
#include <string>

namespace kernel {

template <class Tag>
struct StrongText {
    std::string value;
    friend auto operator<=>(const StrongText&, const StrongText&) = default;
};

// A partner data centre: 1..64 of [a-z0-9-], starting with a letter or digit (checked where it enters).
using DataCenterId = StrongText<struct DataCenterTag>;
// A record's id within its data centre, as the centre chose it: 1..128 characters, no control characters.
using RecordId = StrongText<struct RecordTag>;
// A record across all centres: 32 hex digits, a pure function of (data centre, record id).
using DataId = StrongText<struct DataTag>;
// Receipt of one content of one record: 32 hex digits, a pure function of (data centre, record id, content hash).
using ReceiptId = StrongText<struct ReceiptTag>;
// SHA-256 (64 hex digits) of a record's canonical JSON without its record id.
using ContentHash = StrongText<struct ContentTag>;

}  // namespace kernel

template <class Tag>
struct std::hash<kernel::StrongText<Tag>> {
    std::size_t operator()(const kernel::StrongText<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value); }
};
