// Rubrics from JSON, and the code lists from the files compiled in. Our own files are trusted: a broken one is a broken invariant.
#include "data_center_classifier/infrastructure/formats/embedded_files.hpp"
#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/check.hpp"

#include <zlib.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace data_center_classifier::infrastructure::formats {
namespace {

namespace json = boost::json;
using domain::Dimension;
using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

constexpr std::size_t rubric_bytes_max = 1024 * 1024;
constexpr std::size_t checks_max = 1000;
constexpr std::size_t text_bytes_max = 500;
constexpr std::size_t inflated_bytes_max = 8 * 1024 * 1024;

Error invalid(const std::string& where, const std::string& member, const std::string& what) {
    return Error{ErrorKind::incorrect, "rubric-invalid", where + ": " + member + ": " + what};
}

template <class Line>
void each_line(std::string_view text, Line line) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (end > 0 && text[0] != '#') line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

domain::CodeList code_list(std::string_view text) {
    std::vector<std::string> codes;
    codes.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
    each_line(text, [&](std::string_view code) { codes.emplace_back(code); });
    return domain::CodeList(std::move(codes));
}

std::string inflated(std::string_view gz) {
    z_stream stream{};
    CHECK(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib starts");
    // zlib's interface is older than const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gz.data()));
    stream.avail_in = static_cast<uInt>(gz.size());
    std::string text;
    int status = Z_OK;
    while (status == Z_OK && text.size() < inflated_bytes_max) {
        const auto begin = text.size();
        text.resize(begin + 256 * 1024);
        stream.next_out = reinterpret_cast<Bytef*>(text.data() + begin);
        stream.avail_out = static_cast<uInt>(text.size() - begin);
        status = inflate(&stream, Z_NO_FLUSH);
        text.resize(text.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    CHECK(status == Z_STREAM_END, "the embedded code list inflates");
    return text;
}

domain::CodeLists built_in_lists() {
    domain::CodeLists lists;
    lists.modalities = code_list(embedded::modalities());
    lists.body_parts = code_list(embedded::body_parts());
    lists.icd10cm = code_list(inflated(embedded::icd10cm_gz()));
    each_line(embedded::body_part_synonyms(), [&](std::string_view line) {
        const auto tab = line.find('\t');
        CHECK(tab != std::string_view::npos, "a synonym has a tab before its term");
        std::string words(line.substr(0, tab));
        lists.body_part_synonyms.emplace(words, line.substr(tab + 1));
        std::erase(words, ' ');  // "LUMBARSPINE"
        lists.body_part_synonyms.emplace(std::move(words), line.substr(tab + 1));
    });
    return lists;
}

// Reads the members of one object, and remembers the first that is wrong.
class Members {
public:
    Members(const json::object& object, std::string where) : object_(object), where_(std::move(where)) {}

    // "": may be left out and is empty then.
    std::string text(std::string_view name, std::size_t least = 1) {
        const auto* value = object_.if_contains(name);
        if (!value && least == 0) return {};
        const auto* string = value ? value->if_string() : nullptr;
        if (!string || string->size() < least || string->size() > text_bytes_max) {
            fail(name, "a text of " + std::to_string(least) + " to " + std::to_string(text_bytes_max) + " bytes is expected");
            return {};
        }
        return std::string(std::string_view(*string));
    }
    double number(std::string_view name, double least, double most) {
        const auto* value = object_.if_contains(name);
        json::error_code error;
        const double number = value && value->is_number() ? value->to_number<double>(error) : std::nan("");
        if (number >= least && number <= most) return number;
        fail(name, "a number from " + std::to_string(least) + " to " + std::to_string(most) + " is expected");
        return least;
    }
    const json::object& object(std::string_view name) {
        static const json::object none;
        const auto* value = object_.if_contains(name);
        if (value && value->is_object()) return value->get_object();
        fail(name, "an object is expected");
        return none;
    }
    const json::array& array(std::string_view name) {
        static const json::array none;
        const auto* value = object_.if_contains(name);
        if (value && value->is_array()) return value->get_array();
        fail(name, "a list is expected");
        return none;
    }
    void fail(std::string_view name, const std::string& what) {
        if (!error_) error_ = invalid(where_, std::string(name), what);
    }
    void take_error_of(const Members& other) {
        if (!error_) error_ = other.error_;
    }
    const std::optional<Error>& error() const { return error_; }

private:
    const json::object& object_;
    std::string where_;
    std::optional<Error> error_;
};

std::optional<Dimension> dimension_named(std::string_view name) {
    for (std::size_t d = 0; d < domain::dimension_count; ++d)
        if (domain::to_text(static_cast<Dimension>(d)) == name) return static_cast<Dimension>(d);
    return std::nullopt;
}

bool is_check_id(std::string_view id) {
    return id.size() <= 32 && std::all_of(id.begin(), id.end(),
                                          [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

Result<domain::Check> check_from(const json::value& value, std::size_t index) {
    const auto number = "checks[" + std::to_string(index) + "]";
    if (!value.is_object()) return invalid(number, "", "an object is expected");
    const auto& object = value.get_object();
    const auto* id = object.if_contains("id");
    Members members(object, id && id->is_string() && is_check_id(id->get_string()) ? std::string(id->get_string()) : number);
    domain::Check check;
    check.id = members.text("id");
    if (!is_check_id(check.id)) members.fail("id", "up to 32 of A-Z, 0-9, - and _ are expected");
    if (const auto dimension = dimension_named(members.text("dimension"))) check.dimension = *dimension;
    else members.fail("dimension", "one of the six dimensions is expected");
    check.field = members.text("field", 0);
    if (!check.field.empty() && !domain::field_named(check.field)) members.fail("field", "no field has this name");
    const auto severity = members.text("severity");
    check.severity = severity == "required" ? domain::Severity::required : domain::Severity::investigative;
    if (severity != "required" && severity != "investigative") members.fail("severity", "required or investigative is expected");
    check.weight = members.number("weight", 0.01, 100);
    check.function = members.text("function");
    check.run = domain::check_function(check.function);
    if (!check.run) members.fail("function", "this build has no function of this name");
    check.title = members.text("title");
    check.expected = members.text("expected");
    check.mend = members.text("mend");
    if (members.error()) return *members.error();
    return check;
}

void read_dimensions(Members& rubric_members, domain::Rubric& rubric) {
    Members members(rubric_members.object("dimensions"), "dimensions");
    double sum = 0;
    for (std::size_t d = 0; d < domain::dimension_count; ++d) {
        rubric.dimension_weight[d] = members.number(domain::to_text(static_cast<Dimension>(d)), 0, 1);
        sum += rubric.dimension_weight[d];
    }
    if (rubric.dimension_weight[static_cast<std::size_t>(Dimension::privacy)] != 0)
        members.fail("privacy", "privacy is a gate: 0 is expected");
    rubric_members.take_error_of(members);
    if (sum <= 0 || sum > 1.000001) rubric_members.fail("dimensions", "weights with a sum above 0 and up to 1 are expected");
}

void read_grades(Members& rubric_members, domain::Rubric& rubric) {
    Members members(rubric_members.object("grades"), "grades");
    constexpr std::array<std::string_view, 4> names{"A", "B", "C", "D"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        rubric.grade_above[i] = members.number(names[i], 0, 100);
        if (i > 0 && rubric.grade_above[i] >= rubric.grade_above[i - 1]) members.fail(names[i], "less than the grade above is expected");
    }
    rubric_members.take_error_of(members);
}

bool is_version(std::string_view text) {
    return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

Result<domain::Rubric> rubric_without_lists(std::string_view text) {
    if (text.size() > rubric_bytes_max) return invalid("rubric", "", "at most 1 MiB is expected");
    json::error_code error;
    const auto value = json::parse(text, error);
    if (error) return invalid("rubric", "", "no JSON: " + error.message());
    if (!value.is_object()) return invalid("rubric", "", "an object is expected");
    Members members(value.get_object(), "rubric");
    domain::Rubric rubric;
    rubric.version = members.text("version");
    if (!is_version(rubric.version)) members.fail("version", "up to 64 of a-z, 0-9, - and . are expected");
    read_dimensions(members, rubric);
    read_grades(members, rubric);
    rubric.provisional_below_records = members.number("provisional_below_records", 0, 1e9);
    const auto& checks = members.array("checks");
    if (checks.empty() || checks.size() > checks_max) members.fail("checks", "1 to 1000 checks are expected");
    if (members.error()) return *members.error();
    std::set<std::string, std::less<>> ids;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        auto check = check_from(checks[i], i);
        if (!check) return std::move(check).error();
        if (!ids.insert(check->id).second) return invalid(check->id, "id", "an id of its own is expected");
        rubric.checks.push_back(std::move(*check));
    }
    return rubric;
}

}  // namespace

std::string_view built_in_rubric_json() {
    return embedded::rubric_json();
}

domain::Rubric built_in_rubric() {
    auto rubric = rubric_from_json(embedded::rubric_json());
    CHECK(rubric, "the built-in rubric is valid");
    return std::move(*rubric);
}

Result<domain::Rubric> rubric_from_json(std::string_view text) {
    auto rubric = rubric_without_lists(text);
    if (rubric) rubric->lists = built_in_lists();
    return rubric;
}

}  // namespace data_center_classifier::infrastructure::formats
