// Answers as JSON text. A record's own members are spliced in as they are stored.
#pragma once

#include "collector_query/application/port_collector_query.hpp"

#include <string>

namespace collector_query::infrastructure::http {

std::string to_json(const application::DataItem& item);
std::string to_json(const application::DataPage& page, const domain::DataQuery& query);  // {data, next, count}
std::string to_json(const kernel::DataId& data_id, const std::vector<application::DataVersion>& history);
std::string to_json(const application::Receipt& receipt);

}  // namespace collector_query::infrastructure::http
