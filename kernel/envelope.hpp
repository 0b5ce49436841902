// Envelope: one message as it lies in the event log. CloudEvents attributes as text, and data (JSON).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kernel {

struct Envelope {
    std::string key;                                              // what keeps its order: all messages of one key stay in one partition
    std::string type;                                             // CloudEvents "type": "acopio.raw-data.received.v1"
    std::vector<std::pair<std::string, std::string>> attributes;  // small facts that need no JSON parser to read
    std::string data;                                             // JSON; may hold patient data, so it is never logged

    // The attribute of that name, or nothing. Linear: an envelope has at most about twenty.
    std::optional<std::string_view> attribute(std::string_view name) const {
        for (const auto& [key_, value] : attributes)
            if (key_ == name) return value;
        return std::nullopt;
    }
};

}  // namespace kernel
