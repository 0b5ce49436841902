// The scorecard's tables.
#include "acopio/scorecard_view.hpp"

#include "acopio/json_view.hpp"

namespace acopio {
namespace {

using Align = Table::Align;

std::string head_line(const boost::json::object& card, const Screen& screen) {
    const auto grade = text_of(card, "grade", "-");
    std::string out = paint(printable(text_of(card, "data_center_id")), Tone::strong, screen.colour) + "  grade " +
                      paint(printable(grade), tone_of_grade(grade), screen.colour) + "  score " +
                      human_decimal(number_of(card, "score"), 1) + ", grade from its lower 95 % bound " +
                      human_decimal(number_of(card, "score_lower"), 1) + "  " + human_count(count_of(card, "records")) +
                      (count_of(card, "records") == 1 ? " record" : " records");
    if (flag_of(card, "provisional")) out += "  " + paint("provisional", Tone::warn, screen.colour);
    return out + "\n";
}

std::string dimensions_table(const boost::json::object& card, const Screen& screen) {
    Table table({{.title = "dimension"},
                 {.title = "rate", .align = Align::right},
                 {.title = "at least", .align = Align::right},
                 {.title = "weight", .align = Align::right},
                 {.title = "costs", .align = Align::right},
                 {.title = "judged", .align = Align::right}});
    for (const auto& item : items_of(card, "dimensions")) {
        const auto dimension = object_of(item);
        const double cost = number_of(dimension, "cost");
        const bool judged = count_of(dimension, "judged") > 0;
        table.add({text_of(dimension, "dimension"),
                   judged ? human_percent(number_of(dimension, "rate")) : std::string("-"),
                   judged ? human_percent(number_of(dimension, "lower")) : std::string("-"),
                   human_decimal(number_of(dimension, "weight"), 2),
                   {human_decimal(cost, 1), cost >= 5   ? Tone::bad
                                            : cost >= 1 ? Tone::warn
                                                        : Tone::plain},
                   human_count(count_of(dimension, "judged"))});
    }
    return table.empty() ? "" : table.text(screen, "  ");
}

std::string failing_list(const boost::json::object& card, const Screen& screen, std::size_t checks_max) {
    const auto failing = items_of(card, "failing");
    std::string out;
    std::size_t shown = 0;
    for (const auto& item : failing) {
        if (shown++ == checks_max) break;
        const auto check = object_of(item);
        out += "  " + paint(printable(text_of(check, "check")), Tone::strong, screen.colour) + "  " + printable(text_of(check, "title")) +
               "\n";
        out += "    " + human_count(count_of(check, "failed")) + " of " + human_count(count_of(check, "judged")) + " failed (" +
               human_percent(number_of(check, "rate")) + "), costs " + human_decimal(number_of(check, "cost"), 1) + " points\n";
        std::string examples;
        for (const auto& example : items_of(check, "examples"))
            if (example.is_string()) examples += (examples.empty() ? "" : ", ") + printable(example.get_string());
        if (!examples.empty()) out += "    such as " + examples + "\n";
        if (const auto mend = text_of(check, "mend"); !mend.empty()) out += "    mend: " + printable(mend) + "\n";
    }
    if (failing.size() > checks_max) out += "  and " + std::to_string(failing.size() - checks_max) + " more: see --json\n";
    return out;
}

std::string feeds_table(const boost::json::object& card, const Screen& screen) {
    Table table({{.title = "feed"},
                 {.title = "records", .align = Align::right},
                 {.title = "score", .align = Align::right},
                 {.title = "at least", .align = Align::right},
                 {.title = "grade"}});
    for (const auto& item : items_of(card, "feeds")) {
        const auto feed = object_of(item);
        const auto grade = text_of(feed, "grade", "-");
        table.add({text_of(feed, "feed"),
                   human_count(count_of(feed, "records")),
                   human_decimal(number_of(feed, "score"), 1),
                   feed.contains("score_lower") ? human_decimal(number_of(feed, "score_lower"), 1) : std::string("-"),
                   {grade, tone_of_grade(grade)}});
    }
    return table.empty() ? "" : table.text(screen, "  ");
}

}  // namespace

std::string scorecard_text(const boost::json::object& card, const Screen& screen, std::size_t checks_max) {
    std::string out = head_line(card, screen) + dimensions_table(card, screen);
    if (const auto failing = failing_list(card, screen, checks_max); !failing.empty()) out += "\n" + failing;
    if (const auto lift = text_of(object_of(card, "lift"), "text"); !lift.empty())
        out += "\n  " + paint("next step: ", Tone::good, screen.colour) + printable(lift) + "\n";
    if (const auto feeds = feeds_table(card, screen); !feeds.empty()) out += "\n" + feeds;
    return out;
}

}  // namespace acopio
