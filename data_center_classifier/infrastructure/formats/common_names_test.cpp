// Common names: what they mean, and which of several has a field.
#include "data_center_classifier/infrastructure/formats/common_names.hpp"

#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <gtest/gtest.h>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldId;

std::string field_of(std::string_view name) {
    const auto meaning = meaning_of(name);
    return meaning ? std::string(domain::info(meaning->field).name) : "";
}

std::string holder_of(const std::vector<std::string>& names, FieldId field) {
    CommonFields fields;
    for (std::size_t i = 0; i < names.size(); ++i)
        if (const auto meaning = meaning_of(names[i])) fields.offer(*meaning, names[i], i);
    const auto holder = fields.holder(field);
    return holder ? names[*holder] : "";
}

TEST(common_names, do_without_case_marks_and_accents) {
    EXPECT_EQ(field_of("Patient's Sex"), "sex");
    EXPECT_EQ(field_of("REGI\xc3\x93N_anat\xc3\xb3mica"), "body_part");
    EXPECT_EQ(field_of("N\xc2\xba Acceso"), "record_id");
    EXPECT_EQ(field_of("StudyDate_DICOM"), "study_date");
    EXPECT_EQ(field_of("M/F"), "sex");
    for (const auto* name :
         {"", "_", "DICOM", "x_min", "class_name", "View Position", "extensions", "data_center_id", "Study ID", "study_id", "Registro"})
        EXPECT_EQ(field_of(name), "") << name;
}

TEST(common_names, are_understood_in_portuguese) {
    for (const auto& [name, field] :
         std::initializer_list<std::pair<const char*, const char*>>{{"N\xc3\xbamero de Acesso", "record_id"},
                                                                    {"N\xc2\xba Acesso", "record_id"},
                                                                    {"Acesso", "record_id"},
                                                                    {"Prontu\xc3\xa1rio", "patient_id"},
                                                                    {"Idade", "age"},
                                                                    {"Sexo", "sex"},
                                                                    {"Modalidade", "modality"},
                                                                    {"Regi\xc3\xa3o", "body_part"},
                                                                    {"Regi\xc3\xa3o Anat\xc3\xb4mica", "body_part"},
                                                                    {"Parte do Corpo", "body_part"},
                                                                    {"Laudo", "report"},
                                                                    {"Achados", "findings"},
                                                                    {"Impress\xc3\xa3o", "impression"},
                                                                    {"CONCLUS\xc3\x83O", "impression"},
                                                                    {"Data Exame", "study_date"},
                                                                    {"data_do_exame", "study_date"},
                                                                    {"Data Estudo", "study_date"},
                                                                    {"Data do Estudo", "study_date"},
                                                                    {"Data Laudo", "report_date"},
                                                                    {"Data do Laudo", "report_date"},
                                                                    {"Fabricante", "manufacturer"},
                                                                    {"Lateralidade", "laterality"},
                                                                    {"CID", "code"},
                                                                    {"CID-10", "code"},
                                                                    {"Diagn\xc3\xb3stico", "diagnosis"},
                                                                    {"T\xc3\xa9"
                                                                     "cnica",
                                                                     "technique"},
                                                                    {"Indica\xc3\xa7\xc3\xa3o", "indication"},
                                                                    {"Indica\xc3\xa7\xc3\xa3o Cl\xc3\xadnica", "indication"},
                                                                    {"Hist\xc3\xb3ria Cl\xc3\xadnica", "clinical_history"},
                                                                    {"Ra\xc3\xa7"
                                                                     "a",
                                                                     "ethnicity"},
                                                                    {"Etnia", "ethnicity"},
                                                                    {"Ano Nascimento", "birth_year"}})
        EXPECT_EQ(field_of(name), field) << name;
}

TEST(common_names, mean_every_field_by_its_own_name_first) {
    for (std::size_t i = 0; i < domain::field_count; ++i) {
        const auto field = static_cast<FieldId>(i);
        const auto meaning = meaning_of(domain::info(field).name);
        ASSERT_TRUE(meaning);
        EXPECT_EQ(meaning->field, field);
        EXPECT_EQ(meaning->rank, 0U);
    }
}

TEST(common_names, the_best_has_the_field_in_whatever_order_they_come) {
    EXPECT_EQ(holder_of({"subject", "MRN", "SUB_ID"}, FieldId::patient_id), "MRN");
    EXPECT_EQ(holder_of({"SUB_ID", "MRN", "subject"}, FieldId::patient_id), "MRN");
    EXPECT_EQ(holder_of({"diagnosis_code", "ICD10"}, FieldId::code), "ICD10");
    EXPECT_EQ(holder_of({"PatientID", "Patient ID"}, FieldId::patient_id), "Patient ID");
    EXPECT_EQ(holder_of({"subject"}, FieldId::record_id), "");
}

TEST(common_names, of_images_are_those_of_the_records_where_there_are_ids_of_studies) {
    EXPECT_EQ(holder_of({"ExamID", "SOPInstanceUID"}, FieldId::record_id), "SOPInstanceUID");
    EXPECT_EQ(holder_of({"ExamID", "SOPInstanceUID"}, FieldId::image), "SOPInstanceUID");
    EXPECT_EQ(holder_of({"SOPInstanceUID"}, FieldId::record_id), "");
    EXPECT_EQ(holder_of({"ID Registro", "SOPInstanceUID"}, FieldId::record_id), "ID Registro");
    for (const auto* name : {"StudyInstanceUID", "study_uid"})
        EXPECT_EQ(holder_of({"AccessionNumber", name}, FieldId::record_id), "AccessionNumber") << name;
}

TEST(common_names, of_what_may_be_several_in_a_study_leave_the_record_without_an_id_beside_that_of_its_study) {
    for (const auto* name : {"Image Index", "image_id", "ImageName", "image_path", "file_path", "filename", "path", "Imagen", "archivo",
                             "SeriesInstanceUID", "series_uid", "series_id"}) {
        for (const auto* study : {"Accession Number", "exam_id", "N\xc3\xbamero de acesso", "ID Estudio"}) {
            EXPECT_EQ(holder_of({study, name}, FieldId::record_id), "") << name;
            EXPECT_EQ(holder_of({name, study}, FieldId::image), name);
            EXPECT_EQ(holder_of({name, study, "dicom_id"}, FieldId::record_id), "dicom_id");
            EXPECT_EQ(holder_of({name, study, "ID Registro"}, FieldId::record_id), "ID Registro");
            EXPECT_EQ(holder_of({name, study, "StudyInstanceUID"}, FieldId::record_id), "");
        }
    }
    EXPECT_EQ(holder_of({"Image", "image_id", "exam_id"}, FieldId::record_id), "");
}

TEST(common_names, tell_of_a_column_that_it_has_two_fields) {
    CsvReader reader;
    EXPECT_FALSE(reader.feed("exam_id,dicom_id\n", [](std::size_t, const Read<domain::RawData>&) {}));
    const auto columns = reader.columns();
    ASSERT_EQ(columns.size(), 2U);
    EXPECT_EQ(columns[0].field, "");
    EXPECT_EQ(columns[1].field + " " + columns[1].also, "image record_id");
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
