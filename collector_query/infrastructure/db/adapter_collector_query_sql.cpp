// Two steps a page: ids from an index (query_plan.cpp says which), then the rows and their documents. A call reads in one transaction, so
// that ids, rows and count are of one state, and until its deadline.
#include "collector_query/infrastructure/db/adapter_collector_query_sql.hpp"

#include "collector_query/infrastructure/db/event_type.hpp"
#include "collector_query/infrastructure/db/hex_bytes.hpp"
#include "collector_query/infrastructure/db/query_plan.hpp"
#include "collector_query/infrastructure/db/schema.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_map>

namespace collector_query::infrastructure::db {
namespace {

using application::DataItem;
using application::DataPage;
using application::DataVersion;
using application::Receipt;
using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using platform::sql::Use;

constexpr std::size_t statements_kept_max = 128;             // prepared page statements of one connection
constexpr std::size_t history_max = 10'000;                  // versions that one answer shows: the newest
constexpr std::size_t records_bytes_max = 16 * 1024 * 1024;  // of one answer: it ends with the record that reaches it

constexpr std::string_view item_columns =
    R"(SELECT d.id, d.data_id, d.centre, d.record_id, d.version, d.score, d.grade, d.received_at, d.collected_at,
    d.retracted, c.record, d.age, d.sex, d.modality, d.body_part, d.study_date FROM data d JOIN document c ON c.id = d.document WHERE )";
constexpr std::string_view event_columns =
    R"(SELECT previous, version, type, receipt_id, received_at, collected_at, queryable_at, score, grade, interface,
    rubric, record FROM document WHERE id = ?)";

kernel::Timestamp time_of(std::int64_t milliseconds) {
    return kernel::Timestamp(std::chrono::milliseconds(milliseconds));
}

struct Place {
    std::int64_t id;
    double sort_value;
};

// One connection with its prepared statements. One thread at a time, and one statement: preparing another may throw away old ones.
class Session {
public:
    Session(std::unique_ptr<platform::sql::Connection> connection, GatherLimits limits)
        : connection_(std::move(connection)), limits_(limits) {}

    platform::sql::Connection& connection() { return *connection_; }
    Result<DataPage> find(const domain::DataQuery& query);
    Result<std::optional<DataItem>> get(std::string_view data_id);
    Result<std::vector<DataVersion>> history(std::string_view data_id);
    Result<std::optional<Receipt>> receipt(const kernel::ReceiptId& id, std::string_view receipt_id);

private:
    Result<Use> use(std::string_view sql);
    Result<Use> use(const Statement& statement);
    Result<std::int64_t> single(const Statement& statement);
    Result<std::optional<Driver>> best_driver(const domain::Filter& filter);
    Result<std::vector<Place>> places(const domain::DataQuery& query, const Driver* driver);
    Result<void> add_collection(std::string_view data_id, std::string_view receipt_id, Receipt& receipt);
    static DataItem item_of(platform::sql::Statement& row);

    std::unique_ptr<platform::sql::Connection> connection_;
    GatherLimits limits_;
    std::unordered_map<std::string, std::unique_ptr<platform::sql::Statement>> statements_;
};

Result<Use> Session::use(std::string_view sql) {
    if (const auto known = statements_.find(std::string(sql)); known != statements_.end()) return Use(*known->second);
    if (statements_.size() >= statements_kept_max) statements_.clear();
    auto prepared = connection_->prepare(sql);
    if (!prepared) return std::move(prepared).error();
    return Use(*statements_.emplace(std::string(sql), std::move(*prepared)).first->second);
}

// The values must live until the statement is reset: `statement` outlives the use.
Result<Use> Session::use(const Statement& statement) {
    auto used = use(statement.sql);
    if (!used) return used;
    int index = 0;
    for (const auto& value : statement.values) {
        if (const auto* integer = std::get_if<std::int64_t>(&value)) (*used)->bind(index++, *integer);
        else if (const auto* real = std::get_if<double>(&value)) (*used)->bind(index++, *real);
        else (*used)->bind(index++, std::string_view(std::get<std::string>(value)));
    }
    return used;
}

Result<std::int64_t> Session::single(const Statement& statement) {
    auto row = use(statement);
    if (!row) return std::move(row).error();
    auto stepped = (*row)->step();
    if (!stepped) return std::move(stepped).error();
    return *stepped ? (*row)->integer(0) : 0;
}

