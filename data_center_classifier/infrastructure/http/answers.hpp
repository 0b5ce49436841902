// Answers of the intake as JSON text, as docs/API.md has them.
#pragma once

#include "data_center_classifier/application/service_raw_data.hpp"
#include "data_center_classifier/application/service_scorecard.hpp"
#include "platform/http/json_writer.hpp"
#include "platform/http/problem.hpp"

#include <array>
#include <string>

namespace data_center_classifier::infrastructure::http {

using platform::http::JsonWriter;

// How many records of a request became what.
struct Totals {
    std::array<std::uint64_t, 4> by_status{};  // index: application::Status
    std::uint64_t& operator[](application::Status status) { return by_status[static_cast<std::size_t>(status)]; }
};

// One record: with the texts of what failed.
std::string to_json(const application::Outcome& outcome, const domain::Rubric& rubric);
// One of many records.
void add_item(JsonWriter& json, std::uint64_t index, const application::Outcome& outcome, const domain::Rubric& rubric);
void add_refused(JsonWriter& json, std::uint64_t index, platform::http::Problem problem, const std::string& request_id);
// The members "accepted", "duplicate", "quarantined" and "refused" of an open object.
void add_totals(JsonWriter& json, const Totals& totals);

void add_center(JsonWriter& json, const domain::DataCenter& center, const application::Standing& standing);
std::string to_json(const domain::DataCenter& center, const application::Standing& standing);
std::string to_json(const application::CenterScorecard& scorecard, const domain::Rubric& rubric);
// `next`: the page after this one begins below that position; 0 when this is the last. A number of up to 62 bits in the JSON: who reads
// numbers as doubles must keep its digits.
std::string to_json(const std::vector<application::QuarantinedRecord>& records, std::uint64_t next);

}  // namespace data_center_classifier::infrastructure::http
