// Any bytes are a rubric that can judge, or are refused with the reason.
#include "data_center_classifier/domain/judge.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace data_center_classifier;
    const auto rubric = infrastructure::formats::rubric_from_json({reinterpret_cast<const char*>(data), size});
    if (!rubric) {
        CHECK(rubric.error().code == "rubric-invalid" && !rubric.error().message.empty(), "a refusal says why");
        return 0;
    }
    CHECK(!rubric->version.empty() && !rubric->checks.empty(), "a rubric has a version and checks");
    for (const auto& check : rubric->checks) CHECK(check.run && check.weight > 0, "a check can run and counts");
    const auto verdict = domain::judge({}, *rubric, {});
    CHECK(verdict.score >= 0 && verdict.score <= 100, "a score is from 0 to 100");
    return 0;
}
