// Tests of judging files here: totals, refusals, repeats within the file, packed files, and the printed scorecard.
#include "acopio/examination.hpp"

#include "acopio/json_view.hpp"
#include "acopio/scorecard_view.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <tuple>

namespace acopio {
namespace {

namespace formats = data_center_classifier::infrastructure::formats;

const data_center_classifier::domain::Rubric& rubric() {
    static const auto built_in = formats::built_in_rubric();
    return built_in;
}

std::string gzipped(const std::string& text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(text.size() + 1024, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

struct Examined {
    kernel::Result<void> result;
    Examination examination;
};

Examined examined(const std::string& name, const std::string& content, formats::CsvReader::Mapping mapping = {}) {
    std::string pattern = (std::filesystem::temp_directory_path() / "acopio-check-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    const auto file = std::filesystem::path(pattern) / name;
    std::ofstream(file, std::ios::binary) << content;
    const auto type = file_type_of(name, "");
    EXPECT_TRUE(type);
    auto source = SourceFile::open(file.string());
    EXPECT_TRUE(source);
    Examined out{.result = kernel::ok(),
                 .examination = Examination(rubric(), *kernel::timestamp_from_text("2026-03-02"), type->format, std::move(mapping))};
    out.result = examine(*source, *type, out.examination, [] {});
    std::filesystem::remove_all(pattern);
    return out;
}

const std::string one = R"({"record_id":"CT-1","patient_id":"p1","modality":"CT","body_part":"CHEST","study_date":"2026-03-01"})";
const std::string two = R"({"record_id":"CT-2","patient_id":"p2","modality":"CT","body_part":"CHEST","study_date":"2026-03-01"})";

TEST(Examination, CountsWhatTheIntakeWould) {
    const auto got = examined("a.ndjson", one + "\n" + two + "\n" + one + "\n[1]\n{\"a\":\n");
    ASSERT_TRUE(got.result);
    const auto& totals = got.examination.totals();
    EXPECT_EQ(totals.accepted + totals.quarantined, 2u);
    EXPECT_EQ(totals.duplicate, 1u);
    EXPECT_EQ(totals.refused, 2u);
    EXPECT_EQ(got.examination.troubles().json().size(), 2u);
}

TEST(Examination, ARepeatOfAQuarantinedContentIsQuarantinedAgainAsAtTheIntake) {
    const std::string private_one = R"({"record_id":"CT-3","modality":"CT","report":"Write to john.doe@example.org"})";
    const auto got = examined("a.ndjson", private_one + "\n" + private_one + "\n" + one + "\n" + one + "\n");
    EXPECT_EQ(got.examination.totals().quarantined, 2u);
    EXPECT_EQ(got.examination.totals().accepted, 1u);
    EXPECT_EQ(got.examination.totals().duplicate, 1u);
    EXPECT_EQ(count_of(got.examination.scorecard("a"), "records"), 2u) << "judged once each";
    EXPECT_EQ(got.examination.amending(), 0u);
}

TEST(Examination, CountsRecordsThatTakeAnEarlierOnesPlace) {
    const auto line = [](const std::string& report) { return R"({"record_id":"a","modality":"CT","report":")" + report + "\"}\n"; };
    const auto mended = examined("a.ndjson", line("Write to john.doe@example.org") + line("clear") + line("clear") + line("opacity"));
    EXPECT_EQ(mended.examination.amending(), 2u);
    EXPECT_EQ(mended.examination.totals().quarantined, 1u);
    EXPECT_EQ(mended.examination.totals().accepted, 2u);
    EXPECT_EQ(mended.examination.totals().duplicate, 1u);
    EXPECT_EQ(examined("a.ndjson", one + "\n" + two + "\n").examination.amending(), 0u);
}

TEST(Examination, ReadsOneObjectAndAnArray) {
    EXPECT_EQ(examined("a.json", one).examination.totals().all(), 1u);
    EXPECT_EQ(examined("a.json", "[" + one + "," + two + "]").examination.totals().all(), 2u);
    EXPECT_EQ(examined("a.json", "[" + one).examination.totals().accepted, 0u);
}

TEST(Examination, ReadsCsvWithTheCentresMapping) {
    const auto got = examined("a.csv", "Study,Kind\nCT-1,CT\nCT-2,CT\n", {{"Study", "record_id"}, {"Kind", "modality"}});
    EXPECT_EQ(got.examination.totals().all(), 2u);
    const auto feeds = items_of(got.examination.scorecard("a.csv"), "feeds");
    ASSERT_EQ(feeds.size(), 1u);
    EXPECT_EQ(text_of(feeds[0].get_object(), "feed"), "CT/csv");
}

TEST(Examination, ReadsPackedFilesAsTheIntakeDoes) {
    EXPECT_EQ(examined("a.ndjson.gz", gzipped(one + "\n" + two + "\n")).examination.totals().all(), 2u);
    EXPECT_EQ(examined("a.ndjson.gz", gzipped(one + "\n") + gzipped(two + "\n")).examination.totals().all(), 2u);
    const auto packed = gzipped(one + "\n");
    const auto cut_off = examined("a.ndjson.gz", packed.substr(0, packed.size() - 9));
    ASSERT_FALSE(cut_off.result);
    EXPECT_EQ(cut_off.result.error().code, "body-encoding-broken");
    EXPECT_FALSE(examined("a.ndjson.gz", one).result);
}

TEST(Examination, AnEmptyFileHasNoRecordAndNoGrade) {
    const auto got = examined("a.ndjson", "\n\n");
    EXPECT_TRUE(got.result);
    EXPECT_EQ(got.examination.totals().all(), 0u);
    EXPECT_EQ(text_of(got.examination.scorecard("a"), "grade"), "-");
}

std::uint64_t failed(const Examination& examination, std::string_view check) {
    const auto card = examination.scorecard("a");
    for (const auto& item : items_of(card, "failing"))
        if (text_of(item.get_object(), "check") == check) return item.at("failed").to_number<std::uint64_t>();
    return 0;
}

TEST(Examination, AContentUnderTheIdOfAnotherPatientIsSeenAndAnAmendmentPasses) {
    const auto of = [](const std::string& patient, const std::string& modality) {
        return R"({"record_id":"CT-1",)" + patient + R"("modality":")" + modality + "\"}\n";
    };
    const auto uniq_01 = [](const std::string& lines) {
        const auto got = examined("a.ndjson", lines);
        EXPECT_EQ(got.examination.totals().duplicate, 0u);
        return failed(got.examination, "UNIQ-01");
    };
    const std::string p1 = R"("patient_id":"p1",)", p2 = R"("patient_id":"p2",)";
    EXPECT_EQ(uniq_01(of(p1, "CT") + of(p1, "MR")), 0u);
    EXPECT_EQ(uniq_01(of(p1, "CT") + of(p2, "MR")), 1u);
    EXPECT_EQ(uniq_01(of("", "CT") + of(p2, "MR") + of("", "US")), 0u);
}

TEST(Examination, AContentThatItsRecordNoLongerHasMayComeUnderAnotherId) {
    const auto line = [](const std::string& id, const std::string& modality) {
        return R"({"record_id":")" + id + R"(","study_date":"2026-03-01","modality":")" + modality + "\"}\n";
    };
    EXPECT_EQ(failed(examined("a.ndjson", line("a", "CT") + line("b", "CT")).examination, "UNIQ-02"), 1u);
    EXPECT_EQ(failed(examined("a.ndjson", line("a", "CT") + line("a", "MR") + line("b", "CT")).examination, "UNIQ-02"), 0u);
}

TEST(Examination, AFileThatCannotBeReadIsNoRefusedRecord) {
    for (const auto& [name, content, code] : std::initializer_list<std::tuple<std::string, std::string, std::string>>{
             {"a.csv", "", "csv-header-missing"},
             {"a.csv", "foo,bar\n1,2\n", "csv-no-known-column"},
             {"a.json", "[" + one, "json-broken"},
             {"a.ndjson.gz", gzipped(one + "\n").substr(0, 40), "body-encoding-broken"}}) {
        const auto got = examined(name, content);
        ASSERT_FALSE(got.result) << code;
        EXPECT_EQ(got.result.error().code, code);
        EXPECT_TRUE(got.result.error().message.starts_with("the file could not be read: ")) << got.result.error().message;
        EXPECT_EQ(got.examination.totals().refused, 0u) << code;
    }
}

TEST(Examination, SaysWhatBecameOfTheColumns) {
    const auto got = examined("a.csv", "record_id,Finding Labels,Art,View Position\n1,Mass,CT,PA\n", {{"Art", "modality"}});
    EXPECT_EQ(
        boost::json::serialize(got.examination.names().json().at("columns")),
        R"([{"column":"record_id","field":"record_id","by":"name"},{"column":"Finding Labels","field":"diagnosis","by":"common-name"},)"
        R"({"column":"Art","field":"modality","by":"mapping"},{"column":"View Position","field":null,"by":"extension"}])");
    EXPECT_NE(got.examination.names().text({}).find("kept as an extension"), std::string::npos);
}

TEST(Examination, CountsMembersThatAreNoFieldByNameOnly) {
    const auto got = examined("a.ndjson", R"({"record_id":"1","x\"y":{"secret":["s"]},"z":1})"
                                          "\n"
                                          R"({"record_id":"2","z":"secret"})"
                                          "\n");
    EXPECT_EQ(boost::json::serialize(got.examination.names().json().at("unknown_members")),
              R"([{"name":"x\"y","records":1},{"name":"z","records":2}])");
    EXPECT_EQ(got.examination.names().text({}).find("secret"), std::string::npos);
}

