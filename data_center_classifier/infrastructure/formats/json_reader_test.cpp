// JsonReader: what it takes, and what it refuses and how it says so.
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldId;
using domain::Kind;
using domain::RawData;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

RawData taken(std::string_view json, Limits limits = {}) {
    auto read = JsonReader(limits).record(json);
    EXPECT_TRUE(std::holds_alternative<RawData>(read))
        << json << ": " << std::get<Refusal>(read).code << " " << std::get<Refusal>(read).detail;
    return std::holds_alternative<RawData>(read) ? std::get<RawData>(std::move(read)) : RawData{};
}

Refusal refused(std::string_view json, Limits limits = {}, std::uint64_t line = 0) {
    auto read = JsonReader(limits).record(json, line);
    EXPECT_TRUE(std::holds_alternative<Refusal>(read)) << json;
    return std::holds_alternative<Refusal>(read) ? std::get<Refusal>(std::move(read)) : Refusal{};
}

struct Body {
    std::string shape;               // "object", "array", or the code of the refusal of the whole
    std::vector<std::string> items;  // canonical JSON, or "code line:column"
};

std::string place(const Refusal& refusal) {
    return refusal.code + " " + std::to_string(refusal.line.value_or(0)) + ":" + std::to_string(refusal.column.value_or(0));
}

Body body(std::string_view json, Limits limits = {}) {
    Body seen;
    JsonReader reader(limits);
    const auto shape = reader.body(json, [&](std::size_t index, Read<RawData> read) {
        EXPECT_EQ(index, seen.items.size());
        const auto* refusal = std::get_if<Refusal>(&read);
        seen.items.push_back(refusal ? place(*refusal) : to_canonical_json(std::get<RawData>(read)));
    });
    const auto* refusal = std::get_if<Refusal>(&shape);
    if (refusal) seen.shape = place(*refusal);
    else seen.shape = std::get<JsonReader::Shape>(shape) == JsonReader::Shape::object ? "object" : "array";
    return seen;
}

TEST(JsonReader, keeps_the_kind_of_every_value) {
    const auto record =
        taken(R"({"report":"ok","age":61,"normal":true,"abnormal":false,"sex":null,"findings":["a", {"c":1,"b":2}],"other":{}})");
    EXPECT_EQ(record[FieldId::report].kind, Kind::text);
    EXPECT_EQ(record[FieldId::age].kind, Kind::number);
    EXPECT_EQ(record[FieldId::age].text, "61");
    EXPECT_EQ(record[FieldId::normal].text, "true");
    EXPECT_EQ(record[FieldId::abnormal].kind, Kind::boolean);
    EXPECT_EQ(record[FieldId::sex].kind, Kind::null);
    EXPECT_EQ(record[FieldId::findings].kind, Kind::other);
    EXPECT_EQ(record[FieldId::findings].text, R"(["a",{"b":2,"c":1}])");
    EXPECT_EQ(record[FieldId::other].text, "{}");
    EXPECT_EQ(record[FieldId::image].kind, Kind::absent);
}

TEST(JsonReader, keeps_control_characters_that_were_escaped) {
    EXPECT_EQ(taken(R"({"report":"a\u0000b\u0007"})")[FieldId::report].text, std::string_view("a\0b\a", 4));
}

