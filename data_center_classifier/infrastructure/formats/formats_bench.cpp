// Times reading and writing of records: JSON and canonical JSON, CSV, lines. Prints one line each.
#include "data_center_classifier/infrastructure/formats/formats.hpp"

#include <benchmark/benchmark.h>

namespace {

namespace formats = data_center_classifier::infrastructure::formats;
using data_center_classifier::domain::RawData;

std::string record_json() {
    return R"({"record_id":"CT-2026-0000123","patient_id":"P-00071234","image":"pacs/2026/02/27/CT-2026-0000123.dcm",)"
           R"("diagnosis":"Community-acquired pneumonia, unspecified organism","report":"CT of the chest without contrast. No focal )"
           R"(consolidation, effusion or pneumothorax. Heart size is normal.","body_part":"CHEST","modality":"CT","age":61,"sex":"F",)"
           R"("findings":"No focal consolidation.","impression":"No acute disease.","no_finding":1,"code":"J18.9",)"
           R"("diagnosis_date":"2026-02-27","study_date":"2026-02-27","manufacturer":"SIEMENS","dose_mgy":4.25,"kvp":120})";
}

void rate(benchmark::State& state, std::size_t bytes, std::size_t records) {
    state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * bytes));
    state.SetItemsProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * records));
}

void json_record(benchmark::State& state) {
    const auto json = record_json();
    formats::JsonReader reader;
    for (auto _ : state) benchmark::DoNotOptimize(reader.record(json));
    rate(state, json.size(), 1);
}
BENCHMARK(json_record);

void json_record_and_canonical(benchmark::State& state) {
    const auto json = record_json();
    formats::JsonReader reader;
    for (auto _ : state) benchmark::DoNotOptimize(formats::to_canonical_json(std::get<RawData>(reader.record(json))));
    rate(state, json.size(), 1);
}
BENCHMARK(json_record_and_canonical);

void json_array(benchmark::State& state) {
    constexpr std::size_t records = 1000;
    std::string json = "[" + record_json();
    for (std::size_t i = 1; i < records; ++i) json += ",\n" + record_json();
    json += "]";
    formats::JsonReader reader;
    for (auto _ : state)
        benchmark::DoNotOptimize(
            reader.body(json, [](std::size_t, const formats::Read<RawData>& read) { benchmark::DoNotOptimize(read); }));
    rate(state, json.size(), records);
}
BENCHMARK(json_array);

void csv_rows(benchmark::State& state) {
    constexpr std::size_t records = 1000;
    std::string csv = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n";
    for (std::size_t i = 0; i < records; ++i)
        csv += "00000013_005.png,Emphysema|Infiltration|Pleural_Thickening,005,00000013,060Y,M,\"A, \"\"P\"\"\"\n";
    for (auto _ : state) {
        formats::CsvReader reader;
        const auto row = [](std::size_t, const formats::Read<RawData>& read) { benchmark::DoNotOptimize(read); };
        benchmark::DoNotOptimize(reader.feed(csv, row));
        benchmark::DoNotOptimize(reader.finish(row));
    }
    rate(state, csv.size(), records);
}
BENCHMARK(csv_rows);

void lines(benchmark::State& state) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += record_json() + "\n";
    for (auto _ : state) {
        formats::LineSplitter splitter(1024 * 1024);
        splitter.feed(text, [](std::uint64_t, std::string_view line, bool) { benchmark::DoNotOptimize(line); });
    }
    rate(state, text.size(), 1000);
}
BENCHMARK(lines);

}  // namespace
