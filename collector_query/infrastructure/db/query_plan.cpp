// SQL of pages. Column names and indexes are those of schema.cpp.
#include "collector_query/infrastructure/db/query_plan.hpp"

#include "collector_query/infrastructure/db/schema.hpp"

namespace collector_query::infrastructure::db {
namespace {

using domain::Filter;
using domain::SortKey;
using platform::sql::Engine;

Condition equals(std::string_view column, const std::string& text) {
    return {.sql = std::string(column) + " = ?", .values = {text}};
}
std::int64_t number(std::chrono::sys_days day) {
    return day.time_since_epoch().count();
}
std::int64_t number(kernel::Timestamp time) {
    return time.time_since_epoch().count();
}

// A range of a column; `none` is the value of rows without one, which no range contains.
template <class Value>
std::optional<Condition> range(std::string_view column, const std::optional<Value>& from, const std::optional<Value>& to,
                               const Value& none) {
    if (!from && !to) return std::nullopt;
    Condition condition;
    condition.sql = std::string(column) + (from ? " >= ?" : " > ?");
    condition.values.emplace_back(from ? *from : none);
    if (!to) return condition;
    condition.sql += " AND " + std::string(column) + " <= ?";
    condition.values.emplace_back(*to);
    return condition;
}
template <class Time>
std::optional<std::int64_t> number_of(const std::optional<Time>& time) {
    return time ? std::optional(number(*time)) : std::nullopt;
}

std::optional<Condition> age_range(const Filter& filter) {
    return range("age", filter.age_min, filter.age_max, no_age);
}
std::optional<Condition> study_date_range(const Filter& filter) {
    return range("study_date", number_of(filter.study_date_from), number_of(filter.study_date_to), no_day);
}
std::optional<Condition> received_range(const Filter& filter) {
    return range("received_at", number_of(filter.received_from), number_of(filter.received_to), std::int64_t{-1});
}
// A prefix is a range: its upper end is the prefix with its last character raised by one (ASCII, so there is one).
std::optional<Condition> code_prefix_range(const Filter& filter) {
    if (!filter.code_prefix) return std::nullopt;
    auto above = *filter.code_prefix;
    ++above.back();
    return Condition{.sql = "code >= ? AND code < ?", .values = {*filter.code_prefix, above}};
}

// The index is named outright, in the engine's own words; "" is the table itself, in the order of its ids.
std::string from(std::string_view index, Engine engine) {
    if (index.empty()) return engine == Engine::sqlite ? " FROM data NOT INDEXED" : " FROM data FORCE INDEX (PRIMARY)";
    return " FROM data" + std::string(engine == Engine::sqlite ? " INDEXED BY " : " FORCE INDEX (") + std::string(index) +
           (engine == Engine::sqlite ? "" : ")");
}

void append_where(Statement& statement, const std::vector<Condition>& conditions) {
    std::string_view word = " WHERE ";
    for (const auto& condition : conditions) {
        statement.sql += std::string(word) + condition.sql;
        statement.values.insert(statement.values.end(), condition.values.begin(), condition.values.end());
        word = " AND ";
    }
}

std::string_view column_of(SortKey key) {
    switch (key) {
        case SortKey::collected: return "id";
        case SortKey::study_date: return "study_date";
        case SortKey::age: return "age";
        case SortKey::score: return "score";
    }
    return "id";
}

std::string_view walk_index(const domain::DataQuery& query) {
    switch (query.sort.key) {
        case SortKey::study_date: return "data_study_date";
        case SortKey::age: return "data_age";
        case SortKey::score: return "data_score";
        case SortKey::collected: break;
    }
    if (query.filter.data_center_id) return "data_walk_centre";
    if (query.filter.body_part) return "data_walk_body_part";
    if (query.filter.modality) return "data_walk_modality";
    return "";
}

BoundValue sort_value(const domain::DataQuery& query) {
    if (query.sort.key == SortKey::study_date) return static_cast<std::int64_t>(query.after->value);
    return query.after->value;
}

// Everything after the cursor. For another key than id: first the rows of the same value, as a row comparison that both engines walk.
std::optional<Condition> after(const domain::DataQuery& query) {
    if (!query.after) return std::nullopt;
    const std::string beyond = query.sort.descending ? " < " : " > ";
    if (query.sort.key == SortKey::collected) return Condition{.sql = "id" + beyond + "?", .values = {query.after->id}};
    const std::string column(column_of(query.sort.key));
    return Condition{.sql = "(" + column + ", id)" + beyond + "(?, ?)", .values = {sort_value(query), query.after->id}};
}

// modality, body part, sex and age, as far as they are a prefix of the index.
std::optional<Driver> combination(const Filter& filter, GatherLimits limits) {
    if (!filter.modality) return std::nullopt;
    Driver driver{.index = "data_combination", .conditions = {equals("modality", *filter.modality)}, .gather_max = limits.covered_max};
    const bool needs_table = filter.data_center_id || filter.code || filter.code_prefix || filter.received_from || filter.received_to ||
                             filter.interface || filter.record_id || filter.patient_id;
    if (needs_table) driver.gather_max = limits.lookup_max;
    if (!filter.body_part) return driver;
    driver.conditions.push_back(equals("body_part", *filter.body_part));
    if (!filter.sex) return driver;
    driver.conditions.push_back(equals("sex", *filter.sex));
    if (auto age = age_range(filter)) driver.conditions.push_back(*std::move(age));
    return driver;
}

}  // namespace

std::vector<Condition> conditions_of(const Filter& filter) {
    std::vector<Condition> all;
    struct Text {
        std::string_view column;
        const std::optional<std::string>& value;
    };
    for (const auto& [column, value] :
         {Text{"centre", filter.data_center_id}, Text{"record_id", filter.record_id}, Text{"patient_id", filter.patient_id},
          Text{"modality", filter.modality}, Text{"body_part", filter.body_part}, Text{"sex", filter.sex}, Text{"code", filter.code},
          Text{"interface", filter.interface}})
        if (value) all.push_back(equals(column, *value));
    for (auto&& one : {age_range(filter), study_date_range(filter), received_range(filter), code_prefix_range(filter)})
        if (one) all.push_back(*one);
    if (filter.min_grade) all.push_back({.sql = "grade >= ?", .values = {std::int64_t{*filter.min_grade}}});
    if (filter.labels) all.push_back({.sql = "(labels & ?) = ?", .values = {std::int64_t{filter.labels}, std::int64_t{filter.labels}}});
    if (!filter.include_retracted) all.push_back({.sql = "retracted = 0", .values = {}});
    return all;
}

std::vector<Driver> drivers_of(const Filter& filter, GatherLimits limits) {
    std::vector<Driver> drivers;
    const auto add = [&](std::string_view index, std::optional<Condition> condition) {
        if (condition) drivers.push_back({.index = index, .conditions = {*std::move(condition)}, .gather_max = limits.lookup_max});
    };
    if (filter.record_id) add("data_record_id", equals("record_id", *filter.record_id));
    if (filter.patient_id) add("data_patient_id", equals("patient_id", *filter.patient_id));
    if (filter.code) add("data_code", equals("code", *filter.code));
    add("data_code", code_prefix_range(filter));
    add("data_study_date", study_date_range(filter));
    if (auto driver = combination(filter, limits)) drivers.push_back(*std::move(driver));
    add("data_age", age_range(filter));
    add("data_received_at", received_range(filter));
    if (filter.data_center_id) {
        add("data_walk_centre", equals("centre", *filter.data_center_id));
        drivers.back().gather_max = limits.covered_max / 4;
    }
    if (filter.body_part) add("data_walk_body_part", equals("body_part", *filter.body_part));
    return drivers;
}

Statement probe(const Driver& driver, Engine engine) {
    Statement statement{.sql = "SELECT COUNT(*) FROM (SELECT 1" + from(driver.index, engine), .values = {}};
    append_where(statement, driver.conditions);
    statement.sql += " LIMIT " + std::to_string(driver.gather_max + 1) + ") AS few";
    return statement;
}

Statement page(const domain::DataQuery& query, const Driver* driver, Engine engine) {
    const std::string column(column_of(query.sort.key));
    Statement statement{.sql = "SELECT id, " + (column == "id" ? std::string("0") : column), .values = {}};
    statement.sql += from(driver ? driver->index : walk_index(query), engine);
    auto conditions = conditions_of(query.filter);
    if (auto beyond = after(query)) conditions.push_back(*std::move(beyond));
    append_where(statement, conditions);
    const std::string direction = query.sort.descending ? " DESC" : "";
    statement.sql += " ORDER BY " + (column == "id" ? "" : column + direction + ", ") + "id" + direction;
    statement.sql += " LIMIT " + std::to_string(query.limit + 1);
    return statement;
}

Statement count(const Filter& filter, const Driver* driver, Engine engine) {
    domain::DataQuery query;
    query.filter = filter;
    Statement statement{.sql = "SELECT COUNT(*)" + from(driver ? driver->index : walk_index(query), engine), .values = {}};
    append_where(statement, conditions_of(filter));
    return statement;
}

}  // namespace collector_query::infrastructure::db
