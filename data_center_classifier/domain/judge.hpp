// judge: the verdicts of a rubric on one record. Pure; about 4 microseconds for a record of 1 KiB (judge_bench.cpp).
#pragma once

#include "data_center_classifier/domain/model_rubric.hpp"

namespace data_center_classifier::domain {

struct Judgement {
    std::vector<Outcome> outcomes;  // one per check, in the rubric's order
    double score = 0;               // 0..100: the record's own, as a centre's would be with only this record (privacy failed: 0)
    bool quarantine = false;        // a required check failed
};

Judgement judge(const RawData& record, const Rubric& rubric, const JudgeContext& context);

// Normal forms, for the query side's columns too: "cr" -> "CR"; "Thoracic structure (body structure)" -> "CHEST"; "female" -> "F"; unknown
// -> none.
std::optional<std::string> normal_modality(Value value, const CodeLists& lists);
std::optional<std::string> normal_body_part(Value value, const CodeLists& lists);
std::optional<std::string> normal_sex(Value value);
std::optional<double> normal_age_years(Value value);  // 45, "45", "045Y", "013M", "001D"

}  // namespace data_center_classifier::domain
