// Any list of parameters is either a question or a refusal; the cursor of a question reads back under it.
#include "collector_query/domain/model_data_query.hpp"
#include "kernel/check.hpp"

namespace {

// "name=value" lines.
collector_query::domain::Parameters parameters_from(std::string_view text) {
    collector_query::domain::Parameters parameters;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto equals = line.find('=');
        parameters.emplace_back(line.substr(0, equals), equals == std::string_view::npos ? "" : line.substr(equals + 1));
    }
    return parameters;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace collector_query::domain;
    const auto parameters = parameters_from({reinterpret_cast<const char*>(bytes), size});
    const auto parsed = data_query_from(parameters);
    if (const auto* query = std::get_if<DataQuery>(&parsed)) {
        const Cursor cursor{.value = 0.5, .id = static_cast<std::int64_t>(size)};
        const auto back = cursor_from(to_text(cursor, query->filter, query->sort), query->filter, query->sort);
        CHECK(std::holds_alternative<Cursor>(back) && std::get<Cursor>(back) == cursor, "a cursor reads back under its own question");
        CHECK(query->limit >= 1 && query->limit <= limit_max, "the limit is bounded");
    } else {
        CHECK(!std::get<Refusal>(parsed).code.empty(), "a refusal has a code");
    }
    return 0;
}
