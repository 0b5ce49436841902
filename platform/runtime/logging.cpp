// One JSON line per fact to standard error, written by spdlog.
#include "platform/runtime/logging.hpp"

#include "kernel/clock.hpp"
#include "kernel/json_text.hpp"

#include <cmath>

#include <spdlog/fmt/fmt.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace platform::runtime {
namespace {

constexpr std::size_t line_bytes_max = 4096;

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::debug: return spdlog::level::debug;
        case Level::info: return spdlog::level::info;
        case Level::warn: return spdlog::level::warn;
        case Level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

std::string_view to_text(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warn: return "warn";
        case Level::error: return "error";
    }
    return "error";
}

spdlog::logger& logger() {
    static spdlog::logger instance = [] {
        spdlog::logger made("acopio", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made.set_pattern("%v");
        made.set_level(spdlog::level::info);
        made.flush_on(spdlog::level::trace);
        return made;
    }();
    return instance;
}

// A JSON string in printable ASCII, for a log is read in terminals of all kinds. It ends at `room` bytes, escapes counted.
std::string quoted(std::string_view text, std::size_t room) {
    std::string out = "\"";
    for (const char c : text) {
        if (out.size() >= room) break;
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x7f) out += '?';
        else if (kernel::json_needs_escape[byte]) kernel::append_json_escape(out, c);
        else out += c;
    }
    return out += '"';
}

std::string value_text(const Field& field) {
    if (const auto* integer = std::get_if<std::int64_t>(&field.value)) return std::to_string(*integer);
    if (const auto* flag = std::get_if<bool>(&field.value)) return *flag ? "true" : "false";
    if (const auto* real = std::get_if<double>(&field.value)) return std::isfinite(*real) ? fmt::format("{}", *real) : "null";
    return quoted(std::get<std::string_view>(field.value), line_bytes_max / 2);
}

}  // namespace

void log(Level level, std::string_view event, std::initializer_list<Field> fields) {
    auto& out = logger();
    if (!out.should_log(to_spdlog(level))) return;
    std::string line = fmt::format(R"({{"time":"{}","level":"{}","event":{})", kernel::to_text(kernel::SystemClock{}.now()), to_text(level),
                                   quoted(event, 256));
    for (const auto& field : fields) {
        const auto member = fmt::format(",{}:{}", quoted(field.name, 64), value_text(field));
        if (line.size() + member.size() >= line_bytes_max) break;  // whole members only, so that the line stays JSON
        line += member;
    }
    line += '}';
    out.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void set_log_level(Level level) {
    logger().set_level(to_spdlog(level));
}

}  // namespace platform::runtime
