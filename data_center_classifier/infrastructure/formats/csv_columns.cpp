// Columns of a CSV file to fields, and the others to extensions with names of their own.
#include "data_center_classifier/infrastructure/formats/csv_columns.hpp"

#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/infrastructure/formats/common_names.hpp"
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldId;
using Column = CsvColumns::Column;
using Target = CsvColumns::Target;
using By = CsvReader::Column::By;

// The place of what a column can claim: the fields, and after them the data centre's id.
constexpr std::size_t data_center_place = domain::field_count;
std::optional<std::size_t> place_named(std::string_view name) {
    if (name == "data_center_id") return data_center_place;
    const auto field = domain::field_named(name);
    if (!field) return std::nullopt;
    return static_cast<std::size_t>(*field);
}

Refusal refusal_of_header(std::string code, std::string detail, std::string mend) {
    return {.code = std::move(code),
            .detail = std::move(detail),
            .pointer = {},
            .line = 1,
            .column = {},
            .expected = {},
            .found = {},
            .mend = std::move(mend)};
}

Refusal twice(const std::string& what, std::size_t first, std::size_t second) {
    auto refusal = refusal_of_header("csv-column-twice",
                                     "columns " + std::to_string(first + 1) + " and " + std::to_string(second + 1) + " are both " + what,
                                     "rename or drop one of them, or name the right one in the mapping");
    refusal.column = second + 1;
    return refusal;
}

// Which column has which field: by exact names, then by the mapping, then by common names.
class Claims {
public:
    explicit Claims(const std::vector<std::string_view>& names)
        : names_(names), place_of_(names.size()), also_(names.size()), by_(names.size(), By::extension) {
        holder_.fill(nobody);
    }

    // A column that has nothing yet gets the place that `place_for(name)` names. The first conflict within a round is a refusal.
    template <class PlaceFor>
    void round(By by, PlaceFor place_for) {
        auto before = holder_;
        for (std::size_t column = 0; column < names_.size(); ++column) {
            if (place_of_[column]) continue;
            const std::optional<std::size_t> place = place_for(names_[column]);
            if (!place || before[*place] != nobody) continue;
            if (holder_[*place] != nobody && !conflict) conflict = twice(name_of(*place), holder_[*place], column);
            holder_[*place] = column;
            place_of_[column] = place;
            by_[column] = by;
        }
    }

    // What is left of the columns and the fields, by the common names.
    void share_out() {
        CommonFields common;
        for (std::size_t column = 0; column < names_.size(); ++column) {
            const auto meaning = meaning_of(names_[column]);
            const bool means_image = meaning && meaning->field == FieldId::image;
            if (meaning && !place_of_[column]) common.offer(*meaning, names_[column], column);
            else if (means_image) common.note(*meaning);
            else if (place_of_[column] == static_cast<std::size_t>(FieldId::image)) common.note({.field = FieldId::image, .rank = 0});
        }
        for (std::size_t place = 0; place < domain::field_count; ++place) {
            const auto column = common.holder(static_cast<FieldId>(place));
            if (!column || holder_[place] != nobody) continue;
            holder_[place] = *column;
            if (place_of_[*column]) also_[*column] = place_of_[*column];
            place_of_[*column] = place;
            by_[*column] = By::common_name;
        }
    }

    Column column(std::size_t i) const {
        Column column;
        column.use = {.name = std::string(names_[i]), .field = "", .also = "", .by = by_[i]};
        if (!place_of_[i]) return column;
        column.target = *place_of_[i] == data_center_place ? Target::data_center_id : Target::field;
        column.use.field = name_of(*place_of_[i]);
        if (column.target == Target::field) column.field = static_cast<FieldId>(*place_of_[i]);
        if (!also_[i]) return column;
        column.also = static_cast<FieldId>(*also_[i]);
        column.use.also = name_of(*also_[i]);
        return column;
    }
    std::optional<Refusal> conflict;

private:
    static constexpr std::size_t nobody = static_cast<std::size_t>(-1);
    static std::string name_of(std::size_t place) {
        return place == data_center_place ? "data_center_id" : std::string(domain::info(static_cast<FieldId>(place)).name);
    }

    const std::vector<std::string_view>& names_;
    std::array<std::size_t, domain::field_count + 1> holder_{};
    std::vector<std::optional<std::size_t>> place_of_, also_;
    std::vector<By> by_;
};

Claims claims_of(const std::vector<std::string_view>& names, const CsvReader::Mapping& mapping) {
    Claims claims(names);
    claims.round(By::name, place_named);
    claims.round(By::mapping, [&](std::string_view name) -> std::optional<std::size_t> {
        const auto mapped = mapping.find(name);
        return mapped == mapping.end() ? std::nullopt : place_named(mapped->second);
    });
    // Then as loosely as common names are understood, where one mapped name alone fits.
    std::map<std::string, std::vector<std::string_view>> loose;
    for (const auto& [name, field] : mapping) loose[loose_name(name)].push_back(field);
    claims.round(By::mapping, [&](std::string_view name) -> std::optional<std::size_t> {
        const auto mapped = loose.find(loose_name(name));
        if (mapped == loose.end() || mapped->first.empty() || mapped->second.size() > 1) return std::nullopt;
        return place_named(mapped->second.front());
    });
    claims.share_out();
    return claims;
}

// An extension's name: a column without one is "column_N", and the second "View" is "View_2".
std::string extension_name(std::string_view name, std::size_t column, const std::set<std::string, std::less<>>& taken) {
    const auto plain = name.empty() ? "column_" + std::to_string(column + 1) : std::string(name);
    auto unused = plain;
    for (std::size_t number = 2; taken.contains(unused); ++number) unused = plain + '_' + std::to_string(number);
    return unused;
}

}  // namespace

char separator_of(std::string_view header) {
    constexpr std::string_view separators = ",;\t|";
    std::array<std::size_t, separators.size()> counts{};
    bool quoted = false;
    for (const char c : header) {
        if (c == '"') quoted = !quoted;
        if (const auto which = separators.find(c); !quoted && which != std::string_view::npos) ++counts[which];
    }
    return separators[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

Read<CsvColumns> columns_of(const std::vector<std::string_view>& header, const CsvReader::Mapping& mapping) {
    std::vector<std::string_view> names;
    std::ranges::transform(header, std::back_inserter(names), domain::trimmed);
    const auto claims = claims_of(names, mapping);
    if (claims.conflict) return *claims.conflict;
    CsvColumns columns;
    std::set<std::string, std::less<>> taken(names.begin(), names.end());
    std::set<std::string_view> seen;
    std::map<std::string, std::size_t> extensions;  // by key text
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto column = claims.column(i);
        if (column.target == Target::extension) {
            const bool first = !names[i].empty() && seen.insert(names[i]).second;
            const auto name = first ? std::string(names[i]) : extension_name(names[i], i, taken);
            taken.insert(name);
            append_json_string(column.key, name);
            column.key.pop_back();  // sorted without the closing quote, as everywhere
            extensions.emplace(column.key, i);
            column.key += "\":";
        }
        columns.columns.push_back(std::move(column));
    }
    if (std::ranges::none_of(columns.columns, [](const Column& column) { return column.target == Target::field; }))
        return refusal_of_header("csv-no-known-column", "no column of the header is a field of a record",
                                 "send a header row; name the columns as the fields, or store a mapping of columns to fields");
    for (const auto& [key, place] : extensions) columns.extensions.push_back(place);
    return columns;
}

}  // namespace data_center_classifier::infrastructure::formats
