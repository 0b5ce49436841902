// CsvReader: headers, rows, refusals; the same rows wherever the stream is cut.
#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <algorithm>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldId;
using domain::Kind;
using domain::RawData;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string place(const Refusal& refusal) {
    return refusal.code + " " + std::to_string(refusal.line.value_or(0)) + ":" + std::to_string(refusal.column.value_or(0));
}

struct Table {
    std::string header;             // the refusal of the header, or ""
    std::vector<std::string> rows;  // canonical JSON, or "code line:column"
    friend bool operator==(const Table&, const Table&) = default;
};

Table read(const std::vector<std::string_view>& chunks, CsvReader::Mapping mapping = {}, Limits limits = {}) {
    Table table;
    CsvReader reader(std::move(mapping), limits);
    const auto row = [&](std::size_t index, Read<RawData> record) {
        EXPECT_EQ(index, table.rows.size());
        const auto* refusal = std::get_if<Refusal>(&record);
        table.rows.push_back(refusal ? place(*refusal) : to_canonical_json(std::get<RawData>(record)));
    };
    std::optional<Refusal> refused;
    for (const auto chunk : chunks)
        if (auto refusal = reader.feed(chunk, row); refusal && !refused) refused = refusal;
    if (auto refusal = reader.finish(row); refusal && !refused) refused = refusal;
    if (refused) table.header = place(*refused);
    return table;
}

std::vector<std::string> rows(std::string_view text) {
    const auto table = read({text});
    EXPECT_EQ(table.header, "");
    return table.rows;
}

std::string header_refusal(std::string_view text, CsvReader::Mapping mapping = {}, Limits limits = {}) {
    const auto table = read({text}, std::move(mapping), limits);
    EXPECT_THAT(table.rows, IsEmpty());
    return table.header;
}

TEST(CsvReader, makes_a_record_of_each_row) {
    EXPECT_THAT(rows("record_id,modality,age\nr-1,CT,61\nr-2,MR,9\n"),
                ElementsAre(R"({"record_id":"r-1","modality":"CT","age":61})", R"({"record_id":"r-2","modality":"MR","age":9})"));
}

TEST(CsvReader, leaves_empty_cells_absent) {
    EXPECT_THAT(rows("record_id,sex,dose\nr-1,,\n\"\",F,2\n"),
                ElementsAre(R"({"record_id":"r-1"})", R"({"sex":"F","extensions":{"dose":"2"}})"));
}

TEST(CsvReader, gives_numbers_and_labels_the_kind_that_they_have_in_json) {
    EXPECT_THAT(rows("age,normal,abnormal,no_finding,patient_id,birth_year\n060Y,true,-1,no,7,01950\n"),
                ElementsAre(R"({"patient_id":"7","age":"060Y","no_finding":"no","normal":true,"abnormal":-1,"birth_year":"01950"})"));
}

TEST(CsvReader, reads_quotes_separators_and_line_ends_inside_a_value) {
    EXPECT_THAT(rows("record_id,report\r\nr-1,\"a, \"\"b\"\"\r\nc\"\r\n\"r-2\",\"\"\"\"\r\n"),
                ElementsAre(R"({"record_id":"r-1","report":"a, \"b\"\r\nc"})", R"({"record_id":"r-2","report":"\""})"));
}

TEST(CsvReader, takes_a_quote_inside_a_value_without_quotes_as_it_is) {
    EXPECT_THAT(rows("record_id,report\nr-1,disc 5\" wide\n"), ElementsAre(R"({"record_id":"r-1","report":"disc 5\" wide"})"));
}

TEST(CsvReader, ends_rows_with_lf_crlf_or_cr_and_passes_over_blank_lines) {
    const auto expected = ElementsAre(R"({"age":1,"sex":"F"})", R"({"age":2,"sex":"M"})");
    EXPECT_THAT(rows("sex,age\nF,1\nM,2"), expected);
    EXPECT_THAT(rows("sex,age\r\nF,1\r\nM,2\r\n"), expected);
    EXPECT_THAT(rows("sex,age\rF,1\rM,2\r"), expected);
    EXPECT_THAT(rows("\n\r\nsex,age\n\nF,1\n\r\nM,2\n\n"), expected);
}