// The first driver whose rows are few; the others need not be counted then.
Result<std::optional<Driver>> Session::best_driver(const domain::Filter& filter) {
    for (auto& driver : drivers_of(filter, limits_)) {
        const auto rows = single(probe(driver, connection_->engine()));
        if (!rows) return rows.error();
        if (*rows <= driver.gather_max) return std::optional(std::move(driver));
    }
    return std::optional<Driver>();
}

Result<std::vector<Place>> Session::places(const domain::DataQuery& query, const Driver* driver) {
    const auto statement = page(query, driver, connection_->engine());
    auto row = use(statement);
    if (!row) return std::move(row).error();
    std::vector<Place> found;
    found.reserve(static_cast<std::size_t>(query.limit) + 1);
    while (true) {
        auto stepped = (*row)->step();
        if (!stepped) return std::move(stepped).error();
        if (!*stepped) return found;
        found.push_back({.id = (*row)->integer(0), .sort_value = (*row)->real(1)});
    }
}

DataItem Session::item_of(platform::sql::Statement& row) {
    const auto age = row.real(11);
    const auto day = row.integer(15);
    return DataItem{.id = row.integer(0),
                    .sort_value = 0,
                    .data_id = {hex_of(row.text(1))},
                    .data_center_id = {std::string(row.text(2))},
                    .record_id = {std::string(row.text(3))},
                    .version = static_cast<std::uint64_t>(row.integer(4)),
                    .score = row.real(5),
                    .grade = static_cast<int>(row.integer(6)),
                    .received_at = time_of(row.integer(7)),
                    .collected_at = time_of(row.integer(8)),
                    .retracted = row.integer(9) != 0,
                    .age_years = age == no_age ? std::nullopt : std::optional(age),
                    .sex_normal = row.text(12) == "U" ? std::string() : std::string(row.text(12)),
                    .modality_normal = std::string(row.text(13)),
                    .body_part_normal = std::string(row.text(14)),
                    .study_day = day == no_day ? std::nullopt : std::optional(std::chrono::sys_days(std::chrono::days(day))),
                    .record = std::string(row.text(10))};
}

Result<DataPage> Session::find(const domain::DataQuery& query) {
    auto driver = best_driver(query.filter);
    if (!driver) return std::move(driver).error();
    const Driver* chosen = *driver ? &**driver : nullptr;
    auto found = places(query, chosen);
    if (!found) return std::move(found).error();

    DataPage page;
    page.more = found->size() > static_cast<std::size_t>(query.limit);
    if (page.more) found->pop_back();
    page.items.reserve(found->size());
    const auto sql = std::string(item_columns) + "d.id = ?";
    std::size_t bytes = 0;
    for (const auto& place : *found) {
        auto row = use(sql);
        if (!row) return std::move(row).error();
        (*row)->bind(0, place.id);
        auto stepped = (*row)->step();
        if (!stepped) return std::move(stepped).error();
        if (!*stepped) return Error{ErrorKind::fault, "document-not-there", "a row has no document"};
        page.items.push_back(item_of(**row));
        page.items.back().sort_value = place.sort_value;
        bytes += page.items.back().record.size();
        if (bytes < records_bytes_max) continue;
        page.more = page.more || page.items.size() < found->size();
        break;
    }
    if (!query.count) return page;
    const auto all = single(count(query.filter, chosen, connection_->engine()));
    if (!all) return all.error();
    page.count = static_cast<std::uint64_t>(*all);
    return page;
}

Result<std::optional<DataItem>> Session::get(std::string_view data_id) {
    auto row = use(std::string(item_columns) + "d.data_id = ?");
    if (!row) return std::move(row).error();
    (*row)->bind_bytes(0, data_id);
    auto stepped = (*row)->step();
    if (!stepped) return std::move(stepped).error();
    if (!*stepped) return std::optional<DataItem>();
    return std::optional(item_of(**row));
}

