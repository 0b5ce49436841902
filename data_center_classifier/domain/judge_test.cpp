// judge(): normal forms, null flavours, scores and quarantine.
#include "data_center_classifier/domain/test_records.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace data_center_classifier::domain {
namespace {

constexpr std::string_view good =
    "record_id=CT-1\npatient_id=p-17\nimage=1.2.840.113619.2.55.3\ndiagnosis=Pneumonia\nreport=Consolidation in the left "
    "lung.\nbody_part=CHEST\n"
    "modality=CT\nage=45\nsex=F\nethnicity=Hispanic\nsymptoms=cough\nclinical_history=Asthma\nfindings=Consolidation.\nimpression="
    "Pneumonia.\n"
    "recommendation=Follow up\nindication=Cough\ncomparison=2024\ntechnique=Axial\nabnormal=1\ncode=J18.9\nstudy_date=2026-03-01\n"
    "report_date=2026-03-01\nbirth_year=1980\nlaterality=U\nmanufacturer=Philips";

Judgement judged(std::string_view lines) {
    static const auto rubric = test::every_check();
    return judge(test::record_of(lines), rubric, test::at("2026-03-01T22:00:00Z"));
}

TEST(raw_data, keeps_the_last_value_of_each_field_in_one_buffer) {
    RawData record;
    record.set(FieldId::modality, Kind::text, "CT");
    record.set(FieldId::findings, Kind::text, "Clear lungs.");
    record.set(FieldId::modality, Kind::text, "MG and more");
    record.set(FieldId::findings, Kind::null, "");
    record.set(FieldId::findings, Kind::text, "Nodule.");
    EXPECT_EQ(record[FieldId::modality].text, "MG and more");
    EXPECT_EQ(record[FieldId::findings].text, "Nodule.");
    EXPECT_EQ(record[FieldId::sex].kind, Kind::absent);
    const RawData moved = std::move(record);
    EXPECT_EQ(moved[FieldId::modality].text, "MG and more");
}

TEST(raw_data, names_and_fields_agree) {
    for (std::size_t i = 0; i < field_count; ++i) {
        const auto field = static_cast<FieldId>(i);
        EXPECT_EQ(field_named(info(field).name), field);
    }
    EXPECT_EQ(field_named("Modality"), std::nullopt);
}

TEST(raw_data, null_flavours_are_missing) {
    for (const auto* text : {"", " ", "-", "--", "Unknown", "N/A", "n.a.", "NI", "none", "NULL", "-9999", "Sin datos", "no consta", "?"})
        EXPECT_TRUE(is_missing({Kind::text, text})) << text;
    for (const auto* text : {"0", "-1", "O", "OT", "no", "unknown primary tumour", "nil by mouth"})
        EXPECT_FALSE(is_missing({Kind::text, text})) << text;
    EXPECT_TRUE(is_missing({}));
    EXPECT_TRUE(is_missing({Kind::null, ""}));
    EXPECT_FALSE(is_missing({Kind::boolean, "false"}));
}

TEST(normal_forms, take_what_centres_write) {
    const auto lists = test::small_lists();
    const auto text = [](std::string_view view) { return Value{Kind::text, view}; };
    EXPECT_EQ(normal_modality(text("cr"), lists), "CR");
    EXPECT_EQ(normal_modality(text("X-ray"), lists), std::nullopt);
    EXPECT_EQ(normal_body_part(text("Thoracic structure (body structure)"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text("t\xc3\xb3rax"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text("T\xc3\x93RAX"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text(" c spine "), lists), "CSPINE");
    EXPECT_EQ(normal_body_part(text("(chest)"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text("somewhere"), lists), std::nullopt);
    EXPECT_EQ(normal_body_part(text(std::string(1000, 'x')), lists), std::nullopt);
    EXPECT_EQ(normal_sex(text("female")), "F");
    EXPECT_EQ(normal_sex(text("Var\xc3\xb3n")), "M");
    EXPECT_EQ(normal_sex(text("Other")), "O");
    EXPECT_EQ(normal_sex(text("U")), std::nullopt);
}

TEST(normal_forms, ages_are_years) {
    const auto age = [](Kind kind, std::string_view text) { return normal_age_years({kind, text}); };
    EXPECT_EQ(age(Kind::number, "45"), 45);
    EXPECT_EQ(age(Kind::text, " 045Y "), 45);
    EXPECT_NEAR(*age(Kind::text, "013M"), 13.0 / 12, 1e-9);
    EXPECT_NEAR(*age(Kind::text, "001D"), 1 / 365.25, 1e-9);
    EXPECT_EQ(age(Kind::text, "Y"), std::nullopt);
    EXPECT_EQ(age(Kind::text, "inf"), std::nullopt);
    EXPECT_EQ(age(Kind::text, "nan"), std::nullopt);
    EXPECT_EQ(age(Kind::other, "{}"), std::nullopt);
}

TEST(judge, a_good_record_scores_a_hundred_and_flows) {
    const auto judgement = judged(good);
    const auto rubric = test::every_check();
    for (std::size_t i = 0; i < rubric.checks.size(); ++i) EXPECT_NE(judgement.outcomes[i], Outcome::fail) << rubric.checks[i].id;
    EXPECT_DOUBLE_EQ(judgement.score, 100);
    EXPECT_FALSE(judgement.quarantine);
}

TEST(judge, a_direct_identifier_sends_the_record_to_quarantine_with_score_zero) {
    const auto judgement = judged(std::string(good) + "\nimpression=Reported to ana.roe@example.org");
    EXPECT_TRUE(judgement.quarantine);
    EXPECT_EQ(judgement.score, 0);
}

TEST(judge, identifiers_are_found_among_unknown_members_too) {
    EXPECT_TRUE(judged(std::string(good) + "\n{\"PatientName\":\"Doe^John\"}").quarantine);
    EXPECT_FALSE(judged(std::string(good) + "\n{\"protocol\":\"CHEST^ROUTINE\"}").quarantine);
}

TEST(judge, a_wrong_value_costs_points_without_quarantine) {
    const auto judgement = judged(std::string(good) + "\nmodality=CAT");
    EXPECT_LT(judgement.score, 100);
    EXPECT_GT(judgement.score, 50);
    EXPECT_FALSE(judgement.quarantine);
}

TEST(judge, one_collapsed_dimension_costs_much_and_leaves_a_rest) {
    const auto judgement = judged("study_date=2020-01-01\nmodality=CT");
    EXPECT_GT(judgement.score, 0);
    EXPECT_LT(judgement.score, 50);
}

TEST(judge, is_deterministic_and_bounded_on_any_bytes) {
    const auto rubric = test::every_check();
    EXPECT_TRUE(
        rc::check("any record", [&](const std::vector<std::pair<std::uint8_t, std::string>>& fields, const std::string& extensions) {
            RawData record;
            for (const auto& [number, text] : fields)
                record.set(static_cast<FieldId>(number % field_count), static_cast<Kind>(1 + number / field_count % 5), text);
            record.extensions = extensions;
            const auto context = test::at("2026-03-01T22:00:00Z");
            const auto first = judge(record, rubric, context), second = judge(record, rubric, context);
            RC_ASSERT(first.outcomes == second.outcomes);
            RC_ASSERT(first.score == second.score);
            RC_ASSERT(first.score >= 0 && first.score <= 100);
            RC_ASSERT(first.outcomes.size() == rubric.checks.size());
        }));
}

TEST(judge, finds_identifiers_wherever_they_stand_in_prose) {
    const std::vector<std::string> identifiers{"Doe^John",        "ana.roe@example.org", "Tel. 600 123 456",      "12.345.678-5",
                                               "DOB: 1960-03-02", "12 Main Street",      "Patient name: Jane Roe"};
    EXPECT_TRUE(rc::check("words around", [&](std::uint8_t before, std::uint8_t after, std::uint8_t which) {
        std::string text = "findings=";
        for (int i = 0; i < before % 50; ++i) text += "clear, ";
        text += identifiers[which % identifiers.size()];
        for (int i = 0; i < after % 50; ++i) text += ", clear";
        RC_ASSERT(judged(text).quarantine);
    }));
}

}  // namespace
}  // namespace data_center_classifier::domain
