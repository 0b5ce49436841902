// Judging a file with the intake's own parts: formats, identities, judge, scorecard.
#include "acopio/examination.hpp"

#include "acopio/json_view.hpp"
#include "acopio/unpack.hpp"
#include "data_center_classifier/infrastructure/db/patient_of.hpp"

#include <algorithm>

namespace acopio {
namespace {

namespace application = data_center_classifier::application;
namespace domain = data_center_classifier::domain;
namespace formats = data_center_classifier::infrastructure::formats;
using domain::Outcome;

constexpr std::size_t json_bytes_max = 16 * 1024 * 1024;  // as the intake's
constexpr std::size_t examples_max = 3;

boost::json::object json_of(const domain::Lift& lift) {
    boost::json::array steps;
    for (const auto& step : lift.steps)
        steps.push_back(boost::json::object{{"dimension", domain::to_text(step.dimension)}, {"from", step.from}, {"to", step.to}});
    return {{"grade", std::string(1, lift.grade)}, {"steps", std::move(steps)}, {"text", domain::to_text(lift)}};
}

boost::json::array dimensions_of(const domain::Scorecard& card) {
    boost::json::array out;
    for (const auto& score : card.dimensions)
        out.push_back(boost::json::object{{"dimension", domain::to_text(score.dimension)},
                                          {"rate", score.rate},
                                          {"lower", score.lower},
                                          {"weight", score.weight},
                                          {"cost", score.cost},
                                          {"judged", score.judged}});
    return out;
}

formats::Refusal too_large() {
    return {.code = "body-too-large",
            .detail = "a JSON body may have at most 16 MiB",
            .pointer = "",
            .line = {},
            .column = {},
            .expected = "at most 16 MiB",
            .found = "",
            .mend = "send it as NDJSON: one record a line, of any length together"};
}

Trouble trouble_of(std::size_t index, const formats::Refusal& refusal) {
    return {.code = refusal.code,
            .detail = refusal.detail,
            .mend = refusal.mend.empty() ? refusal.expected : refusal.mend,
            .line = refusal.line,
            .item = index};
}

kernel::Result<void> examine_json(Unpacked& bytes, Examination& examination, const std::function<void()>& step) {
    std::string body;
    while (true) {
        auto chunk = bytes.read();
        if (!chunk) return std::move(chunk).error();
        if (chunk->empty()) break;
        step();
        body += *chunk;
        if (body.size() > json_bytes_max) return unreadable(trouble_of(0, too_large()));
    }
    formats::JsonReader reader;
    bool any = false;
    auto shape = reader.body(body, [&](std::size_t index, formats::Read<domain::RawData> record) {
        any = true;
        examination.take(index, std::move(record));
    });
    if (const auto* refusal = std::get_if<formats::Refusal>(&shape)) {
        if (spoils_the_file(Format::json, refusal->code)) return unreadable(trouble_of(0, *refusal));
        return examination.refuse(0, *refusal), kernel::ok();
    }
    if (!any && std::get<formats::JsonReader::Shape>(shape) == formats::JsonReader::Shape::object) examination.take(0, reader.record(body));
    return kernel::ok();
}

kernel::Result<void> examine_ndjson(Unpacked& bytes, Examination& examination, const std::function<void()>& step) {
    const formats::Limits limits;
    formats::JsonReader reader(limits);
    formats::LineSplitter splitter(limits.record_bytes_max);
    std::size_t index = 0;
    const auto take_line = [&](std::uint64_t number, std::string_view text, bool too_long) {
        if (!too_long) return examination.take(index++, reader.record(text, number));
        examination.refuse(index++, {.code = "record-too-large",
                                     .detail = "the line is longer than " + std::to_string(limits.record_bytes_max) + " bytes",
                                     .pointer = "",
                                     .line = number,
                                     .column = {},
                                     .expected = "",
                                     .found = "",
                                     .mend = "send large texts and images by reference"});
    };
    while (true) {
        auto chunk = bytes.read();
        if (!chunk) return std::move(chunk).error();
        if (chunk->empty()) break;
        step();
        splitter.feed(*chunk, take_line);
    }
    splitter.finish(take_line);
    return kernel::ok();
}

kernel::Result<void> examine_csv(Unpacked& bytes, Examination& examination, const std::function<void()>& step) {
    formats::CsvReader reader(examination.mapping());
    const auto take_row = [&](std::size_t index, formats::Read<domain::RawData> record) { examination.take(index, std::move(record)); };
    std::optional<formats::Refusal> refusal;
    while (!refusal) {
        auto chunk = bytes.read();
        if (!chunk) return std::move(chunk).error();
        if (chunk->empty()) break;
        step();
        refusal = reader.feed(*chunk, take_row);
    }
    if (!refusal) refusal = reader.finish(take_row);
    examination.names().take_columns(reader.columns());
    if (refusal) return unreadable(trouble_of(0, *refusal));
    return kernel::ok();
}

}  // namespace

void Examination::refuse(std::size_t index, const formats::Refusal& refusal) {
    ++totals_.refused;
    troubles_.add(trouble_of(index, refusal));
}

// As the intake's counters have it (projection_counters.cpp).
domain::JudgeContext Examination::notice(const application::Identity& id, domain::PatientMark patient) {
    domain::JudgeContext context{.received_at = received_at_, .same_key_other_content = {}, .same_content_other_key = {}};
    const auto [known, fresh_key] = latest_.try_emplace(id.key, Latest{.content = id.content, .patient = patient});
    context.same_key_other_content = domain::is_key_of_another(fresh_key ? std::nullopt : std::optional(known->second.patient), patient);
    known->second = {.content = id.content, .patient = patient};
    const auto [holder, fresh_content] = keys_.try_emplace(id.content[0], id.key);
    // A record that has another content by now holds this one no longer.
    context.same_content_other_key = !fresh_content && holder->second != id.key && latest_.at(holder->second).content == id.content;
    if (!*context.same_content_other_key) holder->second = id.key;
    return context;
}

void Examination::count(const domain::RawData& record, const domain::Judgement& judgement, const std::string& record_id) {
    const auto modality = domain::normal_modality(record[domain::FieldId::modality], rubric_.lists).value_or("-");
    auto& feed =
        feeds_.try_emplace(modality + "/" + std::string(to_text(format_)), Sums{.counts = zero_counts(), .records = 0}).first->second;
    for (auto* sums : {&sums_, &feed}) {
        ++sums->records;
        for (std::size_t i = 0; i < rubric_.checks.size(); ++i) {
            auto& count = sums->counts[i];
            const auto outcome = judgement.outcomes[i];
            ++(outcome == Outcome::pass ? count.pass : outcome == Outcome::fail ? count.fail : count.skip);
        }
    }
    for (std::size_t i = 0; i < rubric_.checks.size(); ++i) {
        if (judgement.outcomes[i] != Outcome::fail) continue;
        auto& examples = examples_[i];
        if (examples.size() < examples_max && std::ranges::find(examples, record_id) == examples.end()) examples.push_back(record_id);
    }
}

void Examination::take(std::size_t index, formats::Read<domain::RawData> read) {
    if (const auto* refusal = std::get_if<formats::Refusal>(&read)) return refuse(index, *refusal);
    const auto& record = std::get<domain::RawData>(read);
    if (format_ != Format::csv) names_.take_members(record.extensions);
    const kernel::DataCenterId center{"file"};
    const auto content = formats::to_canonical_json(record, false);
    auto id = application::identify(center, record[domain::FieldId::record_id], content);
    if (!id) {
        ++totals_.refused;
        troubles_.add({.code = id.error().code, .detail = id.error().message, .mend = "", .line = {}, .item = index});
        return;
    }
    if (const auto known = latest_.find(id->key); known != latest_.end()) {
        // As at the intake: a repeat of what waits in quarantine waits there, and is no duplicate of anything accepted.
        if (known->second.content == id->content) return void(++(known->second.quarantined ? totals_.quarantined : totals_.duplicate));
        ++amending_;
    }
    const auto judgement = domain::judge(record, rubric_, notice(*id, data_center_classifier::infrastructure::db::patient_of(content)));
    latest_.at(id->key).quarantined = judgement.quarantine;
    ++(judgement.quarantine ? totals_.quarantined : totals_.accepted);
    count(record, judgement, id->record_id.value);
}

boost::json::array Examination::failing(const domain::Scorecard& card) const {
    boost::json::array out;
    for (const auto& one : card.failing) {
        const auto& check = rubric_.checks[one.check];
        const auto judged = one.count.pass + one.count.fail;
        const auto examples = examples_.find(one.check);
        out.push_back(boost::json::object{{"check", check.id},
                                          {"dimension", domain::to_text(check.dimension)},
                                          {"title", check.title},
                                          {"mend", check.mend},
                                          {"failed", one.count.fail},
                                          {"judged", judged},
                                          {"rate", judged > 0 ? static_cast<double>(one.count.fail) / static_cast<double>(judged) : 0.0},
                                          {"cost", one.cost},
                                          {"examples", examples == examples_.end() ? boost::json::value(boost::json::array())
                                                                                   : boost::json::value_from(examples->second)}});
    }
    return out;
}

boost::json::object Examination::scorecard(const std::string& title) const {
    const auto card = domain::scorecard(rubric_, sums_.counts, sums_.records);
    boost::json::array feeds;
    for (const auto& [name, sums] : feeds_) {
        const auto feed = domain::scorecard(rubric_, sums.counts, sums.records);
        feeds.push_back(boost::json::object{{"feed", name},
                                            {"records", sums.records},
                                            {"score", feed.score},
                                            {"score_lower", feed.score_lower},
                                            {"grade", std::string(1, feed.grade)}});
    }
    return {{"data_center_id", title},
            {"rubric", card.rubric},
            {"records", card.records},
            {"grade", std::string(1, card.grade)},
            {"score", card.score},
            {"score_lower", card.score_lower},
            {"provisional", card.provisional},
            {"dimensions", dimensions_of(card)},
            {"failing", failing(card)},
            {"lift", card.lift ? boost::json::value(json_of(*card.lift)) : boost::json::value(nullptr)},
            {"feeds", std::move(feeds)}};
}

kernel::Result<void> examine(SourceFile& source, FileType type, Examination& examination, const std::function<void()>& step) {
    Unpacked bytes(source, type.packing);
    auto done = type.format == Format::json  ? examine_json(bytes, examination, step)
                : type.format == Format::csv ? examine_csv(bytes, examination, step)
                                             : examine_ndjson(bytes, examination, step);
    const bool packing_broken = !done && done.error().code.starts_with("body-") && !done.error().message.starts_with("the file could");
    if (!packing_broken) return done;
    return unreadable({.code = done.error().code, .detail = done.error().message, .mend = "", .line = {}, .item = {}});
}

}  // namespace acopio