TEST(JsonReader, refuses_a_member_that_stands_twice_and_says_where) {
    const auto refusal = refused(R"({"sex":"F","sex":"M"})", {}, 4);
    EXPECT_EQ(place(refusal), "member-twice 4:12");
    EXPECT_EQ(refusal.pointer, "/sex");
    EXPECT_EQ(refused(R"({"sex":"F","\u0073ex":"F"})").pointer, "/sex");
    EXPECT_EQ(refused(R"({"data_center_id":"a","data_center_id":"b"})").pointer, "/data_center_id");
    EXPECT_EQ(refused(R"({"extensions":{},"extensions":{}})").pointer, "/extensions");
    EXPECT_EQ(place(refused(R"({"SECRET":1,"b":2,"SECRET":3})", {}, 1)), "member-twice 1:19");
    EXPECT_EQ(refused(R"({"SECRET":1,"SECRET":3})").pointer, "") << "a name that we do not know is not quoted";
    EXPECT_EQ(refused(R"({"x":{"a":1,"a":1}})").code, "member-twice");
    EXPECT_EQ(refused(R"({"findings":[{"a":1,"a":1}]})").pointer, "/findings");
    EXPECT_EQ(refused(R"({"x":1,"extensions":{"x":1}})").code, "member-twice");
    EXPECT_EQ(taken(R"({"a":1,"x":{"a":1},"y":{"a":1}})").extensions, R"({"a":1,"x":{"a":1},"y":{"a":1}})");
}

TEST(JsonReader, says_that_a_name_stands_in_the_extensions_and_beside_them) {
    for (const auto* json : {R"({"ward":1,"extensions":{"bed":1,"ward":2}})", R"({"extensions":{"ward":2},"ward":1})"}) {
        const auto refusal = refused(json);
        EXPECT_EQ(refusal.code, "member-twice");
        EXPECT_EQ(refusal.pointer, "/extensions");
        EXPECT_THAT(refusal.detail, testing::HasSubstr("beside it")) << json;
    }
    EXPECT_THAT(refused(R"({"a":1,"extensions":{"x":1,"x":2}})").detail, testing::HasSubstr("one object"));
}

TEST(JsonReader, refuses_a_number_that_nobody_could_have_measured) {
    const std::string digits(1001, '7');
    auto refusal = refused(R"({"sex":"F","age":)" + digits + "}");
    EXPECT_EQ(place(refusal), "number-too-long 0:18");
    EXPECT_EQ(refusal.pointer, "/age");
    EXPECT_EQ(refusal.expected, "at most 1000 characters");
    EXPECT_EQ(refusal.found, "1001 characters");
    EXPECT_EQ(refused(R"({"x":{"y":[0.)" + digits + "]}}").code, "number-too-long");
    EXPECT_EQ(taken(R"({"age":)" + digits.substr(1) + "}")[FieldId::age].text.size(), 1000u);
}

TEST(JsonReader, shows_the_escape_that_is_none) {
    EXPECT_EQ(place(refused(R"({"sex":"F","report":"ok \n \x41"})")), "json-broken 0:28");
    EXPECT_EQ(place(refused(R"({"report":"\ud83d\ude00 \ud83d"})")), "json-broken 0:25");
    EXPECT_EQ(place(refused(R"({"report":"\u12g4"})")), "json-broken 0:12");
}

TEST(JsonReader, knows_what_is_packed) {
    const std::string_view from_a_pipe("\x1F\x8B\x08\0\0\0\0\0\0\3", 10);  // without a time
    for (const auto& [bytes, how] : std::initializer_list<std::pair<std::string_view, const char*>>{
             {"\x1F\x8B\x08zz", "gzip"}, {from_a_pipe, "gzip"}, {"\x28\xB5\x2F\xFDzz", "zstd"}}) {
        const auto refusal = refused(bytes);
        EXPECT_EQ(refusal.code, "content-encoding-missing");
        EXPECT_EQ(refusal.mend, std::string("set Content-Encoding: ") + how);
    }
}

TEST(JsonReader, knows_common_names_of_fields_when_nothing_else_claims_the_field) {
    const auto canonical = [](std::string_view json) { return to_canonical_json(taken(json)); };
    EXPECT_EQ(canonical(R"({"Record_ID":"b10","Patient Age":61,"Diagnóstico":"x","Modality":null,"NORMAL":true})"),
              R"({"record_id":"b10","diagnosis":"x","modality":null,"age":61,"normal":true})");
    EXPECT_EQ(canonical(R"({"gender":"F","sex":"M"})"), R"({"sex":"M","extensions":{"gender":"F"}})");
    EXPECT_EQ(canonical(R"({"sex":"M","gender":"F"})"), R"({"sex":"M","extensions":{"gender":"F"}})");
    EXPECT_EQ(canonical(R"({"sexo":"a\"","gender":null})"), R"({"sex":"a\"","extensions":{"gender":null}})");
    EXPECT_EQ(canonical(R"({"subject":{"reference":"Patient/7"}})"), R"({"extensions":{"subject":{"reference":"Patient/7"}}})");
    EXPECT_EQ(refused(R"({"Modality":CT})").code, "json-broken");
}

