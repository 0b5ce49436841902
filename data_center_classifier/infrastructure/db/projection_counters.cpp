// A batch: each message moves the index of seen records at once, and adds to sums in memory; the sums are written at the end of the batch.
// What lies in memory beyond a batch (the windows) moves only after the commit.
#include "data_center_classifier/infrastructure/db/projection_counters.hpp"

#include "data_center_classifier/domain/uniqueness.hpp"
#include "data_center_classifier/infrastructure/db/patient_of.hpp"
#include "data_center_classifier/infrastructure/db/row_codec.hpp"

#include <map>
#include <unordered_map>

namespace data_center_classifier::infrastructure::db {

using application::Hour;
using application::RecordKey;
using application::Seen;
using application::SeenStatus;
using kernel::ok;
using kernel::Result;
using platform::sql::Statement;

constexpr std::size_t lists_max = 4096;

// Places of the checks of one version of the rubric. Of the one that judges now: its own places, in its order.
struct CountersProjection::RubricChecks {
    std::vector<std::string> names;
    std::map<std::string, std::size_t, std::less<>> places;
    std::unordered_map<std::string, std::vector<std::size_t>> lists;  // of whole lists: most records have one of a few
    std::optional<std::size_t> same_key, same_content;
    std::vector<std::size_t> telling;  // a record that passes one of these has content that tells studies apart

    std::size_t place_of(std::string_view check_id) {
        if (const auto found = places.find(check_id); found != places.end()) return found->second;
        places.emplace(check_id, names.size());
        names.emplace_back(check_id);
        return names.size() - 1;
    }
    const std::vector<std::size_t>& places_of(const kernel::CheckIds& ids) {
        if (const auto found = lists.find(ids.text()); found != lists.end()) return found->second;
        if (lists.size() >= lists_max) lists.clear();
        std::vector<std::size_t> all;
        ids.each([&](std::string_view id) { all.push_back(place_of(id)); });
        return lists.emplace(ids.text(), std::move(all)).first->second;
    }
};

struct CountersProjection::CenterBatch {
    std::vector<std::vector<std::string>> examples;  // a check: ids of records that failed it
};

// The counters of one centre, version of the rubric, hour and feed.
struct CountersProjection::Group {
    std::string center, rubric, feed;
    Hour hour = 0;
    std::uint64_t records = 0;
    std::vector<domain::CheckCount> counts;  // without skips: they are what is left of `records`
    RubricChecks* checks = nullptr;
    CenterBatch* examples = nullptr;  // of the rubric that judges now only

