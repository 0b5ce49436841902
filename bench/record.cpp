// Fields vary by remainders of the number, so that filters find something and every check of the rubric has work to do.
#include "bench/record.hpp"

#include <array>
#include <cstdio>

namespace bench {
namespace {

constexpr std::array modalities{"CT", "MR", "CR", "US", "DX", "MG"};
constexpr std::array body_parts{"CHEST", "HEAD", "ABDOMEN", "KNEE", "BREAST", "SPINE", "PELVIS"};
constexpr std::array codes{"J18.9", "I10", "R91.1", "S83.511A", "C50.911"};
constexpr std::array sides{"R", "L", "B", "U"};
constexpr std::size_t record_bytes_max = 2048;

}  // namespace

std::string record_id(std::uint64_t number) {
    return "L-" + std::to_string(number);
}

void append_record(std::string& out, std::uint64_t number) {
    const auto rest = [number](std::uint64_t by) { return static_cast<unsigned>(number % by); };
    const auto* const body_part = body_parts[number % body_parts.size()];
    std::array<char, record_bytes_max> text;
    const int size = std::snprintf(
        text.data(), text.size(),
        R"({"record_id":"L-%llu","patient_id":"P%07llu","image":"1.2.826.0.1.3680043.8.498.%llu","diagnosis":"Finding in the %s of the %s",)"
        R"("body_part":"%s","modality":"%s","age":%u,"sex":"%s","symptoms":"cough and fever for %u days",)"
        R"("clinical_history":"hypertension, treated","findings":"Opacity of %u mm, %u follow-ups.",)"
        R"("impression":"Consolidation, probably of infectious origin.","recommendation":"Control in %u weeks.",)"
        R"("indication":"Suspected pneumonia","technique":"Two projections","no_finding":%u,"normal":0,"abnormal":%u,"code":"%s",)"
        R"("study_date":"20%02u-%02u-%02u","laterality":"%s","manufacturer":"Siemens"})",
        static_cast<unsigned long long>(number), static_cast<unsigned long long>(number / 3), 1'000'000ULL + number,
        number % 2 == 0 ? "left" : "right", body_part, body_part, modalities[number % modalities.size()], rest(97),
        number % 2 == 0 ? "F" : "M", 1 + rest(13), 3 + rest(41), rest(5), 1 + rest(11), rest(3) == 0 ? 1U : 0U, rest(3) == 0 ? 0U : 1U,
        codes[number % codes.size()], 15 + rest(11), 1 + rest(12), 1 + rest(28), sides[number % sides.size()]);
    out.append(text.data(), static_cast<std::size_t>(size));
}

}  // namespace bench
