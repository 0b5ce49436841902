// Items are counted here, and the totals of the intake win over the count: it knows what became of a record.
#include "acopio/answers.hpp"

#include "acopio/json_view.hpp"
#include "acopio/remote.hpp"

#include <algorithm>
#include <array>

namespace acopio {
namespace {

kernel::Error not_understood() {
    return {kernel::ErrorKind::fault, "answer-not-understood",
            "the server's answer could not be understood. Is it an acopio of this version, and nothing else in between?"};
}

// What the formats refuse, and not what is wrong with the request: a missing header, an unknown type.
bool is_of_content(std::string_view code) {
    constexpr std::array<std::string_view, 7> beginnings{"csv-", "json-", "body-", "too-many-", "text-", "record-", "data-center-id-not"};
    return std::ranges::any_of(beginnings, [code](std::string_view beginning) { return code.starts_with(beginning); });
}

}  // namespace

void IntakeAnswers::take_item(const boost::json::object& item) {
    ++items_;
    const auto status = text_of(item, "status");
    if (status == "accepted") ++totals_.accepted;
    else if (status == "duplicate") ++totals_.duplicate;
    else if (status == "quarantined") ++totals_.quarantined;
    else if (status == "refused") {
        ++totals_.refused;
        troubles_.add(trouble_from(object_of(item, "problem"), count_of(item, "index")));
    } else broken_ = not_understood();
}

void IntakeAnswers::take_totals(const boost::json::object& totals) {
    totals_ = {.accepted = count_of(totals, "accepted"),
               .duplicate = count_of(totals, "duplicate"),
               .quarantined = count_of(totals, "quarantined"),
               .refused = count_of(totals, "refused")};
    done_ = !totals.contains("done") || flag_of(totals, "done");
    if (!done_) {
        const auto problem = object_of(totals, "problem");
        broken_ = error_of(static_cast<int>(count_of(problem, "status")), problem);
    }
}

kernel::Error IntakeAnswers::error_of(int status, const boost::json::object& problem) const {
    const auto trouble = trouble_from(problem, 0);
    // 400, 413 and 422 are about what was sent; about the sender are the others.
    const bool content = status == 400 || status == 413 || status == 422;
    if (content && problem.contains("code") && is_of_content(trouble.code) && spoils_the_file(format_, trouble.code))
        return unreadable(trouble);
    return error_from(status, boost::json::serialize(problem));
}

void IntakeAnswers::take_line(std::string_view line) {
    if (line.empty()) return;
    boost::system::error_code failed;
    const auto value = boost::json::parse(line, failed);
    if (failed || !value.is_object()) {
        broken_ = not_understood();
        return;
    }
    const auto& object = value.get_object();
    if (object.contains("done")) take_totals(object);
    else take_item(object);
}

void IntakeAnswers::take_body(int status, std::string_view body) {
    boost::system::error_code failed;
    const auto value = boost::json::parse(body, failed);
    const auto object = failed ? boost::json::object() : object_of(value);
    if (status >= 400) {
        broken_ = object.empty() ? error_from(status, body) : error_of(status, object);
        const bool this_record =
            (status == 400 || status == 422) && object.contains("code") && !spoils_the_file(format_, text_of(object, "code"));
        if (!this_record) return;
        broken_.reset();  // the one record was refused: that is an answer
        done_ = true;
        ++items_;
        ++totals_.refused;
        troubles_.add(trouble_from(object, 0));
        return;
    }
    if (object.empty()) {
        broken_ = not_understood();
        return;
    }
    if (!object.contains("items")) {
        take_item(object);
        done_ = true;
        return;
    }
    for (const auto& item : items_of(object, "items")) take_item(object_of(item));
    take_totals(object);
}

}  // namespace acopio