TEST(CsvReader, passes_over_rows_of_empty_cells_and_counts_their_lines) {
    EXPECT_THAT(rows("sex,age\nF,1\n,\n\"\", \n,,,\nM\n , "), ElementsAre(R"({"age":1,"sex":"F"})", "csv-row-width 6:2"));
}

TEST(CsvReader, finds_the_separator_from_the_header) {
    EXPECT_THAT(rows("sex;report\nF;a,b\n"), ElementsAre(R"({"report":"a,b","sex":"F"})"));
    EXPECT_THAT(rows("sex\treport\nF\ta;b\n"), ElementsAre(R"({"report":"a;b","sex":"F"})"));
    EXPECT_THAT(rows("sex;\"a,b,c\"\nF;1\n"), ElementsAre(R"({"sex":"F","extensions":{"a,b,c":"1"}})"));
    EXPECT_THAT(rows("sex|report\nF|a,b\n"), ElementsAre(R"({"report":"a,b","sex":"F"})"));
    EXPECT_THAT(rows("sex\nF\n"), ElementsAre(R"({"sex":"F"})"));
}

TEST(CsvReader, takes_the_separator_from_a_line_before_the_header) {
    EXPECT_THAT(rows("sep=;\r\nsex;report\r\nF;a,b\r\nM\r\n"), ElementsAre(R"({"report":"a,b","sex":"F"})", "csv-row-width 4:2"));
    EXPECT_THAT(rows("\xEF\xBB\xBFsep=|\nsex|a,b,c\nF|1\n"), ElementsAre(R"({"sex":"F","extensions":{"a,b,c":"1"}})"));
    EXPECT_EQ(header_refusal("sep=;\n"), "csv-header-missing 1:0");
}

TEST(CsvReader, says_that_a_table_is_utf16) {
    const auto row = [](std::size_t, const Read<RawData>&) { ADD_FAILURE(); };
    for (const auto& text : {std::string("\xFF\xFEs\0e\0x\0\n\0", 10), std::string("s\0e\0x\0\n\0", 8)}) {
        const auto refusal = CsvReader().feed(text, row);
        ASSERT_TRUE(refusal);
        EXPECT_EQ(refusal->code + ", found " + refusal->found, "text-not-utf8, found UTF-16 or UTF-32");
    }
}

TEST(CsvReader, passes_over_a_byte_order_mark) {
    EXPECT_THAT(rows("\xEF\xBB\xBFsex,age\nF,1\n"), ElementsAre(R"({"age":1,"sex":"F"})"));
    EXPECT_THAT(rows("\xEF\xBB\xBF\"sex\",age\nF,1\n"), ElementsAre(R"({"age":1,"sex":"F"})"));
}

TEST(CsvReader, knows_common_names_in_any_case_spacing_and_with_or_without_accents) {
    EXPECT_THAT(rows("Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender\nx.png,Mass|Nodule,13,060Y,M\n"),
                ElementsAre(R"({"patient_id":"13","image":"x.png","diagnosis":"Mass|Nodule","age":"060Y","sex":"M"})"));
    EXPECT_THAT(rows("paciente;Región;MODALIDAD;diagnóstico;Edad;sexo;informe\n7;CHEST;CT;neumonía;61;F;x\n"),
                ElementsAre("{\"patient_id\":\"7\",\"diagnosis\":\"neumonía\",\"report\":\"x\",\"body_part\":\"CHEST\",\"modality\":\"CT\","
                            "\"age\":61,\"sex\":\"F\"}"));
    EXPECT_THAT(rows("PatientID,BodyPartExamined,Study_Date, Patient's Sex \n7,CHEST,20240101,F\n"),
                ElementsAre(R"({"patient_id":"7","body_part":"CHEST","sex":"F","study_date":"20240101"})"));
}

