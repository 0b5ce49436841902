// How a page is read: the SQL of a data query, and which index it takes. Decided here, not by the engine's planner, whose statistics would
// be stale or absent: a selective condition is counted up to a bound and gathered; otherwise an index is walked in the wanted order.
#pragma once

#include "collector_query/domain/model_data_query.hpp"
#include "platform/sql/sql.hpp"

#include <string>
#include <variant>
#include <vector>

namespace collector_query::infrastructure::db {

using BoundValue = std::variant<std::int64_t, double, std::string>;

struct Condition {
    std::string sql;  // with one "?" for each value
    std::vector<BoundValue> values;
};

// Conditions on an index that may be rare enough to gather all rows that fit them.
struct Driver {
    std::string_view index;
    std::vector<Condition> conditions;
    int gather_max;  // rows; above it the walk is better
};

// Up to how many rows a driver is gathered.
struct GatherLimits {
    int lookup_max = 2'000;    // rows that are looked up one by one in the table: about 2 us each
    int covered_max = 20'000;  // rows that are read from one index: about 0.2 us each
};

struct Statement {
    std::string sql;
    std::vector<BoundValue> values;
};

// All conditions of a filter.
std::vector<Condition> conditions_of(const domain::Filter& filter);
// The drivers that a filter offers, most selective kinds first.
std::vector<Driver> drivers_of(const domain::Filter& filter, GatherLimits limits);
// Counts rows of a driver, up to gather_max + 1. One column, one row.
Statement probe(const Driver& driver, platform::sql::Engine engine);

// Rows (id, sort value) of the page and one more. `driver` null: walk the index that has the wanted order.
Statement page(const domain::DataQuery& query, const Driver* driver, platform::sql::Engine engine);
// All rows that fit. One column, one row.
Statement count(const domain::Filter& filter, const Driver* driver, platform::sql::Engine engine);

}  // namespace collector_query::infrastructure::db