TEST(JsonReader, shares_out_common_names_as_csv_does) {
    const auto canonical = [](std::string_view json) { return to_canonical_json(taken(json)); };
    for (const auto* json : {R"({"AccessionNumber":"A1","ExamID":"1"})", R"({"ExamID":"1","AccessionNumber":"A1"})"})
        EXPECT_EQ(canonical(json), R"({"record_id":"A1","extensions":{"ExamID":"1"}})");
    for (const auto* json : {R"({"Patient ID":"1","PatientID":"2"})", R"({"PatientID":"2","Patient ID":"1"})"})
        EXPECT_EQ(canonical(json), R"({"patient_id":"1","extensions":{"PatientID":"2"}})");
    EXPECT_EQ(canonical(R"({"exam_id":"50","dicom_id":"a"})"), R"({"record_id":"a","image":"a","extensions":{"exam_id":"50"}})");
    EXPECT_EQ(canonical(R"({"exam_id":"50","record_id":"7","dicom_id":"a"})"),
              R"({"record_id":"7","image":"a","extensions":{"exam_id":"50"}})");
    EXPECT_EQ(refused(R"({"exam_id":"50","exam_id":"51","image_id":"1"})").code, "member-twice");
    EXPECT_EQ(refused(R"({"MRN":"1","MRN":"2"})").code, "member-twice");
    EXPECT_EQ(refused(R"({"patient_id":"1","MRN":"1","MRN":"2"})").code, "member-twice");
}

TEST(JsonReader, derives_the_id_of_a_record_where_that_of_its_study_would_name_several) {
    const auto canonical = [](std::string_view json) { return to_canonical_json(taken(json)); };
    EXPECT_EQ(canonical(R"({"exam_id":"50","image_id":"1"})"), R"({"image":"1","extensions":{"exam_id":"50"}})");
    EXPECT_EQ(canonical(R"({"accession":"A1","file_path":"a.dcm"})"), R"({"image":"a.dcm","extensions":{"accession":"A1"}})");
    EXPECT_EQ(canonical(R"({"filename":"a.dcm","accession":"A1"})"), R"({"image":"a.dcm","extensions":{"accession":"A1"}})");
    EXPECT_EQ(canonical(R"({"exam_id":7,"file_name":"a.png"})"), R"({"image":"a.png","extensions":{"exam_id":7}})");
    EXPECT_EQ(canonical(R"({"AccessionNumber":"A1","image":"a.png"})"), R"({"image":"a.png","extensions":{"AccessionNumber":"A1"}})");
    EXPECT_EQ(canonical(R"({"AccessionNumber":"A1","SeriesInstanceUID":"1.2"})"),
              R"({"image":"1.2","extensions":{"AccessionNumber":"A1"}})");
    EXPECT_EQ(canonical(R"({"AccessionNumber":"A1","series_id":["1"]})"), R"({"extensions":{"AccessionNumber":"A1","series_id":["1"]}})");
    EXPECT_EQ(canonical(R"({"AccessionNumber":"A1","StudyInstanceUID":"1.2"})"), R"({"record_id":"A1","image":"1.2"})");
    EXPECT_EQ(canonical(R"({"study_id":"1","sex":"F"})"), R"({"sex":"F","extensions":{"study_id":"1"}})");
}

struct Hint {
    std::string_view json, code, detail, expected, mend;
};