TEST(CsvReader, follows_the_centres_mapping_before_common_names_and_exact_names_before_both) {
    EXPECT_THAT(read({"Patient ID,MRN,x\n1,2,3\n"}, {{"MRN", "patient_id"}, {"x", "age"}}).rows,
                ElementsAre(R"({"patient_id":"2","age":3,"extensions":{"Patient ID":"1"}})"));
    EXPECT_THAT(read({"patient_id,MRN\n1,2\n"}, {{"MRN", "patient_id"}}).rows,
                ElementsAre(R"({"patient_id":"1","extensions":{"MRN":"2"}})"));
    EXPECT_THAT(read({"sex,MRN\nF,2\n"}, {{"MRN", "no such field"}, {"sex", "age"}}).rows, ElementsAre(R"({"patient_id":"2","sex":"F"})"));
}

TEST(CsvReader, gives_a_field_to_the_best_of_its_common_names_and_keeps_the_others) {
    EXPECT_THAT(rows("ExamID,AccessionNumber\n1,A1\n"), ElementsAre(R"({"record_id":"A1","extensions":{"ExamID":"1"}})"));
    EXPECT_THAT(rows("SUB_ID,subject,MRN\n1,2,3\n"), ElementsAre(R"({"patient_id":"3","extensions":{"SUB_ID":"1","subject":"2"}})"));
    EXPECT_THAT(rows("MRN,Patient ID\n1,2\n"), ElementsAre(R"({"patient_id":"2","extensions":{"MRN":"1"}})"));
    EXPECT_THAT(rows("diagnosis_code,icd10\n1,2\n"), ElementsAre(R"({"code":"2","extensions":{"diagnosis_code":"1"}})"));
    EXPECT_THAT(rows("gender,sexo,Patient Sex\n1,2,F\n"), ElementsAre(R"({"sex":"F","extensions":{"gender":"1","sexo":"2"}})"));
    EXPECT_THAT(rows("PatientID,Patient ID\n1,2\n"), ElementsAre(R"({"patient_id":"2","extensions":{"PatientID":"1"}})"));
}

TEST(CsvReader, takes_the_id_of_an_image_for_the_record_where_that_of_its_study_would_name_several) {
    EXPECT_THAT(rows("dicom_id,subject_id,exam_id\na,1,50\nb,1,50\n"),
                ElementsAre(R"({"record_id":"a","patient_id":"1","image":"a","extensions":{"exam_id":"50"}})",
                            R"({"record_id":"b","patient_id":"1","image":"b","extensions":{"exam_id":"50"}})"));
    EXPECT_THAT(rows("SOPInstanceUID,image,AccessionNumber\n1.2,a.png,50\n"),
                ElementsAre(R"({"record_id":"1.2","image":"a.png","extensions":{"AccessionNumber":"50"}})"));
    EXPECT_THAT(rows("image_id,image,AccessionNumber\na,a.png,50\n"),
                ElementsAre(R"({"image":"a.png","extensions":{"AccessionNumber":"50","image_id":"a"}})"));
    EXPECT_THAT(rows("Accession Number,Image Index,Modality\nA1,1,CT\nA2,1,CT\n"),
                ElementsAre(R"({"image":"1","modality":"CT","extensions":{"Accession Number":"A1"}})",
                            R"({"image":"1","modality":"CT","extensions":{"Accession Number":"A2"}})"));
    EXPECT_THAT(rows("image_id,record_id\na,7\n"), ElementsAre(R"({"record_id":"7","image":"a"})"));
    EXPECT_THAT(rows("image_id,x_min\na,7\n"), ElementsAre(R"({"image":"a","extensions":{"x_min":"7"}})"));  // a box a row
}