Result<std::vector<DataVersion>> Session::history(std::string_view data_id) {
    std::vector<DataVersion> versions;
    kernel::DataCenterId centre;
    kernel::RecordId record;
    std::int64_t at = 0;
    {
        auto data = use("SELECT last_event, centre, record_id FROM data WHERE data_id = ?");
        if (!data) return std::move(data).error();
        (*data)->bind_bytes(0, data_id);
        auto known = (*data)->step();
        if (!known) return std::move(known).error();
        if (!*known) return versions;
        at = (*data)->integer(0);
        centre = {std::string((*data)->text(1))};
        record = {std::string((*data)->text(2))};
    }
    for (std::size_t bytes = 0; at != 0 && versions.size() < history_max && bytes < records_bytes_max;) {
        auto row = use(event_columns);
        if (!row) return std::move(row).error();
        (*row)->bind(0, at);
        auto stepped = (*row)->step();
        if (!stepped) return std::move(stepped).error();
        if (!*stepped) return Error{ErrorKind::fault, "document-not-there", "an event of a history is missing"};
        const auto type = (*row)->integer(2);
        versions.push_back({.version = static_cast<std::uint64_t>((*row)->integer(1)),
                            .type = type == event_retracted ? "retracted"
                                    : type == event_amended ? "amended"
                                                            : "collected",
                            .data_center_id = centre,
                            .record_id = record,
                            .receipt_id = {(*row)->is_null(3) ? std::string() : hex_of((*row)->text(3))},
                            .score = (*row)->real(7),
                            .grade = static_cast<int>((*row)->integer(8)),
                            .interface = std::string((*row)->text(9)),
                            .rubric = std::string((*row)->text(10)),
                            .received_at = time_of((*row)->integer(4)),
                            .collected_at = time_of((*row)->integer(5)),
                            .record = std::string((*row)->text(11))});
        bytes += versions.back().record.size();
        at = (*row)->integer(0);
    }
    return std::vector(std::make_move_iterator(versions.rbegin()), std::make_move_iterator(versions.rend()));
}

Result<std::optional<Receipt>> Session::receipt(const kernel::ReceiptId& id, std::string_view receipt_id) {
    std::optional<Receipt> receipt;
    std::string data_id;
    {
        auto row = use("SELECT data_id, centre, record_id, received_at, quarantined FROM receipt WHERE receipt_id = ?");
        if (!row) return std::move(row).error();
        (*row)->bind_bytes(0, receipt_id);
        auto stepped = (*row)->step();
        if (!stepped) return std::move(stepped).error();
        if (!*stepped) return receipt;
        data_id = (*row)->text(0);
        receipt = Receipt{.receipt_id = id,
                          .data_id = {hex_of(data_id)},
                          .data_center_id = {std::string((*row)->text(1))},
                          .record_id = {std::string((*row)->text(2))},
                          .quarantined = (*row)->integer(4) == receipt_quarantined,
                          .retracted = (*row)->integer(4) == receipt_retracted,
                          .received_at = time_of((*row)->integer(3)),
                          .collected_at = std::nullopt,
                          .queryable_at = std::nullopt};
    }
    if (auto added = add_collection(data_id, receipt_id, *receipt); !added) return std::move(added).error();
    return receipt;
}

// The first event of the record's history that carries the receipt tells when it was collected, and the event after the last one that does
// what became of it.
Result<void> Session::add_collection(std::string_view data_id, std::string_view receipt_id, Receipt& receipt) {
    std::int64_t at = 0;
    {
        auto row = use("SELECT last_event FROM data WHERE data_id = ?");
        if (!row) return std::move(row).error();
        (*row)->bind_bytes(0, data_id);
        auto stepped = (*row)->step();
        if (!stepped) return std::move(stepped).error();
        if (*stepped) at = (*row)->integer(0);
    }
    std::optional<std::int64_t> type_after;
    for (std::size_t seen = 0; at != 0 && seen < history_max; ++seen) {
        auto row = use("SELECT previous, receipt_id, collected_at, queryable_at, type FROM document WHERE id = ?");
        if (!row) return std::move(row).error();
        (*row)->bind(0, at);
        auto stepped = (*row)->step();
        if (!stepped) return std::move(stepped).error();
        if (!*stepped) return Error{ErrorKind::fault, "document-not-there", "an event of a history is missing"};
        if (!(*row)->is_null(1) && (*row)->text(1) == receipt_id) {
            if (!receipt.queryable_at) {
                receipt.retracted = type_after == event_retracted;
                receipt.superseded = type_after && !receipt.retracted;
            }
            receipt.collected_at = time_of((*row)->integer(2));
            receipt.queryable_at = time_of((*row)->integer(3));
        }
        type_after = (*row)->integer(4);
        at = (*row)->integer(0);
    }
    return kernel::ok();
}

}  // namespace

// Sessions that nobody uses now. A session whose call failed is thrown away with its connection.
class CollectorQuerySql::Readers {
public:
    Readers(platform::sql::Database& database, ReaderOptions options) : database_(database), options_(options) {
        idle_.reserve(static_cast<std::size_t>(std::max(options_.connections_max, 0)));
    }

