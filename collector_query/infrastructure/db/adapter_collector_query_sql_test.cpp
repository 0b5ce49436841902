// The SQL view on SQLite, through the port's contract suite; the projections' own rules; access tokens.
#include "collector_query/infrastructure/db/adapter_collector_query_sql.hpp"

#include "collector_query/application/port_collector_query_contract.hpp"
#include "collector_query/infrastructure/db/access_tokens.hpp"
#include "collector_query/infrastructure/db/projection_collected_data.hpp"
#include "collector_query/infrastructure/db/projection_receipts.hpp"
#include "collector_query/infrastructure/db/schema.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <unistd.h>

#include <filesystem>
#include <new>
#include <thread>

namespace collector_query::infrastructure::db {
namespace {

namespace contract = application::contract;

class SqliteFixture final : public contract::ViewFixture {
public:
    explicit SqliteFixture(ReaderOptions options = {}) {
        static int count = 0;
        directory_ =
            std::filesystem::temp_directory_path() / ("acopio-query-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::create_directories(directory_);
        database_ = std::move(*platform::sql::sqlite::open(directory_ / "query.db"));
        connection_ = std::move(*database_->connect());
        const auto migrated = migrate(*connection_);
        EXPECT_TRUE(migrated) << (migrated ? "" : migrated.error().message);
        data_ = std::move(*CollectedDataProjection::open(*connection_, clock_, metrics_));
        receipts_ = std::move(*ReceiptsProjection::open(*connection_));
        view_ = std::make_unique<CollectorQuerySql>(*database_, options);
    }
    ~SqliteFixture() override {
        view_.reset();
        receipts_.reset();
        data_.reset();
        connection_.reset();
        database_.reset();
        std::filesystem::remove_all(directory_);
    }
    application::CollectedDataView& view() override { return *view_; }
    void project(std::vector<kernel::CollectedDataEvent> events) override {
        std::vector<kernel::Envelope> envelopes;
        for (auto& event : events) envelopes.push_back(kernel::to_envelope(std::move(event)));
        std::vector<platform::log::Message> batch;
        for (auto& envelope : envelopes) batch.push_back(numbered(std::move(envelope), ++sequence_));
        const auto done = handle(*data_, batch);
        EXPECT_TRUE(done) << (done ? "" : done.error().message);
    }
    void receive(std::vector<kernel::RawDataEvent> events) override {
        std::vector<platform::log::Message> batch;
        for (auto& event : events) batch.push_back({.position = {}, .appended_at = {}, .envelope = kernel::to_envelope(std::move(event))});
        EXPECT_TRUE(handle(*receipts_, batch));
    }

    static platform::log::Message numbered(kernel::Envelope envelope, std::uint64_t sequence) {
        envelope.attributes.emplace_back("sequence", std::to_string(sequence));
        return {.position = {sequence}, .appended_at = {}, .envelope = std::move(envelope)};
    }
    kernel::Result<void> handle(platform::projection::Handler& handler, const std::vector<platform::log::Message>& batch) {
        EXPECT_TRUE(connection_->begin());
        auto done = handler.handle(batch);
        if (done) {
            EXPECT_TRUE(connection_->commit());
            handler.committed({});
            return done;
        }
        connection_->rollback();
        handler.rolled_back();
        return done;
    }
    kernel::Result<void> handle_data(const std::vector<platform::log::Message>& batch) { return handle(*data_, batch); }
    platform::sql::Database& database() { return *database_; }
    CollectorQuerySql& adapter() { return *view_; }

private:
    std::filesystem::path directory_;
    kernel::FixedClock clock_{kernel::Timestamp{std::chrono::milliseconds{5'000'000}}};
    platform::runtime::Metrics metrics_;
    std::unique_ptr<platform::sql::Database> database_;
    std::unique_ptr<platform::sql::Connection> connection_;
    std::unique_ptr<CollectedDataProjection> data_;
    std::unique_ptr<ReceiptsProjection> receipts_;
    std::unique_ptr<CollectorQuerySql> view_;
    std::uint64_t sequence_ = 0;
};

// A database whose first connections find no memory.
class Scarce final : public platform::sql::Database {
public:
    Scarce(platform::sql::Database& database, int failures) : database_(database), failures_(failures) {}
    platform::sql::Engine engine() const override { return database_.engine(); }
    kernel::Result<std::unique_ptr<platform::sql::Connection>> connect(platform::sql::OpenOptions options) override {
        if (failures_-- > 0) throw std::bad_alloc();
        return database_.connect(options);
    }

private:
    platform::sql::Database& database_;
    int failures_;
};

platform::log::Message message(int number, std::uint64_t sequence) {
    return SqliteFixture::numbered(kernel::to_envelope(kernel::RecordCollected{contract::Sample{number}.facts()}), sequence);
}

TEST(collected_data_projection, a_repeated_sequence_is_dropped) {
    SqliteFixture fixture;
    ASSERT_TRUE(fixture.handle_data({message(0, 1), message(1, 2)}));
    ASSERT_TRUE(fixture.handle_data({message(0, 1), message(1, 2), message(2, 3)}));
    EXPECT_EQ(fixture.view().find({})->items.size(), 3U);
}

TEST(readers, what_is_thrown_takes_no_reader_away) {
    SqliteFixture fixture;
    Scarce scarce(fixture.database(), 5);
    CollectorQuerySql view(scarce, {.connections_max = 2});
    for (int i = 0; i < 5; ++i) EXPECT_THROW((void)view.find({}), std::bad_alloc);
    const auto found = view.find({});
    EXPECT_TRUE(found) << found.error().code;
}

TEST(readers, a_call_waits_for_a_reader_up_to_its_bound) {
    SqliteFixture fixture;
    CollectorQuerySql view(fixture.database(), {.connections_max = 0, .wait_max = std::chrono::milliseconds(1)});
    const auto found = view.find({});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(found.error().code, "readers-busy");
}

TEST(readers, a_query_that_takes_too_long_ends_and_the_reader_serves_on) {
    SqliteFixture fixture;
    std::vector<platform::log::Message> batch;
    for (int number = 0; number < 3000; ++number) batch.push_back(message(number, static_cast<std::uint64_t>(number) + 1));
    ASSERT_TRUE(fixture.handle_data(batch));
    CollectorQuerySql view(fixture.database(), {.connections_max = 1, .query_time_max = std::chrono::milliseconds(0)});
    domain::DataQuery counted;
    counted.filter.min_grade = 1;
    counted.count = true;
    const auto found = view.find(counted);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(found.error().code, "query-too-long");
    EXPECT_TRUE(view.get({contract::Sample{7}.facts().data_id}));
}

// A record is there or it is not; the pages of a reader beside the writer never show half of it.
TEST(readers, ids_rows_and_count_are_of_one_state) {
    SqliteFixture fixture;
    constexpr std::uint64_t records = 40;
    std::vector<platform::log::Message> batch;
    for (std::uint64_t i = 0; i < records; ++i) batch.push_back(message(static_cast<int>(i), i + 1));
    ASSERT_TRUE(fixture.handle_data(batch));
    std::jthread writer([&](const std::stop_token& stop) {
        auto sequence = records;
        for (std::uint64_t version = 2; !stop.stop_requested(); ++version) {
            std::vector<platform::log::Message> all;
            for (std::uint64_t i = 0; i < records; ++i) {
                const auto facts = contract::Sample{static_cast<int>(i)}.facts(version);
                kernel::CollectedDataEvent event = kernel::RecordCollected{facts};
                if (version % 2 == 0)
                    event = kernel::RecordRetracted{facts.data_id, version, facts.data_center_id, facts.record_id, {}, facts.collected_at};
                all.push_back(SqliteFixture::numbered(kernel::to_envelope(std::move(event)), ++sequence));
            }
            EXPECT_TRUE(fixture.handle_data(all));
        }
    });
    domain::DataQuery query;
    query.limit = records;
    query.count = true;
    for (int i = 0; i < 2000; ++i) {
        const auto page = fixture.view().find(query);
        ASSERT_TRUE(page) << page.error().code;
        ASSERT_EQ(page->count, page->items.size());
        ASSERT_TRUE(page->items.empty() || page->items.size() == records) << page->items.size();
        for (const auto& item : page->items) {
            ASSERT_FALSE(item.retracted);
            ASSERT_EQ(item.version, page->items.front().version);
        }
    }
}

// What a rebuild writes is what was there.
TEST(collected_data_projection, a_row_is_queryable_from_when_the_log_took_its_event) {
    SqliteFixture fixture;
    auto first = message(0, 1);
    first.appended_at = kernel::Timestamp{std::chrono::milliseconds{77}};
    ASSERT_TRUE(fixture.handle_data({first}));
    kernel::RawDataReceived received;
    received.data_id = contract::Sample{0}.facts().data_id;
    received.receipt_id = contract::Sample{0}.facts().receipt_id;
    fixture.receive({received});
    EXPECT_EQ((*fixture.view().receipt(received.receipt_id))->queryable_at, first.appended_at);
}

TEST(collected_data_projection, a_gap_in_the_sequence_is_a_fault_and_writes_nothing) {
    SqliteFixture fixture;
    const auto gap = fixture.handle_data({message(0, 1), message(1, 3)});
    ASSERT_FALSE(gap);
    EXPECT_EQ(gap.error().kind, kernel::ErrorKind::fault);
    EXPECT_EQ(gap.error().code, "sequence-gap");
    EXPECT_TRUE(fixture.view().find({})->items.empty());
    EXPECT_TRUE(fixture.handle_data({message(0, 1), message(1, 2)}));
}

TEST(collected_data_projection, what_is_no_event_is_a_fault) {
    SqliteFixture fixture;
    auto broken = message(0, 1);
    broken.envelope.type = "acopio.unknown.v9";
    EXPECT_EQ(fixture.handle_data({broken}).error().kind, kernel::ErrorKind::fault);
    auto no_json = message(0, 1);
    no_json.envelope.data = "{\"record_id\":";
    EXPECT_EQ(fixture.handle_data({no_json}).error().code, "record-not-understood");
}

TEST(record_columns, members_that_the_read_side_writes_are_cut_wherever_they_stand) {
    RecordReader reader;
    EXPECT_EQ(reader.read(R"({"record_id":"a\"b\\","age":"045Y"})")->record, R"({"age":"045Y"})");
    EXPECT_EQ(reader.read(R"({"record_id":"a"})")->record, "{}");
    EXPECT_EQ(reader.read(R"({"modality":"ct","score":7,"version":"x","z\u000a":[1.5,null]})")->record,
              R"({"modality":"ct","z\u000a":[1.5,null]})");
    EXPECT_EQ(reader.read("{}")->record, "{}");
    EXPECT_EQ(reader.read("{\"record_id\":\"a\"\n,\"b\":1}")->record, "{\"b\":1}");
    EXPECT_EQ(reader.read("{\"record_id\":\"a\" }")->record, "{}");
    EXPECT_EQ(reader.read(" {\"a\":1}\n")->record, "{\"a\":1}");
    EXPECT_EQ(reader.read(R"({ "record_id" : 7 , "a\"b" : [ 1 ] , "study_day":1})")->record, R"({"a\"b":[ 1 ]})");
    for (const auto* broken : {"", "[]", "7", "{\"a\":tru}", "{", "{\"a\":01}", "{\"a\":1.}", "{\"a\":\"\\q\"}", "{\"a\":[1,]}", "{}x",
                               "{}{}", "{\"a\":1 2}", "{\"a\":{\"b\":nul}}", "{\"a\":+1}", "{\"a\" 1}", "{\"a\":\"\xff\"}"})
        EXPECT_FALSE(reader.read(broken)) << broken;
}

// Intake accepts and keeps them: a record that cannot be projected would stop the read side for ever.
TEST(record_columns, numbers_of_any_size_are_kept_as_they_were_written_and_are_no_column_where_they_do_not_fit) {
    RecordReader reader;
    const std::string_view huge = R"({"modality":"CT","accession":123456789012345678901234567890,"x":1e400,"age":1e999,"normal":1e400})";
    const auto columns = *reader.read(huge);
    EXPECT_EQ(columns.record, huge);
    EXPECT_EQ(columns.modality, "CT");
    EXPECT_EQ(columns.age, no_age);
    EXPECT_EQ(columns.labels, 0U);
    EXPECT_EQ(reader.read(R"({"patient_id":123456789012345678901234567890})")->patient_id, "123456789012345678901234567890");
    EXPECT_EQ(reader.read(R"({"age":4.5e1})")->age, 45);
    EXPECT_EQ(reader.read(R"({"record_id":1e400,"a":{"b":[-1E+999,1e-999]}})")->record, R"({"a":{"b":[-1E+999,1e-999]}})");
    EXPECT_EQ(reader.read("{\"age\":" + std::string(100'000, '9') + "}")->age, no_age);
}

TEST(record_columns, nesting_of_intakes_depth_and_more_is_read_and_nesting_without_end_is_a_fault) {
    RecordReader reader;
    const auto nested = [](std::size_t levels) { return "{\"x\":" + std::string(levels, '[') + std::string(levels, ']') + "}"; };
    for (const std::size_t levels : {64U, 65U, 300U}) EXPECT_TRUE(reader.read(nested(levels))) << levels;
    for (const std::size_t levels : {5'000U, 500'000U})
        EXPECT_EQ(reader.read(nested(levels)).error().code, "record-not-understood") << levels;
}

TEST(record_columns, values_take_their_normal_form) {
    RecordReader reader;
    const auto columns = *reader.read(R"({"modality":" ct ","body_part":"chest","sex":"female","age":"018M",)"
                                      R"("diagnosis_date":"2026-03-02T10:00:00Z","code":"j18.9","normal":"1","other":true,"unknown":-1})");
    EXPECT_EQ(columns.modality, "CT");
    EXPECT_EQ(columns.body_part, "CHEST");
    EXPECT_EQ(columns.sex, "F");
    EXPECT_EQ(columns.age, 1.5);
    EXPECT_EQ(columns.study_date, (std::chrono::sys_days{std::chrono::year{2026} / 3 / 2}).time_since_epoch().count());
    EXPECT_EQ(columns.code, "J18.9");
    EXPECT_EQ(columns.labels, 0b010010U);
    const auto none = *reader.read(R"({"age":"old","study_date":"soon","sex":null})");
    EXPECT_EQ(none.age, no_age);
    EXPECT_EQ(none.study_date, no_day);
    EXPECT_EQ(none.sex, "U");
    EXPECT_FALSE(none.code);
}

TEST(access_tokens, are_stored_hashed_and_a_revocation_is_seen_at_once) {
    SqliteFixture fixture;
    const auto token = *add_token(fixture.database(), "researcher", "Ana", {});
    ASSERT_EQ(token.size(), 4U + 16 + 1 + 48);
    const auto id = token.substr(4, 16);
    const auto tokens = *AccessTokensSql::open(fixture.database());
    auto stored = *tokens->find_token(id);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->hash, platform::runtime::hex(platform::runtime::sha256(token)));
    EXPECT_FALSE(stored->revoked);
    ASSERT_TRUE(revoke_token(fixture.database(), id, kernel::Timestamp{std::chrono::milliseconds{9}}));
    EXPECT_TRUE((*tokens->find_token(id))->revoked);
    ASSERT_TRUE(revoke_token(fixture.database(), id, kernel::Timestamp{std::chrono::milliseconds{10}}));
    const auto listed = *list_tokens(fixture.database());
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed[0].name, "Ana");
    EXPECT_EQ(listed[0].revoked_at, kernel::Timestamp{std::chrono::milliseconds{9}});
    EXPECT_EQ(revoke_token(fixture.database(), "0000000000000000", {}).error().kind, kernel::ErrorKind::not_found);
    EXPECT_EQ(add_token(fixture.database(), "king", "x", {}).error().code, "role-unknown");
}

const contract::MakeFixture make_sqlite = [] { return std::make_unique<SqliteFixture>(); };
// Every question is answered by walking an index, as over a large table.
const contract::MakeFixture make_walking = [] {
    return std::make_unique<SqliteFixture>(ReaderOptions{.gather = {.lookup_max = -1, .covered_max = -1}});
};

}  // namespace
}  // namespace collector_query::infrastructure::db

namespace collector_query::application::contract {
INSTANTIATE_TEST_SUITE_P(sqlite, CollectedDataViewContract,
                         testing::Values(std::pair{std::string("gathering"), infrastructure::db::make_sqlite},
                                         std::pair{std::string("walking"), infrastructure::db::make_walking}));
}  // namespace collector_query::application::contract
