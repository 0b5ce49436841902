// A window that slides loses what the database says has left it; nothing else is read again.
#include "data_center_classifier/infrastructure/db/center_windows.hpp"

#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"

#include <algorithm>
#include <limits>

namespace data_center_classifier::infrastructure::db {

using application::Hour;
using kernel::ok;
using kernel::Result;

CenterWindows::CenterWindows(const domain::Rubric& rubric, application::Grading& grading) : rubric_(rubric), grading_(grading) {
    for (std::size_t i = 0; i < rubric.checks.size(); ++i) places_.emplace(rubric.checks[i].id, i);
}

Result<std::unique_ptr<CenterWindows>> CenterWindows::open(platform::sql::Connection& connection, const domain::Rubric& rubric,
                                                           application::Grading& grading) {
    std::unique_ptr<CenterWindows> windows(new CenterWindows(rubric, grading));
    const std::pair<std::unique_ptr<platform::sql::Statement>*, std::string_view> statements[] = {
        {&windows->sum_checks_,
         "SELECT check_id, SUM(pass), SUM(fail), SUM(skip) FROM counter WHERE center = ? AND rubric = ? AND hour >= ? AND hour < ? "
         "GROUP BY check_id"},
        {&windows->sum_records_, "SELECT SUM(records) FROM feed_hour WHERE center = ? AND rubric = ? AND hour >= ? AND hour < ?"},
    };
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return std::move(prepared).error();
        *statement = std::move(*prepared);
    }
    return windows;
}

Result<void> CenterWindows::load(const std::vector<kernel::DataCenterId>& centers, Hour begin) {
    begin_ = begin;
    for (const auto& center : centers)
        if (auto done = move_window(center.value, begin); !done) return done;
    return ok();
}

void CenterWindows::add(const std::string& center, Hour hour, std::span<const domain::CheckCount> counts, std::uint64_t records) {
    const auto found = windows_.find(center);
    if (found == windows_.end() || hour < found->second.begin) return;
    auto& sums = found->second.sums;
    sums.records += records;
    for (std::size_t i = 0; i < sums.counts.size(); ++i) {
        sums.counts[i].pass += counts[i].pass;
        sums.counts[i].fail += counts[i].fail;
        sums.counts[i].skip += records - counts[i].pass - counts[i].fail;
    }
}

void CenterWindows::move(const std::vector<std::string>& changed, Hour begin) {
    auto moved = changed;
    if (begin != begin_) {
        moved.reserve(windows_.size() + changed.size());
        for (const auto& [center, window] : windows_) moved.push_back(center);
    }
    begin_ = begin;
    for (const auto& center : moved) {
        const auto done = platform::runtime::guarded([&] { return move_window(center, begin); });
        if (done) continue;
        windows_.erase(center);  // read anew with the centre's next batch
        platform::runtime::log(platform::runtime::Level::warn, "window-not-read", {{"code", std::string_view(done.error().code)}});
    }
}

Result<application::WindowSums> CenterWindows::sums(const std::string& center, Hour from, Hour to) {
    application::WindowSums sums{.counts = std::vector<domain::CheckCount>(rubric_.checks.size()), .records = 0};
    for (auto* statement : {sum_checks_.get(), sum_records_.get()}) {
        statement->bind(0, std::string_view(center));
        statement->bind(1, std::string_view(rubric_.version));
        statement->bind(2, static_cast<std::int64_t>(from));
        statement->bind(3, static_cast<std::int64_t>(to));
    }
    const platform::sql::Use of_checks(*sum_checks_);
    while (true) {
        auto row = of_checks->step();
        if (!row) return std::move(row).error();
        if (!*row) break;
        const auto place = places_.find(of_checks->text(0));
        if (place == places_.end()) continue;
        auto& count = sums.counts[place->second];
        count.pass = static_cast<std::uint64_t>(of_checks->integer(1));
        count.fail = static_cast<std::uint64_t>(of_checks->integer(2));
        count.skip = static_cast<std::uint64_t>(of_checks->integer(3));
    }
    const platform::sql::Use of_records(*sum_records_);
    auto row = of_records->step();
    if (!row) return std::move(row).error();
    if (*row && !of_records->is_null(0)) sums.records = static_cast<std::uint64_t>(of_records->integer(0));
    return sums;
}

// Lets the centre's window begin there, and hands its sums on. A clock that jumped ahead and came back finds it beginning in the future:
// what left it then is read again.
Result<void> CenterWindows::move_window(const std::string& center, Hour begin) {
    const auto found = windows_.find(center);
    if (found == windows_.end() || begin < found->second.begin) {
        auto all = sums(center, begin, std::numeric_limits<Hour>::max());
        if (!all) return std::move(all).error();
        grading_.put({center}, *all);
        windows_.insert_or_assign(center, Window{.sums = std::move(*all), .begin = begin});
        return ok();
    }
    auto& window = found->second;
    if (begin > window.begin) {
        auto left = sums(center, window.begin, begin);
        if (!left) return std::move(left).error();
        window.sums.records -= std::min(left->records, window.sums.records);
        for (std::size_t i = 0; i < left->counts.size(); ++i) {
            window.sums.counts[i].pass -= left->counts[i].pass;
            window.sums.counts[i].fail -= left->counts[i].fail;
            window.sums.counts[i].skip -= left->counts[i].skip;
        }
        window.begin = begin;
    }
    grading_.put({center}, window.sums);
    return ok();
}

}  // namespace data_center_classifier::infrastructure::db
