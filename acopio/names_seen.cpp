// Members are found by quotes and brackets alone: the readers wrote the text, so it is well-formed.
#include "acopio/names_seen.hpp"

#include "kernel/json_text.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace acopio {
namespace {

namespace formats = data_center_classifier::infrastructure::formats;
using By = formats::CsvReader::Column::By;

std::string plain(std::string_view quoted) {
    boost::system::error_code failed;
    const auto value = boost::json::parse(quoted, failed);
    return !failed && value.is_string() ? std::string(value.get_string()) : std::string(quoted);
}

std::string_view words_of(By by) {
    switch (by) {
        case By::name: return "by name";
        case By::mapping: return "by the mapping";
        case By::common_name: return "by a common name";
        case By::extension: break;
    }
    return "kept as an extension";
}

std::string_view key_of(By by) {
    switch (by) {
        case By::name: return "name";
        case By::mapping: return "mapping";
        case By::common_name: return "common-name";
        case By::extension: break;
    }
    return "extension";
}

}  // namespace

void NamesSeen::count(std::string_view name) {
    const auto found = std::ranges::find(members_, name, [](const auto& member) -> std::string_view { return member.first; });
    if (found != members_.end()) ++found->second;
    else if (members_.size() < members_max) members_.emplace_back(name, 1);
    else ++further_;
}

void NamesSeen::take_members(std::string_view extensions) {
    std::size_t depth = 0;
    bool name_next = false;
    for (std::size_t at = 0; at < extensions.size(); ++at) {
        const char c = extensions[at];
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (depth == 1 && (c == '{' || c == ',')) name_next = true;
        if (c != '"') continue;
        const auto end = std::min(kernel::end_of_json_text(extensions, at), extensions.size());
        if (name_next) count(extensions.substr(at, end - at));
        name_next = false;
        at = end - 1;
    }
}

std::string NamesSeen::text(const Screen& screen) const {
    std::string out;
    if (!columns_.empty()) {
        Table table({{.title = "column"}, {.title = "becomes"}, {.title = "how"}});
        for (const auto& column : columns_)
            table.add({column.name, column.field.empty() ? "-" : column.field + (column.also.empty() ? "" : ", " + column.also),
                       std::string(words_of(column.by))});
        out += "Columns:\n" + table.text(screen, "  ");
    }
    if (!members_.empty()) {
        Table table({{.title = "member"}, {.title = "records", .align = Table::Align::right}});
        for (const auto& [name, records] : members_) table.add({plain(name), human_count(records)});
        out += "Members that are no field, kept as extensions:\n" + table.text(screen, "  ");
        if (further_ > 0) out += "  and members of further names, " + human_count(further_) + " times\n";
    }
    return out;
}

boost::json::object NamesSeen::json() const {
    boost::json::array columns, members;
    for (const auto& column : columns_) {
        const auto field = column.field.empty() ? boost::json::value(nullptr) : boost::json::value(column.field);
        columns.push_back(boost::json::object{{"column", column.name}, {"field", field}, {"by", key_of(column.by)}});
        if (!column.also.empty()) columns.back().as_object()["also"] = column.also;
    }
    for (const auto& [name, records] : members_) members.push_back(boost::json::object{{"name", plain(name)}, {"records", records}});
    return {{"columns", std::move(columns)}, {"unknown_members", std::move(members)}, {"further_members", further_}};
}

}  // namespace acopio