TEST(JsonReader, says_what_is_wrong_and_how_to_mend_it) {
    for (const auto& hint : std::initializer_list<Hint>{
             {R"({"age":1} {"age":2})", "json-broken", "something follows the record", "the end of the record", "line feed between"},
             {R"({"age":1},)", "json-broken", "something follows the record", "the end of the record", "comma between lines"},
             {R"({"age":1}x)", "json-broken", "something follows the record", "the end of the record", "one record a line"},
             {R"({"age":1}})", "json-broken", "something follows the record", "the end of the record", "one record a line"},
             {R"({"age":NaN})", "json-broken", "number that is none", "or null", "send null"},
             {R"({"x":-Infinity})", "json-broken", "number that is none", "or null", "send null"},
             {R"({"age":None})", "json-broken", "number that is none", "or null", "send null"},
             {R"({"normal":True})", "json-broken", "small letters", "true or false", "JSON library"},
             {R"({"sex":'F'})", "json-broken", "single quotes", "double quotes", "instead of '"},
             {R"({'sex':"F"})", "json-broken", "single quotes", "double quotes", "instead of '"},
             {R"({"age":1,})", "json-broken", "comma stands before", "a further member", "leave out the comma"},
             {R"({"x":[1, ]})", "json-broken", "comma stands before", "a further member", "leave out the comma"},
             {R"({"age":6x})", "json-broken", "neither a text nor a number", "a number", "JSON library"},
             {R"([{"age":1},)", "record-not-an-object", "a JSON object", "an object", "application/json"},
             {std::string_view("{\0\"\0", 4), "text-not-utf8", "UTF-16", "UTF-8", "send UTF-8"},
             {"\xFF\xFE{", "text-not-utf8", "UTF-16", "UTF-8", "send UTF-8"},
             {std::string_view("\0\0\0{", 4), "text-not-utf8", "UTF-16", "UTF-8", "send UTF-8"},
         }) {
        const auto refusal = refused(hint.json, {}, 1);
        EXPECT_EQ(refusal.code, hint.code) << hint.json;
        EXPECT_THAT(refusal.detail, HasSubstr(std::string(hint.detail))) << hint.json;
        EXPECT_THAT(refusal.expected, HasSubstr(std::string(hint.expected))) << hint.json;
        EXPECT_THAT(refusal.mend, HasSubstr(std::string(hint.mend))) << hint.json;
    }
    EXPECT_EQ(place(refused(R"({"age":1} x)", {}, 1)), "json-broken 1:11");
    EXPECT_EQ(refused("not json").found, "something that is not JSON");
    EXPECT_THAT(refused("[]").mend, Not(HasSubstr("a line"))) << "no line, no hint of lines";
}

TEST(JsonReader, knows_a_name_that_was_written_with_escapes) {
    EXPECT_EQ(taken(R"({"\u0073ex":"F"})")[FieldId::sex].text, "F");
}

TEST(JsonReader, hands_over_what_the_sender_calls_itself_and_refuses_what_is_not_text) {
    EXPECT_EQ(taken(R"({"data_center_id":"st-mary"})").data_center_id, "st-mary");
    const auto refusal = refused(R"({"sex":"F","data_center_id":[1]})");
    EXPECT_EQ(refusal.code, "data-center-id-not-text");
    EXPECT_EQ(refusal.pointer, "/data_center_id");
    EXPECT_EQ(refusal.found, "an array");
}

TEST(JsonReader, passes_over_a_byte_order_mark_and_space_around_the_record) {
    EXPECT_EQ(taken("\xEF\xBB\xBF \r\n{\"sex\":\"F\"}\n ")[FieldId::sex].text, "F");
}

TEST(JsonReader, can_be_used_again_after_a_refusal) {
    JsonReader reader;
    EXPECT_TRUE(std::holds_alternative<Refusal>(reader.record(R"({"sex":"F","x":{"y":[1,)")));
    const auto read = reader.record(R"({"age":3})");
    ASSERT_TRUE(std::holds_alternative<RawData>(read));
    EXPECT_EQ(to_canonical_json(std::get<RawData>(read)), R"({"age":3})");
}

