// Identities are functions of what they name: the same input gives the same ids, and any other part another receipt.
#include "data_center_classifier/application/identity.hpp"

#include "kernel/hex.hpp"
#include "kernel/json_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace data_center_classifier::application {
namespace {

using domain::Kind;

Identity identity(const std::string& center, const std::string& record_id, const std::string& content) {
    return *identify({center}, {.kind = Kind::text, .text = record_id}, content);
}
std::string text(const std::string& alphabet, int size_max) {
    const auto size = *rc::gen::inRange(1, size_max + 1);
    std::string made;
    for (int i = 0; i < size; ++i) made += *rc::gen::elementOf(alphabet);
    return made;
}
std::string some_center() {
    return text("ab0-", 8);
}
// Short, with what separates and what looks like hex, so that two different inputs may be near each other. Never one that counts as
// missing.
std::string some_record_id() {
    return "r" + text("a0- :/\"\\", 6);
}
std::string some_content() {
    return "{\"report\":\"" + text("ab", 4) + "\"}";
}

TEST(identity, is_the_same_for_the_same_input) {
    EXPECT_TRUE(rc::check("identify is a function", [] {
        const auto center = some_center(), record_id = some_record_id(), content = some_content();
        const auto one = identity(center, record_id, content), again = identity(center, record_id, content);
        RC_ASSERT(one.receipt_id == again.receipt_id && one.data_id == again.data_id && one.content_hash == again.content_hash);
        RC_ASSERT(one.key == again.key && one.content == again.content && !one.derived);
        RC_ASSERT(one.data_id == data_id_of({center}, {record_id}));
    }));
}

TEST(identity, any_changed_part_gives_another_receipt_and_only_centre_and_record_id_another_data_id) {
    EXPECT_TRUE(rc::check("receipts differ as their inputs do", [] {
        const auto center = some_center(), record_id = some_record_id(), content = some_content();
        const auto center_2 = some_center(), record_id_2 = some_record_id(), content_2 = some_content();
        const auto one = identity(center, record_id, content), two = identity(center_2, record_id_2, content_2);
        const bool same_record = center == center_2 && record_id == record_id_2;
        RC_ASSERT((one.data_id == two.data_id) == same_record);
        RC_ASSERT((one.key == two.key) == same_record);
        RC_ASSERT((one.content_hash == two.content_hash) == (content == content_2));
        RC_ASSERT((one.receipt_id == two.receipt_id) == (same_record && content == content_2));
    }));
    EXPECT_TRUE(rc::check("one part at a time", [] {
        const auto center = some_center(), record_id = some_record_id(), content = some_content();
        const auto receipt = identity(center, record_id, content).receipt_id;
        RC_ASSERT(identity(center + "x", record_id, content).receipt_id != receipt);
        RC_ASSERT(identity(center, record_id + "x", content).receipt_id != receipt);
        RC_ASSERT(identity(center, record_id, content + " ").receipt_id != receipt);
    }));
}

TEST(identity, what_stands_at_the_end_of_the_centre_is_not_the_start_of_the_record_id) {
    EXPECT_NE(identity("ab", "c", "{}").receipt_id, identity("a", "bc", "{}").receipt_id);
    EXPECT_NE(identity("ab", "c", "{}").data_id, identity("a", "bc", "{}").data_id);
}

TEST(identity, of_a_record_without_id_comes_from_its_content) {
    EXPECT_TRUE(rc::check("derived ids", [] {
        const auto center = some_center(), content = some_content(), content_2 = some_content();
        const auto one = *identify({center}, {}, content), two = *identify({center}, {}, content_2);
        RC_ASSERT(one.derived && one.record_id.value == "sha256-" + one.content_hash.value.substr(0, 24));
        RC_ASSERT((one.receipt_id == two.receipt_id) == (content == content_2));
        RC_ASSERT((one.data_id == two.data_id) == (content == content_2));
        RC_ASSERT(is_record_id(one.record_id.value));
    }));
}

// For ever: receipts that partners hold must be found again.
TEST(identity, is_what_it_always_was) {
    const auto one = identity("st-mary", "CT-1", R"({"modality":"CT"})");
    EXPECT_EQ(one.content_hash.value, "591e258939cb5ec846af65d8f4cc51c70ef817b197f40c0704bae33ceafcfc2a");
    EXPECT_EQ(one.data_id.value, "c1116cac5ae0d5b11fe7c4035b8c9918");
    EXPECT_EQ(one.receipt_id.value, "1258067993c02792c24fa8e7fc468adf");
    EXPECT_EQ(kernel::hex_of(*kernel::bytes_from_hex(one.data_id.value, 16)), one.data_id.value);
}

TEST(identity, a_record_id_has_1_to_128_characters_and_no_control_characters) {
    std::string accents;
    for (int i = 0; i < 128; ++i) accents += "é";
    for (const auto& good : {std::string("a"), std::string(128, 'x'), accents, std::string("a b")}) EXPECT_TRUE(is_record_id(good)) << good;
    for (const auto& wrong : {std::string(), std::string(129, 'x'), accents + "é", std::string("a\n"), std::string("\x7f"),
                              std::string("a\xc2\x85"), std::string(1, '\0')})
        EXPECT_FALSE(is_record_id(wrong)) << kernel::hex_of(wrong);
    EXPECT_FALSE(identify({"st-mary"}, {.kind = Kind::boolean, .text = "true"}, "{}"));
}

TEST(identity, a_record_is_stored_with_its_id_in_front_whatever_the_id_holds) {
    EXPECT_EQ(with_record_id("{}", {"a"}), R"({"record_id":"a"})");
    EXPECT_TRUE(rc::check("with_record_id", [] {
        const auto record_id = some_record_id();
        std::string expected = "{\"record_id\":";
        kernel::append_json_string(expected, record_id);
        RC_ASSERT(with_record_id(R"({"modality":"CT"})", {record_id}) == expected + R"(,"modality":"CT"})");
    }));
}

}  // namespace
}  // namespace data_center_classifier::application