    void add(std::size_t check, bool passed) {
        if (counts.size() <= check) counts.resize(check + 1);
        ++(passed ? counts[check].pass : counts[check].fail);
    }
};

struct CountersProjection::Statements {
    std::unique_ptr<Statement> insert_quarantine, delete_quarantine, update_counter, insert_counter, update_feed, insert_feed, put_example;
};

namespace {

Result<void> written(Result<std::int64_t> run) {
    if (!run) return std::move(run).error();
    return ok();
}

std::string id_of_function(const domain::Rubric& rubric, std::string_view function) {
    for (const auto& check : rubric.checks)
        if (check.function == function) return check.id;
    return {};
}

std::vector<std::string> ids_that_tell_studies_apart(const domain::Rubric& rubric) {
    std::vector<std::string> ids;
    for (const auto function : domain::functions_that_tell_studies_apart)
        if (auto id = id_of_function(rubric, function); !id.empty()) ids.push_back(std::move(id));
    return ids;
}

// Binds what names a row of `counter` and `feed_hour`, from column `first` on.
template <class Group>
void bind_group(Statement& statement, int first, const Group& group) {
    statement.bind(first, std::string_view(group.center));
    statement.bind(first + 1, std::string_view(group.rubric));
    statement.bind(first + 2, static_cast<std::int64_t>(group.hour));
    statement.bind(first + 3, std::string_view(group.feed));
}

}  // namespace

CountersProjection::CountersProjection(Uses uses)
    : uses_(uses),
      sql_(std::make_unique<Statements>()),
      same_key_check_(id_of_function(uses.rubric, "same_key_other_content")),
      same_content_check_(id_of_function(uses.rubric, "same_content_other_key")),
      telling_checks_(ids_that_tell_studies_apart(uses.rubric)) {}

CountersProjection::~CountersProjection() = default;

Result<std::unique_ptr<CountersProjection>> CountersProjection::open(platform::sql::Connection& connection, Uses uses) {
    std::unique_ptr<CountersProjection> projection(new CountersProjection(uses));
    auto seen = SeenRows::open(connection);
    if (!seen) return std::move(seen).error();
    projection->seen_ = std::move(*seen);
    auto windows = CenterWindows::open(connection, uses.rubric, uses.grading);
    if (!windows) return std::move(windows).error();
    projection->windows_ = std::move(*windows);
    auto& sql = *projection->sql_;
    const std::pair<std::unique_ptr<Statement>*, std::string_view> statements[] = {
        {&sql.insert_quarantine,
         "INSERT INTO quarantine (position, record_key, center, record_id, receipt_id, received_at, reasons) VALUES (?, ?, ?, ?, ?, ?, ?)"},
        {&sql.delete_quarantine, "DELETE FROM quarantine WHERE record_key = ?"},
        {&sql.update_counter,
         "UPDATE counter SET pass = pass + ?, fail = fail + ?, skip = skip + ? "
         "WHERE center = ? AND rubric = ? AND hour = ? AND feed = ? AND check_id = ?"},
        {&sql.insert_counter,
         "INSERT INTO counter (pass, fail, skip, center, rubric, hour, feed, check_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
        {&sql.update_feed, "UPDATE feed_hour SET records = records + ? WHERE center = ? AND rubric = ? AND hour = ? AND feed = ?"},
        {&sql.insert_feed, "INSERT INTO feed_hour (records, center, rubric, hour, feed) VALUES (?, ?, ?, ?, ?)"},
        {&sql.put_example, "REPLACE INTO example (center, check_id, slot, record_id) VALUES (?, ?, ?, ?)"},
    };
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return std::move(prepared).error();
        *statement = std::move(*prepared);
    }
    return projection;
}

Result<void> CountersProjection::handle(const std::vector<platform::log::Message>& batch) {
    rolled_back();
    for (const auto& message : batch) {
        auto event = kernel::raw_data_event_from(message.envelope);
        if (!event) return std::move(event).error();
        auto done = ok();
        if (const auto* received = std::get_if<kernel::RawDataReceived>(&*event))
            done = handle(message.position.value, *received, SeenStatus::accepted);
        else if (const auto* quarantined = std::get_if<kernel::RawDataQuarantined>(&*event))
            done = handle(message.position.value, *quarantined, SeenStatus::quarantined);
        else done = handle(std::get<kernel::RawDataRetracted>(*event));
        if (!done) return done;
    }
    for (const auto& [name, group] : groups_)
        if (auto done = write(group); !done) return done;
    for (const auto& [center, examples] : centers_)
        if (auto done = write(center, examples); !done) return done;
    return ok();
}

void CountersProjection::rolled_back() {
    groups_.clear();
    centers_.clear();
}

Result<void> CountersProjection::handle(std::uint64_t position, const kernel::RawDataFacts& facts, SeenStatus status) {
    const auto key = application::record_key_of(facts.data_id);
    const Seen seen{.content = application::content_prefix_of(facts.content_hash), .status = status};
    const auto patient = patient_of(facts.record);
    auto indexed = seen_->put(key, seen, patient);
    if (!indexed) return std::move(indexed).error();
    const auto& before = *indexed;

    const bool was_quarantined = before && before->seen.status == SeenStatus::quarantined;
    const bool is_known = before && before->seen.status != SeenStatus::retracted;
    const bool repeated = is_known && before->seen.content == seen.content;
    const bool stays_quarantined = repeated && was_quarantined && status == SeenStatus::quarantined;
    if (was_quarantined && !stays_quarantined)
        if (auto done = leave_quarantine(key); !done) return done;
    if (status == SeenStatus::quarantined && !stays_quarantined)
        if (auto done = quarantine(position, key, facts); !done) return done;
    if (repeated) return ok();

    const auto patient_before = is_known ? std::optional(before->patient) : std::nullopt;
    const auto same_key_other_content = domain::is_key_of_another(patient_before, patient);
    auto same_content_other_key = seen_->content_of_another(key, facts);
    if (!same_content_other_key) return std::move(same_content_other_key).error();
    count(facts, same_key_other_content, *same_content_other_key);
    return ok();
}

Result<void> CountersProjection::handle(const kernel::RawDataRetracted& event) {
    const auto key = application::record_key_of(event.data_id);
    if (auto done = seen_->retract(key); !done) return done;
    return leave_quarantine(key);
}

Result<void> CountersProjection::quarantine(std::uint64_t position, RecordKey key, const kernel::RawDataFacts& facts) {
    auto& checks = checks_of(facts.verdicts.rubric);
    const bool current = facts.verdicts.rubric == uses_.rubric.version;
    std::string reasons;
    facts.verdicts.failed.each([&](std::string_view failed) {
        const auto place = checks.place_of(failed);
        if (current && place < uses_.rubric.checks.size() && uses_.rubric.checks[place].severity != domain::Severity::required) return;
        if (!reasons.empty()) reasons += ',';
        reasons += failed;
    });
    auto& statement = *sql_->insert_quarantine;
    statement.bind(0, static_cast<std::int64_t>(position));
    statement.bind(1, to_row(key));
    statement.bind(2, std::string_view(facts.data_center_id.value));
    statement.bind(3, std::string_view(facts.record_id.value));
    statement.bind(4, std::string_view(facts.receipt_id.value));
    statement.bind(5, static_cast<std::int64_t>(facts.received_at.time_since_epoch().count()));
    statement.bind(6, std::string_view(reasons));
    return written(statement.run());
}

Result<void> CountersProjection::leave_quarantine(RecordKey key) {
    sql_->delete_quarantine->bind(0, to_row(key));
    return written(sql_->delete_quarantine->run());
}

CountersProjection::RubricChecks& CountersProjection::checks_of(const std::string& rubric) {
    if (const auto known = checks_.find(rubric); known != checks_.end()) return *known->second;
    auto checks = std::make_unique<RubricChecks>();
    if (rubric == uses_.rubric.version)
        for (const auto& check : uses_.rubric.checks) checks->place_of(check.id);
    if (!same_key_check_.empty()) checks->same_key = checks->place_of(same_key_check_);
    if (!same_content_check_.empty()) checks->same_content = checks->place_of(same_content_check_);
    for (const auto& id : telling_checks_) checks->telling.push_back(checks->place_of(id));
    return *checks_.emplace(rubric, std::move(checks)).first->second;
}

CountersProjection::Group& CountersProjection::group_of(const kernel::RawDataFacts& facts) {
    const auto hour = application::hour_of(facts.received_at);
    std::string name = facts.data_center_id.value;
    for (const auto* part : {&facts.modality, &facts.interface, &facts.verdicts.rubric}) (name += '\n') += *part;
    (name += '\n') += std::to_string(hour);
    const auto [found, added] = groups_.try_emplace(std::move(name));
    auto& group = found->second;
    if (!added) return group;
    group.center = facts.data_center_id.value;
    group.rubric = facts.verdicts.rubric;
    group.feed = facts.modality + "/" + facts.interface;
    group.hour = hour;
    group.checks = &checks_of(facts.verdicts.rubric);
    group.counts.resize(group.checks->names.size());
    if (facts.verdicts.rubric == uses_.rubric.version) {
        group.examples = &centers_[group.center];
        group.examples->examples.resize(uses_.rubric.checks.size());
    }
    return group;
}

void CountersProjection::count(const kernel::RawDataFacts& facts, std::optional<bool> same_key_other_content, bool same_content_other_key) {
    auto& group = group_of(facts);
    ++group.records;
    const auto fail = [&](std::size_t check) {
        group.add(check, false);
        if (!group.examples || check >= group.examples->examples.size()) return;
        auto& examples = group.examples->examples[check];
        if (examples.size() < examples_max) examples.push_back(facts.record_id.value);
    };
    const auto& telling = group.checks->telling;
    bool tells_apart = telling.empty();  // a rubric without such checks cannot say
    for (const auto place : group.checks->places_of(facts.verdicts.passed)) {
        group.add(place, true);
        tells_apart = tells_apart || std::find(telling.begin(), telling.end(), place) != telling.end();
    }
    for (const auto place : group.checks->places_of(facts.verdicts.failed)) fail(place);
    // Under whatever rubric the record was judged. The ids of these two checks stay, so a rebuild under a later rubric counts the same
    // passes and fails; of an older rubric it does not know the checks that only ever skipped, and it keeps no examples.
    for (const auto& [check, failed] : {std::pair{group.checks->same_key, same_key_other_content},
                                        {group.checks->same_content, tells_apart ? std::optional(same_content_other_key) : std::nullopt}}) {
        if (!check || !failed) continue;
        if (*failed) fail(*check);
        else group.add(*check, true);
    }
}

Result<void> CountersProjection::write(const Group& group) {
    for (std::size_t i = 0; i < group.counts.size(); ++i) {
        for (auto* statement : {sql_->update_counter.get(), sql_->insert_counter.get()}) {
            const auto& count = group.counts[i];
            statement->bind(0, static_cast<std::int64_t>(count.pass));
            statement->bind(1, static_cast<std::int64_t>(count.fail));
            statement->bind(2, static_cast<std::int64_t>(group.records - count.pass - count.fail));
            bind_group(*statement, 3, group);
            statement->bind(7, std::string_view(group.checks->names[i]));
            auto changed = statement->run();
            if (!changed) return std::move(changed).error();
            if (*changed > 0) break;
        }
    }
    for (auto* statement : {sql_->update_feed.get(), sql_->insert_feed.get()}) {
        statement->bind(0, static_cast<std::int64_t>(group.records));
        bind_group(*statement, 1, group);
        auto changed = statement->run();
        if (!changed) return std::move(changed).error();
        if (*changed > 0) break;
    }
    return ok();
}

Result<void> CountersProjection::write(const std::string& center, const CenterBatch& batch) {
    auto& slots = example_slots_[center];
    slots.resize(batch.examples.size());
    for (std::size_t check = 0; check < batch.examples.size(); ++check) {
        for (const auto& record_id : batch.examples[check]) {
            sql_->put_example->bind(0, std::string_view(center));
            sql_->put_example->bind(1, std::string_view(uses_.rubric.checks[check].id));
            sql_->put_example->bind(2, std::int64_t{slots[check]});
            sql_->put_example->bind(3, std::string_view(record_id));
            if (auto done = written(sql_->put_example->run()); !done) return done;
            slots[check] = static_cast<std::uint8_t>((slots[check] + 1) % examples_max);
        }
    }
    return ok();
}

void CountersProjection::committed(platform::log::Position position) {
    uses_.seen.projected(position.value);
    for (const auto& [name, group] : groups_)
        if (group.examples) windows_->add(group.center, group.hour, group.counts, group.records);
    std::vector<std::string> changed;
    changed.reserve(centers_.size());
    for (const auto& [center, examples] : centers_) changed.push_back(center);
    windows_->move(changed, application::window_begin(uses_.clock.now()));
    rolled_back();
}

void CountersProjection::idle() {
    const auto begin = application::window_begin(uses_.clock.now());
    if (begin != windows_->begin()) windows_->move({}, begin);
}

Result<void> CountersProjection::load(const std::vector<kernel::DataCenterId>& centers) {
    return windows_->load(centers, application::window_begin(uses_.clock.now()));
}

}  // namespace data_center_classifier::infrastructure::db
