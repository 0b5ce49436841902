// Everything about a batch that does not depend on how it came.
#include "data_center_classifier/infrastructure/http/intake.hpp"

#include "data_center_classifier/infrastructure/http/problems.hpp"
#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/coroutine.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>

namespace data_center_classifier::infrastructure::http {
namespace {

using application::Incoming;
using application::Outcome;
using application::Status;
using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using platform::http::Problem;
using std::chrono::steady_clock;

constexpr std::size_t readers_max = 64;
constexpr std::chrono::milliseconds first_pause{5};
constexpr std::chrono::milliseconds longest_pause{250};

// Whose record it is, by key, header or the record itself.
Result<application::Sender> sender_of(const Submitter& submitter, const std::string& named) {
    if (submitter.by_key) {
        if (named.empty() || named == submitter.sender.id.value) return submitter.sender;
        return Error{ErrorKind::forbidden, "data-center-foreign", "the record names another data centre than the key belongs to"};
    }
    if (!submitter.sender.id.value.empty()) {
        if (named.empty() || named == submitter.sender.id.value) return submitter.sender;
        return Error{ErrorKind::forbidden, "data-center-foreign", "the record names another data centre than X-Data-Center"};
    }
    if (named.empty())
        return Error{ErrorKind::incorrect, "data-center-missing",
                     "neither the header X-Data-Center nor data_center_id names the data centre"};
    if (!domain::is_data_center_id(named))
        return Error{ErrorKind::incorrect, "data-center-id-invalid",
                     "data_center_id is 1 to 64 of a-z, 0-9 and -, and starts with a letter or digit"};
    return application::Sender{.id = {named}, .grade = std::string(domain::no_grade)};
}

Result<application::Sender> admitted(Result<application::Sender> sender) {
    if (sender && sender->suspended)
        return Error{ErrorKind::forbidden, "data-center-suspended", "the operator has suspended this data centre"};
    return sender;
}

platform::runtime::Counter counter_of(platform::runtime::Metrics& metrics, Status status) {
    return metrics.counter("acopio_intake_records_total", "Records that were sent, by what became of them.",
                           {{"status", std::string(application::to_text(status))}});
}

kernel::Task<> pause_for(steady_clock::duration duration) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return kernel::ok();
}

// What an id is that cannot be one: its kind and size, not what it says. "" for one that can.
std::string wrong_record_id(domain::Value id) {
    switch (id.kind) {
        case domain::Kind::absent:
        case domain::Kind::null: return "";
        case domain::Kind::boolean: return "a boolean";
        case domain::Kind::other: return "an object or array";
        case domain::Kind::text:
        case domain::Kind::number: break;
    }
    if (application::is_record_id(id.text)) return "";
    return std::string(id.kind == domain::Kind::text ? "a text" : "a number") + " of " + std::to_string(id.text.size()) + " bytes";
}

}  // namespace

Problem refusal_of(const Item& item, const application::Outcome& outcome) {
    auto problem = problem_of(*outcome.refusal);
    if (problem.code == "record-id-invalid") problem.found = item.record_id_found;
    return problem;
}

Intake::Intake(const Surface& surface)
    : body_bytes(surface.body_bytes_max),
      streams(surface.streams_max),
      streams_of_center(surface.streams_of_center_max),
      surface_(surface),
      records_{counter_of(surface.metrics, Status::accepted), counter_of(surface.metrics, Status::duplicate),
               counter_of(surface.metrics, Status::quarantined), counter_of(surface.metrics, Status::refused)},
      seconds_(surface.metrics.seconds("acopio_intake_seconds", "From a batch that was read to its records on disk.")) {}

void Intake::add(Batches& batches, const Submitter& submitter, std::string_view interface, std::uint64_t index,
                 formats::Read<domain::RawData> read) const {
    if (batches.empty() || batches.back().full()) batches.emplace_back();
    auto& batch = batches.back();
    if (batch.items.empty()) {
        batch.request_id = submitter.request_id;
        batch.key_id = submitter.key_id;
    }
    batch.items.push_back({.index = index, .refusal = {}});
    if (auto* refusal = std::get_if<formats::Refusal>(&read)) {
        batch.items.back().refusal = problem_of(std::move(*refusal));
        return;
    }
    auto& record = std::get<domain::RawData>(read);
    auto sender = sender_of(submitter, record.data_center_id);
    if (!sender) {
        batch.items.back().refusal = problem_of(sender.error());
        return;
    }
    batch.items.back().record_id_found = wrong_record_id(record[domain::FieldId::record_id]);
    auto content = formats::to_canonical_json(record, false);
    batch.bytes += content.size();
    batch.incoming->push_back(
        {.sender = std::move(*sender), .record = std::move(record), .content = std::move(content), .interface = std::string(interface)});
}