TEST(CsvReader, derives_the_id_of_a_record_where_that_of_its_study_would_name_several) {
    EXPECT_THAT(rows("accession,file_path\nA1,a.dcm\n"), ElementsAre(R"({"image":"a.dcm","extensions":{"accession":"A1"}})"));
    EXPECT_THAT(rows("accession,filename\nA1,a.dcm\n"), ElementsAre(R"({"image":"a.dcm","extensions":{"accession":"A1"}})"));
    EXPECT_THAT(rows("exam_id,file_name\n7,a.png\n"), ElementsAre(R"({"image":"a.png","extensions":{"exam_id":"7"}})"));
    EXPECT_THAT(rows("AccessionNumber,image\nA1,a.png\n"), ElementsAre(R"({"image":"a.png","extensions":{"AccessionNumber":"A1"}})"));
    EXPECT_THAT(rows("AccessionNumber,SeriesInstanceUID\nA1,1.2\n"),
                ElementsAre(R"({"image":"1.2","extensions":{"AccessionNumber":"A1"}})"));
    EXPECT_THAT(rows("AccessionNumber,image,series_id\nA1,a.png,1\n"),
                ElementsAre(R"({"image":"a.png","extensions":{"AccessionNumber":"A1","series_id":"1"}})"));
    EXPECT_THAT(rows("AccessionNumber,StudyInstanceUID\nA1,1.2\n"), ElementsAre(R"({"record_id":"A1","image":"1.2"})"));
    EXPECT_THAT(rows("study_id,sex\n1,F\n"), ElementsAre(R"({"sex":"F","extensions":{"study_id":"1"}})"));
}

TEST(CsvReader, derives_it_beside_a_mapped_image_as_well_and_follows_a_mapping_to_the_id) {
    EXPECT_THAT(read({"AccessionNumber,Foto\nA1,a.png\n"}, {{"Foto", "image"}}).rows,
                ElementsAre(R"({"image":"a.png","extensions":{"AccessionNumber":"A1"}})"));
    EXPECT_THAT(read({"AccessionNumber,path\nA1,x\n"}, {{"path", "report"}}).rows,
                ElementsAre(R"({"report":"x","extensions":{"AccessionNumber":"A1"}})"));
    EXPECT_THAT(read({"AccessionNumber,StudyInstanceUID\nA1,1.2\n"}, {{"StudyInstanceUID", "image"}}).rows,
                ElementsAre(R"({"record_id":"A1","image":"1.2"})"));
    EXPECT_THAT(read({"AccessionNumber,path\nA1,a.png\n"}, {{"AccessionNumber", "record_id"}}).rows,
                ElementsAre(R"({"record_id":"A1","image":"a.png"})"));
}

TEST(CsvReader, knows_the_columns_of_public_collections) {
    EXPECT_THAT(
        rows("ImageID,StudyDate_DICOM,PatientBirth,PatientSex_DICOM,Modality_DICOM,Manufacturer_DICOM\na,20140915,1930.0,F,CR,GE\n"),
        ElementsAre(R"({"image":"a","modality":"CR","sex":"F","study_date":"20140915","birth_year":1930.0,"manufacturer":"GE"})"));
    EXPECT_THAT(rows("N\xC2\xBA Acceso;N\xC2\xB0 Historia;Fecha Exploraci\xC3\xB3n;Juicio cl\xC3\xADnico;M/F\n1;2;2024-01-31;x;F\n"),
                ElementsAre(R"({"record_id":"1","patient_id":"2","diagnosis":"x","sex":"F","study_date":"2024-01-31"})"));
    EXPECT_THAT(rows("StudyInstanceUID,ImageLaterality\n1.2.3,L\n"), ElementsAre(R"({"image":"1.2.3","laterality":"L"})"));
}

TEST(CsvReader, finds_mapped_columns_in_any_case_and_the_exact_name_first) {
    EXPECT_THAT(read({"paciente_nr,X\n7,1\n"}, {{"Paciente Nr", "patient_id"}}).rows,
                ElementsAre(R"({"patient_id":"7","extensions":{"X":"1"}})"));
    EXPECT_THAT(read({"ART,Art\nCT,MR\n"}, {{"Art", "modality"}}).rows, ElementsAre(R"({"modality":"MR","extensions":{"ART":"CT"}})"));
    EXPECT_THAT(read({"sex,\xE8\xBA\xAB A\nF,1\n"}, {{"\xE4\xBD\x93 A", "age"}}).rows,
                ElementsAre("{\"sex\":\"F\",\"extensions\":{\"\xE8\xBA\xAB A\":\"1\"}}"));
}

