// Every check: records that pass, that fail, and that it skips.
#include "data_center_classifier/domain/test_records.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace data_center_classifier::domain {
namespace {

constexpr auto pass = Outcome::pass, fail = Outcome::fail, skip = Outcome::skip;

struct Row {
    std::string_view check;
    Outcome expected;
    std::string_view record;
};

// Received at 2026-03-02T10:00:00Z, with a delay of 24 hours.
constexpr auto rows = std::to_array<Row>({
    {"record_says_something", pass, "image=a/1.png"},
    {"record_says_something", pass, "findings=Clear lungs."},
    {"record_says_something", fail, "record_id=1\npatient_id=p\nsex=F"},
    {"record_says_something", fail, "findings=N/A\nimpression=unknown"},
    {"record_says_something", fail, ""},

    {"fields_have_their_types", pass, "modality=CT\nage=45\nnormal=true"},
    {"fields_have_their_types", pass, "age=045Y"},
    {"fields_have_their_types", fail, "age={\"years\":45}"},
    {"fields_have_their_types", fail, "modality=[\"CT\"]"},
    {"fields_have_their_types", fail, "findings=true"},
    {"fields_have_their_types", skip, "age=null"},

    {"study_date_is_iso", pass, "study_date=2026-03-01"},
    {"study_date_is_iso", pass, "study_date=20260301"},
    {"study_date_is_iso", pass, "study_date=2026-03-01T09:30:00+02:00"},
    {"study_date_is_iso", pass, "study_date=2026-03-01T09:30:00"},
    {"study_date_is_iso", pass, "study_date=2026-03-01 09:30"},
    {"study_date_is_iso", fail, "study_date=2026-02-30"},
    {"study_date_is_iso", fail, "study_date=1997.04.24"},
    {"study_date_is_iso", fail, "study_date=03/01/2026"},
    {"study_date_is_iso", fail, "study_date=201305330"},
    {"study_date_is_iso", skip, "study_date="},
    {"report_date_is_iso", pass, "report_date=2026-03-01"},
    {"report_date_is_iso", fail, "report_date=yesterday"},
    {"report_date_is_iso", skip, ""},
    {"diagnosis_date_is_iso", pass, "diagnosis_date=2026-03-01T00:00:00Z"},
    {"diagnosis_date_is_iso", fail, "diagnosis_date=March"},
    {"diagnosis_date_is_iso", skip, "diagnosis_date=unknown"},

    {"modality_is_a_dicom_code", pass, "modality= ct "},
    {"modality_is_a_dicom_code", pass, "modality=OT"},
    {"modality_is_a_dicom_code", fail, "modality=CAT scan"},
    {"modality_is_a_dicom_code", fail, "modality={\"code\":\"CT\"}"},
    {"modality_is_a_dicom_code", skip, "modality=-"},
    {"body_part_is_a_dicom_term", pass, "body_part=Thoracic structure (body structure)"},
    {"body_part_is_a_dicom_term", pass, "body_part=T\xc3\xb3rax"},
    {"body_part_is_a_dicom_term", pass, "body_part=c-spine"},
    {"body_part_is_a_dicom_term", fail, "body_part=ROI 7"},
    {"body_part_is_a_dicom_term", skip, "modality=CT"},
    {"sex_is_administrative", pass, "sex=female"},
    {"sex_is_administrative", fail, "sex=3"},
    {"sex_is_administrative", skip, "sex=unknown"},
    {"age_is_readable", pass, "age=013M"},
    {"age_is_readable", pass, "age=45.5"},
    {"age_is_readable", fail, "age=forty"},
    {"age_is_readable", fail, "age={\"value\":40}"},
    {"age_is_readable", skip, "age=-9999"},
    {"birth_year_is_a_year", pass, "birth_year=1960"},
    {"birth_year_is_a_year", fail, "birth_year=60"},
    {"birth_year_is_a_year", skip, ""},

    {"code_has_a_known_shape", pass, "code=J18.9"},
    {"code_has_a_known_shape", pass, "code=ICD10:J18.9; RID1301; 24627-2; 233604007"},
    {"code_has_a_known_shape", fail, "code=pneumonia"},
    {"code_has_a_known_shape", fail, "code=J18.9; lung"},
    {"code_has_a_known_shape", skip, "code=none"},
    {"icd10cm_code_exists", pass, "code=j18.9"},
    {"icd10cm_code_exists", pass, "code=S72.001A"},
    {"icd10cm_code_exists", fail, "code=J18.99"},
    {"icd10cm_code_exists", skip, "code=RID1301"},

    {"image_is_a_reference", pass, "image=1.2.840.113619.2.55.3.604688119.971.1449159042.467"},
    {"image_is_a_reference", pass, "image=https://pacs.example.org/studies/1"},
    {"image_is_a_reference", pass, "image=images/00000013_005.png"},
    {"image_is_a_reference", pass, "image=00000013_005.png"},
    {"image_is_a_reference", fail, "image=/home/ana/1.png"},
    {"image_is_a_reference", fail, "image=C:\\scans\\1.png"},
    {"image_is_a_reference", fail, "image=../../1.png"},
    {"image_is_a_reference", fail, "image={\"url\":\"x\"}"},
    {"image_is_a_reference", skip, ""},
    {"text_is_clean", pass, "findings=T\xc3\xb3rax normal.\tFin"},
    {"text_is_clean", fail, "findings=T\xf3rax normal"},
    {"text_is_clean", fail, "findings=Clear\x01lungs"},
    {"text_is_clean", fail, "findings=T\xef\xbf\xbdrax"},
    {"text_is_clean", skip, ""},
    {"labels_are_labels", pass, "normal=1\nabnormal=0\nuncertain=-1.0\nno_finding=true"},
    {"labels_are_labels", fail, "normal=yes please"},
    {"labels_are_labels", skip, "modality=CT"},
    {"labels_do_not_contradict", pass, "normal=1\nabnormal=0"},
    {"labels_do_not_contradict", fail, "normal=1\nabnormal=1"},
    {"labels_do_not_contradict", fail, "unknown=1\nabnormal=1"},
    {"labels_do_not_contradict", skip, "normal=1"},
    {"laterality_is_a_dicom_code", pass, "laterality=left"},
    {"laterality_is_a_dicom_code", fail, "laterality=upper"},
    {"laterality_is_a_dicom_code", skip, "laterality="},
    {"patient_id_is_one_token", pass, "patient_id=p-0017"},
    {"patient_id_is_one_token", fail, "patient_id=p 0017"},
    {"patient_id_is_one_token", skip, ""},
    {"manufacturer_is_a_name", pass, "manufacturer=GE MEDICAL SYSTEMS"},
    {"manufacturer_is_a_name", fail, "manufacturer=17"},
    {"manufacturer_is_a_name", skip, ""},

    {"has_record_id", pass, "record_id=1"},
    {"has_record_id", fail, "record_id="},
    {"has_patient_id", pass, "patient_id=1"},
    {"has_patient_id", fail, "patient_id=Unknown"},
    {"has_modality", pass, "modality=CT"},
    {"has_modality", fail, "modality=n/a"},
    {"has_body_part", pass, "body_part=CHEST"},
    {"has_body_part", fail, "body_part=null"},
    {"has_study_or_diagnosis_date", pass, "diagnosis_date=2026-01-01"},
    {"has_study_or_diagnosis_date", fail, "report_date=2026-01-01"},
    {"has_image", pass, "image=a.png"},
    {"has_image", fail, "image=--"},
    {"has_manufacturer", pass, "manufacturer=Philips"},
    {"has_manufacturer", fail, "manufacturer=NI"},
    {"has_sex", pass, "sex=Other"},
    {"has_sex", fail, "sex=UNK"},
    {"has_age_or_birth_year", pass, "birth_year=1960"},
    {"has_age_or_birth_year", fail, "age=-9999"},
    {"has_code_or_diagnosis", pass, "diagnosis=Pneumonia"},
    {"has_code_or_diagnosis", fail, "diagnosis=none"},
    {"has_report_or_findings", pass, "impression=No acute disease."},
    {"has_report_or_findings", fail, "report=desconocido"},
    {"has_report_date", pass, "report=Some text.\nreport_date=2026-01-01"},
    {"has_report_date", fail, "report=Some text."},
    {"has_report_date", skip, "modality=CT"},
    {"has_outcome_label", pass, "unknown=0"},
    {"has_outcome_label", fail, "modality=CT"},
    {"has_laterality", pass, "body_part=KNEE\nlaterality=L"},
    {"has_laterality", fail, "body_part=rodilla"},
    {"has_laterality", skip, "body_part=CHEST"},
    {"has_ethnicity", pass, "ethnicity=Hispanic"},
    {"has_ethnicity", fail, ""},
    {"has_symptoms", pass, "symptoms=cough"},
    {"has_symptoms", fail, "symptoms=?"},
    {"has_clinical_history", pass, "clinical_history=Asthma"},
    {"has_clinical_history", fail, ""},
    {"has_indication", pass, "indication=Cough"},
    {"has_indication", fail, ""},
    {"has_technique", pass, "technique=PA and lateral"},
    {"has_technique", fail, ""},
    {"has_comparison", pass, "comparison=2024"},
    {"has_comparison", fail, ""},
    {"has_recommendation", pass, "recommendation=CT in 6 weeks"},
    {"has_recommendation", fail, ""},
    {"has_code", pass, "code=J18.9"},
    {"has_code", fail, "diagnosis=Pneumonia"},

    {"study_date_is_not_in_future", pass, "study_date=2026-03-02"},
    {"study_date_is_not_in_future", pass, "study_date=2026-03-03"},  // it is that day in Auckland
    {"study_date_is_not_in_future", fail, "study_date=2026-03-04"},
    {"study_date_is_not_in_future", skip, "study_date=soon"},
    {"report_date_is_not_in_future", pass, "report_date=2026-03-02T09:00:00Z"},
    {"report_date_is_not_in_future", fail, "report_date=2026-12-01"},
    {"report_date_is_not_in_future", skip, ""},
    {"diagnosis_date_is_not_in_future", pass, "diagnosis_date=2020-01-01"},
    {"diagnosis_date_is_not_in_future", fail, "diagnosis_date=2062-01-01"},
    {"diagnosis_date_is_not_in_future", skip, ""},
    {"study_is_before_report", pass, "study_date=2026-03-01T11:00:00Z\nreport_date=2026-03-01"},
    {"study_is_before_report", fail, "study_date=2026-03-02\nreport_date=2026-03-01"},
    {"study_is_before_report", skip, "study_date=2026-03-01"},
    {"birth_is_before_study", pass, "birth_year=2026\nstudy_date=2026-03-01"},
    {"birth_is_before_study", fail, "birth_year=1990\nstudy_date=1980-03-01"},
    {"birth_is_before_study", skip, "birth_year=1990"},
    {"study_date_is_no_placeholder", pass, "study_date=2026-03-01"},
    {"study_date_is_no_placeholder", fail, "study_date=1970-01-01"},
    {"study_date_is_no_placeholder", fail, "study_date=18000101"},
    {"study_date_is_no_placeholder", skip, ""},
    {"age_is_human", pass, "age=045Y"},
    {"age_is_human", fail, "age=411Y"},
    {"age_is_human", fail, "age=-3"},
    {"age_is_human", skip, "age=old"},
    {"birth_year_is_human", pass, "birth_year=1930"},
    {"birth_year_is_human", fail, "birth_year=1800"},
    {"birth_year_is_human", fail, "birth_year=2027"},
    {"birth_year_is_human", skip, "birth_year=x"},
    {"age_agrees_with_birth_year", pass, "age=45\nbirth_year=1980\nstudy_date=2026-03-01"},
    {"age_agrees_with_birth_year", fail, "age=45\nbirth_year=1960\nstudy_date=2026-03-01"},
    {"age_agrees_with_birth_year", skip, "age=45\nbirth_year=1980"},
    {"sex_agrees_with_body_part", pass, "sex=M\nbody_part=PROSTATE"},
    {"sex_agrees_with_body_part", fail, "sex=F\nbody_part=prostate"},
    {"sex_agrees_with_body_part", fail, "sex=M\nbody_part=UTERUS"},
    {"sex_agrees_with_body_part", skip, "sex=M\nbody_part=CHEST"},
    {"sex_agrees_with_code", pass, "sex=F\ncode=O80"},
    {"sex_agrees_with_code", fail, "sex=M\ncode=O80"},
    {"sex_agrees_with_code", fail, "sex=F\ncode=J18.9; C61"},
    {"sex_agrees_with_code", skip, "sex=F\ncode=J18.9"},
    {"age_agrees_with_code", pass, "age=30\ncode=O80"},
    {"age_agrees_with_code", fail, "age=70\ncode=O80"},
    {"age_agrees_with_code", fail, "age=40\ncode=P07.1"},
    {"age_agrees_with_code", skip, "age=40\ncode=J18.9"},
    {"modality_agrees_with_body_part", pass, "modality=MG\nbody_part=BREAST"},
    {"modality_agrees_with_body_part", pass, "modality=CT\nbody_part=ANKLE"},
    {"modality_agrees_with_body_part", fail, "modality=MG\nbody_part=ANKLE"},
    {"modality_agrees_with_body_part", fail, "modality=PX\nbody_part=KNEE"},
    {"modality_agrees_with_body_part", skip, "modality=MG"},
    {"body_part_agrees_with_text", pass, "body_part=CHEST\nfindings=The lungs are clear."},
    {"body_part_agrees_with_text", pass, "body_part=pecho\nreport=Coraz\xc3\xb3n y pulmones normales."},
    {"body_part_agrees_with_text", fail, "body_part=CHEST\nfindings=Fracture of the distal tibia and fibula."},
    {"body_part_agrees_with_text", skip, "body_part=CHEST\nfindings=No acute disease."},
    {"laterality_agrees_with_text", pass, "laterality=L\nfindings=Left knee effusion."},
    {"laterality_agrees_with_text", fail, "laterality=L\nfindings=Right knee effusion."},
    {"laterality_agrees_with_text", skip, "laterality=L\nfindings=Knee effusion."},
    {"findings_are_not_the_impression", pass, "findings=Clear lungs.\nimpression=Normal."},
    {"findings_are_not_the_impression", fail, "findings=Clear lungs.\nimpression= Clear lungs. "},
    {"findings_are_not_the_impression", skip, "findings=Clear lungs."},
    {"report_is_no_placeholder", pass, "report=No acute disease."},
    {"report_is_no_placeholder", fail, "report=Lorem ipsum dolor sit amet"},
    {"report_is_no_placeholder", fail, "report=ok"},
    {"report_is_no_placeholder", skip, ""},
    {"normal_study_has_no_abnormal_code", pass, "normal=1\ncode=Z12.5"},
    {"normal_study_has_no_abnormal_code", fail, "no_finding=1\ncode=J18.9"},
    {"normal_study_has_no_abnormal_code", skip, "abnormal=1\ncode=J18.9"},

    {"arrived_in_time", pass, "report_date=2026-03-01"},
    {"arrived_in_time", pass, "report_date=2026-03-01T10:00:00Z"},
    {"arrived_in_time", fail, "report_date=2026-03-01T09:59:00Z"},
    {"arrived_in_time", fail, "study_date=2026-02-28"},
    {"arrived_in_time", skip, "diagnosis_date=2026-02-28"},
    {"reported_within_30_days", pass, "study_date=2026-01-01\nreport_date=2026-01-31"},
    {"reported_within_30_days", fail, "study_date=2026-01-01\nreport_date=2026-02-02"},
    {"reported_within_30_days", skip, "study_date=2026-01-01"},
    {"same_key_other_content", skip, "record_id=1"},
    {"same_content_other_key", skip, "record_id=1"},

    {"no_person_name", pass, "patient_id=p-17\nfindings=10^9/L leucocytes"},
    {"no_person_name", pass, "code=71020^CHEST XRAY^L"},
    {"no_person_name", pass, "diagnosis=Pneumonia^Lobar^I10"},
    {"no_person_name", pass, "patient_id=ANON^ANON"},
    {"no_person_name", fail, "patient_id=Doe^John"},
    {"no_person_name", fail, "{\"PatientName\":\"PEREZ^MARIA^^^\"}"},
    {"no_person_name", fail, "findings=Seen with Mu\xc3\xb1oz^Jos\xc3\xa9 today"},
    {"no_labelled_name", pass, "report=Patient: 45 year old man. Study name: Chest Routine. The name is not known."},
    {"no_labelled_name", pass, "report=Paciente: Mujer de 45 a\xc3\xb1os"},
    {"no_labelled_name", pass, "report=Patient name: REDACTED"},
    {"no_labelled_name", pass, "report=NAME: CT CHEST"},
    {"no_labelled_name", pass, "report=PATIENT: STABLE CONDITION"},
    {"no_labelled_name", fail, "report=Name: Jane Roe"},
    {"no_labelled_name", fail, "report=Patient's name: Jane Roe"},
    {"no_labelled_name", fail, "clinical_history=Nombre: Juan P\xc3\xa9rez"},
    {"no_labelled_name", fail, "{\"patient_name\":\"Jane\"}"},
    {"no_email_address", pass, "technique=Axial @ 3.0 T\nimage=sftp://user@host.example.org/a.png"},
    {"no_email_address", fail, "report=Write to ana.roe@example.org please"},
    {"no_phone_number", pass, "findings=Mass of 3.5 x 2.1 cm, T2+ 10 20, (3) nodules, 12-15 mm, dated 2026-03-01."},
    {"no_phone_number", pass, "report=Telephone report given on 2026-03-01 at 10:15."},
    {"no_phone_number", pass, "record_id=555-123-4567\nimage=1.2.840.113619.2.55.3.604688119.971.1449159042.467"},
    {"no_phone_number", fail, "report=Tel. 600 123 456"},
    {"no_phone_number", fail, "report=call +34 600 123 456"},
    {"no_phone_number", fail, "report=call (555) 223-4567"},
    {"no_phone_number", fail, "report=call 555-223-4567 now"},
    {"no_phone_number", fail,
     "report=Tel\xc3\xa9"
     "fono: 915551234"},
    {"no_national_id", pass, "patient_id=00000013\nimage=12345678Z.dcm\nrecord_id=12345678Z"},
    {"no_national_id", pass, "report=DNI 12345678A, UID 1.2.840.113619.2, code 12345678-5, run 12"},
    {"no_national_id", fail, "patient_id=12345678Z"},
    {"no_national_id", fail, "report=Con DNI 12.345.678-Z."},
    {"no_national_id", fail, "report=NIE X1234567L"},
    {"no_national_id", fail, "report=paciente 12.345.678-5 de Chile"},
    {"no_national_id", fail, "report=RUT 12345678-5"},
    {"no_national_id", fail, "report=CPF 111.444.777-35"},
    {"no_national_id", fail, "report=SSN: 123-45-6789"},
    {"no_national_id", fail, "report=Seen again, 123-45-6789."},
    {"no_national_id", fail, "patient_id=123-45-6789"},
    {"no_national_id", fail, "record_id=123-45-6789"},
    {"no_national_id", fail, "{\"x\":\"123-45-6789\"}"},
    {"no_national_id", pass, "report=000-45-6789, 666-45-6789, 912-45-6789, 123-00-6789, 123-45-0000"},
    {"no_national_id", pass, "report=123-45-67890, 1123-45-6789, 1-123-45-6789, 123-45-6789-1, 1.123-45-6789, A123-45-6789, 123-45-6789b"},
    {"no_national_id", pass, "report=2026-03-01, 555-12-34, 1.2.840.113619.2.55.3-45-6789\nimage=x_123-45-6789_2.dcm"},
    {"no_full_birth_date", pass, "report=Born in 1960. Birth weight 3200 g. Study of 2026-03-01."},
    {"no_full_birth_date", pass, "birth_year=1960\nstudy_date=2026-03-01"},
    {"no_full_birth_date", fail, "birth_year=1960-03-02"},
    {"no_full_birth_date", fail, "report=DOB: 03/02/1960"},
    {"no_full_birth_date", fail, "report=Fecha de nacimiento: 2 de marzo de 1960"},
    {"no_full_birth_date", fail, "report=born on March 2, 1960"},
    {"no_full_birth_date", fail, "{\"PatientBirthDate\":\"19600302\"}"},
    {"no_street_address", pass, "report=2 mm ST elevation. Lesion 12 of 20. To address: 1. Pneumonia. 3 grade St"},
    {"no_street_address", fail, "report=Lives at 12 Main Street"},
    {"no_street_address", fail, "report=Vive en Calle Mayor 12"},
    {"no_street_address", fail, "{\"address\":\"Elm Grove 12\"}"},
});

TEST(checks, each_answers_every_row_of_the_table) {
    const auto rubric = test::every_check();
    const auto context = test::at("2026-03-02T10:00:00Z");
    for (const auto& row : rows) {
        const auto run = check_function(row.check);
        ASSERT_NE(run, nullptr) << row.check;
        const auto record = test::record_of(row.record);
        EXPECT_EQ(run(Facts(record, context, rubric)), row.expected) << row.check << " of\n" << row.record;
    }
}

TEST(checks, each_has_a_record_that_passes_and_one_that_fails) {
    std::map<std::string_view, std::set<Outcome>> seen;
    for (const auto& row : rows) seen[row.check].insert(row.expected);
    for (const auto& check : test::every_check().checks) {
        if (check.dimension == Dimension::uniqueness) continue;
        EXPECT_TRUE(seen[check.function].contains(pass)) << check.function;
        EXPECT_TRUE(seen[check.function].contains(fail)) << check.function;
    }
}

TEST(checks, uniqueness_is_what_the_store_says) {
    const auto rubric = test::every_check();
    const auto record = test::record_of("record_id=1");
    auto context = test::at("2026-03-02T10:00:00Z");
    context.same_key_other_content = true;
    context.same_content_other_key = false;
    const Facts facts(record, context, rubric);
    EXPECT_EQ(check_function("same_key_other_content")(facts), fail);
    EXPECT_EQ(check_function("same_content_other_key")(facts), pass);
}

TEST(checks, an_unknown_name_has_no_function) {
    EXPECT_EQ(check_function("has_luck"), nullptr);
}

}  // namespace
}  // namespace data_center_classifier::domain
