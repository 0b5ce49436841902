// From the command line to a query string.
#include "acopio/query_parameters.hpp"

#include "acopio/remote.hpp"

#include <algorithm>

namespace acopio {

std::string option_name(std::string_view parameter) {
    std::string name = "--" + std::string(parameter);
    std::ranges::replace(name, '_', '-');
    return name;
}

kernel::Result<QueryParameters> parameters_from(const std::vector<std::string>& filters) {
    QueryParameters parameters;
    for (const auto& filter : filters) {
        const auto equals = filter.find('=');
        if (equals == 0 || equals == std::string::npos)
            return kernel::Error{kernel::ErrorKind::incorrect, "filter-invalid",
                                 "a filter is name=value, such as modality=CT. See acopio query --help"};
        parameters.emplace_back(filter.substr(0, equals), filter.substr(equals + 1));
    }
    return parameters;
}

std::optional<std::string> taken(QueryParameters& parameters, std::string_view name) {
    std::optional<std::string> value;
    std::erase_if(parameters, [&](auto& parameter) {
        if (parameter.first != name) return false;
        value = std::move(parameter.second);
        return true;
    });
    return value;
}

std::string query_text(const QueryParameters& parameters) {
    std::string out;
    for (const auto& [name, value] : parameters) out += (out.empty() ? "?" : "&") + percent_encoded(name) + "=" + percent_encoded(value);
    return out;
}

}  // namespace acopio
