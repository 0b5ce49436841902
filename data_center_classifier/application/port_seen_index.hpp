// The port to the index of everything that was ever taken in, as far as it is projected. Written by the projection, read by intake.
// Contract suite: port_seen_index_contract.hpp.
#pragma once

#include "data_center_classifier/application/identity.hpp"
#include "kernel/result.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace data_center_classifier::application {

enum class SeenStatus : std::uint8_t { accepted, quarantined, retracted };

struct Seen {
    ContentPrefix content{};
    SeenStatus status = SeenStatus::accepted;
    friend bool operator==(const Seen&, const Seen&) = default;
};

// Blocking, thread-safe: for the blocking pool.
class SeenIndex {
public:
    virtual ~SeenIndex() = default;
    // The rows of these keys in their order. Sees everything committed before the call.
    virtual kernel::Result<std::vector<std::optional<Seen>>> find(const std::vector<RecordKey>& keys) = 0;
    // Calls `key` for each row's key, in any order.
    virtual kernel::Result<void> each_key(const std::function<void(RecordKey)>& key) = 0;
};

}  // namespace data_center_classifier::application
