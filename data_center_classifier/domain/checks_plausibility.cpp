// Plausibility: values agree with each other, with the calendar and with human bodies.
#include "data_center_classifier/domain/checks.hpp"
#include "data_center_classifier/domain/text.hpp"

#include <algorithm>

namespace data_center_classifier::domain {
namespace {

using enum FieldId;
using Names = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view text, Names names) {
    return std::find(names.begin(), names.end(), text) != names.end();
}

int year_of(kernel::Timestamp time) {
    return static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(time)).year());
}

Outcome is_not_in_future(const std::optional<Moment>& moment, const Facts& facts) {
    if (!moment) return Outcome::skip;
    return pass_if(!facts.is_in_future(*moment));
}
Outcome study_date_is_not_in_future(const Facts& facts) {
    return is_not_in_future(facts.study, facts);
}
Outcome report_date_is_not_in_future(const Facts& facts) {
    return is_not_in_future(facts.report, facts);
}
Outcome diagnosis_date_is_not_in_future(const Facts& facts) {
    return is_not_in_future(facts.diagnosis, facts);
}

Outcome study_is_before_report(const Facts& facts) {
    if (!facts.study || !facts.report) return Outcome::skip;
    return pass_if(facts.study->first <= facts.report->last);
}

Outcome birth_is_before_study(const Facts& facts) {
    const auto& event = facts.study ? facts.study : facts.diagnosis;
    if (!facts.birth_year || !event) return Outcome::skip;
    return pass_if(*facts.birth_year <= year_of(event->last));
}

// What systems write when they have no date: 1900-01-01, 1970-01-01, years before there were archives.
Outcome study_date_is_no_placeholder(const Facts& facts) {
    if (!facts.study) return Outcome::skip;
    const auto day = std::chrono::floor<std::chrono::days>(facts.study->first);
    return pass_if(year_of(facts.study->first) >= 1950 && day != std::chrono::sys_days());
}

Outcome age_is_human(const Facts& facts) {
    if (!facts.age) return Outcome::skip;
    return pass_if(*facts.age >= 0 && *facts.age <= 120);
}

Outcome birth_year_is_human(const Facts& facts) {
    if (!facts.birth_year) return Outcome::skip;
    const int now = year_of(facts.context.received_at);
    return pass_if(*facts.birth_year <= now && now - *facts.birth_year <= 130);
}

Outcome age_agrees_with_birth_year(const Facts& facts) {
    if (!facts.age || !facts.birth_year || !facts.study) return Outcome::skip;
    const double years = year_of(facts.study->last) - *facts.birth_year;
    return pass_if(*facts.age >= years - 2 && *facts.age <= years + 1);
}

bool is_of_males(std::string_view part) {
    return is_one_of(part, {"PROSTATE", "TESTIS", "TESTICLE", "PENIS", "SCROTUM", "SEMVESICLE"});
}
bool is_of_females(std::string_view part) {
    return is_one_of(part, {"UTERUS", "OVARY", "VAGINA", "CERVIX", "FALLOPIANTUBE", "ENDOMETRIUM", "VULVA", "FETUS", "PLACENTA"});
}

Outcome sex_agrees_with_body_part(const Facts& facts) {
    if (!facts.sex || *facts.sex == "O" || !facts.body_part) return Outcome::skip;
    const bool male = is_of_males(*facts.body_part), female = is_of_females(*facts.body_part);
    if (!male && !female) return Outcome::skip;
    return pass_if(*facts.sex == (male ? "M" : "F"));
}

// A category of ICD-10, "N40", as a letter and a number; none when the code is no ICD-10 code. "C7A" counts among those of C70.
struct Category {
    char letter = 0;
    int number = -1;
};
Category category_of(std::string_view code) {
    if (code.size() < 3 || !is_letter(code[0]) || !is_digit(code[1]) || (!is_digit(code[2]) && !is_letter(code[2]))) return {};
    return {to_upper(code[0]), (code[1] - '0') * 10 + (is_digit(code[2]) ? code[2] - '0' : 0)};
}
bool is_between(Category category, char letter, int first, int last) {
    return category.letter == letter && category.number >= first && category.number <= last;
}
bool is_male_diagnosis(Category c) {
    return is_between(c, 'C', 60, 63) || is_between(c, 'N', 40, 53) || is_between(c, 'D', 29, 29) || is_between(c, 'D', 40, 40);
}
bool is_female_diagnosis(Category c) {
    return is_between(c, 'C', 51, 58) || is_between(c, 'N', 70, 98) || is_between(c, 'O', 0, 99) || is_between(c, 'D', 25, 28) ||
           is_between(c, 'D', 6, 6) || is_between(c, 'D', 39, 39) || is_between(c, 'Z', 33, 39);
}