TEST(CsvReader, numbers_the_columns_of_one_name) {
    EXPECT_THAT(rows("sex,View,View,View_2,View\nF,a,b,c,d\n"),
                ElementsAre(R"({"sex":"F","extensions":{"View":"a","View_2":"c","View_3":"b","View_4":"d"}})"));
}

TEST(CsvReader, puts_other_columns_into_extensions_sorted_by_name) {
    EXPECT_THAT(rows("sex,z,,\"q\"\"\",ab,a\nF,1,2,3,4,5\n"),
                ElementsAre(R"({"sex":"F","extensions":{"a":"5","ab":"4","column_3":"2","q\"":"3","z":"1"}})"));
}

TEST(CsvReader, hands_over_what_the_sender_calls_itself) {
    CsvReader reader;
    std::string sender;
    const auto row = [&](std::size_t, Read<RawData> record) { sender = std::get<RawData>(record).data_center_id; };
    EXPECT_FALSE(reader.feed("data_center_id,sex\nst-mary,F\n", row));
    EXPECT_EQ(sender, "st-mary");
}

TEST(CsvReader, refuses_a_row_of_another_width_and_goes_on) {
    EXPECT_THAT(rows("sex,age\nF\nM,2\nF,1,9\nM,4\n"),
                ElementsAre("csv-row-width 2:2", R"({"age":2,"sex":"M"})", "csv-row-width 4:3", R"({"age":4,"sex":"M"})"));
}

TEST(CsvReader, refuses_a_number_that_nobody_could_have_measured) {
    const std::string digits(1001, '7');
    EXPECT_THAT(rows("sex,age\nF," + digits + "\nM,2\n"), ElementsAre("number-too-long 2:2", R"({"age":2,"sex":"M"})"));
}

TEST(CsvReader, knows_what_is_packed) {
    EXPECT_EQ(header_refusal("\x1F\x8B\x08zz\n"), "content-encoding-missing 1:0");
    EXPECT_EQ(header_refusal(std::string_view("\x1F\x8B\x08\0\0\0\0\0\0\3z\n", 12)), "content-encoding-missing 1:0") << "from a pipe";
    EXPECT_EQ(header_refusal(std::string_view("\x28\xB5\x2F\xFD\0\0z\n", 8)), "content-encoding-missing 1:0");
}

TEST(CsvReader, counts_the_lines_inside_values) {
    EXPECT_THAT(rows("sex,report\nF,\"1\n2\n3\"\n\nM\n"), ElementsAre(R"({"report":"1\n2\n3","sex":"F"})", "csv-row-width 6:2"));
}

TEST(CsvReader, refuses_a_quote_that_nobody_closes) {
    EXPECT_THAT(rows("sex,report\nF,a\nM,\"b\nF,c\n"),
                ElementsAre(R"({"report":"a","sex":"F"})", "csv-quote-open 3:2", R"({"report":"c","sex":"F"})"));
}

TEST(CsvReader, refuses_text_after_a_closing_quote) {
    EXPECT_THAT(rows("sex,report\nF,\"a\"b\nM,c\n"), ElementsAre("csv-quote-misplaced 2:2", R"({"report":"c","sex":"M"})"));
}

TEST(CsvReader, refuses_a_row_that_is_not_utf8_and_goes_on) {
    EXPECT_THAT(rows("sex,report\nF,neumon\xED"
                     "a\nM,c\n\xC3,\xA9\n"),
                ElementsAre("text-not-utf8 2:2", R"({"report":"c","sex":"M"})", "text-not-utf8 4:1"));
}

