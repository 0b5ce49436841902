// The built-in rubric and its code lists, and what is refused in a rubric of one's own.
#include "data_center_classifier/domain/checks.hpp"
#include "data_center_classifier/domain/judge.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <set>

namespace data_center_classifier::infrastructure::formats {
namespace {

namespace json = boost::json;

const domain::Rubric& rubric() {
    static const auto built_in = built_in_rubric();
    return built_in;
}

json::object rubric_object() {
    return json::parse(built_in_rubric_json()).as_object();
}
json::object& check_at(json::object& object, std::size_t index) {
    return object["checks"].as_array()[index].as_object();
}
std::string refusal_of(const json::object& object) {
    const auto read = rubric_from_json(json::serialize(object));
    if (read) return "";
    EXPECT_EQ(read.error().code, "rubric-invalid");
    EXPECT_EQ(read.error().kind, kernel::ErrorKind::incorrect);
    return read.error().message;
}

TEST(built_in_rubric, is_acopio_1_with_its_weights) {
    EXPECT_EQ(rubric().version, "acopio-1");
    EXPECT_GE(rubric().checks.size(), 40U);
    EXPECT_EQ(rubric().dimension_weight, (std::array<double, 6>{0.25, 0.25, 0.20, 0.15, 0.10, 0}));
    EXPECT_EQ(rubric().grade_above, (std::array<double, 4>{90, 80, 70, 60}));
    EXPECT_EQ(rubric().provisional_below_records, 500);
}

TEST(built_in_rubric, uses_every_function_once) {
    std::multiset<std::string_view> used;
    for (const auto& check : rubric().checks) used.insert(check.function);
    using namespace domain;
    for (const auto checks :
         {conformance_checks(), completeness_checks(), plausibility_checks(), timeliness_checks(), uniqueness_checks(), privacy_checks()})
        for (const auto& check : checks) EXPECT_EQ(used.count(check.name), 1U) << check.name;
}

TEST(built_in_rubric, keeps_back_only_identifiers_and_empty_records) {
    for (const auto& check : rubric().checks) {
        const bool keeps_back = check.dimension == domain::Dimension::privacy || check.id == "CONF-01";
        EXPECT_EQ(check.severity == domain::Severity::required, keeps_back) << check.id;
    }
}

TEST(built_in_lists, hold_the_codes) {
    const auto& lists = rubric().lists;
    EXPECT_GT(lists.icd10cm.size(), 98'000U);
    EXPECT_TRUE(lists.icd10cm.contains("J189"));
    EXPECT_TRUE(lists.icd10cm.contains("S72001A"));
    EXPECT_FALSE(lists.icd10cm.contains("J1899"));
    EXPECT_TRUE(lists.modalities.contains("CT"));
    EXPECT_TRUE(lists.body_parts.contains("CHEST"));
    EXPECT_EQ(lists.body_part_synonyms.find("pecho")->second, "CHEST");
    for (const auto& [words, term] : lists.body_part_synonyms) EXPECT_TRUE(lists.body_parts.contains(term)) << words;
}

TEST(built_in_lists, know_the_five_ways_to_write_chest) {
    for (const auto* text :
         {"thoracic", "Thoracic structure (body structure)", "Thoracic", "Thoracic structure", "Chest", "t\xc3\xb3rax", "PECHO"})
        EXPECT_EQ(domain::normal_body_part({domain::Kind::text, text}, rubric().lists), "CHEST") << text;
}

TEST(built_in_lists, know_parts_by_their_names_in_dicom_and_in_archives) {
    const auto part = [](std::string_view text) {
        return domain::normal_body_part({domain::Kind::text, text}, rubric().lists).value_or("");
    };
    for (const auto* spine : {"LUMBARSPINE", "COL LUMBAR", "Columna Lumbar", "lumbar spine AP"}) EXPECT_EQ(part(spine), "LSPINE") << spine;
    EXPECT_EQ(part("Elbow joint"), "ELBOW");
    EXPECT_EQ(part("Sacroiliac joint"), "SIJOINT");
    EXPECT_EQ(part("Large intestine"), "COLON");
    EXPECT_EQ(part("Neck, Chest and Abdomen"), "NECKCHESTABDOMEN");
    EXPECT_EQ(part("T\xc3\x93RAX PA Y LAT"), "CHEST");
    EXPECT_EQ(part("Mama izquierda"), "BREAST");
    EXPECT_EQ(part("LOWERLEG"), "LEG");
    EXPECT_EQ(part("UP_EXM"), "UPPERLIMB");
    EXPECT_EQ(part("Phantom"), "");
}

TEST(rubric_from_json, refuses_what_it_cannot_run_and_names_it) {
    auto unknown = rubric_object();
    check_at(unknown, 1)["function"] = "has_luck";
    EXPECT_NE(refusal_of(unknown).find("CONF-02: function"), std::string::npos);
    auto weight = rubric_object();
    check_at(weight, 2)["weight"] = -1;
    EXPECT_NE(refusal_of(weight).find("CONF-03: weight"), std::string::npos);
    auto field = rubric_object();
    check_at(field, 2)["field"] = "shoe_size";
    EXPECT_NE(refusal_of(field).find("CONF-03: field"), std::string::npos);
    auto severity = rubric_object();
    check_at(severity, 0)["severity"] = "mild";
    EXPECT_NE(refusal_of(severity).find("CONF-01: severity"), std::string::npos);
    auto twice = rubric_object();
    check_at(twice, 1)["id"] = "CONF-01";
    EXPECT_NE(refusal_of(twice).find("CONF-01: id"), std::string::npos);
    auto unnamed = rubric_object();
    check_at(unnamed, 3).erase("id");
    EXPECT_NE(refusal_of(unnamed).find("checks[3]: id"), std::string::npos);
    auto wordless = rubric_object();
    check_at(wordless, 0)["mend"] = "";
    EXPECT_NE(refusal_of(wordless).find("CONF-01: mend"), std::string::npos);
}

TEST(rubric_from_json, refuses_weights_and_grades_that_make_no_sense) {
    auto gate = rubric_object();
    gate["dimensions"].as_object()["privacy"] = 0.1;
    EXPECT_NE(refusal_of(gate).find("dimensions: privacy"), std::string::npos);
    auto heavy = rubric_object();
    heavy["dimensions"].as_object()["timeliness"] = 1;
    EXPECT_NE(refusal_of(heavy).find("dimensions"), std::string::npos);
    auto order = rubric_object();
    order["grades"].as_object()["B"] = 95;
    EXPECT_NE(refusal_of(order).find("grades: B"), std::string::npos);
    auto empty = rubric_object();
    empty["checks"] = json::array();
    EXPECT_NE(refusal_of(empty).find("checks"), std::string::npos);
}

TEST(rubric_from_json, refuses_what_is_no_rubric) {
    for (const auto* text : {"", "{", "[]", "{}", "{\"version\":7}", "{\"version\":\"A B\"}", "{\"checks\":{}}"}) {
        const auto read = rubric_from_json(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, "rubric-invalid");
    }
    EXPECT_FALSE(rubric_from_json(std::string(2 * 1024 * 1024, ' ')));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