// Screening and history of organs that only one sex has, by the beginnings of their codes.
bool begins_with_one_of(std::string_view code, Names beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view beginning) { return code.starts_with(beginning); });
}

Outcome sex_agrees_with_code(const Facts& facts) {
    if (!facts.sex || *facts.sex == "O") return Outcome::skip;
    bool any = false;
    const bool all = facts.all_codes([&](std::string_view one) {
        const auto category = category_of(one);
        const bool male = is_male_diagnosis(category) || begins_with_one_of(one, {"Z12.5", "Z125", "Z85.46", "Z8546"});
        const bool female =
            is_female_diagnosis(category) || begins_with_one_of(one, {"Z12.4", "Z124", "Z85.41", "Z8541", "Z85.42", "Z8542"});
        any = any || male || female;
        return !(male && *facts.sex == "F") && !(female && *facts.sex == "M");
    });
    return any ? pass_if(all) : Outcome::skip;
}

// The age edits of the Medicare Code Editor: perinatal codes in infants, maternity codes from 9 to 64.
Outcome age_agrees_with_code(const Facts& facts) {
    if (!facts.age) return Outcome::skip;
    bool any = false;
    const bool all = facts.all_codes([&](std::string_view one) {
        const auto category = category_of(one);
        const bool perinatal = is_between(category, 'P', 0, 96), maternity = is_between(category, 'O', 0, 99);
        any = any || perinatal || maternity;
        return (!perinatal || *facts.age <= 1) && (!maternity || (*facts.age >= 9 && *facts.age < 65));
    });
    return any ? pass_if(all) : Outcome::skip;
}

// Apparatus that is made for one part of the body.
Outcome modality_agrees_with_body_part(const Facts& facts) {
    if (!facts.modality || !facts.body_part) return Outcome::skip;
    const auto& part = *facts.body_part;
    if (*facts.modality == "MG") return pass_if(is_one_of(part, {"BREAST", "AXILLA", "CHEST"}));
    if (is_one_of(*facts.modality, {"IO", "PX"}))
        return pass_if(is_one_of(part, {"JAW", "MANDIBLE", "MAXILLA", "TMJ", "TOOTH", "MOUTH", "HEAD", "FACE"}));
    if (is_one_of(*facts.modality, {"OP", "OPT", "OPM", "OPV", "OCT", "AR", "LEN", "KER", "SRF", "VA", "OAM"}))
        return pass_if(is_one_of(part, {"EYE", "ORBIT", "RETINA", "HEAD"}) || (*facts.modality == "OCT" && part != "CHEST"));
    if (is_one_of(*facts.modality, {"ECG", "EPS", "HD"}))
        return pass_if(is_one_of(part, {"HEART", "CHEST", "CORONARYARTERY", "AORTA", "WHOLEBODY"}));
    if (*facts.modality == "IVOCT") return pass_if(part.ends_with("ARTERY") || is_one_of(part, {"HEART", "AORTA", "CHEST"}));
    return Outcome::pass;
}

struct PartRegion {
    std::string_view part;
    std::uint16_t regions;
};
// A report of one region speaks of its neighbours: of the bases of the lungs above an abdomen, of a tube's tip in the stomach below a
// chest.
constexpr auto part_regions = std::to_array<PartRegion>({
    {"ABDOMEN", abdomen | pelvis | spine | chest},
    {"ABDOMENPELVIS", abdomen | pelvis},
    {"ANKLE", lower_limb},
    {"ARM", upper_limb},
    {"BLADDER", pelvis | abdomen},
    {"BRAIN", head | neck},
    {"BREAST", breast | chest},
    {"CHEST", chest | heart | breast | spine | abdomen | neck},
    {"CHESTABDOMEN", chest | heart | abdomen},
    {"CHESTABDPELVIS", chest | heart | abdomen | pelvis},
    {"CLAVICLE", upper_limb | chest},
    {"CSPINE", spine | neck},
    {"ELBOW", upper_limb},
    {"FEMUR", lower_limb},
    {"FINGER", upper_limb},
    {"FOOT", lower_limb},
    {"FOREARM", upper_limb},
    {"HAND", upper_limb},
    {"HEAD", head | neck},
    {"HEADNECK", head | neck},
    {"HEART", heart | chest},
    {"HIP", pelvis | lower_limb},
    {"HUMERUS", upper_limb},
    {"KIDNEY", abdomen | pelvis},
    {"KNEE", lower_limb},
    {"LEG", lower_limb},
    {"LIVER", abdomen},
    {"LSPINE", spine | abdomen | pelvis},
    {"LUNG", chest | heart | abdomen},
    {"NECK", neck | head | spine | chest},
    {"PANCREAS", abdomen},
    {"PELVIS", pelvis | lower_limb | abdomen | spine},
    {"PROSTATE", pelvis},
    {"SHOULDER", upper_limb},
    {"SKULL", head},
    {"SPINE", spine},
    {"TIBIA", lower_limb},
    {"TOE", lower_limb},
    {"TSPINE", spine | chest},
    {"UTERUS", pelvis | abdomen},
    {"WRIST", upper_limb},
});

