// When a record id is used for two records.
#include "data_center_classifier/domain/uniqueness.hpp"

#include "data_center_classifier/domain/facts.hpp"
#include "data_center_classifier/domain/test_records.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <string>

namespace data_center_classifier::domain {
namespace {

TEST(uniqueness, a_free_record_id_is_nobodys) {
    EXPECT_EQ(is_key_of_another({}, 7), false);
    EXPECT_EQ(is_key_of_another({}, 0), false);
}

TEST(uniqueness, an_amendment_of_the_same_patient_passes) {
    EXPECT_EQ(is_key_of_another(7, 7), false);
}

TEST(uniqueness, a_content_under_the_record_id_of_another_patient_fails) {
    EXPECT_EQ(is_key_of_another(7, 8), true);
}

TEST(uniqueness, nothing_is_said_when_a_patient_is_not_known) {
    EXPECT_EQ(is_key_of_another(0, 8), std::nullopt);
    EXPECT_EQ(is_key_of_another(7, 0), std::nullopt);
    EXPECT_EQ(is_key_of_another(0, 0), std::nullopt);
}

// The rule stands twice: on the fields, and as the checks that a stored record passed.
TEST(uniqueness, tells_studies_apart_by_the_same_fields_in_both_places) {
    const auto rubric = test::every_check();
    const auto is_told = check_function("same_content_other_key");
    ASSERT_NE(is_told, nullptr);
    auto context = test::at("2026-03-02T10:00:00Z");
    context.same_content_other_key = false;
    std::size_t telling = 0;
    for (std::size_t i = 0; i < field_count; ++i) {
        for (const std::string_view value : {"2026-03-01", "x", "0", "unknown", "null", "[1]"}) {
            const auto line = std::string(info(static_cast<FieldId>(i)).name) + '=' + std::string(value);
            const auto record = test::record_of(line);
            const Facts facts(record, context, rubric);
            const bool by_fields = is_told(facts) != Outcome::skip;
            const bool by_checks = std::ranges::any_of(functions_that_tell_studies_apart, [&](std::string_view function) {
                return check_function(function)(facts) == Outcome::pass;
            });
            EXPECT_EQ(by_fields, by_checks) << line;
            telling += value == "2026-03-01" && by_fields ? 1 : 0;
        }
    }
    EXPECT_EQ(telling, 6U);
}

}  // namespace
}  // namespace data_center_classifier::domain
