// bench_load: load for run.py. "bench_load singles --address 127.0.0.1:8000 ...", see load.hpp.
#include "bench/load.hpp"

#include <string_view>

int main(int count, char** arguments) {
    bench::Options options;
    for (int i = 2; i < count; ++i) {
        const std::string_view word = arguments[i];
        if (!word.starts_with("--")) options.targets.emplace_back(word);
        else if (i + 1 < count) options.values.emplace(word.substr(2), arguments[++i]);
        else bench::fail("an option without a value");
    }
    const std::string_view kind = count > 1 ? arguments[1] : "";
    if (kind == "singles") bench::singles(options);
    else if (kind == "stream") bench::stream(options);
    else if (kind == "visible") bench::visible(options);
    else if (kind == "pages") bench::pages(options);
    else bench::fail("usage: bench_load singles|stream|visible|pages --option value ...");
    return 0;
}
