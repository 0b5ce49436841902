// A batch goes through four steps: ids and verdicts (pure), what the index knows (blocking, only for old records), the claim, the append.
#include "data_center_classifier/application/service_raw_data.hpp"

#include "kernel/check.hpp"
#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/guarded.hpp"

#include <unordered_map>
#include <utility>

namespace data_center_classifier::application {
namespace {

using kernel::Error;
using kernel::ErrorKind;

// What is left of a batch after the refusals, and where each comes from.
struct Work {
    std::vector<Outcome> outcomes;
    std::vector<std::size_t> origin;  // index into the batch
    std::vector<Identity> ids;
};

Work identified(const std::vector<Incoming>& items) {
    Work work;
    work.outcomes.resize(items.size());
    work.origin.reserve(items.size());
    work.ids.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto id = identify(items[i].sender.id, items[i].record[domain::FieldId::record_id], items[i].content);
        if (!id) {
            work.outcomes[i].refusal = std::move(id).error();
            continue;
        }
        work.origin.push_back(i);
        work.ids.push_back(std::move(*id));
    }
    return work;
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

// What a batch has claimed, until it is told what became of it. One that goes before, because something was thrown, tells that nothing was
// written, or once the append has begun that nobody knows.
class ReceiveRawData::Ticket {
public:
    Ticket(SeenRecords& seen, SeenRecords::Batch batch, std::vector<SeenRecords::Written> written) noexcept
        : seen_(&seen), batch_(std::move(batch)), written_(std::move(written)) {}
    Ticket(Ticket&& other) noexcept
        : seen_(std::exchange(other.seen_, nullptr)),
          batch_(std::move(other.batch_)),
          written_(std::move(other.written_)),
          begun_(other.begun_) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
        const auto told = platform::runtime::guarded([this] {
            if (seen_) failed(!begun_);
            return kernel::ok();
        });
        (void)told;  // without memory for the doubt they stay in flight: a repeat is appended again
    }

    const SeenRecords::Decision& decision(std::size_t claim) const { return batch_.decisions[claim]; }
    void begin_append() { begun_ = true; }
    void appended(Appended where) { std::exchange(seen_, nullptr)->appended(batch_.token, written_, where); }
    void failed(bool nothing_written) { std::exchange(seen_, nullptr)->failed(batch_.token, written_, nothing_written); }

private:
    SeenRecords* seen_;
    SeenRecords::Batch batch_;
    std::vector<SeenRecords::Written> written_;
    bool begun_ = false;
};

// Asks the index for what memory may not know, then claims.
kernel::Task<ReceiveRawData::Ticket> ReceiveRawData::claim(std::vector<SeenRecords::Claim> claims) {
    std::vector<RecordKey> keys;
    keys.reserve(claims.size());
    for (const auto& claim : claims) keys.push_back(claim.key);
    const auto asked = ports_.seen.to_look_up(keys);
    if (!asked.keys.empty()) {
        auto found = co_await platform::runtime::blocking_call(ports_.pool,
                                                               [index = &ports_.index, keys = asked.keys] { return index->find(keys); });
        if (!found) co_return std::move(found).error();
        std::unordered_map<RecordKey, Seen> rows;
        for (std::size_t i = 0; i < asked.keys.size() && i < found->size(); ++i)
            if ((*found)[i]) rows.emplace(asked.keys[i], *(*found)[i]);
        for (auto& claim : claims)
            if (const auto row = rows.find(claim.key); row != rows.end()) claim.indexed = row->second;
    }
    std::vector<SeenRecords::Written> written;
    written.reserve(claims.size());  // nothing is thrown between the claim and the ticket
    auto batch = ports_.seen.claim(claims);
    if (!batch) co_return std::move(batch).error();
    for (std::size_t i = 0; i < claims.size(); ++i)
        if (batch->decisions[i].append()) written.push_back({claims[i].key, claims[i].seen});
    co_return Ticket(ports_.seen, *std::move(batch), std::move(written));
}

// `events` are those that the ticket decided to append, in order.
kernel::Task<> ReceiveRawData::append(Ticket ticket, std::vector<kernel::RawDataEvent> events) {
    ticket.begin_append();
    auto appended = co_await ports_.collector.append(std::move(events));
    if (!appended) {
        ticket.failed(appended.error().kind == ErrorKind::busy);
        co_return std::move(appended).error();
    }
    ticket.appended(*appended);
    co_return kernel::ok();
}

kernel::Task<std::vector<Outcome>> ReceiveRawData::receive(std::shared_ptr<const std::vector<Incoming>> batch_items) {
    const auto& items = *batch_items;
    CHECK(!items.empty() && items.size() <= batch_records_max, "a batch has 1 to batch_records_max records");
    const auto now = ports_.clock.now();
    auto work = identified(items);

    std::vector<domain::Judgement> judgements;
    std::vector<SeenRecords::Claim> claims;
    judgements.reserve(work.ids.size());
    claims.reserve(work.ids.size());
    for (std::size_t i = 0; i < work.ids.size(); ++i) {
        judgements.push_back(domain::judge(items[work.origin[i]].record, rubric_,
                                           {.received_at = now, .same_key_other_content = {}, .same_content_other_key = {}}));
        const auto status = judgements[i].quarantine ? SeenStatus::quarantined : SeenStatus::accepted;
        claims.push_back({.key = work.ids[i].key, .seen = {.content = work.ids[i].content, .status = status}, .indexed = {}});
    }
    auto ticket = co_await claim(std::move(claims));
    if (!ticket) co_return std::move(ticket).error();

    std::vector<kernel::RawDataEvent> events;
    for (std::size_t i = 0; i < work.ids.size(); ++i) {
        const auto& decision = ticket->decision(i);
        if (decision.append()) events.push_back(event_of(items[work.origin[i]], work.ids[i], judgements[i], rubric_, now));
        work.outcomes[work.origin[i]] = outcome_of(std::move(work.ids[i]), judgements[i], decision);
    }
    if (events.empty()) co_return std::move(work.outcomes);
    if (auto appended = co_await append(*std::move(ticket), std::move(events)); !appended) co_return std::move(appended).error();
    co_return std::move(work.outcomes);
}

// One that is not known to be durable is appended again: the write side drops it. So is one that may lie where nobody has read yet.
kernel::Task<kernel::DataId> ReceiveRawData::retract(Sender sender, kernel::RecordId record_id) {
    const Error unknown{ErrorKind::not_found, "record-unknown", "the data centre has no record of this id here"};
    if (!is_record_id(record_id.value)) co_return unknown;
    const auto data_id = data_id_of(sender.id, record_id);
    std::vector<SeenRecords::Claim> claims{
        {.key = record_key_of(data_id), .seen = {.content = {}, .status = SeenStatus::retracted}, .indexed = {}}};
    auto ticket = co_await claim(std::move(claims));
    if (!ticket) co_return std::move(ticket).error();
    if (!ticket->decision(0).append()) co_return unknown;
    std::vector<kernel::RawDataEvent> events;
    events.push_back(kernel::RawDataRetracted{std::move(sender.id), std::move(record_id), data_id, ports_.clock.now()});
    if (auto appended = co_await append(*std::move(ticket), std::move(events)); !appended) co_return std::move(appended).error();
    co_return data_id;
}

}  // namespace data_center_classifier::application
