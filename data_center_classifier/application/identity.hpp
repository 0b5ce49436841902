// Identity of a record: pure functions of (data centre, record id, content), so that a retry gets the same ids from anybody, whatever
// crashed.
//   content hash = SHA-256 of the canonical JSON without the record id
//   data id      = first 32 hex digits of SHA-256(centre "\n" record id)
//   receipt id   = first 32 hex digits of SHA-256(centre "\n" record id "\n" content hash)
#pragma once

#include "data_center_classifier/domain/model_raw_data.hpp"
#include "kernel/ids.hpp"
#include "kernel/result.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace data_center_classifier::application {

inline constexpr std::size_t record_id_characters_max = 128;

// First 64 bits of the data id: the key of the index of seen records. Two records meet in one with odds of n^2 / 2^65; then one is judged
// "amended" and appended, never dropped: only identical content (128 bits more) is taken for a repeat.
using RecordKey = std::uint64_t;
// First 128 bits of the content hash.
using ContentPrefix = std::array<std::uint64_t, 2>;

struct Identity {
    kernel::RecordId record_id;
    kernel::DataId data_id;
    kernel::ReceiptId receipt_id;
    kernel::ContentHash content_hash;
    bool derived = false;  // the sender gave no record id; it was made from the content
    RecordKey key = 0;
    ContentPrefix content{};
};

// incorrect "record-id-invalid": longer than 128 characters, with control characters, or not a text or number.
kernel::Result<Identity> identify(const kernel::DataCenterId& center, domain::Value record_id, std::string_view content);

// 32 hex digits; and its first 64 bits.
kernel::DataId data_id_of(const kernel::DataCenterId& center, const kernel::RecordId& record_id);
RecordKey record_key_of(const kernel::DataId& data_id);
ContentPrefix content_prefix_of(const kernel::ContentHash& content_hash);

// 1..128 characters without control characters.
bool is_record_id(std::string_view text);

// The canonical JSON with the record id as its first member. REQUIRES: `content` is a JSON object.
std::string with_record_id(std::string_view content, const kernel::RecordId& record_id);

}  // namespace data_center_classifier::application
