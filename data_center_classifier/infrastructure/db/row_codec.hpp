// How keys and contents lie in rows: 64-bit keys as signed integers, content prefixes as 16 bytes, big endian.
#pragma once

#include "data_center_classifier/application/port_seen_index.hpp"

#include <bit>
#include <string>
#include <string_view>

namespace data_center_classifier::infrastructure::db {

inline std::int64_t to_row(application::RecordKey key) {
    return std::bit_cast<std::int64_t>(key);
}
inline application::RecordKey key_from_row(std::int64_t value) {
    return std::bit_cast<application::RecordKey>(value);
}

inline std::array<char, 16> to_row(const application::ContentPrefix& content) {
    std::array<char, 16> bytes;
    for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<char>(content[i / 8] >> (56 - 8 * (i % 8)));
    return bytes;
}
// Bytes of another length read as no content: it equals none.
inline application::ContentPrefix content_from_row(std::string_view bytes) {
    application::ContentPrefix content{};
    if (bytes.size() != 16) return content;
    for (std::size_t i = 0; i < 16; ++i) content[i / 8] = content[i / 8] << 8 | static_cast<unsigned char>(bytes[i]);
    return content;
}

// Out of range is what no version of ours wrote: taken as accepted, which at most appends once more.
inline application::SeenStatus status_from_row(std::int64_t value) {
    return value >= 0 && value <= 2 ? static_cast<application::SeenStatus>(value) : application::SeenStatus::accepted;
}

}  // namespace data_center_classifier::infrastructure::db
