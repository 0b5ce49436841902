// When a record id is used for two records.
#include "data_center_classifier/domain/uniqueness.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace data_center_classifier::domain
