// DataCenter: the aggregate of one partner: registered, given keys, suspended and resumed, graded. Values and pure functions.
#pragma once

#include "kernel/event_data_center.hpp"
#include "kernel/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace data_center_classifier::domain {

inline constexpr std::size_t active_keys_max = 16;
inline constexpr std::size_t keys_max = 1000;  // revoked ones too: they are history
inline constexpr std::size_t name_bytes_max = 200;
inline constexpr std::size_t reason_bytes_max = 500;
inline constexpr std::string_view no_grade = "-";

struct AccessKey {
    std::string id;    // public part, 16 hex digits
    std::string hash;  // SHA-256 of the whole key, hex
    kernel::Timestamp issued_at;
    std::optional<kernel::Timestamp> revoked_at;
    friend bool operator==(const AccessKey&, const AccessKey&) = default;
};

struct DataCenter {
    kernel::DataCenterId id;
    std::string name;
    kernel::Timestamp registered_at;
    std::vector<AccessKey> keys;
    bool suspended = false;
    std::string suspended_because;
    std::string mapping = "{}";  // JSON object {column: field}
    std::string grade = std::string(no_grade);
    double score = 0;
    std::uint64_t version = 0;  // 0: was never registered
    bool exists() const { return version > 0; }
    friend bool operator==(const DataCenter&, const DataCenter&) = default;
};

struct RegisterDataCenter {
    kernel::DataCenterId id;
    std::string name;
};
struct IssueKey {
    std::string key_id, key_hash;
};
struct RevokeKey {
    std::string key_id;
};
struct SuspendDataCenter {
    std::string reason;
};
struct ResumeDataCenter {};
struct StoreMapping {
    std::string mapping;  // a JSON object whose values are names of fields (checked where it is parsed)
};
struct ClassifyDataCenter {
    char grade = 'E';
    double score = 0;
    std::string why, rubric;
};
using DataCenterCommand =
    std::variant<RegisterDataCenter, IssueKey, RevokeKey, SuspendDataCenter, ResumeDataCenter, StoreMapping, ClassifyDataCenter>;

// 1..64 of [a-z0-9-], starting with a letter or digit.
bool is_data_center_id(std::string_view text);

// The event that the order leads to; nothing when it changes nothing. Errors: not_found "data-center-unknown", "key-id-unknown"; conflict
// "data-center-exists", "too-many-keys", "key-exists"; incorrect "data-center-id-invalid", "name-invalid", "reason-invalid".
kernel::Result<std::optional<kernel::DataCenterEvent>> decide(const DataCenter& state, const DataCenterCommand& command,
                                                              kernel::Timestamp at);

// The state after an event of this aggregate. Cannot fail.
DataCenter apply(DataCenter state, const kernel::DataCenterEvent& event);

}  // namespace data_center_classifier::domain
