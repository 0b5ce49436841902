// Grading: hands the window's sums of each centre on to ClassifyDataCenters, apart from the projection that counts, so that the disk of a
// stored grade never holds it up.
#pragma once

#include "data_center_classifier/application/service_scorecard.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>

namespace data_center_classifier::application {

// Sums over the window, one count a check of the rubric.
struct WindowSums {
    std::vector<domain::CheckCount> counts;
    std::uint64_t records = 0;
};

class Grading {
public:
    explicit Grading(ClassifyDataCenters& classify) : classify_(classify) {}

    // The sums of a centre changed: the latest are what it will be graded by. Thread-safe, never waits for a disk; holds one entry a
    // centre.
    void put(const kernel::DataCenterId& center, WindowSums sums);
    // Grades every centre whose sums changed. Blocking; one thread at a time. On an error the centres that are left stay due.
    kernel::Result<void> grade_due();
    // Grades what is due at most once a second until stopped, and once more then. Errors are logged and tried again.
    void run(const std::stop_token& stop);

private:
    ClassifyDataCenters& classify_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, WindowSums> due_;
};

}  // namespace data_center_classifier::application
