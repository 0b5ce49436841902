// Every published event survives the log, and every version ever written stays readable (golden files, kept for ever).
#include "kernel/event_collected_data.hpp"
#include "kernel/event_data_center.hpp"
#include "kernel/event_raw_data.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace kernel {
namespace {

Timestamp noon() {
    return *timestamp_from_text("2026-03-01T12:00:00.123Z");
}

RawDataFacts raw_data_facts() {
    return {.data_center_id = {"saint-mary"},
            .record_id = {"r-1"},
            .data_id = {"00112233445566778899aabbccddeeff"},
            .receipt_id = {"ffeeddccbbaa99887766554433221100"},
            .content_hash = {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
            .interface = "ndjson",
            .modality = "CR",
            .received_at = noon(),
            .grade = "B",
            .verdicts = {.rubric = "acopio-1", .passed = {"CONF-01", "CONF-02", "COMP-01"}, .failed = {"PLAU-02"}, .score = 87.5},
            .record = R"({"record_id":"r-1","modality":"CR"})"};
}

CollectedDataFacts collected_data_facts() {
    const auto raw = raw_data_facts();
    return {.data_id = raw.data_id,
            .version = 3,
            .data_center_id = raw.data_center_id,
            .record_id = raw.record_id,
            .receipt_id = raw.receipt_id,
            .content_hash = raw.content_hash,
            .interface = raw.interface,
            .rubric = "acopio-1",
            .score = 87.5,
            .grade = "B",
            .received_at = noon(),
            .collected_at = noon() + std::chrono::milliseconds(20),
            .record = raw.record};
}

// One line a part, so that a golden file shows what the log holds.
std::string text_of(const Envelope& envelope) {
    std::string text = "type " + envelope.type + "\nkey " + envelope.key + "\n";
    for (const auto& [name, value] : envelope.attributes) text += name + " " + value + "\n";
    return text + "data " + envelope.data + "\n";
}

Envelope envelope_of(const std::string& text) {
    Envelope envelope;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto space = line.find(' ');
        auto name = line.substr(0, space);
        auto value = line.substr(space + 1);
        if (name == "type") envelope.type = value;
        else if (name == "key") envelope.key = value;
        else if (name == "data") envelope.data = value;
        else envelope.attributes.emplace_back(name, value);
    }
    return envelope;
}

template <class Event>
void expect_golden(const std::string& name, const Event& event, Result<Event> (*decode)(const Envelope&)) {
    std::ifstream file(std::string(ACOPIO_SOURCE_DIR) + "/kernel/testdata/" + name + ".v1.golden");
    ASSERT_TRUE(file) << name;
    const std::string golden((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(text_of(to_envelope(event)), golden);
    auto read = decode(envelope_of(golden));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(text_of(to_envelope(*read)), golden);
}

TEST(RawDataEvents, are_written_and_read_as_their_golden_files) {
    const auto decode = +[](const Envelope& envelope) { return raw_data_event_from(envelope); };
    expect_golden<RawDataEvent>("raw_data_received", RawDataReceived{raw_data_facts()}, decode);
    expect_golden<RawDataEvent>("raw_data_quarantined", RawDataQuarantined{raw_data_facts()}, decode);
    const auto facts = raw_data_facts();
    expect_golden<RawDataEvent>("raw_data_retracted", RawDataRetracted{facts.data_center_id, facts.record_id, facts.data_id, noon()},
                                decode);
}

TEST(CollectedDataEvents, are_written_and_read_as_their_golden_files) {
    expect_golden<CollectedDataEvent>("record_collected", RecordCollected{collected_data_facts()}, collected_data_event_from);
    expect_golden<CollectedDataEvent>("record_amended", RecordAmended{collected_data_facts()}, collected_data_event_from);
    const auto facts = collected_data_facts();
    expect_golden<CollectedDataEvent>("record_retracted",
                                      RecordRetracted{facts.data_id, 4, facts.data_center_id, facts.record_id, noon(), noon()},
                                      collected_data_event_from);
}

TEST(DataCenterEvents, are_written_and_read_as_their_golden_files) {
    const DataCenterId center{"saint-mary"};
    expect_golden<DataCenterEvent>("data_center_registered", DataCenterRegistered{center, "Saint Mary's", noon()}, data_center_event_from);
    expect_golden<DataCenterEvent>("data_center_key_issued", DataCenterKeyIssued{center, "0011223344556677", std::string(64, 'a'), noon()},
                                   data_center_event_from);
    expect_golden<DataCenterEvent>("data_center_key_revoked", DataCenterKeyRevoked{center, "0011223344556677", noon()},
                                   data_center_event_from);
    expect_golden<DataCenterEvent>("data_center_suspended", DataCenterSuspended{center, "asked to stop", noon()}, data_center_event_from);
    expect_golden<DataCenterEvent>("data_center_resumed", DataCenterResumed{center, noon()}, data_center_event_from);
    expect_golden<DataCenterEvent>("data_center_mapping_stored", DataCenterMappingStored{center, R"({"Edad":"age"})", noon()},
                                   data_center_event_from);
    expect_golden<DataCenterEvent>("data_center_classified", DataCenterClassified{center, "B", "C", 74.25, "TIME-01", "acopio-1", noon()},
                                   data_center_event_from);
}

TEST(Events, of_an_unknown_type_are_a_fault_not_a_guess) {
    const Envelope unknown{.key = "k", .type = "acopio.raw-data.received.v99", .attributes = {}, .data = "{}"};
    EXPECT_EQ(raw_data_event_from(unknown).error().code, "event-not-understood");
    EXPECT_EQ(collected_data_event_from(unknown).error().code, "event-not-understood");
    EXPECT_EQ(data_center_event_from(unknown).error().code, "event-not-understood");
}

TEST(Events, with_any_attribute_missing_or_broken_are_a_fault) {
    const auto whole = to_envelope(RawDataEvent(RawDataReceived{raw_data_facts()}));
    for (std::size_t i = 0; i < whole.attributes.size(); ++i) {
        auto cut = whole;
        cut.attributes.erase(cut.attributes.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(raw_data_event_from(cut)) << whole.attributes[i].first;
    }
    auto broken = whole;
    for (auto& [name, value] : broken.attributes)
        if (name == "score") value = "87.5x";
    EXPECT_FALSE(raw_data_event_from(broken));
}

TEST(Verdicts, keep_empty_lists_empty) {
    auto facts = raw_data_facts();
    facts.verdicts.failed = {};
    auto read = raw_data_event_from(to_envelope(RawDataEvent(RawDataReceived{facts})));
    ASSERT_TRUE(read);
    EXPECT_TRUE(std::get<RawDataReceived>(*read).verdicts.failed.empty());
}

TEST(CheckIds, give_back_what_was_added_in_order) {
    EXPECT_EQ((CheckIds{"CONF-01", "CONF-02", "COMP-01", "COMP-10", "CONF-03"}.text()), "CONF-01,-02,COMP-01,-10,CONF-03");
    const std::vector<std::vector<std::string>> lists{
        {}, {"A"}, {"A", "B", "A-1", "A-2", "A", "B-1-2", "B-1-3", "B-2"}, {"NO_DASH", "X-", "X-1", "CONF-01", "CONF-01"}};
    for (const auto& list : lists) {
        CheckIds ids;
        for (const auto& id : list) ids.add(id);
        EXPECT_EQ(ids.all(), list);
        EXPECT_EQ(CheckIds::from_text(ids.text()).all(), list);
        EXPECT_EQ(ids.empty(), list.empty());
    }
}

}  // namespace
}  // namespace kernel
