// Time: the Clock port, timestamps in milliseconds, and their one text form (RFC 3339, UTC, "2026-03-01T09:30:00.123Z").
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kernel {

using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
public:
    // Wall-clock time now. Thread-safe. It may step back; order comes from log positions, never from it.
    virtual Timestamp now() const = 0;

protected:
    ~Clock() = default;
};

class SystemClock final : public Clock {
public:
    Timestamp now() const override;
};

// A clock that stands where it is put: for tests and for replays.
class FixedClock final : public Clock {
public:
    explicit FixedClock(Timestamp time) : time_(time) {}
    Timestamp now() const override { return time_; }
    void set(Timestamp time) { time_ = time; }

private:
    Timestamp time_;
};

// RFC 3339 in UTC with milliseconds, always 24 characters for years 0000..9999.
std::string to_text(Timestamp time);

// Reads RFC 3339 date-times ("Z" or an offset; 0..9 fraction digits, cut to milliseconds) and plain dates ("2026-03-01", midnight UTC).
// What it reads, to_text() writes in 24 characters: a time whose offset leads out of the years 0000..9999 is none.
std::optional<Timestamp> timestamp_from_text(std::string_view text);

// A calendar day that exists, from "YYYY-MM-DD" exactly.
std::optional<std::chrono::sys_days> day_from_text(std::string_view text);
std::string to_text(std::chrono::sys_days day);

}  // namespace kernel
