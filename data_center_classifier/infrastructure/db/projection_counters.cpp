// A batch: each message moves the index of seen records at once, and adds to sums in memory; the sums are written at the end of the batch.
// What lies in memory beyond a batch (the windows) moves only after the commit.
#include "data_center_classifier/infrastructure/db/projection_counters.hpp"

#include "data_center_classifier/domain/uniqueness.hpp"
#include "data_center_classifier/infrastructure/db/patient_of.hpp"
#include "data_center_classifier/infrastructure/db/row_codec.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/runtime/guarded.hpp"
#include "platform/runtime/logging.hpp"

#include <algorithm>
#include <limits>
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
    std::unique_ptr<Statement> insert_seen, find_seen, update_seen, retract_seen, insert_content, find_content, update_content;
    std::unique_ptr<Statement> insert_quarantine, delete_quarantine, update_counter, insert_counter, update_feed, insert_feed, put_example;
    std::unique_ptr<Statement> sum_checks, sum_records;
};

namespace {

Result<void> written(Result<std::int64_t> run) {
    if (!run) return std::move(run).error();
    return ok();
}

std::int64_t content_key_of(const kernel::RawDataFacts& facts) {
    const auto digest = platform::runtime::sha256(facts.data_center_id.value + '\n' + facts.content_hash.value);
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | digest[i];
    return to_row(key);
}

std::string id_of_function(const domain::Rubric& rubric, std::string_view function) {
    for (const auto& check : rubric.checks)
        if (check.function == function) return check.id;
    return {};
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
      same_content_check_(id_of_function(uses.rubric, "same_content_other_key")) {}

CountersProjection::~CountersProjection() = default;

Result<std::unique_ptr<CountersProjection>> CountersProjection::open(platform::sql::Connection& connection, Uses uses) {
    std::unique_ptr<CountersProjection> projection(new CountersProjection(uses));
    auto& sql = *projection->sql_;
    const std::pair<std::unique_ptr<Statement>*, std::string_view> statements[] = {
        {&sql.insert_seen, "INSERT INTO seen (record_key, content, status, patient) VALUES (?, ?, ?, ?)"},
        {&sql.find_seen, "SELECT content, status, patient FROM seen WHERE record_key = ?"},
        {&sql.update_seen, "UPDATE seen SET content = ?, status = ?, patient = ? WHERE record_key = ?"},
        {&sql.retract_seen, "UPDATE seen SET status = ? WHERE record_key = ?"},
        {&sql.insert_content, "INSERT INTO content (content_key, record_key) VALUES (?, ?)"},
        {&sql.find_content, "SELECT record_key FROM content WHERE content_key = ?"},
        {&sql.update_content, "UPDATE content SET record_key = ? WHERE content_key = ?"},
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
        {&sql.sum_checks,
         "SELECT check_id, SUM(pass), SUM(fail), SUM(skip) FROM counter WHERE center = ? AND rubric = ? AND hour >= ? AND hour < ? "
         "GROUP BY check_id"},
        {&sql.sum_records, "SELECT SUM(records) FROM feed_hour WHERE center = ? AND rubric = ? AND hour >= ? AND hour < ?"},
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
    auto indexed = index(key, seen, patient);
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
    auto same_content_other_key = content_of_another(key, facts);
    if (!same_content_other_key) return std::move(same_content_other_key).error();
    count(facts, same_key_other_content, *same_content_other_key);
    return ok();
}

Result<void> CountersProjection::handle(const kernel::RawDataRetracted& event) {
    const auto key = application::record_key_of(event.data_id);
    sql_->retract_seen->bind(0, static_cast<std::int64_t>(SeenStatus::retracted));
    sql_->retract_seen->bind(1, to_row(key));
    auto changed = sql_->retract_seen->run();
    if (!changed) return std::move(changed).error();
    return leave_quarantine(key);
}

// New records are the rule: one statement for them, three for the others.
Result<std::optional<CountersProjection::Before>> CountersProjection::index(RecordKey key, const Seen& seen, std::int64_t patient) {
    const auto content = to_row(seen.content);
    const std::string_view bytes(content.data(), content.size());
    sql_->insert_seen->bind(0, to_row(key));
    sql_->insert_seen->bind_bytes(1, bytes);
    sql_->insert_seen->bind(2, static_cast<std::int64_t>(seen.status));
    sql_->insert_seen->bind(3, patient);
    auto inserted = sql_->insert_seen->run();
    if (inserted) return std::optional<Before>();
    if (inserted.error().kind != kernel::ErrorKind::conflict) return std::move(inserted).error();
    auto before = find(key);
    if (!before || (*before && (*before)->seen == seen)) return before;
    sql_->update_seen->bind_bytes(0, bytes);
    sql_->update_seen->bind(1, static_cast<std::int64_t>(seen.status));
    sql_->update_seen->bind(2, patient);
    sql_->update_seen->bind(3, to_row(key));
    if (auto done = written(sql_->update_seen->run()); !done) return std::move(done).error();
    return before;
}

Result<std::optional<CountersProjection::Before>> CountersProjection::find(RecordKey key) {
    const platform::sql::Use found(*sql_->find_seen);
    found->bind(0, to_row(key));
    auto row = found->step();
    if (!row) return std::move(row).error();
    if (!*row) return std::optional<Before>();
    return std::optional(Before{.seen = {.content = content_from_row(found->text(0)), .status = status_from_row(found->integer(1))},
                                .patient = found->integer(2)});
}

// True when another record of the centre has this content now. Otherwise the content is this record's from here on.
Result<bool> CountersProjection::content_of_another(RecordKey key, const kernel::RawDataFacts& facts) {
    const auto content_key = content_key_of(facts);
    sql_->insert_content->bind(0, content_key);
    sql_->insert_content->bind(1, to_row(key));
    auto inserted = sql_->insert_content->run();
    if (inserted) return false;
    if (inserted.error().kind != kernel::ErrorKind::conflict) return std::move(inserted).error();

    auto other = record_of_content(content_key);
    if (!other) return std::move(other).error();
    if (!*other || **other == key) return false;
    auto theirs = find(**other);
    if (!theirs) return std::move(theirs).error();
    if (*theirs && (*theirs)->seen.status != SeenStatus::retracted &&
        (*theirs)->seen.content == application::content_prefix_of(facts.content_hash))
        return true;
    sql_->update_content->bind(0, to_row(key));
    sql_->update_content->bind(1, content_key);
    if (auto done = written(sql_->update_content->run()); !done) return std::move(done).error();
    return false;
}

Result<std::optional<RecordKey>> CountersProjection::record_of_content(std::int64_t content_key) {
    const platform::sql::Use found(*sql_->find_content);
    found->bind(0, content_key);
    auto row = found->step();
    if (!row) return std::move(row).error();
    if (!*row) return std::optional<RecordKey>();
    return std::optional(key_from_row(found->integer(0)));
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
    for (const auto place : group.checks->places_of(facts.verdicts.passed)) group.add(place, true);
    for (const auto place : group.checks->places_of(facts.verdicts.failed)) fail(place);
    // Under whatever rubric the record was judged: the ids of these two checks stay, so that a rebuild under a later rubric counts the
    // same.
    for (const auto& [check, failed] :
         {std::pair{group.checks->same_key, same_key_other_content}, {group.checks->same_content, std::optional(same_content_other_key)}}) {
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
    const auto begin = application::window_begin(uses_.clock.now());
    for (const auto& [name, group] : groups_) {
        const auto found = windows_.find(group.center);
        // A window that is not in memory yet is read below, with these rows; one that slides then loses what left it.
        if (!group.examples || found == windows_.end() || group.hour < found->second.begin) continue;
        auto& sums = found->second.sums;
        sums.records += group.records;
        for (std::size_t i = 0; i < sums.counts.size(); ++i) {
            sums.counts[i].pass += group.counts[i].pass;
            sums.counts[i].fail += group.counts[i].fail;
            sums.counts[i].skip += group.records - group.counts[i].pass - group.counts[i].fail;
        }
    }
    move_windows(begin);
    rolled_back();
}

void CountersProjection::idle() {
    const auto begin = application::window_begin(uses_.clock.now());
    if (begin != latest_begin_) move_windows(begin);
}

// Those of the batch's centres, and in a new hour those of all.
void CountersProjection::move_windows(Hour begin) {
    std::vector<std::string> moved;
    moved.reserve(centers_.size());
    for (const auto& [center, examples] : centers_) moved.push_back(center);
    if (begin != latest_begin_)
        for (const auto& [center, window] : windows_)
            if (!centers_.contains(center)) moved.push_back(center);
    latest_begin_ = begin;
    for (const auto& center : moved) {
        const auto done = platform::runtime::guarded([&] { return move_window(center, begin); });
        if (done) continue;
        windows_.erase(center);  // read anew with the centre's next batch
        platform::runtime::log(platform::runtime::Level::warn, "window-not-read", {{"code", std::string_view(done.error().code)}});
    }
}

Result<void> CountersProjection::load(const std::vector<kernel::DataCenterId>& centers) {
    latest_begin_ = application::window_begin(uses_.clock.now());
    for (const auto& center : centers)
        if (auto done = move_window(center.value, latest_begin_); !done) return done;
    return ok();
}

Result<application::WindowSums> CountersProjection::sums(const std::string& center, Hour from, Hour to) {
    application::WindowSums sums{.counts = std::vector<domain::CheckCount>(uses_.rubric.checks.size()), .records = 0};
    const auto& checks = checks_of(uses_.rubric.version);
    for (auto* statement : {sql_->sum_checks.get(), sql_->sum_records.get()}) {
        statement->bind(0, std::string_view(center));
        statement->bind(1, std::string_view(uses_.rubric.version));
        statement->bind(2, static_cast<std::int64_t>(from));
        statement->bind(3, static_cast<std::int64_t>(to));
    }
    const platform::sql::Use of_checks(*sql_->sum_checks);
    while (true) {
        auto row = of_checks->step();
        if (!row) return std::move(row).error();
        if (!*row) break;
        const auto place = checks.places.find(of_checks->text(0));
        if (place == checks.places.end() || place->second >= sums.counts.size()) continue;
        auto& count = sums.counts[place->second];
        count.pass = static_cast<std::uint64_t>(of_checks->integer(1));
        count.fail = static_cast<std::uint64_t>(of_checks->integer(2));
        count.skip = static_cast<std::uint64_t>(of_checks->integer(3));
    }
    const platform::sql::Use of_records(*sql_->sum_records);
    auto row = of_records->step();
    if (!row) return std::move(row).error();
    if (*row && !of_records->is_null(0)) sums.records = static_cast<std::uint64_t>(of_records->integer(0));
    return sums;
}

// Lets the centre's window begin there, and hands its sums on. A clock that jumped ahead and came back finds it beginning in the future:
// what left it then is read again.
Result<void> CountersProjection::move_window(const std::string& center, Hour begin) {
    const auto found = windows_.find(center);
    if (found == windows_.end() || begin < found->second.begin) {
        auto all = sums(center, begin, std::numeric_limits<Hour>::max());
        if (!all) return std::move(all).error();
        uses_.grading.put({center}, *all);
        windows_.insert_or_assign(center, Window{.sums = std::move(*all), .begin = begin});
        return ok();
    }
    auto& window = found->second;
    if (begin > window.begin) {
        auto left = sums(center, window.begin, begin);
        if (!left) return std::move(left).error();
        window.sums.records -= std::min(left->records, window.sums.records);
        for (std::size_t i = 0; i < left->counts.size(); ++i) {
            window.sums.counts[i].pass -= left->counts[i].pass;
            window.sums.counts[i].fail -= left->counts[i].fail;
            window.sums.counts[i].skip -= left->counts[i].skip;
        }
        window.begin = begin;
    }
    uses_.grading.put({center}, window.sums);
    return ok();
}

}  // namespace data_center_classifier::infrastructure::db
