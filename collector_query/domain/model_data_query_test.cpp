// Questions and cursors: good ones read, bad ones are refused with what would be right.
#include "collector_query/domain/model_data_query.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace collector_query::domain {
namespace {

DataQuery read(const Parameters& parameters) {
    const auto query = data_query_from(parameters);
    EXPECT_TRUE(std::holds_alternative<DataQuery>(query)) << (query.index() == 1 ? std::get<Refusal>(query).detail : "");
    return query.index() == 0 ? std::get<DataQuery>(query) : DataQuery{};
}
Refusal refused(const Parameters& parameters) {
    const auto query = data_query_from(parameters);
    EXPECT_TRUE(std::holds_alternative<Refusal>(query));
    return query.index() == 1 ? std::get<Refusal>(query) : Refusal{};
}

TEST(data_query, no_parameters_ask_for_the_first_hundred_in_order_of_collection) {
    const auto query = read({});
    EXPECT_EQ(query, DataQuery{});
    EXPECT_EQ(query.limit, 100);
}

TEST(data_query, filters_take_the_columns_normal_form) {
    const auto query = read({{"modality", " ct"},
                             {"body_part", "chest"},
                             {"sex", "female"},
                             {"code", "j18.9"},
                             {"label", "normal"},
                             {"label", "other"},
                             {"min_grade", "b"},
                             {"age_min", "18"},
                             {"study_date_from", "2026-03-01"},
                             {"sort", "-age"},
                             {"count", "exact"}});
    EXPECT_EQ(query.filter.modality, "CT");
    EXPECT_EQ(query.filter.body_part, "CHEST");
    EXPECT_EQ(query.filter.sex, "F");
    EXPECT_EQ(query.filter.code, "J18.9");
    EXPECT_EQ(query.filter.labels, 0b010010U);
    EXPECT_EQ(query.filter.min_grade, 4);
    EXPECT_EQ(query.filter.age_min, 18);
    EXPECT_EQ(query.sort, (Sort{SortKey::age, true}));
    EXPECT_TRUE(query.count);
}

TEST(data_query, an_unknown_parameter_is_refused_and_the_allowed_ones_are_named) {
    const auto refusal = refused({{"modalty", "CT"}});
    EXPECT_EQ(refusal.code, "filter-unknown");
    EXPECT_NE(refusal.expected.find("modality"), std::string::npos);
    EXPECT_NE(refusal.expected.find("cursor"), std::string::npos);
}

TEST(data_query, a_bad_value_is_refused_with_what_was_expected) {
    const Parameters bad{{"age_min", "old"},
                         {"age_min", "-1"},
                         {"age_max", "nan"},
                         {"age_max", ""},
                         {"study_date_from", "2026-02-30"},
                         {"received_to", "yesterday"},
                         {"sex", "X"},
                         {"label", "fine"},
                         {"min_grade", "F"},
                         {"min_grade", "-"},
                         {"limit", "0"},
                         {"limit", "1001"},
                         {"limit", "10x"},
                         {"sort", "name"},
                         {"sort", "--age"},
                         {"count", "about"},
                         {"modality", ""},
                         {"include_retracted", "maybe"},
                         {"code_prefix", "J\xc3\xa9"},
                         {"record_id", std::string(257, 'a')},
                         {"body_part", "A\nB"},
                         {"interface", "xml"},
                         {"interface", ""},
                         {"data_center_id", "St-Mary"},
                         {"data_center_id", "-a"},
                         {"data_center_id", "st mary"},
                         {"data_center_id", ""},
                         {"data_center_id", std::string(65, 'a')},
                         {"record_id", "a\xff"},
                         {"record_id", "\xed\xa0\x80"},
                         {"record_id", "\xc3"},
                         {"patient_id", "\xc0\xaf"},
                         {"patient_id", "\xf4\x90\x80\x80"},
                         {"modality", "C\xff"},
                         {"received_to", "2026-11-31"}};
    for (const auto& one : bad) {
        const auto refusal = refused({one});
        EXPECT_EQ(refusal.code, "filter-invalid") << one.first << "=" << one.second;
        EXPECT_FALSE(refusal.expected.empty()) << one.first;
    }
}

TEST(data_query, closed_vocabularies_and_ids_are_read_in_their_normal_form) {
    EXPECT_EQ(read({{"interface", "NDJSON"}}).filter.interface, "ndjson");
    EXPECT_EQ(read({{"interface", "Csv"}}).filter.interface, "csv");
    EXPECT_EQ(read({{"data_center_id", "0-st-mary"}}).filter.data_center_id, "0-st-mary");
    EXPECT_EQ(read({{"record_id", "Ñandú \xf0\x9f\x98\x80"}}).filter.record_id, "Ñandú \xf0\x9f\x98\x80");
}

TEST(data_query, a_bare_date_is_the_whole_day_at_both_ends) {
    const auto day = read({{"received_from", "2026-11-25"}, {"received_to", "2026-11-25"}}).filter;
    EXPECT_EQ(day.received_from, kernel::timestamp_from_text("2026-11-25T00:00:00Z"));
    EXPECT_EQ(day.received_to, kernel::timestamp_from_text("2026-11-25T23:59:59.999Z"));
    EXPECT_EQ(read({{"received_to", "2026-11-25T09:30:00Z"}}).filter.received_to, kernel::timestamp_from_text("2026-11-25T09:30:00Z"));
    EXPECT_EQ(read({{"received_to", "2026-11-25T00:00:00Z"}}).filter.received_to, kernel::timestamp_from_text("2026-11-25"));
}

TEST(data_query, sex_is_known_by_whole_words) {
    for (const auto* word : {"m", " Male", "hombre", "varón", "VARÓN", "masculino"}) EXPECT_EQ(normal_sex(word), "M") << word;
    for (const auto* word : {"F", "female", "mujer", "Femenino"}) EXPECT_EQ(normal_sex(word), "F") << word;
    for (const auto* word : {"o", "otro", "intersex"}) EXPECT_EQ(normal_sex(word), "O") << word;
    for (const auto* word : {"", " ", "u", "unknown", "not stated", "friend", "1"}) EXPECT_EQ(normal_sex(word), "U") << word;
}

TEST(data_query, a_value_never_appears_in_a_refusal) {
    const auto refusal = refused({{"age_min", "Maria Garcia"}});
    EXPECT_EQ((refusal.detail + refusal.expected).find("Maria"), std::string::npos);
}

TEST(data_query, a_repeated_parameter_and_an_empty_range_are_refused) {
    EXPECT_EQ(refused({{"sex", "F"}, {"sex", "M"}}).code, "filter-invalid");
    EXPECT_EQ(refused({{"age_min", "50"}, {"age_max", "40"}}).code, "filter-invalid");
}

TEST(data_query, ages_are_years_in_every_form) {
    EXPECT_EQ(age_years("45"), 45);
    EXPECT_EQ(age_years("045Y"), 45);
    EXPECT_EQ(age_years("018M"), 1.5);
    EXPECT_NEAR(*age_years("365D"), 1, 0.01);
    for (const auto* bad : {"", "Y", "-3", "151", "4 5", "abc", "1e999", "nan"}) EXPECT_FALSE(age_years(bad)) << bad;
}

TEST(cursor, belongs_to_its_filters_and_sort) {
    const auto first = read({{"modality", "CT"}, {"sort", "age"}});
    const auto text = to_text(Cursor{45.5, 77}, first.filter, first.sort);
    const auto second = read({{"cursor", text}, {"sort", "age"}, {"modality", "ct"}, {"limit", "5"}});
    EXPECT_EQ(second.after, (Cursor{45.5, 77}));
    EXPECT_EQ(refused({{"modality", "MR"}, {"sort", "age"}, {"cursor", text}}).code, "cursor-mismatch");
    EXPECT_EQ(refused({{"modality", "CT"}, {"sort", "-age"}, {"cursor", text}}).code, "cursor-mismatch");
    EXPECT_EQ(refused({{"cursor", "x"}}).code, "cursor-broken");
    EXPECT_EQ(refused({{"cursor", ""}}).code, "cursor-broken");
}

TEST(cursor, round_trips) {
    EXPECT_TRUE(rc::check("cursor_from(to_text(c)) == c", [](std::int32_t value, std::uint32_t id, bool descending) {
        const Sort sort{SortKey::score, descending};
        const Cursor cursor{value / 7.0, id};
        const auto read_back = cursor_from(to_text(cursor, {}, sort), {}, sort);
        RC_ASSERT(read_back.index() == 0U);
        RC_ASSERT((std::get<Cursor>(read_back) == cursor));
    }));
}

TEST(cursor, every_changed_character_breaks_it) {
    const auto text = to_text(Cursor{1.5, 1'000'000}, {}, {});
    ASSERT_EQ(text.size(), 40U);
    for (std::size_t i = 0; i < text.size(); ++i)
        for (const char c : {'A', 'z', '_', '=', ' '}) {
            auto changed = text;
            changed[i] = c;
            if (changed == text) continue;
            EXPECT_EQ(std::get<CursorFault>(cursor_from(changed, {}, {})), CursorFault::broken) << i;
        }
    for (std::size_t i = 0; i < text.size(); ++i) EXPECT_EQ(cursor_from(text.substr(0, i), {}, {}).index(), 1U);
}

}  // namespace
}  // namespace collector_query::domain
