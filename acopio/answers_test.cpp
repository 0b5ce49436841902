// Tests of the sums over an intake's answer, and of grouping what was refused.
#include "acopio/answers.hpp"

#include "acopio/json_view.hpp"
#include "acopio/remote.hpp"

#include <gtest/gtest.h>

namespace acopio {
namespace {

std::string refused_line(int index, int line, const std::string& code) {
    return R"({"index":)" + std::to_string(index) + R"(,"status":"refused","problem":{"status":400,"code":")" + code +
           R"(","detail":"the JSON ends in the middle","line":)" + std::to_string(line) + R"(,"mend":"send whole lines"}})";
}

TEST(IntakeAnswers, AddsUpAStream) {
    IntakeAnswers answers(Format::json);
    answers.take_line(R"({"index":0,"status":"accepted","record_id":"CT-1"})");
    answers.take_line(R"({"index":1,"status":"quarantined","record_id":"CT-2"})");
    answers.take_line(refused_line(2, 3, "json-broken"));
    EXPECT_FALSE(answers.done());
    EXPECT_EQ(answers.items(), 3u);
    EXPECT_EQ(answers.totals().all(), 3u);
    answers.take_line(R"({"accepted":1,"duplicate":0,"quarantined":1,"refused":1,"done":true})");
    EXPECT_TRUE(answers.done());
    EXPECT_FALSE(answers.broken());
    EXPECT_EQ(answers.totals().quarantined, 1u);
}

TEST(IntakeAnswers, AStreamThatBrokeOffIsNotDone) {
    IntakeAnswers answers(Format::json);
    answers.take_line(R"({"accepted":7,"duplicate":0,"quarantined":0,"refused":0,"done":false,)"
                      R"("problem":{"status":503,"code":"log-queue-full","detail":"too much is waiting"}})");
    EXPECT_FALSE(answers.done());
    ASSERT_TRUE(answers.broken());
    EXPECT_EQ(answers.broken()->kind, kernel::ErrorKind::unavailable);
    EXPECT_EQ(answers.totals().accepted, 7u);
}

TEST(IntakeAnswers, ReadsOneRecordsAnswer) {
    IntakeAnswers answers(Format::json);
    answers.take_body(202, R"({"status":"accepted","receipt_id":"00","score":93.1,"findings":[]})");
    EXPECT_TRUE(answers.done());
    EXPECT_EQ(answers.totals().accepted, 1u);
}

TEST(IntakeAnswers, ReadsAnArraysAnswer) {
    IntakeAnswers answers(Format::json);
    answers.take_body(202, R"({"accepted":1,"duplicate":1,"quarantined":0,"refused":1,"items":[{"index":0,"status":"accepted"},)"
                           R"({"index":1,"status":"duplicate"},)" +
                               refused_line(2, 1, "record-not-an-object") + "]}");
    EXPECT_TRUE(answers.done());
    EXPECT_EQ(answers.totals().all(), 3u);
    EXPECT_EQ(answers.troubles().json().size(), 1u);
}

TEST(IntakeAnswers, OneRefusedRecordIsAnAnswerAndNotABreak) {
    IntakeAnswers answers(Format::json);
    answers.take_body(422, R"({"status":422,"code":"record-id-invalid","detail":"the record id is too long"})");
    EXPECT_TRUE(answers.done());
    EXPECT_FALSE(answers.broken());
    EXPECT_EQ(answers.totals().refused, 1u);
}

TEST(IntakeAnswers, AFileThatCannotBeReadIsNoRefusedRecord) {
    IntakeAnswers whole(Format::csv);
    whole.take_body(400, R"({"status":400,"code":"csv-header-missing","detail":"there is no header","line":1,"mend":"send a header row"})");
    ASSERT_TRUE(whole.broken());
    EXPECT_EQ(whole.broken()->message, "the file could not be read: there is no header (line 1). Send a header row");
    EXPECT_EQ(whole.totals().refused, 0u);
    IntakeAnswers cut_off(Format::ndjson);
    cut_off.take_line(R"({"accepted":2,"duplicate":0,"quarantined":0,"refused":0,"done":false,)"
                      R"("problem":{"status":400,"code":"body-encoding-broken","detail":"it ends in the middle"}})");
    ASSERT_TRUE(cut_off.broken());
    EXPECT_TRUE(cut_off.broken()->message.starts_with("the file could not be read: "));
    EXPECT_EQ(cut_off.totals().accepted, 2u);
}