    template <class F>
    auto with(F f) -> decltype(f(std::declval<Session&>())) {
        auto place = take_place();
        if (!place) return std::move(place).error();
        auto opened = place->open();
        if (!opened) return std::move(opened).error();
        auto result = in_one_state(place->session(), f);
        const bool too_long = !result && result.error().code == "sql-too-long";
        if (result || too_long) place->keep_session();
        if (too_long) return query_too_long();
        return result;
    }

private:
    // One of connections_max, given back whatever is thrown; its session, too, when that is known to be good.
    class Taken {
    public:
        Taken(Readers& readers, std::unique_ptr<Session> session) : readers_(&readers), session_(std::move(session)) {}
        Taken(Taken&& other) noexcept
            : readers_(std::exchange(other.readers_, nullptr)), session_(std::move(other.session_)), keep_(other.keep_) {}
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;
        Taken& operator=(Taken&&) = delete;
        ~Taken() {
            if (readers_) readers_->give_back(keep_ ? std::move(session_) : nullptr);
        }
        Result<void> open() {
            if (session_) return kernel::ok();
            auto connection = readers_->database_.connect(
                {.durability = platform::sql::Durability::process, .read_only = true, .cache_kib = readers_->options_.cache_kib});
            if (!connection) return std::move(connection).error();
            session_ = std::make_unique<Session>(std::move(*connection), readers_->options_.gather);
            return kernel::ok();
        }
        Session& session() { return *session_; }
        void keep_session() { keep_ = true; }

    private:
        Readers* readers_;
        std::unique_ptr<Session> session_;
        bool keep_ = false;
    };

    template <class F>
    auto in_one_state(Session& session, F f) -> decltype(f(session)) {
        session.connection().set_deadline(std::chrono::steady_clock::now() + options_.query_time_max);
        const auto state = platform::sql::Snapshot::begin(session.connection());
        if (!state) return state.error();
        return f(session);
    }
    Error query_too_long() const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.query_time_max).count();
        return {ErrorKind::busy, "query-too-long",
                "the query took longer than " + std::to_string(seconds) + " s; ask for less: more filters, or no count"};
    }
    Result<Taken> take_place() {
        std::unique_lock lock(mutex_);
        if (!freed_.wait_for(lock, options_.wait_max, [&] { return !idle_.empty() || open_ < options_.connections_max; }))
            return Error{ErrorKind::busy, "readers-busy", "too many long queries are running; retry later"};
        if (idle_.empty()) {
            ++open_;
            return Taken(*this, nullptr);
        }
        auto session = std::move(idle_.back());
        idle_.pop_back();
        return Taken(*this, std::move(session));
    }
    void give_back(std::unique_ptr<Session> session) {
        const std::lock_guard lock(mutex_);
        if (session) idle_.push_back(std::move(session));  // there is room for connections_max
        else --open_;
        freed_.notify_one();
    }

    platform::sql::Database& database_;
    ReaderOptions options_;
    std::mutex mutex_;
    std::condition_variable freed_;
    int open_ = 0;
    std::vector<std::unique_ptr<Session>> idle_;
};

CollectorQuerySql::CollectorQuerySql(platform::sql::Database& database, ReaderOptions options)
    : pages_(std::make_unique<Readers>(database, options)), look_ups_(std::make_unique<Readers>(database, options)) {}
CollectorQuerySql::~CollectorQuerySql() = default;

Result<DataPage> CollectorQuerySql::find(const domain::DataQuery& query) {
    return pages_->with([&](Session& session) { return session.find(query); });
}

Result<std::optional<DataItem>> CollectorQuerySql::get(const kernel::DataId& data_id) {
    auto bytes = bytes_of(data_id.value);
    if (!bytes) return std::move(bytes).error();
    return look_ups_->with([&](Session& session) { return session.get(*bytes); });
}

Result<std::vector<DataVersion>> CollectorQuerySql::history(const kernel::DataId& data_id) {
    auto bytes = bytes_of(data_id.value);
    if (!bytes) return std::move(bytes).error();
    return look_ups_->with([&](Session& session) { return session.history(*bytes); });
}

Result<std::optional<Receipt>> CollectorQuerySql::receipt(const kernel::ReceiptId& receipt_id) {
    auto bytes = bytes_of(receipt_id.value);
    if (!bytes) return std::move(bytes).error();
    return look_ups_->with([&](Session& session) { return session.receipt(receipt_id, *bytes); });
}

}  // namespace collector_query::infrastructure::db
