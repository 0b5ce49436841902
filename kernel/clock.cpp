#include "kernel/clock.hpp"

#include <cstdio>

namespace kernel {
namespace {

// Exactly `count` digits at the front of `text`, removed from it.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
    if (text.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool take(std::string_view& text, char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<std::chrono::sys_days> take_day(std::string_view& text) {
    auto year = take_digits(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    auto month = take_digits(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    auto day = take_digits(text, 2);
    if (!day) return std::nullopt;
    const auto date =
        std::chrono::year(*year) / std::chrono::month(static_cast<unsigned>(*month)) / std::chrono::day(static_cast<unsigned>(*day));
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date);
}

// An offset may lead out of the years that four digits write.
std::optional<Timestamp> within_four_digits(Timestamp time) {
    constexpr Timestamp first = std::chrono::sys_days{std::chrono::year{0} / 1 / 1};
    constexpr Timestamp end = std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1};
    return time >= first && time < end ? std::optional(time) : std::nullopt;
}

}  // namespace

Timestamp SystemClock::now() const {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string to_text(std::chrono::sys_days day) {
    const std::chrono::year_month_day date(day);
    char text[48];
    const int size = std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                   static_cast<unsigned>(date.day()));
    return std::string(text, static_cast<std::size_t>(size));
}

std::string to_text(Timestamp time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    char text[80];
    const int size = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return std::string(text, static_cast<std::size_t>(size));
}

std::optional<std::chrono::sys_days> day_from_text(std::string_view text) {
    auto day = take_day(text);
    if (!text.empty()) return std::nullopt;
    return day;
}

std::optional<Timestamp> timestamp_from_text(std::string_view text) {
    auto day = take_day(text);
    if (!day) return std::nullopt;
    Timestamp time = *day;
    if (text.empty()) return time;
    if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
    auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
    auto minute = take_digits(text, 2);
    if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
    auto second = take_digits(text, 2);
    if (!second || *second > 60) return std::nullopt;
    time += std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
    if (take(text, '.')) {
        int scale = 100, digits = 0;
        while (auto digit = take_digits(text, 1)) {
            time += std::chrono::milliseconds(*digit * scale);
            scale /= 10;
            if (++digits > 9) return std::nullopt;
        }
        if (digits == 0) return std::nullopt;
    }
    if (take(text, 'Z') || take(text, 'z')) return text.empty() ? within_four_digits(time) : std::nullopt;
    const bool east = take(text, '+');
    if (!east && !take(text, '-')) return std::nullopt;
    auto offset_hour = take_digits(text, 2);
    if (!offset_hour || *offset_hour > 23 || !take(text, ':')) return std::nullopt;
    auto offset_minute = take_digits(text, 2);
    if (!offset_minute || *offset_minute > 59 || !text.empty()) return std::nullopt;
    const auto offset = std::chrono::hours(*offset_hour) + std::chrono::minutes(*offset_minute);
    return within_four_digits(east ? time - offset : time + offset);
}

}  // namespace kernel
