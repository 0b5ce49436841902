// judge(): normal forms, null flavours, scores and quarantine.
#include "data_center_classifier/domain/facts.hpp"
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
    for (const auto* text :
         {"",          " ",         "-", "--",           "Unknown",       "N/A",  "n.a.", "NI",         "none",   "NULL",     "-9999",
          "Sin datos", "no consta", "?", "No informado", "no disponible", "N.D.", "SD",   "Not Stated", "(null)", "Anonymous"})
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
    EXPECT_EQ(normal_modality(text("CAT"), lists), std::nullopt);
    EXPECT_EQ(normal_modality(text("X-ray"), lists), "DX");
    for (const auto* mr : {"MRI", "RM", "rm ", "MR\\US"}) EXPECT_EQ(normal_modality(text(mr), lists), "MR") << mr;
    for (const auto* ct : {"TC", "TAC", "CT scan", "CT/MR", "CT, US"}) EXPECT_EQ(normal_modality(text(ct), lists), "CT") << ct;
    EXPECT_EQ(normal_modality(text("CT/CAT"), lists), std::nullopt);
    EXPECT_EQ(normal_body_part(text("Thoracic structure (body structure)"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text("t\xc3\xb3rax"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text("T\xc3\x93RAX"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text(" c spine "), lists), "CSPINE");
    EXPECT_EQ(normal_body_part(text("(chest)"), lists), "CHEST");
    EXPECT_EQ(normal_body_part(text("somewhere"), lists), std::nullopt);
    for (const auto* knee :
         {"RODILLA DERECHA", "Right Knee", "Knee - Right", "Rodilla dcha.", "knee joint", "Entire knee (body structure)"})
        EXPECT_EQ(normal_body_part(text(knee), lists), "KNEE") << knee;
    for (const auto* chest : {"Chest PA", "T\xc3\x93RAX PA Y LAT", "PORTABLE CHEST", "Thoracic region"})
        EXPECT_EQ(normal_body_part(text(chest), lists), "CHEST") << chest;
    EXPECT_EQ(normal_body_part(text("left"), lists), std::nullopt);
    EXPECT_EQ(normal_body_part(text("chest and knee"), lists), std::nullopt);
    EXPECT_EQ(normal_body_part(text(std::string(1000, 'x')), lists), std::nullopt);
    EXPECT_EQ(normal_sex(text("female")), "F");
    EXPECT_EQ(normal_sex(text("Var\xc3\xb3n")), "M");
    EXPECT_EQ(normal_sex(text("Other")), "O");
    for (const auto* man : {"VAR\xc3\x93N", "Masc", "masc."}) EXPECT_EQ(normal_sex(text(man)), "M") << man;
    for (const auto* woman : {"Fem.", "Feminino", "Hembra"}) EXPECT_EQ(normal_sex(text(woman)), "F") << woman;
    for (const auto* nobody : {"H", "V", "1", "2", "W"}) EXPECT_EQ(normal_sex(text(nobody)), std::nullopt) << nobody;
    EXPECT_EQ(normal_sex(text("U")), std::nullopt);
}

TEST(normal_forms, ages_are_years) {
    const auto age = [](Kind kind, std::string_view text) { return normal_age_years({kind, text}); };
    EXPECT_EQ(age(Kind::number, "45"), 45);
    EXPECT_EQ(age(Kind::text, " 045Y "), 45);
    EXPECT_NEAR(*age(Kind::text, "013M"), 13.0 / 12, 1e-9);
    EXPECT_NEAR(*age(Kind::text, "001D"), 1 / 365.25, 1e-9);
    for (const auto* text : {"45 years", "45 a\xc3\xb1os", "45yo", "45 year old", "45+", ">45", "> 45 Y", "45 or more", "45.0"})
        EXPECT_EQ(age(Kind::text, text), 45) << text;
    for (const auto* text : {"6 months", "6 meses", "006M"}) EXPECT_EQ(age(Kind::text, text), 0.5) << text;
    for (const auto* text : {"45 apples", "45,5", "M45", "+", ">", "45 years 3 months"})
        EXPECT_EQ(age(Kind::text, text), std::nullopt) << text;
    EXPECT_EQ(age(Kind::text, "Y"), std::nullopt);
    EXPECT_EQ(age(Kind::text, "inf"), std::nullopt);
    EXPECT_EQ(age(Kind::text, "nan"), std::nullopt);
    EXPECT_EQ(age(Kind::other, "{}"), std::nullopt);
}

TEST(normal_forms, sides_are_letters) {
    const auto side = [](std::string_view text) { return normal_side({Kind::text, text}); };
    for (const auto* text : {"L", "left", "I", "Izquierda", "izq."}) EXPECT_EQ(side(text), 'L') << text;
    for (const auto* text : {"R", "D", "Derecho", "DCHA"}) EXPECT_EQ(side(text), 'R') << text;
    for (const auto* text : {"B", "AMBOS", "bilateral"}) EXPECT_EQ(side(text), 'B') << text;
    for (const auto* text : {"", "upper", "LR"}) EXPECT_EQ(side(text), std::nullopt) << text;
}

TEST(normal_forms, moments_are_of_iso_dicom_and_hl7) {
    const auto first = [](std::string_view text) {
        const auto moment = moment_of({Kind::text, text});
        return moment ? kernel::to_text(moment->first) : "";
    };
    for (const auto* text : {"2024-01-31", "20240131", "2024/01/31"}) EXPECT_EQ(first(text), first("2024-01-31T00:00:00Z")) << text;
    for (const auto* text :
         {"20240131101010", "20240131111010+0100", "20240131101010.000", "20240131101010Z", "20240131T101010Z", "2024-01-31 10:10:10"})
        EXPECT_EQ(first(text), first("2024-01-31T10:10:10Z")) << text;
    EXPECT_EQ(first("202401311010"), first("2024-01-31T10:10:00Z"));
    EXPECT_EQ(first("20240131101010.5"), first("2024-01-31T10:10:10.500Z"));
    for (const auto* text : {"31/01/2024", "01/02/2024", "2024/31/01", "20243101", "2024013110", "20240131101010x", "20240131101010.",
                             "20240131101010+1", "201305330", "2024013110101010"})
        EXPECT_EQ(first(text), "") << text;
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
