// Grouping of refusals.
#include "acopio/trouble.hpp"

#include "acopio/json_view.hpp"

#include <algorithm>

namespace acopio {

Trouble trouble_from(const boost::json::object& problem, std::uint64_t index) {
    Trouble trouble{.code = text_of(problem, "code", "unknown"),
                    .detail = text_of(problem, "detail", text_of(problem, "title")),
                    .mend = text_of(problem, "mend"),
                    .line = {},
                    .item = index};
    if (problem.contains("line")) trouble.line = count_of(problem, "line");
    if (trouble.mend.empty()) trouble.mend = text_of(problem, "expected");
    return trouble;
}

bool spoils_the_file(Format format, std::string_view code) {
    return format != Format::json || code == "json-broken" || code == "too-many-items" || code.starts_with("body-");
}

std::string with_advice(std::string message, std::string_view advice) {
    if (advice.empty()) return message;
    message += message.ends_with('.') ? " " : ". ";
    const auto begin = message.size();
    message += advice;
    // Not the name of a field or of an option.
    const auto word = advice.substr(0, advice.find(' '));
    if (std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; }))
        message[begin] = static_cast<char>(message[begin] - 'a' + 'A');
    return message;
}

kernel::Error unreadable(const Trouble& trouble) {
    std::string message = "the file could not be read: " + trouble.detail;
    if (trouble.line) message += " (line " + std::to_string(*trouble.line) + ")";
    return {kernel::ErrorKind::incorrect, trouble.code, with_advice(std::move(message), trouble.mend)};
}

void TroubleGroups::add(const Trouble& trouble) {
    auto found = groups_.find(trouble.code);
    if (found == groups_.end()) {
        if (groups_.size() == groups_max) {
            ++others_;
            return;
        }
        Group group{.code = trouble.code,
                    .detail = trouble.detail,
                    .mend = trouble.mend,
                    .count = 0,
                    .lines = trouble.line.has_value(),
                    .places = {}};
        found = groups_.emplace(trouble.code, std::move(group)).first;
    }
    auto& group = found->second;
    ++group.count;
    const auto place = group.lines ? trouble.line : trouble.item;
    if (place && group.places.size() < examples_max) group.places.push_back(*place);
}

void TroubleGroups::clear() {
    groups_.clear();
    others_ = 0;
}

std::vector<const TroubleGroups::Group*> TroubleGroups::by_count() const {
    std::vector<const Group*> groups;
    groups.reserve(groups_.size());
    for (const auto& [code, group] : groups_) groups.push_back(&group);
    std::ranges::sort(groups,
                      [](const Group* a, const Group* b) { return a->count != b->count ? a->count > b->count : a->code < b->code; });
    return groups;
}

std::string TroubleGroups::text(const Screen& screen) const {
    std::string out;
    for (const auto* group : by_count()) {
        out += "  " + paint(printable(group->code), Tone::bad, screen.colour) + "  " + human_count(group->count) +
               (group->count == 1 ? " record" : " records");
        if (!group->places.empty()) {
            out += group->lines ? ", line" : ", item";
            out += group->places.size() > 1 ? "s " : " ";
            for (std::size_t i = 0; i < group->places.size(); ++i) out += (i > 0 ? ", " : "") + std::to_string(group->places[i]);
            if (group->count > group->places.size()) out += ", ...";
        }
        out += '\n';
        if (!group->detail.empty()) out += "    " + printable(group->detail) + "\n";
        if (!group->mend.empty()) out += "    mend: " + printable(group->mend) + "\n";
    }
    if (others_ > 0) out += "  and " + human_count(others_) + " of further kinds\n";
    return out;
}

boost::json::array TroubleGroups::json() const {
    boost::json::array out;
    for (const auto* group : by_count())
        out.push_back(boost::json::object{{"code", group->code},
                                          {"count", group->count},
                                          {"detail", group->detail},
                                          {"mend", group->mend},
                                          {group->lines ? "first_lines" : "first_items", boost::json::value_from(group->places)}});
    return out;
}

}  // namespace acopio
