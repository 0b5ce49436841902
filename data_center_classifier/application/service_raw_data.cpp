// A batch goes through four steps: ids (pure), what the index knows (blocking, only for old records), verdicts (pure), claim and append.
#include "data_center_classifier/application/service_raw_data.hpp"

#include "kernel/check.hpp"
#include "platform/runtime/blocking_call.hpp"

#include <unordered_map>

namespace data_center_classifier::application {
namespace {

using kernel::Error;
using kernel::ErrorKind;

struct Judged {
    domain::Judgement judgement;
    Identity id;
};

// What is left of a batch after the refusals, and where each comes from.
struct Work {
    std::vector<Outcome> outcomes;
    std::vector<std::size_t> origin;  // index into the batch
    std::vector<Identity> ids;
    std::vector<RecordKey> keys;
};

Work identified(const std::vector<Incoming>& items) {
    Work work;
    work.outcomes.resize(items.size());
    work.origin.reserve(items.size());
    work.ids.reserve(items.size());
    work.keys.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto id = identify(items[i].sender.id, items[i].record[domain::FieldId::record_id], items[i].content);
        if (!id) {
            work.outcomes[i].refusal = std::move(id).error();
            continue;
        }
        work.origin.push_back(i);
        work.keys.push_back(id->key);
        work.ids.push_back(std::move(*id));
    }
    return work;
}

using Rows = std::unordered_map<RecordKey, Seen>;

Rows rows_by_key(const std::vector<RecordKey>& keys, const std::vector<std::optional<Seen>>& found) {
    Rows rows;
    for (std::size_t i = 0; i < keys.size() && i < found.size(); ++i)
        if (found[i]) rows.emplace(keys[i], *found[i]);
    return rows;
}

SeenRecords::Claim claim_of(const Identity& id, bool quarantine, const Rows& rows) {
    SeenRecords::Claim claim{.key = id.key,
                             .seen = {.content = id.content, .status = quarantine ? SeenStatus::quarantined : SeenStatus::accepted},
                             .indexed = {}};
    if (rows.empty()) return claim;
    if (const auto row = rows.find(id.key); row != rows.end()) claim.indexed = row->second;
    return claim;
}

kernel::Verdicts verdicts_of(const domain::Judgement& judgement, const domain::Rubric& rubric) {
    kernel::Verdicts verdicts{.rubric = rubric.version, .passed = {}, .failed = {}, .score = judgement.score};
    for (std::size_t i = 0; i < rubric.checks.size(); ++i) {
        if (judgement.outcomes[i] == domain::Outcome::pass) verdicts.passed.add(rubric.checks[i].id);
        if (judgement.outcomes[i] == domain::Outcome::fail) verdicts.failed.add(rubric.checks[i].id);
    }
    return verdicts;
}

kernel::RawDataEvent event_of(const Incoming& item, const Identity& id, const domain::Judgement& judgement, const domain::Rubric& rubric,
                              kernel::Timestamp now) {
    kernel::RawDataFacts facts{
        .data_center_id = item.sender.id,
        .record_id = id.record_id,
        .data_id = id.data_id,
        .receipt_id = id.receipt_id,
        .content_hash = id.content_hash,
        .interface = item.interface,
        .modality = domain::normal_modality(item.record[domain::FieldId::modality], rubric.lists).value_or("-"),
        .received_at = now,
        .grade = item.sender.grade,
        .verdicts = verdicts_of(judgement, rubric),
        // A derived id is ours, not the sender's: the record stays as it was sent.
        .record = id.derived ? item.content : with_record_id(item.content, id.record_id),
    };
    if (judgement.quarantine) return kernel::RawDataQuarantined{std::move(facts)};
    return kernel::RawDataReceived{std::move(facts)};
}

Outcome outcome_of(Identity id, const domain::Judgement& judgement, const SeenRecords::Decision& decision) {
    Outcome outcome;
    outcome.repeated = decision.known != SeenRecords::Known::fresh && decision.known != SeenRecords::Known::changed;
    outcome.status = outcome.repeated ? Status::duplicate : Status::accepted;
    if (decision.status == SeenStatus::quarantined) outcome.status = Status::quarantined;
    outcome.record_id = std::move(id.record_id);
    outcome.record_id_derived = id.derived;
    outcome.data_id = std::move(id.data_id);
    outcome.receipt_id = std::move(id.receipt_id);
    outcome.score = judgement.score;
    for (std::size_t i = 0; i < judgement.outcomes.size(); ++i)
        if (judgement.outcomes[i] == domain::Outcome::fail) outcome.failed.push_back(static_cast<std::uint16_t>(i));
    return outcome;
}

}  // namespace