TEST(CsvReader, refuses_a_row_over_the_bound_and_goes_on_after_it) {
    const Limits limits{.record_bytes_max = 12};
    EXPECT_THAT(
        read({"sex,report\nF,1234567890\nF,12345678901\nF,\"1234567\n\"\"\n,\"\nM,2\n"}, {}, limits).rows,
        ElementsAre(R"({"report":"1234567890","sex":"F"})", "record-too-large 3:2", "record-too-large 4:2", R"({"report":"2","sex":"M"})"));
}

TEST(CsvReader, says_at_the_end_from_which_line_on_nothing_was_read) {
    CsvReader reader({}, {.record_bytes_max = 40});
    std::vector<std::string> got;
    const auto row = [&](std::size_t, const Read<RawData>& read) {
        const auto* refusal = std::get_if<Refusal>(&read);
        got.push_back(refusal ? place(*refusal) : "record");
    };
    EXPECT_FALSE(reader.feed("sex,report\nF,a\nM,\"b\nwords, words\nwords, words\nwords, words\n", row));
    const auto refusal = reader.finish(row);
    EXPECT_THAT(got, ElementsAre("record", "record-too-large 3:2"));
    ASSERT_TRUE(refusal);
    EXPECT_EQ(place(*refusal), "csv-quote-open 3:2");
    EXPECT_THAT(refusal->detail, ::testing::StartsWith("nothing was read from line 3 on"));
}

TEST(CsvReader, refuses_headers_that_say_nothing_or_too_much) {
    EXPECT_EQ(header_refusal(""), "csv-header-missing 1:0");
    EXPECT_EQ(header_refusal("\xEF\xBB\xBF\r\n\n"), "csv-header-missing 1:0");
    EXPECT_EQ(header_refusal("00013,Mass,061Y\n1,2,3\n"), "csv-no-known-column 1:0");
    EXPECT_EQ(header_refusal("\n\nfoo\n"), "csv-no-known-column 3:0");
    EXPECT_EQ(header_refusal("sex,age,sex\n1,2,3\n"), "csv-column-twice 1:3");
    EXPECT_EQ(header_refusal("a,b\n1,2\n", {{"a", "age"}, {"b", "age"}}), "csv-column-twice 1:2");
    EXPECT_EQ(header_refusal("sex,a,b\n", {}, {.columns_max = 2}), "too-many-columns 1:0");
    EXPECT_EQ(header_refusal("sex,\xE9\n"), "text-not-utf8 1:2");
    EXPECT_EQ(header_refusal("sex,\"a\n1,2\n"), "csv-quote-open 1:2");
    EXPECT_EQ(header_refusal("sex,\"a\"b\n1,2\n"), "csv-quote-misplaced 1:2");
    EXPECT_EQ(header_refusal("sex,a\"b\n1,2\n3,4\n"), "csv-quote-misplaced 1:0");
    EXPECT_EQ(header_refusal(std::string(100, 'x'), {}, {.record_bytes_max = 50}), "record-too-large 1:0");
}

TEST(CsvReader, takes_a_header_without_rows) {
    EXPECT_THAT(rows("sex,age"), IsEmpty());
    EXPECT_THAT(rows("sex,age\n"), IsEmpty());
}

TEST(CsvReader, says_the_same_again_when_fed_after_a_refused_header) {
    CsvReader reader;
    const auto row = [](std::size_t, const Read<RawData>&) { ADD_FAILURE(); };
    EXPECT_EQ(reader.feed("foo,bar\n1,2\n", row)->code, "csv-no-known-column");
    EXPECT_EQ(reader.feed("sex\nF\n", row)->code, "csv-no-known-column");
    EXPECT_EQ(reader.finish(row)->code, "csv-no-known-column");
}

