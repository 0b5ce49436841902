// Code lists, and the functions of the checks by name.
#include "data_center_classifier/domain/model_rubric.hpp"

#include "data_center_classifier/domain/checks.hpp"
#include "kernel/check.hpp"

#include <algorithm>

namespace data_center_classifier::domain {

std::string_view to_text(Dimension dimension) {
    constexpr std::array<std::string_view, dimension_count> names{"conformance", "completeness", "plausibility",
                                                                  "timeliness",  "uniqueness",   "privacy"};
    CHECK(dimension < Dimension::count_, "a dimension is one of the six");
    return names[static_cast<std::size_t>(dimension)];
}

CodeList::CodeList(std::vector<std::string> codes) : codes_(std::move(codes)) {
    if (!std::is_sorted(codes_.begin(), codes_.end())) std::sort(codes_.begin(), codes_.end());
    codes_.erase(std::unique(codes_.begin(), codes_.end()), codes_.end());
}

std::string_view CodeList::find(std::string_view code) const {
    const auto found = std::lower_bound(codes_.begin(), codes_.end(), code);
    return found != codes_.end() && *found == code ? std::string_view(*found) : std::string_view();
}

bool CodeList::contains(std::string_view code) const {
    return !find(code).empty();
}

CheckFunction check_function(std::string_view name) {
    for (const auto checks :
         {conformance_checks(), completeness_checks(), plausibility_checks(), timeliness_checks(), uniqueness_checks(), privacy_checks()})
        for (const auto& check : checks)
            if (check.name == name) return check.run;
    return nullptr;
}

}  // namespace data_center_classifier::domain
