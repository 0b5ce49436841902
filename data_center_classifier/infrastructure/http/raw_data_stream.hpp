// A body of any length, answered line by line while it is read. Memory: two batches and one record.
#pragma once

#include "data_center_classifier/infrastructure/http/intake.hpp"

namespace data_center_classifier::infrastructure::http {

enum class StreamFormat { ndjson, csv };

kernel::Task<platform::http::Response> post_stream(Intake* intake, Submitter submitter, StreamFormat format,
                                                   platform::http::Exchange* exchange);

}  // namespace data_center_classifier::infrastructure::http
