// The sums of each centre's window, kept in memory beside the counters, and handed on to the grading whenever they change.
#pragma once

#include "data_center_classifier/application/port_counters.hpp"
#include "data_center_classifier/application/service_grading.hpp"
#include "data_center_classifier/domain/model_rubric.hpp"
#include "platform/sql/sql.hpp"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace data_center_classifier::infrastructure::db {

// One thread: the projection's. Memory: one sum a check for each centre.
class CenterWindows {
public:
    // `connection`, `rubric` and `grading` outlive it.
    static kernel::Result<std::unique_ptr<CenterWindows>> open(platform::sql::Connection& connection, const domain::Rubric& rubric,
                                                               application::Grading& grading);

    // Reads the windows of these centres, beginning there. At start.
    kernel::Result<void> load(const std::vector<kernel::DataCenterId>& centers, application::Hour begin);
    // Rows that were committed. A window that is not in memory yet is read by move(), with these rows.
    void add(const std::string& center, application::Hour hour, std::span<const domain::CheckCount> counts, std::uint64_t records);
    // Lets windows begin there: those of `changed`, and in a new hour all.
    void move(const std::vector<std::string>& changed, application::Hour begin);
    application::Hour begin() const { return begin_; }

private:
    struct Window {
        application::WindowSums sums;
        application::Hour begin = 0;
    };
    CenterWindows(const domain::Rubric& rubric, application::Grading& grading);
    kernel::Result<application::WindowSums> sums(const std::string& center, application::Hour from, application::Hour to);
    kernel::Result<void> move_window(const std::string& center, application::Hour begin);

    const domain::Rubric& rubric_;
    application::Grading& grading_;
    std::map<std::string, std::size_t, std::less<>> places_;  // of the rubric's checks
    std::unique_ptr<platform::sql::Statement> sum_checks_, sum_records_;
    std::unordered_map<std::string, Window> windows_;
    application::Hour begin_ = 0;  // of the latest move
};

}  // namespace data_center_classifier::infrastructure::db