TEST(JsonReader, refuses_every_kind_of_broken_json) {
    for (const auto* json : {"",
                             " ",
                             "{",
                             "}",
                             R"({"a")",
                             R"({"a":})",
                             R"({"a":1,})",
                             R"({"a":1 "b":2})",
                             R"({"a":1}})",
                             R"({"a":1}{})",
                             R"({"a":[1})",
                             R"({"a":{"b":1})",
                             R"({"a":[1 2]})",
                             R"({"a":[1,]})",
                             R"({"a":[,1]})",
                             R"({a:1})",
                             R"({"a":tru})",
                             R"({"a":nulll})",
                             R"({"a":01})",
                             R"({"a":1.})",
                             R"({"a":.5})",
                             R"({"a":+1})",
                             R"({"a":1e})",
                             R"({"a":-})",
                             R"({"a":NaN})",
                             R"({"a":"x)",
                             R"({"a":"\x"})",
                             R"({"a":"\u12"})",
                             R"({"a":"\ud800"})",
                             R"({"a":"\udc00"})",
                             "{\"a\":\"x\ny\"}",
                             R"({"a":'x'})",
                             R"({"sex":tru})",
                             R"({"sex":0x1})",
                             R"({"age":1 2})",
                             R"({"a":1}//)",
                             R"({"a" 1})",
                             R"({1:1})",
                             R"({"a":1,,"b":2})",
                             R"({,})"}) {
        const auto code = refused(json).code;
        EXPECT_EQ(code, std::string_view(json) == "}" ? "record-not-an-object" : "json-broken") << json;
    }
}

TEST(JsonReader, says_where_the_json_is_broken) {
    EXPECT_EQ(place(refused(R"({"age":6x})", {}, 12)), "json-broken 12:8");
    EXPECT_EQ(place(refused("{\"report\":\"two\nlines\"}", {}, 3)), "json-broken 3:15");
    EXPECT_EQ(refused(R"({"age":6x})").line, std::nullopt);
    EXPECT_EQ(refused(R"({"age":6x})").pointer, "/age");
    EXPECT_EQ(body("{\"sex\":\"F\",\n \"age\":6x}").shape, "json-broken 2:8");
}

TEST(JsonReader, refuses_what_is_not_an_object_and_says_what_it_is) {
    EXPECT_EQ(refused("[]").found, "an array");
    EXPECT_EQ(refused("12").found, "a number");
    EXPECT_EQ(refused("null").found, "null");
    EXPECT_EQ(refused("true").found, "a boolean");
    EXPECT_EQ(refused(R"("x")").found, "a text");
    EXPECT_EQ(refused("patient").found, "something that is not JSON");
    EXPECT_EQ(refused("[]").code, "record-not-an-object");
}

