// ArrayCutter: one pass over the text.
#include "data_center_classifier/infrastructure/formats/json_array.hpp"

#include "data_center_classifier/domain/text.hpp"
#include "kernel/json_text.hpp"

#include <optional>
#include <utility>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::trimmed;

constexpr std::string_view whitespace = " \t\r\n";

class ArrayCutter {
public:
    ArrayCutter(std::string_view json, std::size_t items_max) : json_(json), items_max_(items_max), at_(json.find('[') + 1) {}

    std::variant<std::vector<ItemRange>, Failure> items() {
        std::vector<ItemRange> items;
        for (bool more = true; more;) {
            const auto begin = at_;
            if (auto failure = skip_item()) return *std::move(failure);
            more = json_[at_] == ',';
            const auto item = trimmed(json_.substr(begin, at_ - begin));
            if (item.empty() && (more || !items.empty())) return broken(at_, "an item of the array is missing", "an object");
            if (!item.empty()) items.push_back({.begin = static_cast<std::size_t>(item.data() - json_.data()), .size = item.size()});
            if (items.size() > items_max_) return too_many();
            ++at_;
        }
        const auto rest = json_.find_first_not_of(whitespace, at_);
        if (rest != std::string_view::npos) return broken(rest, "something follows the array", "the end of the body");
        return items;
    }

private:
    // Stands on the comma or the bracket after the item then.
    std::optional<Failure> skip_item() {
        std::size_t depth = 0;
        for (; at_ < json_.size(); ++at_) {
            switch (json_[at_]) {
                case '"':
                    if (const auto end = kernel::end_of_json_text(json_, at_); end != std::string_view::npos) {
                        at_ = end - 1;
                        break;
                    }
                    return broken(at_, "a text is not closed", "a closing quote");
                case '{':
                case '[': ++depth; break;
                case '}':
                    if (depth == 0) return broken(at_, "a bracket closes what is not open");
                    --depth;
                    break;
                case ']':
                    if (depth == 0) return std::nullopt;
                    --depth;
                    break;
                case ',':
                    if (depth == 0) return std::nullopt;
                    break;
                default: break;
            }
        }
        return broken(json_.size(), "the array is not closed", "a closing bracket");
    }

    Failure too_many() const {
        Refusal refusal{.code = "too-many-items",
                        .detail = "the array holds more records than one body may",
                        .pointer = {},
                        .line = {},
                        .column = {},
                        .expected = "at most " + std::to_string(items_max_) + " items",
                        .found = "more",
                        .mend = "send NDJSON, which may be of any length"};
        return {.refusal = std::move(refusal), .offset = at_};
    }

    std::string_view json_;
    std::size_t items_max_;
    std::size_t at_;
};

}  // namespace

std::variant<std::vector<ItemRange>, Failure> items_of_array(std::string_view json, std::size_t items_max) {
    return ArrayCutter(json, items_max).items();
}

}  // namespace data_center_classifier::infrastructure::formats