TEST(CsvReader, never_quotes_a_value_or_a_name_in_a_refusal) {
    for (const auto* text : {"SECRET,x\n1,2\n", "SECRET,sex,sex\n", "sex,\"SECRET\"SECRET\n", "sex,age\nSECRET\n",
                             "sex,age\nSECRET,\"SECRET", "sex,age\n\"SECRET\"x,SECRET\n", "sex,age\nSECRET\xFF,1\n"}) {
        std::vector<Refusal> refusals;
        const auto row = [&](std::size_t, const Read<RawData>& record) { refusals.push_back(std::get<Refusal>(record)); };
        CsvReader reader;
        if (const auto refusal = reader.feed(text, row)) refusals.push_back(*refusal);
        if (const auto refusal = reader.finish(row)) refusals.push_back(*refusal);
        ASSERT_FALSE(refusals.empty()) << text;
        for (const auto& r : refusals)
            EXPECT_THAT(r.code + r.detail + r.pointer + r.expected + r.found + r.mend, Not(HasSubstr("SECRET"))) << text;
    }
}

TEST(CsvReader, gives_the_same_rows_wherever_the_stream_is_cut) {
    const std::string text =
        "\xEF\xBB\xBF\r\nsex;\"age\";z\"\r\nF;1;a\r\n\r\n\"M\";\"2\r\n\";\"b\"\"\"\rF;3\nM;\"4\"x;\nF;4;c\nF;5;\xC3\xA9\xE9;\n;;\nF;\"6";
    const auto whole = read({text});
    ASSERT_EQ(whole.header, "csv-quote-misplaced 1:0");
    std::string good = text;
    good.erase(good.find("z\"") + 1, 1);
    const auto table = read({good});
    ASSERT_EQ(table.rows.size(), 7U);
    for (std::size_t i = 0; i <= good.size(); ++i)
        for (std::size_t j = i; j <= good.size(); ++j) {
            const std::string_view view = good;
            ASSERT_EQ(read({view.substr(0, i), view.substr(i, j - i), view.substr(j)}), table) << i << " " << j;
        }
}

TEST(CsvReader, gives_the_same_rows_of_any_stream_byte_by_byte) {
    EXPECT_TRUE(rc::check("cut at every byte", [] {
        const auto text = *rc::gen::element<std::string>("sex,x\n", "sex\r\n", "") +
                          *rc::gen::container<std::string>(rc::gen::element('a', '"', ',', '\r', '\n', '\xC3', '\xA9'));
        std::vector<std::string_view> bytes;
        bytes.reserve(text.size());
        for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(std::string_view(text).substr(i, 1));
        const Limits limits{.record_bytes_max = 10};
        RC_ASSERT(read(bytes, {}, limits) == read({text}, {}, limits));
    }));
}

std::string quoted(const std::string& value) {
    std::string text = "\"";
    for (const char c : value) text += c == '"' ? "\"\"" : std::string(1, c);
    return text + '"';
}

TEST(CsvReader, reads_back_any_table_that_was_written) {
    EXPECT_TRUE(rc::check("a written table reads back", [] {
        const auto separator = *rc::gen::element<std::string>(",", ";", "\t");
        const auto line_end = *rc::gen::element<std::string>("\n", "\r\n", "\r");
        const std::vector<FieldId> fields{FieldId::report, FieldId::findings, FieldId::image};
        std::string text = "report" + separator + "findings" + separator + "image";
        std::vector<std::string> expected;
        for (int i = *rc::gen::inRange(0, 8); i > 0; --i) {
            RawData record;
            bool blank = true;
            text += line_end;
            for (const auto field : fields) {
                const auto cell = *rc::gen::container<std::string>(rc::gen::element('a', ' ', '"', ',', ';', '\t', '\r', '\n', '\0', '\\'));
                const bool must = cell.find_first_of("\",;\t\r\n") != std::string::npos;
                if (field != fields.front()) text += separator;
                text += must || *rc::gen::arbitrary<bool>() ? quoted(cell) : cell;
                if (!cell.empty()) record.set(field, Kind::text, cell);
                blank = blank && domain::trimmed(cell).empty();
            }
            if (!blank) expected.push_back(to_canonical_json(record));
        }
        const auto table = read({text});
        RC_ASSERT(table.header.empty());
        RC_ASSERT(table.rows == expected);
    }));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
