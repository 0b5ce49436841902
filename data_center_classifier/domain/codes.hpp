// The codes of one text: "J18.9; Z12.5" are two, "ICD-10:F10.0" names its system, and so do HL7's "J18.9^Pneumonia^I10" and FHIR's
// "http://hl7.org/fhir/sid/icd-10-cm|J18.9".
#pragma once

#include "data_center_classifier/domain/text.hpp"

#include <algorithm>

namespace data_center_classifier::domain {

struct Code {
    std::string_view text;
    std::string_view system;  // as it was written; empty when it is not told
};

// The signs of cause and manifestation, "A18.0+" and "M49.0*", are those of the WHO's ICD-10, and no part of the code.
constexpr Code code_of(std::string_view text, std::string_view system) {
    const auto size = text.size();
    if (text.ends_with("\xe2\x80\xa0")) text.remove_suffix(3);
    else if (text.ends_with('+') || text.ends_with('*')) text.remove_suffix(1);
    return {text, text.size() < size && system.empty() ? "ICD-10" : system};
}

// ICD-10 as the WHO has it, of which other countries make their own: "ICD-10", "CIE10", HL7's "I10", FHIR's ".../icd-10".
constexpr bool is_who_icd10(std::string_view system) {
    ShortText plain;
    if (system.size() > 60) return false;
    for (const char c : system)
        if (is_letter(c) || is_digit(c)) plain.push(to_lower(c));
    return plain.view() == "i10" || plain.view().ends_with("icd10") || plain.view().ends_with("cie10") ||
           plain.view().ends_with("icd10who");
}

// "J18.9^Pneumonia^I10": code, text and system; more of them stand behind a "~".
template <class Each>
bool each_hl7_code(std::string_view text, Each each) {
    while (!text.empty()) {
        auto element = text.substr(0, text.find('~'));
        text.remove_prefix(std::min(element.size() + 1, text.size()));
        std::array<std::string_view, 3> components;
        for (auto& component : components) {
            component = element.substr(0, element.find('^'));
            element.remove_prefix(std::min(component.size() + 1, element.size()));
        }
        const auto code = trimmed(components[0]);
        if (!code.empty() && !each(code_of(code, trimmed(components[2])))) return false;
    }
    return true;
}

// Stops when `each` returns false, and returns that.
template <class Each>
bool each_code(std::string_view text, Each each) {
    constexpr std::string_view separators = ";,|\\ \t\r\n";
    if (text.find('^') != std::string_view::npos) return each_hl7_code(text, each);
    std::string_view system;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(separators), text.size());
        auto code = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (code.find("://") != std::string_view::npos || code.starts_with("urn:")) {
            system = code;
            continue;
        }
        if (const auto colon = code.find(':'); colon != std::string_view::npos) {
            system = code.substr(0, colon);
            code.remove_prefix(colon + 1);
        }
        if (!code.empty() && !each(code_of(code, system))) return false;
    }
    return true;
}

}  // namespace data_center_classifier::domain