TEST(JsonReader, refuses_bytes_that_are_not_utf8_and_says_where) {
    EXPECT_EQ(place(refused("{\"report\":\"caf\xE9\"}", {}, 1)), "text-not-utf8 1:15");
    for (const auto* bytes :
         {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xFF", "\xF0\x80\x80\x80", "\xE0\x80\x80"})
        EXPECT_EQ(refused("{\"report\":\"" + std::string(bytes) + "\"}").code, "text-not-utf8");
}

TEST(JsonReader, never_quotes_a_value_in_a_refusal) {
    for (const auto* json : {R"({"report":"SECRET","age":SECRET})", R"({"report":"SECRET\q"})", R"({"data_center_id":{"SECRET":1}})",
                             R"({"SECRET":{"SECRET":tru}})", "SECRET", R"("SECRET")", R"({"report":"SECRET)"}) {
        const auto refusal = refused(json);
        const auto all = refusal.code + refusal.detail + refusal.pointer + refusal.expected + refusal.found + refusal.mend;
        EXPECT_THAT(all, Not(HasSubstr("SECRET"))) << json;
    }
}

std::string nested(std::size_t depth, const std::string& member) {
    return "{\"" + member + "\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

TEST(JsonReader, refuses_what_lies_too_deep) {
    taken(nested(63, "findings"));
    EXPECT_EQ(refused(nested(64, "findings")).code, "json-too-deep");
    EXPECT_EQ(refused(nested(64, "findings")).pointer, "/findings");
    taken(nested(62, "x"));  // it stands in "extensions" later
    EXPECT_EQ(refused(nested(63, "x")).code, "json-too-deep");
    taken(R"({"extensions":)" + nested(62, "x") + "}");
    EXPECT_EQ(refused(R"({"extensions":)" + nested(63, "x") + "}").code, "json-too-deep");
    EXPECT_EQ(refused(nested(100'000, "x")).code, "json-too-deep");
}

TEST(JsonReader, refuses_a_record_over_the_bound_and_takes_one_of_it) {
    const std::string json = R"({"sex":"F"})";
    taken(json, {.record_bytes_max = json.size()});
    const auto refusal = refused(json, {.record_bytes_max = json.size() - 1});
    EXPECT_EQ(refusal.code, "record-too-large");
    EXPECT_EQ(refusal.found, "11 bytes");
}

TEST(JsonReader, reads_a_body_of_one_object) {
    const auto seen = body(" {\"sex\":\"F\"}\n");
    EXPECT_EQ(seen.shape, "object");
    EXPECT_THAT(seen.items, ElementsAre(R"({"sex":"F"})"));
}

TEST(JsonReader, refuses_a_body_that_is_one_broken_record_as_a_whole) {
    EXPECT_EQ(body("{").shape, "json-broken 1:2");
    EXPECT_EQ(body("").shape, "json-broken 1:1");
    EXPECT_EQ(body("5").shape, "record-not-an-object 1:1");
}

TEST(JsonReader, reads_the_items_of_an_array_one_by_one_and_refuses_only_the_bad_ones) {
    const auto seen = body("[{\"sex\":\"],[{\\\"\"},\n {\"age\":x}, 5 ,\n[1],\"a,b\", {\"a\":{\"b\":[1,2]}},\n{\"report\":\"\xFF\"}\n] ");
    EXPECT_EQ(seen.shape, "array");
    EXPECT_THAT(seen.items, ElementsAre(R"({"sex":"],[{\""})", "json-broken 2:9", "record-not-an-object 2:13", "record-not-an-object 3:1",
                                        "record-not-an-object 3:5", R"({"extensions":{"a":{"b":[1,2]}}})", "text-not-utf8 4:12"));
}

TEST(JsonReader, takes_an_empty_array) {
    EXPECT_EQ(body("[]").shape, "array");
    EXPECT_EQ(body(" [ \n] ").items.size(), 0U);
}

TEST(JsonReader, refuses_an_array_whose_end_cannot_be_found_before_it_delivers_anything) {
    for (const auto* json : {"[", R"([{"a":1})", R"([{"a":1},])", R"([,{"a":1}])", R"([{"a":1},,{}])", R"([{"a":"x}])", R"([{}]x)",
                             R"([{}][])", "[{}}]", "[}", "[]]"}) {
        const auto seen = body(json);
        EXPECT_THAT(seen.shape, HasSubstr("json-broken")) << json;
        EXPECT_EQ(seen.items.size(), 0U) << json;
    }
}

TEST(JsonReader, refuses_a_body_with_too_many_items_before_it_delivers_anything) {
    EXPECT_EQ(body("[{},{}]", {.items_max = 2}).items.size(), 2U);
    const auto seen = body("[{},{},{}]", {.items_max = 2});
    EXPECT_THAT(seen.shape, HasSubstr("too-many-items"));
    EXPECT_EQ(seen.items.size(), 0U);
}

TEST(JsonReader, bounds_each_item_and_not_the_array) {
    EXPECT_THAT(body(R"([{"sex":"F"},{"sex":"FF"},{"sex":"M"}])", {.record_bytes_max = 11}).items,
                ElementsAre(R"({"sex":"F"})", "record-too-large 1:14", R"({"sex":"M"})"));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
