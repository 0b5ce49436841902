// How long a verdict takes, per record.
#include "data_center_classifier/domain/test_records.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace data_center_classifier::domain;

std::string typical_record(int sentences) {
    std::string report;
    for (int i = 0; i < sentences; ++i)
        report +=
            "The heart size is within normal limits, and the lungs are clear without focal consolidation, 12 mm nodule in the left lobe. ";
    return "record_id=CT-1\npatient_id=p-17\nimage=1.2.840.113619.2.55.3.604688119\nmodality=CT\nbody_part=Thoracic structure (body "
           "structure)\nage=045Y\n"
           "sex=F\nstudy_date=2026-03-01\nreport_date=2026-03-01T09:30:00Z\nbirth_year=1980\ncode=J18.9\nnormal=0\nabnormal="
           "1\nmanufacturer=Philips\n"
           "diagnosis=Pneumonia\nindication=Cough and fever\nimpression=Pneumonia of the left lower lobe.\nfindings=" +
           report;
}

void judge_a_record(benchmark::State& state) {
    const auto rubric = test::every_check();
    const auto text = typical_record(static_cast<int>(state.range(0)));
    const auto record = test::record_of(text);
    const auto context = test::at("2026-03-01T22:00:00Z");
    for (auto _ : state) benchmark::DoNotOptimize(judge(record, rubric, context));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(judge_a_record)->Arg(0)->Arg(4)->Arg(8)->Arg(40);

}  // namespace
