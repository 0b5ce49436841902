// Ids from digests. One digest for each id; hex only where it is shown.
#include "data_center_classifier/application/identity.hpp"

#include "kernel/json_text.hpp"
#include "platform/runtime/digest.hpp"

#include <charconv>

namespace data_center_classifier::application {
namespace {

constexpr std::size_t short_id_bytes = 16;
constexpr std::size_t derived_hex_digits = 24;

std::uint64_t number_from_hex(std::string_view hex16) {
    std::uint64_t value = 0;
    std::from_chars(hex16.data(), hex16.data() + hex16.size(), value, 16);
    return value;
}

bool is_control(std::string_view text, std::size_t i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    // U+0080..U+009F, the C1 controls, in UTF-8.
    return c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
}

}  // namespace

bool is_record_id(std::string_view text) {
    if (text.empty() || text.size() > 4 * record_id_characters_max) return false;
    std::size_t characters = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_control(text, i)) return false;
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) ++characters;
    }
    return characters <= record_id_characters_max;
}

kernel::DataId data_id_of(const kernel::DataCenterId& center, const kernel::RecordId& record_id) {
    return {platform::runtime::hex(platform::runtime::sha256(center.value + '\n' + record_id.value), short_id_bytes)};
}

RecordKey record_key_of(const kernel::DataId& data_id) {
    return number_from_hex(std::string_view(data_id.value).substr(0, 16));
}

ContentPrefix content_prefix_of(const kernel::ContentHash& content_hash) {
    const std::string_view hex = content_hash.value;
    if (hex.size() < 32) return {};
    return {number_from_hex(hex.substr(0, 16)), number_from_hex(hex.substr(16, 16))};
}

kernel::Result<Identity> identify(const kernel::DataCenterId& center, domain::Value record_id, std::string_view content) {
    Identity id;
    id.content_hash = {platform::runtime::hex(platform::runtime::sha256(content))};
    id.content = content_prefix_of(id.content_hash);
    id.derived = domain::is_missing(record_id);
    if (id.derived) {
        id.record_id = {"sha256-" + id.content_hash.value.substr(0, derived_hex_digits)};
    } else if ((record_id.kind == domain::Kind::text || record_id.kind == domain::Kind::number) && is_record_id(record_id.text)) {
        id.record_id = {std::string(record_id.text)};
    } else {
        return kernel::Error{kernel::ErrorKind::incorrect, "record-id-invalid",
                             "a record id is a text of 1 to 128 characters without control characters"};
    }
    id.data_id = data_id_of(center, id.record_id);
    id.key = record_key_of(id.data_id);
    id.receipt_id = {platform::runtime::hex(
        platform::runtime::sha256(center.value + '\n' + id.record_id.value + '\n' + id.content_hash.value), short_id_bytes)};
    return id;
}

std::string with_record_id(std::string_view content, const kernel::RecordId& record_id) {
    std::string json;
    json.reserve(content.size() + record_id.value.size() + 32);
    json += "{\"record_id\":";
    kernel::append_json_string(json, record_id.value);
    const auto rest = content.substr(content.empty() ? 0 : 1);
    if (!rest.empty() && rest.front() != '}') json += ',';
    json += rest;
    return json;
}

}  // namespace data_center_classifier::application