std::string_view to_text(Status status) {
    constexpr std::string_view names[] = {"accepted", "duplicate", "quarantined", "refused"};
    return names[static_cast<std::size_t>(status)];
}

kernel::Task<std::vector<Outcome>> ReceiveRawData::receive(std::shared_ptr<const std::vector<Incoming>> batch_items) {
    const auto& items = *batch_items;
    CHECK(!items.empty() && items.size() <= batch_records_max, "a batch has 1 to batch_records_max records");
    const auto now = ports_.clock.now();
    auto work = identified(items);

    Rows rows;
    std::optional asked = ports_.seen.to_look_up(work.keys);
    if (!asked->keys.empty()) {
        auto found = co_await platform::runtime::blocking_call(ports_.pool,
                                                               [index = &ports_.index, keys = asked->keys] { return index->find(keys); });
        if (!found) co_return std::move(found).error();
        rows = rows_by_key(asked->keys, *found);
    }

    std::vector<domain::Judgement> judgements;
    std::vector<SeenRecords::Claim> claims;
    judgements.reserve(work.ids.size());
    claims.reserve(work.ids.size());
    for (std::size_t i = 0; i < work.ids.size(); ++i) {
        judgements.push_back(domain::judge(items[work.origin[i]].record, rubric_,
                                           {.received_at = now, .same_key_other_content = {}, .same_content_other_key = {}}));
        claims.push_back(claim_of(work.ids[i], judgements[i].quarantine, rows));
    }
    auto batch = ports_.seen.claim(claims);
    asked.reset();
    if (!batch) co_return std::move(batch).error();

    std::vector<SeenRecords::Written> written;
    std::vector<kernel::RawDataEvent> events;
    for (std::size_t i = 0; i < work.ids.size(); ++i) {
        if (batch->decisions[i].append()) {
            written.push_back({claims[i].key, claims[i].seen});
            events.push_back(event_of(items[work.origin[i]], work.ids[i], judgements[i], rubric_, now));
        }
        work.outcomes[work.origin[i]] = outcome_of(std::move(work.ids[i]), judgements[i], batch->decisions[i]);
    }
    if (events.empty()) co_return std::move(work.outcomes);

    auto first = co_await ports_.collector.append(std::move(events));
    if (!first) {
        ports_.seen.failed(batch->token, written, first.error().kind == ErrorKind::busy);
        co_return std::move(first).error();
    }
    ports_.seen.appended(batch->token, written, *first);
    co_return std::move(work.outcomes);
}

kernel::Task<kernel::DataId> ReceiveRawData::retract(Sender sender, kernel::RecordId record_id) {
    const Error unknown{ErrorKind::not_found, "record-unknown", "the data centre has no record of this id here"};
    if (!is_record_id(record_id.value)) co_return unknown;
    const auto data_id = data_id_of(sender.id, record_id);
    const auto key = record_key_of(data_id);

    const std::vector<SeenRecords::Written> written{{key, {.content = {}, .status = SeenStatus::retracted}}};
    std::vector<SeenRecords::Claim> claims{{.key = key, .seen = written[0].seen, .indexed = {}}};
    std::optional asked = ports_.seen.to_look_up(std::span(&key, 1));
    if (!asked->keys.empty()) {
        auto found = co_await platform::runtime::blocking_call(ports_.pool,
                                                               [index = &ports_.index, keys = asked->keys] { return index->find(keys); });
        if (!found) co_return std::move(found).error();
        claims[0].indexed = found->front();
    }
    // One that is not known to be durable is appended again: the write side drops it. So is one that may lie where nobody has read yet.
    auto batch = ports_.seen.claim(claims);
    asked.reset();
    if (!batch) co_return std::move(batch).error();
    if (!batch->decisions[0].append()) co_return unknown;
    std::vector<kernel::RawDataEvent> events;
    events.push_back(kernel::RawDataRetracted{std::move(sender.id), std::move(record_id), data_id, ports_.clock.now()});
    auto first = co_await ports_.collector.append(std::move(events));
    if (!first) {
        ports_.seen.failed(batch->token, written, first.error().kind == ErrorKind::busy);
        co_return std::move(first).error();
    }
    ports_.seen.appended(batch->token, written, *first);
    co_return data_id;
}

}  // namespace data_center_classifier::application
