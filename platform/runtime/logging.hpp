// One JSON line per fact to standard error: {"time","level","event", fields...}. Never payloads, never patient data: only the types below
// fit.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace platform::runtime {

enum class Level { debug, info, warn, error };

struct Field {
    std::string_view name;
    std::variant<std::int64_t, double, bool, std::string_view> value;
};

// Thread-safe. Strings are escaped; a line is cut at 4 KiB.
void log(Level level, std::string_view event, std::initializer_list<Field> fields = {});
void set_log_level(Level level);

}  // namespace platform::runtime
