// Reading trusts nothing: the checksum first, then every length against what is left.
#include "platform/log/embedded/block.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <optional>

namespace platform::log::embedded {
namespace {

constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t number_bytes = 4;

std::string checksum_of(std::string_view messages) {
    const auto hash = XXH3_64bits(messages.data(), messages.size());
    std::string bytes;
    for (std::size_t i = 0; i < checksum_bytes; ++i) bytes += static_cast<char>(hash >> (8 * i));
    return bytes;
}

void put_number(std::string& out, std::size_t value) {
    CHECK(value <= UINT32_MAX, "a text of a message is shorter than 4 GiB");
    for (std::size_t i = 0; i < number_bytes; ++i) out += static_cast<char>(value >> (8 * i));
}
void put_text(std::string& out, std::string_view text) {
    put_number(out, text.size());
    out += text;
}

class Cursor {
public:
    explicit Cursor(std::string_view bytes) : rest_(bytes) {}
    bool at_end() const { return rest_.empty(); }

    std::optional<std::uint32_t> number() {
        if (rest_.size() < number_bytes) return std::nullopt;
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < number_bytes; ++i) value |= std::uint32_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
        rest_.remove_prefix(number_bytes);
        return value;
    }
    bool text(std::string& out) {
        const auto size = number();
        if (!size || *size > rest_.size()) return false;
        out = rest_.substr(0, *size);
        rest_.remove_prefix(*size);
        return true;
    }
    bool message(kernel::Envelope& out) {
        if (!text(out.key) || !text(out.type) || !text(out.data)) return false;
        const auto attributes = number();
        // Each attribute takes at least its two lengths: a larger count cannot be true.
        if (!attributes || *attributes > rest_.size() / (2 * number_bytes)) return false;
        out.attributes.resize(*attributes);
        for (auto& [name, value] : out.attributes)
            if (!text(name) || !text(value)) return false;
        return true;
    }

private:
    std::string_view rest_;
};

}  // namespace

void encode(std::string& out, const kernel::Envelope& message) {
    put_text(out, message.key);
    put_text(out, message.type);
    put_text(out, message.data);
    put_number(out, message.attributes.size());
    for (const auto& [name, value] : message.attributes) {
        put_text(out, name);
        put_text(out, value);
    }
}

std::string to_block(std::string_view messages) {
    return checksum_of(messages).append(messages);
}

kernel::Result<std::vector<kernel::Envelope>> messages_from(std::string_view block) {
    const kernel::Error corrupt{kernel::ErrorKind::fault, "log-corrupt",
                                "a block of the log is not what was written; restore all files from one copy"};
    if (block.size() < checksum_bytes) return corrupt;
    const auto body = block.substr(checksum_bytes);
    if (checksum_of(body) != block.substr(0, checksum_bytes)) return corrupt;
    std::vector<kernel::Envelope> messages;
    Cursor cursor(body);
    while (!cursor.at_end())
        if (!cursor.message(messages.emplace_back())) return corrupt;
    return messages;
}

}  // namespace platform::log::embedded
