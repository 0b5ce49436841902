// Any record is judged without a fault, twice alike, and within bounds. Input: "field=value" lines; other lines are the extensions.
#include "data_center_classifier/domain/test_records.hpp"
#include "kernel/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace data_center_classifier::domain;
    static const auto rubric = test::every_check();
    static const auto context = test::at("2026-03-01T22:00:00Z");
    const auto record = test::record_of({reinterpret_cast<const char*>(bytes), size});
    const auto judgement = judge(record, rubric, context);
    CHECK(judgement.outcomes.size() == rubric.checks.size(), "every check answers");
    CHECK(judgement.score >= 0 && judgement.score <= 100, "a score is a percentage");
    CHECK(judge(record, rubric, context).outcomes == judgement.outcomes, "the same record is judged alike");
    return 0;
}
