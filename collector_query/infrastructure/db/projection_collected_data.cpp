// The row of a new record costs one insert into each table; the sequence of the last event is the highest document id, so no counter row is
// written.
#include "collector_query/infrastructure/db/projection_collected_data.hpp"

#include "collector_query/domain/model_data_query.hpp"
#include "collector_query/infrastructure/db/event_type.hpp"
#include "collector_query/infrastructure/db/hex_bytes.hpp"
#include "kernel/event_codec.hpp"

namespace collector_query::infrastructure::db {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using platform::sql::Statement;

std::int64_t milliseconds(kernel::Timestamp time) {
    return time.time_since_epoch().count();
}
std::int64_t integer(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

void bind_optional(Statement& statement, int index, const std::optional<std::string>& text) {
    if (text) statement.bind(index, std::string_view(*text));
    else statement.bind_null(index);
}

Result<void> changed_one(Result<std::int64_t> changed) {
    if (!changed) return std::move(changed).error();
    if (*changed != 1) return Error{ErrorKind::fault, "row-not-there", "an event of a record came before the record"};
    return kernel::ok();
}

Result<std::int64_t> single(platform::sql::Connection& connection, std::string_view sql) {
    auto statement = connection.prepare(sql);
    if (!statement) return std::move(statement).error();
    auto row = (*statement)->step();
    if (!row) return std::move(row).error();
    return *row ? (*statement)->integer(0) : 0;
}

// What update_data and insert_data bind first, in one order.
constexpr std::string_view insert_data_sql =
    R"(INSERT INTO data (centre, record_id, patient_id, version, modality, body_part, sex, age, study_date,
    received_at, collected_at, code, score, grade, labels, interface, document, last_event, retracted, id, data_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?))";
constexpr std::string_view update_data_sql =
    R"(UPDATE data SET centre = ?, record_id = ?, patient_id = ?, version = ?, modality = ?, body_part = ?,
    sex = ?, age = ?, study_date = ?, received_at = ?, collected_at = ?, code = ?, score = ?, grade = ?, labels = ?, interface = ?, document = ?,
    last_event = ?, retracted = 0 WHERE id = ? AND data_id = ?)";
constexpr std::string_view retract_data_sql =
    "UPDATE data SET version = ?, received_at = ?, collected_at = ?, last_event = ?, retracted = 1 WHERE id = ?";
constexpr std::string_view insert_document_sql =
    R"(INSERT INTO document (id, data, previous, version, type, received_at, collected_at, queryable_at,
    score, grade, interface, rubric, record, receipt_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))";

}  // namespace

CollectedDataProjection::CollectedDataProjection(platform::sql::Connection& connection, const kernel::Clock& clock,
                                                 platform::runtime::Metrics& metrics)
    : connection_(connection),
      clock_(clock),
      visible_(metrics.seconds("acopio_query_visible_seconds", "From the receipt of a record to its being visible in queries.")),
      projected_(metrics.counter("acopio_query_events_total", "Events of collected-data that were projected.")) {}

Result<std::unique_ptr<CollectedDataProjection>> CollectedDataProjection::open(platform::sql::Connection& connection,
                                                                               const kernel::Clock& clock,
                                                                               platform::runtime::Metrics& metrics) {
    std::unique_ptr<CollectedDataProjection> projection(new CollectedDataProjection(connection, clock, metrics));
    if (auto prepared = projection->prepare(); !prepared) return std::move(prepared).error();
    return projection;
}

Result<void> CollectedDataProjection::prepare() {
    struct Wanted {
        std::unique_ptr<Statement>* statement;
        std::string_view sql;
    };
    for (const auto& [statement, sql] :
         {Wanted{&insert_data_, insert_data_sql}, Wanted{&update_data_, update_data_sql}, Wanted{&retract_data_, retract_data_sql},
          Wanted{&insert_document_, insert_document_sql}, Wanted{&find_data_, "SELECT id, last_event FROM data WHERE data_id = ?"}}) {
        auto prepared = connection_.prepare(sql);
        if (!prepared) return std::move(prepared).error();
        *statement = std::move(*prepared);
    }
    return kernel::ok();
}

Result<void> CollectedDataProjection::read_counters() {
    auto id = single(connection_, "SELECT COALESCE(MAX(id), 0) FROM data");
    if (!id) return std::move(id).error();
    auto sequence = single(connection_, "SELECT COALESCE(MAX(id), 0) FROM document");
    if (!sequence) return std::move(sequence).error();
    now_ = {.last_id = *id, .last_sequence = *sequence};
    doubtful_ = false;
    return kernel::ok();
}

Result<void> CollectedDataProjection::handle(const std::vector<platform::log::Message>& batch) {
    if (doubtful_)
        if (auto read = read_counters(); !read) return read;
    for (const auto& message : batch)
        if (auto projected = project(message); !projected) return projected;
    return kernel::ok();
}

void CollectedDataProjection::committed(platform::log::Position) {
    const auto now = clock_.now();
    for (const auto received : received_) visible_.observe(std::chrono::duration<double>(now - received).count());
    projected_.add(static_cast<double>(received_.size()));
    received_.clear();
}

void CollectedDataProjection::rolled_back() {
    received_.clear();
    doubtful_ = true;
}

