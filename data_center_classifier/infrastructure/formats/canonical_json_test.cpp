// Canonical JSON: one text per record, and a fixed point of reading.
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldId;
using domain::Kind;
using domain::RawData;

std::string canonical(std::string_view json) {
    JsonReader reader;
    auto read = reader.record(json);
    if (auto* refusal = std::get_if<Refusal>(&read)) return "refused: " + refusal->code;
    return to_canonical_json(std::get<RawData>(read));
}

TEST(CanonicalJson, of_an_empty_record_is_an_empty_object) {
    EXPECT_EQ(to_canonical_json(RawData{}), "{}");
}

TEST(CanonicalJson, has_the_fields_in_their_own_order_and_leaves_absent_ones_out) {
    EXPECT_EQ(canonical(R"({ "modality" : "CT", "record_id":"r-1", "age": 61 })"), R"({"record_id":"r-1","modality":"CT","age":61})");
}

TEST(CanonicalJson, keeps_numbers_as_they_were_written) {
    EXPECT_EQ(canonical(R"({"age":61.50,"birth_year":1.9e3,"x":-0,"y":12345678901234567890123})"),
              R"({"age":61.50,"birth_year":1.9e3,"extensions":{"x":-0,"y":12345678901234567890123}})");
}

TEST(CanonicalJson, keeps_null_empty_and_absent_apart) {
    EXPECT_EQ(canonical(R"({"sex":null,"report":""})"), R"({"report":"","sex":null})");
}

TEST(CanonicalJson, escapes_only_what_must_be) {
    EXPECT_EQ(canonical(R"({"report":"a\/b\u0041\u00e9\"\\\b\f\n\r\t\u0001\u001F\u007f\u0000"})"),
              "{\"report\":\"a/bA\xC3\xA9\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\\u0000\"}");
}

TEST(CanonicalJson, sorts_the_names_of_extensions_at_every_level) {
    EXPECT_EQ(canonical(R"({"b":{"z":3,"a":[{"d":1,"c":2}]},"a":"x","ab":0,"b2":[]})"),
              R"({"extensions":{"a":"x","ab":0,"b":{"a":[{"c":2,"d":1}],"z":3},"b2":[]}})");
    EXPECT_EQ(canonical(R"({"y":2,"x":3})"), R"({"extensions":{"x":3,"y":2}})");
}

TEST(CanonicalJson, leaves_extensions_that_have_a_common_name_of_a_field_where_they_are) {
    EXPECT_EQ(canonical(R"({"extensions":{"Patient ID":"7"}})"), R"({"extensions":{"Patient ID":"7"}})");
    EXPECT_EQ(canonical(R"({"Patient ID":"7"})"), R"({"patient_id":"7"})");
}

TEST(CanonicalJson, merges_a_senders_extensions_with_its_unknown_members) {
    EXPECT_EQ(canonical(R"({"dose":1,"extensions":{"kvp":2,"age":3,"extensions":{"a":1}}})"),
              R"({"extensions":{"age":3,"dose":1,"extensions":{"a":1},"kvp":2}})");
    EXPECT_EQ(canonical(R"({"extensions":{}})"), "{}");
    EXPECT_EQ(canonical(R"({"extensions":5})"), R"({"extensions":{"extensions":5}})");
}

TEST(CanonicalJson, can_leave_out_the_record_id_and_only_that) {
    RawData record;
    record.set(FieldId::record_id, Kind::text, "r-1");
    record.set(FieldId::modality, Kind::text, "CT");
    EXPECT_EQ(to_canonical_json(record, false), R"({"modality":"CT"})");
}

TEST(CanonicalJson, does_not_hold_the_senders_name_for_itself) {
    EXPECT_EQ(canonical(R"({"data_center_id":"st-mary","sex":"F"})"), R"({"sex":"F"})");
}

std::string random_object(int depth);

// Writes a random JSON value in one of the ways that a sender might.
std::string random_value(int depth) {
    const auto space = *rc::gen::element<std::string>("", " ", "\n\t");
    switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
        case 0: return space + *rc::gen::element<std::string>("null", "true", "false");
        case 1: return space + *rc::gen::element<std::string>("0", "-0.0", "1e9", "1E-09", "123456789012345678901", "61") + space;
        case 2: return *rc::gen::element<std::string>(R"("\u00e9\ud83d\ude00")", R"("\/\b\u0008")", R"("")");
        case 3: return "\"" + *rc::gen::container<std::string>(rc::gen::inRange('#', '[')) + "\"";
        case 4: return "\"\xC3\xB1 \xF0\x9F\xA9\xBB \x7F\"";
        case 5: return random_object(depth);
        default: break;
    }
    std::string text = "[";
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) text += random_value(depth - 1) + (i > 1 ? "," : "");
    return text + space + "]";
}

std::string random_object(int depth) {
    const auto space = *rc::gen::element<std::string>("", " ", "\n\t");
    std::string text = "{" + space;
    std::vector<std::string> names{"\"age\"",  "\"report\"", "\"extensions\"", "\"record_id\"", "\"Patient ID\"", "\"gender\"",
                                   "\"sexo\"", "\"a\\\"\"",  "\"\"",           "\"a\"",         "\"\\u0062\""};
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
        const auto name = names.begin() + *rc::gen::inRange(0, static_cast<int>(names.size()));
        text += *name;
        names.erase(name);
        text += space + ":" + random_value(depth - 1) + (i > 1 ? "," : "");
    }
    return text + "}";
}

TEST(CanonicalJson, reads_back_as_itself) {
    EXPECT_TRUE(rc::check("canonical JSON is a fixed point", [] {
        const auto once = canonical(random_object(4));
        if (once == "refused: member-twice") return;  // of an extension that stands outside "extensions" too
        RC_ASSERT(!once.starts_with("refused"));
        RC_ASSERT(canonical(once) == once);
    }));
}

TEST(CanonicalJson, of_any_record_reads_back_as_the_same_values) {
    EXPECT_TRUE(rc::check("fields survive", [] {
        RawData record;
        for (std::size_t i = 0; i < domain::field_count; ++i)
            if (*rc::gen::arbitrary<bool>())
                record.set(static_cast<FieldId>(i), Kind::text, *rc::gen::container<std::string>(rc::gen::inRange('\0', '\x7f')));
        JsonReader reader;
        const auto read = reader.record(to_canonical_json(record));
        RC_ASSERT(std::holds_alternative<RawData>(read));
        for (std::size_t i = 0; i < domain::field_count; ++i) {
            const auto field = static_cast<FieldId>(i);
            RC_ASSERT(std::get<RawData>(read)[field].kind == record[field].kind);
            RC_ASSERT(std::get<RawData>(read)[field].text == record[field].text);
        }
    }));
}

}  // namespace
}  // namespace data_center_classifier::infrastructure::formats
