// Statuses by code where the kind of the error says too little.
#include "data_center_classifier/infrastructure/http/problems.hpp"

#include <algorithm>
#include <array>

namespace data_center_classifier::infrastructure::http {
namespace {

using platform::http::Problem;

struct Known {
    std::string_view code;
    int status;
    std::string_view title, mend;
    std::string_view pointer = {}, expected = {};
};
constexpr std::array known_codes{
    Known{"key-missing", 401, "A key is needed", "send Authorization: Bearer with the key of the data centre, or the operator's token"},
    Known{"key-unknown", 401, "The key is not known", "check that the key is whole and of this server; the operator issues a new one"},
    Known{"key-revoked", 401, "The key was revoked", "ask the operator for a new key"},
    Known{"key-id-unknown", 404, "The data centre has no such key", "its keys are listed at GET /data-centers/{id}"},
    Known{"key-exists", 409, "The data centre has this key", "send the request again"},
    Known{"too-many-keys", 409, "The data centre has too many keys", "revoke those that are not used any more"},
    Known{"operator-only", 403, "Only the operator may do this", "ask the operator, or use the operator's token"},
    Known{"operator-cannot-send", 403, "Only a data centre may send records", "issue a key for the data centre and send with that"},
    Known{"data-center-suspended", 403, "The data centre is suspended", "ask the operator why; its scorecard says what to mend"},
    Known{"data-center-foreign", 403, "This belongs to another data centre",
          "name the data centre that the key belongs to, or none; each centre sends for itself"},
    Known{"data-center-missing", 400, "The data centre is not named", "set the header X-Data-Center", {}, "the id of a data centre"},
    Known{"data-center-id-invalid",
          400,
          "This cannot be the id of a data centre",
          "choose an id such as st-mary",
          {},
          "1 to 64 of a-z, 0-9 and -, beginning with a letter or digit"},
    Known{"data-center-id-not-text", 400, "The record could not be read", "leave it out, or send the id that the key belongs to"},
    Known{"data-center-unknown", 404, "There is no such data centre", "register it with POST /data-centers"},
    Known{"data-center-exists", 409, "There is a data centre of this id", "use it, or choose another id"},
    Known{"too-many-data-centers", 409, "There are too many data centres", "use one of those that there are"},
    Known{"name-invalid", 400, "This cannot be a name", "send a shorter name, without control characters"},
    Known{"reason-invalid", 400, "This cannot be a reason", "say in a few words why, for people", "/reason", "1 to 500 bytes of text"},
    Known{"record-id-invalid", 422, "This cannot be the id of a record",
          "send the id that the record has with you, without what is not part of it", "/record_id",
          "a text of 1 to 128 characters without control characters, or a number"},
    Known{"record-unknown", 404, "The record is not known",
          "check the record id and whose record it is; it may have been taken back already"},
    Known{"record-too-large", 413, "The record is too large", "send references to images and documents, not their content"},
    Known{"too-many-items", 413, "Too many records at once", "send NDJSON, which may be of any length"},
    Known{"body-too-large", 413, "The body is too large", "send fewer records at once, or NDJSON, which may be of any length"},
    Known{"body-expands-too-much", 413, "The body is too large", "send it with less compression, or as it is"},
    Known{"body-window-too-large",
          413,
          "The body cannot be unpacked",
          "compress with at most -19 and without --long",
          {},
          "a window of at most 8 MiB"},
    Known{"body-encoding-broken", 400, "The body cannot be unpacked", "compress it once more, all of it, as Content-Encoding says"},
    Known{"body-framing-broken", 400, "The body could not be read", "let an HTTP library write the chunks"},
    Known{"body-truncated", 400, "The body ended in the middle", "send the request again"},
    Known{"body-stalled", 408, "The body did not come in time", "send the request again, without pauses of that length"},
    Known{"body-not-understood",
          400,
          "The body was not understood",
          "send an object such as {\"name\":\"text\"}",
          {},
          "a JSON object whose members are texts"},
    Known{"length-required", 411, "The length is needed", "set Content-Length, or Transfer-Encoding: chunked"},
    Known{"member-missing", 400, "A member is missing", "add the member that the detail names"},
    Known{"member-twice", 400, "Two members have one name", "send each value once", {}, "each name once"},
    Known{"field-unknown", 400, "There is no such field", "lead each column to one of the fields that the detail lists"},
    Known{"mapping-field-twice", 400, "Two columns lead to one field", "leave one of the two out: it is kept among the extensions"},
    Known{"mapping-too-large", 400, "The mapping is too large", "map only what goes by another name than the field's"},
    Known{"parameter-invalid", 400, "The parameter was not understood", "send a value as the detail describes it"},
    Known{"parameter-unknown", 400, "There is no such parameter", "use only those that the detail names"},
    Known{"content-type-unknown", 415, "This type of content is not read", "name the format of the body in Content-Type"},
    Known{"charset-unknown", 415, "This character set is not read", "convert the body to UTF-8 and say so, or leave charset out"},
    Known{"content-encoding-unknown", 415, "This encoding of content is not read", "send the body as it is, or with gzip or zstd"},
    Known{"content-encoding-missing", 400, "The record could not be read", "set Content-Encoding"},
    Known{"number-too-long", 400, "The record could not be read", "round it to what was measured, or send it as a text"},
};

const Known* known(std::string_view code) {
    const auto* found = std::find_if(known_codes.begin(), known_codes.end(), [&](const Known& one) { return one.code == code; });
    return found == known_codes.end() ? nullptr : found;
}

Problem titled(Problem problem) {
    if (const auto* one = known(problem.code)) {
        problem.status = one->status;
        problem.title = one->title;
        if (problem.mend.empty()) problem.mend = one->mend;
        if (problem.pointer.empty()) problem.pointer = one->pointer;
        if (problem.expected.empty()) problem.expected = one->expected;
    }
    return problem;
}

}  // namespace

Problem problem_of(const kernel::Error& error) {
    return titled(platform::http::problem_from(error));
}

Problem problem_of(formats::Refusal refusal) {
    Problem problem;
    problem.status = 400;
    problem.title = "The record could not be read";
    problem.code = std::move(refusal.code);
    problem.detail = std::move(refusal.detail);
    problem.pointer = std::move(refusal.pointer);
    problem.line = refusal.line;
    problem.column = refusal.column;
    problem.expected = std::move(refusal.expected);
    problem.found = std::move(refusal.found);
    problem.mend = std::move(refusal.mend);
    return titled(std::move(problem));
}

Problem type_problem(std::string expected) {
    Problem problem;
    problem.code = "content-type-unknown";
    problem.detail = "the Content-Type names no format that is read here";
    problem.expected = std::move(expected);
    problem.mend = "name the format of the body in Content-Type";
    return titled(std::move(problem));
}

std::optional<Problem> charset_problem(const platform::http::Request& request) {
    const auto charset = request.charset();
    if (charset.empty() || charset == "utf-8" || charset == "utf8" || charset == "us-ascii") return std::nullopt;
    Problem problem;
    problem.code = "charset-unknown";
    problem.detail = "the Content-Type names another character set than UTF-8";
    problem.expected = "charset=utf-8, or none";
    problem.mend = "convert the body to UTF-8 and say so, or leave charset out";
    return titled(std::move(problem));
}

platform::http::Response refuse(const Problem& problem) {
    auto response = platform::http::answer(problem);
    // RFC 6750, 3: the error only where a token was given. RFC 9110, 15.5.16: what would be read.
    if (problem.code == "key-missing") response.headers.emplace_back("WWW-Authenticate", "Bearer");
    else if (problem.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer error=\"invalid_token\"");
    if (problem.code == "content-encoding-unknown") response.headers.emplace_back("Accept-Encoding", "gzip, zstd, identity");
    if (problem.code == "content-type-unknown") {
        auto types = problem.expected;
        if (const auto last = types.find(" or "); last != std::string::npos) types.replace(last, 4, ", ");
        response.headers.emplace_back("Accept", std::move(types));
    }
    return response;
}

platform::http::Response refuse(const kernel::Error& error) {
    return refuse(problem_of(error));
}

}  // namespace data_center_classifier::infrastructure::http
