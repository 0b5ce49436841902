// Tests of judging files here: totals, refusals, repeats within the file, packed files, and the printed scorecard.
#include "acopio/examination.hpp"

#include "acopio/json_view.hpp"
#include "acopio/scorecard_view.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

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

TEST(Examination, AnotherContentUnderOneIdIsSeen) {
    const auto other = R"({"record_id":"CT-1","patient_id":"p1","modality":"MR","body_part":"CHEST","study_date":"2026-03-01"})";
    const auto got = examined("a.ndjson", one + "\n" + other + "\n");
    EXPECT_EQ(got.examination.totals().duplicate, 0u);
    bool seen = false;
    const auto card = got.examination.scorecard("a");
    for (const auto& item : items_of(card, "failing")) seen = seen || text_of(item.get_object(), "dimension") == "uniqueness";
    EXPECT_TRUE(seen);
}

TEST(ScorecardText, ShowsGradeDimensionsAndHowToMend) {
    const auto got = examined("a.ndjson", one + "\n" + two + "\n");
    const auto text = scorecard_text(got.examination.scorecard("a.ndjson"), {}, 2);
    EXPECT_TRUE(text.starts_with("a.ndjson  grade "));
    EXPECT_NE(text.find("provisional"), std::string::npos);
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
