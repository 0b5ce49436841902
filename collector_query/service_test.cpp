// The read side over the real engines and HTTP: what it answers of what is in the log, after restarts and rebuilds too.
#include "collector_query/service.hpp"

#include "kernel/event_collected_data.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/log/embedded/embedded_log.hpp"
#include "platform/log/fake_spread_log.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <future>

namespace collector_query {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto operator_token = "operator-secret";

struct Answer {
    int status = 0;
    std::string head, body;
    boost::json::value json() const { return boost::json::parse(body); }
};

Answer get(std::uint16_t port, const std::string& target, const std::string& token) {
    const int wire = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(wire, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const auto request = "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                         (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") + "\r\n";
    EXPECT_EQ(::send(wire, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    std::string all;
    char piece[16384];
    for (ssize_t count; (count = ::recv(wire, piece, sizeof piece, 0)) > 0;) all.append(piece, static_cast<std::size_t>(count));
    ::close(wire);
    const auto split = all.find("\r\n\r\n");
    EXPECT_NE(split, std::string::npos);
    if (split == std::string::npos) return {};
    return {.status = std::stoi(all.substr(9, 3)), .head = all.substr(0, split), .body = all.substr(split + 4)};
}

class ReadSide : public testing::Test {
protected:
    ReadSide() {
        std::filesystem::remove_all(dir_);
        std::filesystem::create_directories(dir_);
        open();
    }
    ~ReadSide() override {
        close();
        std::filesystem::remove_all(dir_);
    }

    Dependencies dependencies() { return {*database_, *access_, *log_, *metrics_, *pool_, clock_}; }
    void open() {
        metrics_ = std::make_unique<platform::runtime::Metrics>();
        pool_ = std::make_unique<platform::runtime::BlockingPool>(platform::runtime::BlockingPool::Options{.threads = 2});
        log_ = std::make_unique<platform::log::SpreadLog>(*platform::log::embedded::open({.file = dir_ / "log.db"}));
        database_ = *platform::sql::sqlite::open(dir_ / "query.db");
        access_ = *platform::sql::sqlite::open(dir_ / "access.db");
        auto service = Service::open(dependencies(), {.open = false, .operator_token = operator_token});
        ASSERT_TRUE(service) << service.error().message;
        service_ = *std::move(service);
        service_->start();
        server_ = *platform::http::Server::listen({}, service_->routes(), *metrics_);
        server_->start();
    }
    void close() {
        if (server_) server_->stop();
        if (service_) service_->stop();
        server_.reset();
        service_.reset();
        pool_.reset();
        database_.reset();
        access_.reset();
        log_.reset();
        metrics_.reset();
    }

    Answer ask(const std::string& target, const std::string& token = operator_token) { return get(server_->port(), target, token); }

    void append(std::string_view topic, kernel::Envelope envelope) {
        const auto done = platform::runtime::run(log_->append(std::string(topic), {std::move(envelope)}));
        ASSERT_TRUE(done) << done.error().message;
    }
    template <class Event>
    void publish(Event event) {
        auto envelope = kernel::to_envelope(std::move(event));
        envelope.attributes.emplace_back("sequence", std::to_string(++sequence_));
        append(kernel::collected_data_topic, std::move(envelope));
    }
    template <class Event = kernel::RecordCollected>
    static Event content(const std::string& record_id, std::uint64_t version, std::string record, char receipt) {
        Event event;
        event.data_id = {std::string(31, '0') + record_id};
        event.version = version;
        event.data_center_id = {"st-mary"};
        event.record_id = {record_id};
        event.receipt_id = {std::string(32, receipt)};
        event.content_hash = {std::string(64, receipt)};
        event.interface = "json";
        event.rubric = "acopio-1";
        event.score = 90;
        event.grade = "B";
        event.received_at = clock_now();
        event.collected_at = clock_now();
        event.record = std::move(record);
        return event;
    }
    static kernel::Timestamp clock_now() { return kernel::SystemClock().now(); }

    kernel::Result<void> rebuild_beside() {
        const auto fresh = *platform::sql::sqlite::open(dir_ / "fresh.db");
        return rebuild(*fresh, *log_, *metrics_, clock_);
    }

    // Asks until `count` records are visible.
    Answer visible(std::int64_t count, const std::string& more = "") {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (true) {
            auto answer = ask("/data?count=exact" + more);
            if (answer.status != 200 || answer.json().at("count") == count || std::chrono::steady_clock::now() > deadline) return answer;
            std::this_thread::yield();
        }
    }

    std::filesystem::path dir_ = std::filesystem::temp_directory_path() / ("acopio_read_side_" + std::to_string(::getpid()));
    kernel::SystemClock clock_;
    std::uint64_t sequence_ = 0;
    std::unique_ptr<platform::runtime::Metrics> metrics_;
    std::unique_ptr<platform::runtime::BlockingPool> pool_;
    std::unique_ptr<platform::log::EventLog> log_;
    std::unique_ptr<platform::sql::Database> database_, access_;
    std::unique_ptr<Service> service_;
    std::unique_ptr<platform::http::Server> server_;
};

TEST_F(ReadSide, answers_with_the_current_content_and_the_whole_history) {
    publish(content("a", 1, R"({"modality":"CT","age":"045Y"})", 'a'));
    publish(content<kernel::RecordAmended>("a", 2, R"({"modality":"MR","age":"045Y"})", 'b'));
    publish(content("b", 1, R"({"modality":"CT"})", 'c'));
    const auto page = visible(2);
    ASSERT_EQ(page.status, 200) << page.body;
    const auto json = page.json();
    EXPECT_EQ(json.at("count"), 2);
    EXPECT_EQ(json.at("data").at(0).at("modality"), "MR");
    EXPECT_EQ(json.at("data").at(0).at("version"), 2);
    EXPECT_EQ(ask("/data?modality=CT&count=exact").json().at("count"), 1);

    const auto history = ask("/data/" + std::string(31, '0') + "a/history").json();
    ASSERT_EQ(history.at("history").as_array().size(), 2U);
    EXPECT_EQ(history.at("history").at(0).at("event"), "collected");
    EXPECT_EQ(history.at("history").at(0).at("record").at("modality"), "CT");
    EXPECT_EQ(history.at("history").at(1).at("event"), "amended");
}

TEST_F(ReadSide, an_item_has_its_fields_as_sent_and_the_normal_forms_that_filters_compare) {
    auto sent = content(
        "a", 1, R"({"modality":" ct","sex":"mujer","age":"018M","body_part":"Chest","diagnosis_date":"20260302","study_day":1})", 'a');
    sent.score = 93.14159;
    publish(sent);
    publish(content("b", 1, R"({"sex":"not stated","age":"old"})", 'b'));
    ASSERT_EQ(visible(2).json().at("count"), 2);
    for (const auto& one : {ask("/data").json().at("data").at(0), ask("/data/" + std::string(31, '0') + "a").json()}) {
        EXPECT_EQ(one.at("modality"), " ct");
        EXPECT_EQ(one.at("sex"), "mujer");
        EXPECT_EQ(one.at("age"), "018M");
        EXPECT_EQ(one.at("age_years"), 1.5);
        EXPECT_EQ(one.at("sex_normal"), "F");
        EXPECT_EQ(one.at("modality_normal"), "CT");
        EXPECT_EQ(one.at("body_part_normal"), "CHEST");
        EXPECT_EQ(one.at("study_day"), "2026-03-02") << "the day that filters compare, not a member of that name";
        EXPECT_EQ(one.at("score"), 93.1);
    }
    const auto unknown = ask("/data").json().at("data").at(1).as_object();
    for (const auto* name : {"age_years", "sex_normal", "modality_normal", "body_part_normal", "study_day"})
        EXPECT_FALSE(unknown.contains(name)) << name;
    EXPECT_EQ(ask("/data?study_date_to=2026-03-02&sex=F&count=exact").json().at("count"), 1);
    EXPECT_EQ(ask("/data/" + std::string(31, '0') + "a/history").json().at("history").at(0).at("score"), 93.1);
}

TEST_F(ReadSide, a_record_that_was_taken_back_is_gone_but_its_history_stays) {
    publish(content("a", 1, R"({"modality":"CT"})", 'a'));
    ASSERT_EQ(visible(1).json().at("count"), 1);
    publish(kernel::RecordRetracted{{std::string(31, '0') + "a"}, 2, {"st-mary"}, {"a"}, clock_now(), clock_now()});
    EXPECT_EQ(visible(0).json().at("count"), 0);
    EXPECT_EQ(ask("/data/" + std::string(31, '0') + "a").status, 410);
    EXPECT_EQ(ask("/data/" + std::string(31, '0') + "a/history").json().at("history").as_array().size(), 2U);
    EXPECT_EQ(visible(1, "&include_retracted=true").json().at("count"), 1);
}

TEST_F(ReadSide, a_receipt_tells_how_far_a_record_has_come) {
    kernel::RawDataReceived received;
    received.data_center_id = {"st-mary"};
    received.record_id = {"a"};
    received.data_id = {std::string(31, '0') + "a"};
    received.receipt_id = {std::string(32, 'a')};
    received.content_hash = {std::string(64, 'a')};
    received.interface = "json";
    received.modality = "CT";
    received.grade = "B";
    received.verdicts.rubric = "acopio-1";
    received.received_at = clock_now();
    received.record = "{}";
    append(kernel::raw_data_topic, kernel::to_envelope(received));
    const auto receipt = "/receipts/" + std::string(32, 'a');
    const auto wait_for = [&](std::string_view status) {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        auto answer = ask(receipt);
        while ((answer.status != 200 || answer.json().at("status").as_string() != status) && std::chrono::steady_clock::now() < deadline)
            answer = ask(receipt);
        return answer;
    };
    const auto first = wait_for("received");
    ASSERT_EQ(first.status, 200) << first.body;
    EXPECT_TRUE(first.json().at("collected_at").is_null());
    publish(content("a", 1, "{}", 'a'));
    const auto last = wait_for("queryable").json();
    EXPECT_TRUE(last.at("collected_at").is_string());
    EXPECT_TRUE(last.at("queryable_at").is_string());
    publish(kernel::RecordRetracted{{std::string(31, '0') + "a"}, 2, {"st-mary"}, {"a"}, clock_now(), clock_now()});
    EXPECT_EQ(wait_for("retracted").json().at("status"), "retracted");
    EXPECT_EQ(ask("/receipts/" + std::string(32, 'f')).status, 404);
    EXPECT_EQ(ask("/receipts/xyz").status, 400);
}

TEST_F(ReadSide, reading_needs_a_token_that_was_not_revoked) {
    EXPECT_EQ(ask("/data", "").status, 401);
    EXPECT_THAT(ask("/data", "").head, HasSubstr("WWW-Authenticate: Bearer"));
    EXPECT_THAT(ask("/data", "").head, Not(HasSubstr("invalid_token")));
    const auto unknown = ask("/data", "acr_0000000000000000_" + std::string(48, '0'));
    EXPECT_EQ(unknown.status, 401);
    EXPECT_THAT(unknown.head, HasSubstr("WWW-Authenticate: Bearer error=\"invalid_token\""));
    const auto with_key = ask("/data", "ack_0000000000000000_" + std::string(48, '0'));
    EXPECT_EQ(with_key.status, 401);
    EXPECT_THAT(std::string(with_key.json().at("detail").as_string()), HasSubstr("a data centre's key"));
    EXPECT_EQ(ask("/data?colour=red", "").status, 401) << "nobody learns the parameters without a token";

    const auto token = add_token(*access_, "researcher", "a test", clock_.now());
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(ask("/data", *token).status, 200);
    const auto tokens = list_tokens(*access_);
    ASSERT_TRUE(tokens);
    ASSERT_EQ(tokens->size(), 1U);
    ASSERT_TRUE(revoke_token(*access_, tokens->front().id, clock_.now()));
    EXPECT_EQ(ask("/data", *token).status, 401);
}

TEST_F(ReadSide, what_is_of_a_patient_is_kept_nowhere_and_every_refusal_says_what_to_do) {
    EXPECT_THAT(ask("/data").head, HasSubstr("Cache-Control: no-store"));
    for (const auto* path : {"/data/xyz", "/data/00000000000000000000000000000000", "/receipts/00000000000000000000000000000000",
                             "/receipts/x", "/data?colour=red", "/data?sex=zebra", "/data?cursor=x", "/data?limit=0"}) {
        const auto answer = ask(path);
        EXPECT_GE(answer.status, 400) << path;
        EXPECT_TRUE(answer.json().as_object().contains("mend")) << path;
        EXPECT_THAT(answer.head, HasSubstr("Cache-Control: no-store")) << path;
    }
    EXPECT_TRUE(ask("/data", "").json().as_object().contains("mend"));
    EXPECT_TRUE(ask("/data", "acr_x").json().as_object().contains("mend"));
}

TEST_F(ReadSide, a_wrong_filter_names_the_allowed_ones) {
    const auto answer = ask("/data?colour=red");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.head, HasSubstr("application/problem+json"));
    EXPECT_EQ(answer.json().at("code"), "filter-unknown");
    EXPECT_THAT(std::string(answer.json().at("expected").as_string()), HasSubstr("modality"));
}

TEST_F(ReadSide, cursors_lead_through_everything_once_whatever_comes_in_between) {
    for (const std::string id : {"a", "b", "c", "d"}) publish(content(id, 1, R"({"modality":"CT"})", id.front()));
    ASSERT_EQ(visible(4).json().at("count"), 4);
    std::vector<std::string> seen;
    std::string cursor;
    for (int i = 0; i < 10; ++i) {
        const auto page = ask("/data?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor)).json();
        for (const auto& item : page.at("data").as_array()) seen.emplace_back(item.at("record_id").as_string());
        if (i == 0) {
            publish(content("e", 1, R"({"modality":"CT"})", 'e'));
            ASSERT_EQ(visible(5).json().at("count"), 5);
        }
        if (page.at("next").is_null()) break;
        cursor = page.at("next").as_string();
    }
    EXPECT_THAT(seen, testing::ElementsAre("a", "b", "c", "d", "e"));
    EXPECT_EQ(ask("/data?modality=CT&cursor=" + cursor).json().at("code"), "cursor-mismatch");
}

TEST_F(ReadSide, a_page_of_large_records_ends_early_and_its_cursor_goes_on) {
    const std::string large(6 * 1024 * 1024, 'x');
    for (const std::string id : {"a", "b", "c", "d"}) publish(content(id, 1, R"({"report":")" + large + R"("})", id.front()));
    ASSERT_EQ(visible(4, "&limit=1").json().at("count"), 4);
    const auto first = ask("/data").json();
    ASSERT_EQ(first.at("data").as_array().size(), 3U) << "the third reaches 16 MiB";
    const auto second = ask("/data?cursor=" + std::string(first.at("next").as_string())).json();
    ASSERT_EQ(second.at("data").as_array().size(), 1U);
    EXPECT_EQ(second.at("data").at(0).at("record_id"), "d");
    EXPECT_TRUE(second.at("next").is_null());
}

TEST_F(ReadSide, knows_everything_after_a_restart_and_after_a_rebuild) {
    publish(content("a", 1, R"({"modality":"CT"})", 'a'));
    publish(content("b", 1, R"({"modality":"MR"})", 'b'));
    ASSERT_EQ(visible(2).json().at("count"), 2);
    const auto before = ask("/data").body;
    close();
    open();
    EXPECT_EQ(ask("/data").body, before);
    const auto token = *add_token(*access_, "researcher", "Ada", clock_.now());
    const auto rebuilt = rebuild_beside();
    ASSERT_TRUE(rebuilt) << rebuilt.error().message;
    close();
    for (const auto* ending : {"", "-wal", "-shm"}) std::filesystem::remove(dir_ / (std::string("query.db") + ending));
    ASSERT_FALSE(std::filesystem::exists(dir_ / "fresh.db-wal")) << "a closed database is one file";
    std::filesystem::rename(dir_ / "fresh.db", dir_ / "query.db");
    open();
    EXPECT_EQ(ask("/data").body, before);
    EXPECT_EQ(ask("/data", token).body, before);
    publish(content("c", 1, R"({"modality":"MR"})", 'c'));
    EXPECT_EQ(visible(3).json().at("count"), 3);
}

TEST_F(ReadSide, a_rebuild_that_fails_leaves_all_that_was_there) {
    publish(content("a", 1, R"({"modality":"CT"})", 'a'));
    ASSERT_EQ(visible(1).json().at("count"), 1);
    const auto token = *add_token(*access_, "researcher", "Ada", clock_.now());
    const auto before = ask("/data", token).body;
    publish(content("b", 1, "[\"no record\"]", 'b'));
    const auto rebuilt = rebuild_beside();
    ASSERT_FALSE(rebuilt);
    EXPECT_EQ(rebuilt.error().code, "record-not-understood");
    EXPECT_EQ(ask("/data", token).body, before);
    close();
    open();
    EXPECT_EQ(ask("/data", token).body, before);
}

// Intake accepts such records, so each must be answered, and the next ones too.
TEST_F(ReadSide, numbers_of_any_size_come_out_as_they_went_in) {
    const std::string members = R"("modality":"CT","extensions":{"accession":123456789012345678901234567890,"x":1e400})";
    publish(content("a", 1, R"({"record_id":"a","age":1e999,)" + members + "}", 'a'));
    publish(content("b", 1, R"({"record_id":1e400,)" + members + "}", 'b'));
    publish(content("c", 1, R"({"modality":"CT"})", 'c'));
    ASSERT_EQ(visible(3).status, 200);
    const auto page = ask("/data?modality=CT").body;
    EXPECT_THAT(page, HasSubstr("\"age\":1e999," + members));
    EXPECT_EQ(ask("/data?age_min=0&count=exact").json().at("count"), 0);
    EXPECT_THAT(ask("/data/" + std::string(31, '0') + "a/history").body, HasSubstr(members));
    EXPECT_TRUE(service_->healthy());
    EXPECT_TRUE(rebuild_beside());
}

TEST_F(ReadSide, one_record_and_a_wrong_token_never_wait_for_long_queries) {
    publish(content("a", 1, R"({"modality":"CT"})", 'a'));
    ASSERT_EQ(visible(1).json().at("count"), 1);
    std::promise<void> end;
    const auto ended = end.get_future().share();
    for (int thread = 0; thread < 2; ++thread) ASSERT_TRUE(pool_->submit([ended] { ended.wait(); }));
    EXPECT_EQ(ask("/data/" + std::string(31, '0') + "a").status, 200);
    EXPECT_EQ(ask("/data", "wrong").status, 401);
    end.set_value();
    EXPECT_EQ(ask("/data").status, 200);
}

TEST_F(ReadSide, a_gap_in_the_history_stops_it_and_ready_says_so) {
    EXPECT_EQ(ask("/ready", "").status, 200);
    ++sequence_;
    publish(content("a", 1, "{}", 'a'));
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (service_->healthy() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(ask("/ready", "").status, 503);
    EXPECT_EQ(ask("/health", "").status, 200);
    EXPECT_THAT(ask("/metrics", "").body, HasSubstr("acopio_query_lag_messages"));
}

}  // namespace
}  // namespace collector_query
