// Tests of what is taken as a mapping.
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <gmock/gmock.h>

namespace data_center_classifier::infrastructure::formats {
namespace {

using testing::HasSubstr;

TEST(Mapping, names_the_column_that_leads_nowhere_and_the_fields_there_are) {
    const auto checked = check_mapping({{"Paciente", "patientid"}});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, "field-unknown");
    EXPECT_THAT(checked.error().message, HasSubstr("\"Paciente\""));
    EXPECT_THAT(checked.error().message, HasSubstr("patient_id"));
    EXPECT_TRUE(check_mapping({{"Paciente", "patient_id"}, {"Centro", "data_center_id"}}));
}

TEST(Mapping, leads_to_a_field_from_one_column_only) {
    const auto checked = check_mapping({{"Edad", "age"}, {"Years", "age"}});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, "mapping-field-twice");
    EXPECT_THAT(checked.error().message, HasSubstr("\"Edad\" and \"Years\""));
}

TEST(Mapping, has_a_bound) {
    EXPECT_EQ(check_mapping({{std::string(501, 'x'), "age"}}).error().code, "mapping-too-large");
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