TEST(NamesSeen, AreBounded) {
    NamesSeen names;
    for (int i = 0; i < 30; ++i) names.take_members("{\"m" + std::to_string(i) + "\":1}");
    EXPECT_EQ(names.json().at("unknown_members").as_array().size(), NamesSeen::members_max);
    EXPECT_EQ(names.json().at("further_members").to_number<int>(), 10);
}

TEST(ScorecardText, ShowsGradeDimensionsAndHowToMend) {
    const auto got = examined("a.ndjson", one + "\n" + two + "\n");
    const auto text = scorecard_text(got.examination.scorecard("a.ndjson"), {}, 2);
    EXPECT_TRUE(text.starts_with("a.ndjson  grade "));
    EXPECT_NE(text.find("provisional"), std::string::npos);
    EXPECT_NE(text.find(", grade from its lower 95 % bound "), std::string::npos);
    EXPECT_NE(text.find("at least  grade"), std::string::npos);
    EXPECT_NE(text.find("completeness"), std::string::npos);
    EXPECT_NE(text.find("mend: "), std::string::npos);
    EXPECT_NE(text.find(" more: see --json"), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ScorecardText, SurvivesAnAnswerWithNothingInIt) {
    EXPECT_TRUE(scorecard_text({}, {}).contains("grade -"));
}

}  // namespace
}  // namespace acopio
