#include "platform/pulsar/wire/topic.hpp"

#include "kernel/utf8.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

namespace platform::pulsar::wire {

namespace {

constexpr std::string_view partition_mark = "-partition-";

kernel::Error wrong(std::string_view reason) {
    return {kernel::ErrorKind::incorrect, "pulsar-topic-name", std::string(reason)};
}

// What Pulsar allows in a tenant and a namespace.
bool is_path_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-=:._").contains(c);
    });
}

// A topic's own name may have nearly everything. Control characters it could have only by mistake.
bool is_local_name(std::string_view name) {
    const auto blank = [](char c) { return c == ' '; };
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    return !std::ranges::all_of(name, blank) && std::ranges::none_of(name, control) && kernel::is_utf8(name);
}

}  // namespace

kernel::Result<std::string> topic_name(std::string_view name) {
    std::string_view domain = "persistent";
    std::string_view path = name;
    const auto scheme = name.find("://");
    const bool whole = scheme != std::string_view::npos;
    if (whole) {
        domain = name.substr(0, scheme);
        path = name.substr(scheme + 3);
        if (domain != "persistent" && domain != "non-persistent") return wrong("a topic is persistent:// or non-persistent://");
    }
    const auto slashes = std::ranges::count(path, '/');
    if (slashes == 0 && !whole) {
        if (!is_local_name(path)) return wrong("a topic needs a name of UTF-8 without control characters");
        return "persistent://public/default/" + std::string(path);
    }
    if (slashes != 2) return wrong("a topic is tenant/namespace/name");
    const auto first = path.find('/');
    const auto second = path.find('/', first + 1);
    if (!is_path_name(path.substr(0, first))) return wrong("a tenant has letters, digits and -=:._");
    if (!is_path_name(path.substr(first + 1, second - first - 1))) return wrong("a namespace has letters, digits and -=:._");
    if (!is_local_name(path.substr(second + 1))) return wrong("a topic needs a name of UTF-8 without control characters");
    return std::string(domain).append("://").append(path);
}

std::string partition_name(std::string_view topic, std::uint32_t index) {
    return std::string(topic).append(partition_mark).append(std::to_string(index));
}

std::int32_t partition_of_name(std::string_view topic) {
    const auto mark = topic.rfind(partition_mark);
    if (mark == std::string_view::npos || mark == 0) return -1;
    const auto digits = topic.substr(mark + partition_mark.size());
    if (digits.empty() || digits.front() < '0' || digits.front() > '9' || (digits.front() == '0' && digits.size() > 1)) return -1;
    std::int32_t index = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    return failure == std::errc() && end == digits.data() + digits.size() ? index : -1;
}

std::uint32_t murmur3(std::string_view key) {
    constexpr std::uint32_t first = 0xcc9e2d51;
    constexpr std::uint32_t second = 0x1b873593;
    const auto mixed = [](std::uint32_t block) { return std::rotl(block * first, 15) * second; };
    const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(key[i])}; };
    std::uint32_t hash = 0;
    std::size_t at = 0;
    for (; key.size() - at >= 4; at += 4) {
        const auto block = byte(at) | byte(at + 1) << 8U | byte(at + 2) << 16U | byte(at + 3) << 24U;
        hash = std::rotl(hash ^ mixed(block), 13) * 5 + 0xe6546b64;
    }
    std::uint32_t tail = 0;
    for (std::size_t i = key.size(); i > at; --i) tail = tail << 8U | byte(i - 1);
    hash ^= mixed(tail);
    hash ^= static_cast<std::uint32_t>(key.size());
    hash = (hash ^ hash >> 16U) * 0x85ebca6b;
    hash = (hash ^ hash >> 13U) * 0xc2b2ae35;
    hash ^= hash >> 16U;
    return hash & 0x7fffffffU;
}

}  // namespace platform::pulsar::wire