// In one study of 2002 the tag was wrong in 15 % of the images; the report knows better.
Outcome body_part_agrees_with_text(const Facts& facts) {
    if (!facts.body_part || facts.narrative.regions == 0) return Outcome::skip;
    const auto* const found =
        std::find_if(part_regions.begin(), part_regions.end(), [&](const auto& one) { return one.part == *facts.body_part; });
    if (found == part_regions.end()) return Outcome::skip;
    return pass_if((found->regions & facts.narrative.regions) != 0);
}

Outcome laterality_agrees_with_text(const Facts& facts) {
    if (facts.missing(laterality) || facts.narrative.sides == 0) return Outcome::skip;
    if (facts.side != 'L' && facts.side != 'R') return Outcome::skip;
    return pass_if((facts.narrative.sides & (facts.side == 'L' ? side_left : side_right)) != 0);
}

Outcome findings_are_not_the_impression(const Facts& facts) {
    if (facts.missing(findings) || facts.missing(impression)) return Outcome::skip;
    return pass_if(trimmed(facts.text(findings)) != trimmed(facts.text(impression)));
}

// Words that stand where a report should: "see attached", "informe pendiente", "test test".
bool is_placeholder_word(std::string_view word) {
    constexpr auto words = std::to_array<std::string_view>({"a",    "adjunto", "asdf", "attached",  "dictated", "ignore", "informe", "is",
                                                            "n",    "no",      "ok",   "pendiente", "pending",  "please", "report",  "see",
                                                            "test", "this",    "ver",  "x",         "xx",       "xxx",    "xxxx"});
    static_assert(std::is_sorted(words.begin(), words.end()));
    return std::binary_search(words.begin(), words.end(), lower_of(word).view());
}

// The longest of the three texts has a word that says something.
Outcome report_is_no_placeholder(const Facts& facts) {
    std::string_view longest;
    for (const auto field : {report, findings, impression})
        if (facts.has(field) && facts.text(field).size() > longest.size()) longest = facts.text(field);
    if (longest.empty()) return Outcome::skip;
    if (lower_of(trimmed(longest)).view().starts_with("lorem ipsum")) return Outcome::fail;
    for (std::size_t at = 0; at < longest.size();) {
        auto end = at;
        while (end < longest.size() && is_word_byte(longest[end])) ++end;
        const auto word = longest.substr(at, end - at);
        if (word.size() > 1 && !is_placeholder_word(word)) return Outcome::pass;
        at = end + 1;
    }
    return Outcome::fail;
}

Outcome normal_study_has_no_abnormal_code(const Facts& facts) {
    if (label_of(facts.value(normal)) != Label::yes && label_of(facts.value(no_finding)) != Label::yes) return Outcome::skip;
    bool any = false;
    const bool none_acute = facts.all_codes([&](std::string_view one) {
        const auto category = category_of(one);
        any = any || category.letter != 0;
        return !is_between(category, 'C', 0, 96) && !is_between(category, 'S', 0, 99) && !is_between(category, 'J', 12, 18);
    });
    return any ? pass_if(none_acute) : Outcome::skip;
}

}  // namespace

std::span<const NamedCheck> plausibility_checks() {
    static constexpr auto checks = std::to_array<NamedCheck>({
        {"study_date_is_not_in_future", study_date_is_not_in_future},
        {"report_date_is_not_in_future", report_date_is_not_in_future},
        {"diagnosis_date_is_not_in_future", diagnosis_date_is_not_in_future},
        {"study_is_before_report", study_is_before_report},
        {"birth_is_before_study", birth_is_before_study},
        {"study_date_is_no_placeholder", study_date_is_no_placeholder},
        {"age_is_human", age_is_human},
        {"birth_year_is_human", birth_year_is_human},
        {"age_agrees_with_birth_year", age_agrees_with_birth_year},
        {"sex_agrees_with_body_part", sex_agrees_with_body_part},
        {"sex_agrees_with_code", sex_agrees_with_code},
        {"age_agrees_with_code", age_agrees_with_code},
        {"modality_agrees_with_body_part", modality_agrees_with_body_part},
        {"body_part_agrees_with_text", body_part_agrees_with_text},
        {"laterality_agrees_with_text", laterality_agrees_with_text},
        {"findings_are_not_the_impression", findings_are_not_the_impression},
        {"report_is_no_placeholder", report_is_no_placeholder},
        {"normal_study_has_no_abnormal_code", normal_study_has_no_abnormal_code},
    });
    return checks;
}

}  // namespace data_center_classifier::domain