Result<void> CollectedDataProjection::project(const platform::log::Message& message) {
    kernel::codec::Reader read(message.envelope);
    const auto sequence = integer(read.integer("sequence"));
    if (!read.complete()) return read.error();
    if (sequence <= now_.last_sequence) return kernel::ok();
    if (sequence != now_.last_sequence + 1)
        return Error{ErrorKind::fault, "sequence-gap",
                     "event " + std::to_string(now_.last_sequence + 1) + " is missing before " + std::to_string(sequence)};
    auto event = kernel::collected_data_event_from(message.envelope);
    if (!event) return std::move(event).error();
    now_.last_sequence = sequence;
    queryable_at_ = message.appended_at;  // from then on it can be projected: a rebuild gives the same
    received_.push_back(std::visit([](const auto& one) { return one.received_at; }, *event));
    if (const auto* retracted = std::get_if<kernel::RecordRetracted>(&*event)) return project_retraction(*retracted);
    if (const auto* amended = std::get_if<kernel::RecordAmended>(&*event)) return project_content(*amended, true);
    return project_content(std::get<kernel::RecordCollected>(*event), false);
}

Result<void> CollectedDataProjection::project_content(const kernel::CollectedDataFacts& facts, bool amended) {
    auto data_id = bytes_of(facts.data_id.value);
    if (!data_id) return std::move(data_id).error();
    auto receipt = bytes_of(facts.receipt_id.value);
    if (!receipt) return std::move(receipt).error();
    auto columns = reader_.read(facts.record);
    if (!columns) return std::move(columns).error();

    Place place{.id = now_.last_id + 1};
    const bool is_new = facts.version == 1;
    if (!is_new) {
        auto known = place_of(*data_id);
        if (!known) return std::move(known).error();
        place = *known;
    }
    if (auto written = write_data(is_new ? *insert_data_ : *update_data_, facts, *columns, place.id, *data_id); !written) return written;
    if (is_new) ++now_.last_id;
    return write_document(facts, amended ? event_amended : event_collected, place, *receipt, columns->record);
}

Result<void> CollectedDataProjection::project_retraction(const kernel::RecordRetracted& event) {
    auto data_id = bytes_of(event.data_id.value);
    if (!data_id) return std::move(data_id).error();
    auto place = place_of(*data_id);
    if (!place) return std::move(place).error();
    retract_data_->bind(0, integer(event.version));
    retract_data_->bind(1, milliseconds(event.received_at));
    retract_data_->bind(2, milliseconds(event.collected_at));
    retract_data_->bind(3, now_.last_sequence);
    retract_data_->bind(4, place->id);
    if (auto retracted = changed_one(retract_data_->run()); !retracted) return retracted;
    kernel::CollectedDataFacts facts;
    facts.version = event.version;
    facts.received_at = event.received_at;
    facts.collected_at = event.collected_at;
    return write_document(facts, event_retracted, *place, "", "{}");
}

Result<CollectedDataProjection::Place> CollectedDataProjection::place_of(std::string_view data_id) {
    const platform::sql::Use found(*find_data_);
    found->bind_bytes(0, data_id);
    auto row = found->step();
    if (!row) return std::move(row).error();
    if (!*row) return Error{ErrorKind::fault, "row-not-there", "an event of a record came before the record"};
    return Place{.id = found->integer(0), .last_event = found->integer(1)};
}

Result<void> CollectedDataProjection::write_data(Statement& statement, const kernel::CollectedDataFacts& facts,
                                                 const RecordColumns& columns, std::int64_t id, std::string_view data_id) {
    statement.bind(0, std::string_view(facts.data_center_id.value));
    statement.bind(1, std::string_view(facts.record_id.value));
    bind_optional(statement, 2, columns.patient_id);
    statement.bind(3, integer(facts.version));
    statement.bind(4, std::string_view(columns.modality));
    statement.bind(5, std::string_view(columns.body_part));
    statement.bind(6, std::string_view(columns.sex));
    statement.bind(7, columns.age);
    statement.bind(8, columns.study_date);
    statement.bind(9, milliseconds(facts.received_at));
    statement.bind(10, milliseconds(facts.collected_at));
    bind_optional(statement, 11, columns.code);
    statement.bind(12, facts.score);
    statement.bind(13, std::int64_t{domain::grade_rank(facts.grade)});
    statement.bind(14, std::int64_t{columns.labels});
    statement.bind(15, std::string_view(facts.interface));
    statement.bind(16, now_.last_sequence);
    statement.bind(17, now_.last_sequence);
    statement.bind(18, id);
    statement.bind_bytes(19, data_id);
    return changed_one(statement.run());
}

Result<void> CollectedDataProjection::write_document(const kernel::CollectedDataFacts& facts, int type, const Place& place,
                                                     std::string_view receipt, std::string_view record) {
    auto& statement = *insert_document_;
    statement.bind(0, now_.last_sequence);
    statement.bind(1, place.id);
    statement.bind(2, place.last_event);
    statement.bind(3, integer(facts.version));
    statement.bind(4, std::int64_t{type});
    statement.bind(5, milliseconds(facts.received_at));
    statement.bind(6, milliseconds(facts.collected_at));
    statement.bind(7, milliseconds(queryable_at_));
    statement.bind(8, facts.score);
    statement.bind(9, std::int64_t{domain::grade_rank(facts.grade)});
    statement.bind(10, std::string_view(facts.interface));
    statement.bind(11, std::string_view(facts.rubric));
    statement.bind(12, record);
    if (receipt.empty()) statement.bind_null(13);
    else statement.bind_bytes(13, receipt);
    return changed_one(statement.run());
}

}  // namespace collector_query::infrastructure::db