// Asked for each batch, and again after each pause: a request may last for hours, a key ends at once.
Result<void> Intake::may_still_send(const Batch& batch) const {
    if (batch.key_id.empty()) return kernel::ok();
    if (auto sender = admitted(surface_.cache.sender_of_key(batch.key_id)); !sender) return std::move(sender).error();
    return kernel::ok();
}

kernel::Task<> Intake::find_senders(std::shared_ptr<Batch> batch) {
    std::map<std::string, Result<application::Sender>> senders;
    std::vector<std::optional<Problem>> refusals(batch->incoming->size());
    bool any_refused = false;
    for (std::size_t i = 0; i < refusals.size(); ++i) {
        auto& one = (*batch->incoming)[i];
        auto found = senders.find(one.sender.id.value);
        if (found == senders.end()) {
            auto id = one.sender.id;
            auto sender =
                Result<application::Sender>(Error{ErrorKind::not_found, "data-center-unknown", "no such data centre is registered"});
            if (auto known = surface_.cache.sender(id.value)) {
                sender = std::move(*known);
            } else if (surface_.open) {
                sender = co_await platform::runtime::blocking_call(
                    surface_.pool, [manage = &surface_.manage, id] { return manage->register_on_sight(id); });
            }
            found = senders.emplace(std::move(id.value), admitted(std::move(sender))).first;
        }
        if (const auto& sender = found->second) {
            one.sender = *sender;
        } else {
            refusals[i] = problem_of(sender.error());
            any_refused = true;
        }
    }
    if (any_refused) drop_refused(*batch, refusals);
    co_return kernel::ok();
}

void Intake::drop_refused(Batch& batch, const std::vector<std::optional<Problem>>& refusals) {
    auto kept = std::make_shared<std::vector<Incoming>>();
    std::size_t place = 0;
    for (auto& item : batch.items) {
        if (item.refusal) continue;
        if (refusals[place]) item.refusal = refusals[place];
        else kept->push_back(std::move((*batch.incoming)[place]));
        ++place;
    }
    batch.incoming = std::move(kept);
}

kernel::Task<std::vector<Outcome>> Intake::receive(std::shared_ptr<Batch> batch, steady_clock::duration patience) {
    const auto begin = steady_clock::now();
    if (auto allowed = may_still_send(*batch); !allowed) co_return std::move(allowed).error();
    if (auto found = co_await find_senders(batch); !found) co_return std::move(found).error();
    if (batch->incoming->empty()) co_return std::vector<Outcome>();
    steady_clock::duration pause = first_pause;
    while (true) {
        auto outcomes = co_await surface_.receive.receive(batch->incoming);
        const bool busy = !outcomes && outcomes.error().kind == ErrorKind::busy;
        if (!busy || steady_clock::now() + pause > begin + patience) {
            seconds_.observe(std::chrono::duration<double>(steady_clock::now() - begin).count());
            co_return outcomes;
        }
        if (auto waited = co_await pause_for(pause); !waited) co_return std::move(waited).error();
        if (auto allowed = may_still_send(*batch); !allowed) co_return std::move(allowed).error();
        pause = std::min<steady_clock::duration>(2 * pause, longest_pause);
    }
}

void Intake::write(JsonWriter& json, Totals& totals, const Batch& batch, const std::vector<Outcome>& outcomes, bool lines) const {
    std::size_t place = 0;
    for (const auto& item : batch.items) {
        const auto* outcome = item.refusal ? nullptr : &outcomes[place++];
        if (outcome && !outcome->refusal) {
            add_item(json, item.index, *outcome, rubric());
        } else {
            add_refused(json, item.index, outcome ? refusal_of(item, *outcome) : *item.refusal, batch.request_id);
        }
        ++totals[outcome ? outcome->status : Status::refused];
        if (lines) json.end_line();
    }
}

void Intake::write_failed(JsonWriter& json, Totals& totals, const Batch& batch, const Error& error, bool lines) const {
    for (const auto& item : batch.items) {
        add_refused(json, item.index, item.refusal ? *item.refusal : problem_of(error), batch.request_id);
        ++totals[Status::refused];
        if (lines) json.end_line();
    }
}

void Intake::count(const Totals& totals) {
    for (std::size_t i = 0; i < records_.size(); ++i)
        if (totals.by_status[i] > 0) records_[i].add(static_cast<double>(totals.by_status[i]));
}

Intake::Reader::Reader(Intake& intake) : intake_(intake) {
    {
        const std::lock_guard lock(intake.readers_mutex_);
        if (!intake.readers_.empty()) {
            reader_ = std::move(intake.readers_.back());
            intake.readers_.pop_back();
        }
    }
    if (!reader_) reader_ = std::make_unique<formats::JsonReader>(intake.surface_.limits);
}

Intake::Reader::~Reader() {
    const std::lock_guard lock(intake_.readers_mutex_);
    if (intake_.readers_.size() < readers_max) intake_.readers_.push_back(std::move(reader_));
}

}  // namespace data_center_classifier::infrastructure::http
