// The HTTP surface of the intake (:8000).
#pragma once

#include "data_center_classifier/application/service_raw_data.hpp"
#include "data_center_classifier/application/service_scorecard.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "platform/http/http.hpp"
#include "platform/runtime/blocking_pool.hpp"
#include "platform/runtime/metrics.hpp"

#include <functional>
#include <string>

namespace data_center_classifier::infrastructure::http {

struct Surface {
    application::ReceiveRawData& receive;
    application::ManageDataCenters& manage;
    const application::DataCenterCache& cache;
    application::Counters& counters;
    const application::Standings& standings;
    platform::runtime::BlockingPool& pool;
    platform::runtime::Metrics& metrics;
    const kernel::Clock& clock;
    formats::Limits limits;
    bool open = false;
    std::string operator_token;
    std::size_t body_bytes_max = std::size_t{128} * 1024 * 1024;  // of bodies that are read as a whole, all together
    std::size_t streams_max = 256;                                // at once
    std::size_t streams_of_center_max = 64;                       // of them those of one data centre
    std::string rubric_json;                                      // the file of the rubric that judges
    std::function<bool()> ready;                                  // false once a projection stopped
};

// POST and DELETE /raw-data, /data-centers..., /rubric, /health, /ready, /metrics. What `surface` refers to outlives the server.
platform::http::Routes routes(Surface surface);

}  // namespace data_center_classifier::infrastructure::http
