// A table of records and what a check answers to each.
#pragma once

#include "data_center_classifier/domain/facts.hpp"
#include "data_center_classifier/domain/test_records.hpp"

#include <gtest/gtest.h>
#include <initializer_list>
#include <map>
#include <set>

namespace data_center_classifier::domain::test {

struct Row {
    std::string_view check;
    Outcome expected;
    std::string_view record;  // as record_of() takes it
};

// Received at 2026-03-02T10:00:00Z, with a delay of 24 hours.
inline void expect_answers(std::span<const Row> rows) {
    const auto rubric = every_check();
    const auto context = at("2026-03-02T10:00:00Z");
    for (const auto& row : rows) {
        const auto run = check_function(row.check);
        ASSERT_NE(run, nullptr) << row.check;
        const auto record = record_of(row.record);
        EXPECT_EQ(run(Facts(record, context, rubric)), row.expected) << row.check << " of\n" << row.record;
    }
}

inline void expect_both_answers(std::span<const Row> rows, std::initializer_list<std::span<const NamedCheck>> lists) {
    std::map<std::string_view, std::set<Outcome>> seen;
    for (const auto& row : rows) seen[row.check].insert(row.expected);
    for (const auto list : lists)
        for (const auto& check : list) {
            EXPECT_TRUE(seen[check.name].contains(Outcome::pass)) << check.name;
            EXPECT_TRUE(seen[check.name].contains(Outcome::fail)) << check.name;
        }
}

}  // namespace data_center_classifier::domain::test