TEST(IntakeAnswers, AMissingKeyIsABreak) {
    IntakeAnswers answers(Format::json);
    answers.take_body(401, R"({"status":401,"code":"key-unknown","detail":"the key is not known here"})");
    ASSERT_TRUE(answers.broken());
    EXPECT_EQ(answers.broken()->kind, kernel::ErrorKind::forbidden);
    EXPECT_EQ(answers.totals().all(), 0u);
}

TEST(IntakeAnswers, WhatIsNoAnswerOfAcopioIsABreak) {
    IntakeAnswers lines(Format::json);
    lines.take_line("<html>");
    EXPECT_TRUE(lines.broken());
    IntakeAnswers body(Format::json);
    body.take_body(200, "<html>");
    EXPECT_TRUE(body.broken());
}

TEST(TroubleGroups, GroupByCodeMostFrequentFirstWithFirstLines) {
    TroubleGroups groups;
    for (std::uint64_t line = 1; line <= 7; ++line)
        groups.add(
            {.code = "json-broken", .detail = "the JSON ends in the middle", .mend = "send whole lines", .line = line, .item = line - 1});
    groups.add({.code = "a-rare-one", .detail = "", .mend = "", .line = {}, .item = 4});
    EXPECT_EQ(groups.text({}),
              "  json-broken  7 records, lines 1, 2, 3, 4, 5, ...\n"
              "    the JSON ends in the middle\n"
              "    mend: send whole lines\n"
              "  a-rare-one  1 record, item 4\n");
    const auto json = groups.json();
    ASSERT_EQ(json.size(), 2u);
    EXPECT_EQ(count_of(json[0].get_object(), "count"), 7u);
}

TEST(TroubleGroups, AreBoundedHoweverManyCodesThereAre) {
    TroubleGroups groups;
    for (int i = 0; i < 250; ++i) groups.add({.code = "code-" + std::to_string(i), .detail = "", .mend = "", .line = {}, .item = {}});
    EXPECT_EQ(groups.json().size(), TroubleGroups::groups_max);
    EXPECT_NE(groups.text({}).find("150 of further kinds"), std::string::npos);
}

TEST(Advice, IsASentenceOfItsOwnAndLeavesNamesAsTheyAre) {
    EXPECT_EQ(with_advice("it is too long", "send less"), "it is too long. Send less");
    EXPECT_EQ(with_advice("it is too long.", "Send less."), "it is too long. Send less.");
    EXPECT_EQ(with_advice("it is missing", "record_id is needed"), "it is missing. record_id is needed");
    EXPECT_EQ(with_advice("it is missing", ""), "it is missing");
}

TEST(ErrorFromAnswer, HasTheKindOfItsStatusAndSaysWhatToDo) {
    using enum kernel::ErrorKind;
    EXPECT_EQ(error_from(400, "{}").kind, incorrect);
    EXPECT_EQ(error_from(401, "{}").kind, forbidden);
    EXPECT_EQ(error_from(404, "{}").kind, not_found);
    EXPECT_EQ(error_from(409, "{}").kind, conflict);
    EXPECT_EQ(error_from(503, "").kind, unavailable);
    EXPECT_EQ(error_from(500, "not json").kind, fault);
    const auto error = error_from(400, R"({"code":"filter-unknown","detail":"no filter of that name","mend":"see the list"})");
    EXPECT_EQ(error.code, "filter-unknown");
    EXPECT_EQ(error.message, "no filter of that name. See the list");
}

TEST(JsonText, WritesNumbersAsPeopleDo) {
    const std::string text = R"({"score":86.2,"n":3,"items":[1.5,null,true,"a\"b"],"empty":{},"none":[]})";
    EXPECT_EQ(json_text(boost::json::parse(text)), text);
}

}  // namespace
}  // namespace acopio
