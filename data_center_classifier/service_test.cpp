// The intake over the real engines: sockets, SQLite files, the embedded log.
#include "data_center_classifier/service.hpp"

#include "kernel/event_data_center.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/log/embedded/embedded_log.hpp"
#include "platform/log/fake_spread_log.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <thread>

namespace data_center_classifier {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::HasSubstr;
using testing::Not;

constexpr auto operator_token = "aco_test-token";

class Answer {
public:
    int status = 0;
    std::string head, body;

    // A member of the JSON body, as text; by JSON pointer.
    std::string at(std::string_view pointer) const {
        simdjson::dom::parser parser;
        simdjson::dom::element found;
        if (parser.parse(body).at_pointer(pointer).get(found) != simdjson::SUCCESS) return "(none)";
        std::string_view text;
        return found.get_string().get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::to_string(found);
    }
    std::vector<Answer> lines() const {
        std::vector<Answer> all;
        for (std::size_t begin = 0; begin < body.size();) {
            const auto end = std::min(body.find('\n', begin), body.size());
            all.push_back({status, head, body.substr(begin, end - begin)});
            begin = end + 1;
        }
        return all;
    }
};

// A blocking connection, for one request.
class Wire {
public:
    explicit Wire(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval patience{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~Wire() { ::close(socket_); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    // Until `text` came, or the end.
    std::string read_until(std::string_view text) {
        while (received_.find(text) == std::string::npos) {
            char buffer[16384];
            const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
            if (got <= 0) break;
            received_.append(buffer, static_cast<std::size_t>(got));
        }
        return received_;
    }
    std::string read_all() { return read_until("\x01 never \x01"); }

private:
    int socket_;
    std::string received_;
};

std::string without_chunks(std::string_view body) {
    std::string out;
    while (!body.empty()) {
        const auto size = std::strtoul(std::string(body.substr(0, 16)).c_str(), nullptr, 16);
        body.remove_prefix(std::min(body.find("\r\n") + 2, body.size()));
        if (size == 0) break;
        out += body.substr(0, size);
        body.remove_prefix(std::min(body.size(), size + 2));
    }
    return out;
}

Answer answer_from(const std::string& bytes) {
    Answer answer;
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return answer;
    answer.head = bytes.substr(0, end);
    answer.status = std::atoi(bytes.c_str() + 9);
    answer.body = bytes.substr(end + 4);
    if (answer.head.find("chunked") != std::string::npos) answer.body = without_chunks(answer.body);
    return answer;
}

std::string record(const std::string& id, const std::string& more = "") {
    return R"({"record_id":")" + id + R"(","patient_id":"P-)" + id + R"(","modality":"CT","body_part":"CHEST","sex":"F","age":45,)" +
           R"("findings":"Opacity in the right lower lobe of )" + id + R"( mm.","impression":"Consolidation.","study_date":"2026-11-24",)" +
           R"("report_date":"2026-11-24","code":"J18.9")" + more + "}";
}

std::string chunk_of(const std::string& bytes) {
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

class Intake : public testing::Test {
protected:
    explicit Intake(bool open_mode = false) : open_mode_(open_mode) {
        std::filesystem::remove_all(dir_);
        std::filesystem::create_directories(dir_);
        open();
    }
    ~Intake() override {
        close();
        std::filesystem::remove_all(dir_);
    }

    Options options() const {
        Options all{.open = open_mode_, .operator_token = operator_token, .rubric_json = rubric_json_, .limits = {}};
        if (body_bytes_max_) all.body_bytes_max = *body_bytes_max_;
        if (streams_max_) all.streams_max = *streams_max_;
        if (recent_records_max_) all.recent_records_max = *recent_records_max_;
        return all;
    }
    void open() {
        log_ = std::make_unique<platform::log::SpreadLog>(*platform::log::embedded::open({.file = dir_ / "log.db"}));
        database_ = *platform::sql::sqlite::open(dir_ / "classifier.db");
        metrics_ = std::make_unique<platform::runtime::Metrics>();
        auto service = Service::open({*database_, *log_, *metrics_, pool_, clock_}, options());
        ASSERT_TRUE(service) << service.error().message;
        service_ = std::move(*service);
        auto server = platform::http::Server::listen({}, service_->routes(), *metrics_);
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
        service_->start();
        server_->start();
    }
    void close() {
        if (server_) server_->stop();
        if (service_) service_->stop();
        server_.reset();
        service_.reset();
        database_.reset();
        log_.reset();
    }

    Answer request(const std::string& method, const std::string& path, const std::string& body = "",
                   const std::string& type = "application/json", const std::string& headers = "") {
        Wire wire(server_->port());
        wire.send(method + " " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: " + type +
                  "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
        return answer_from(wire.read_all());
    }
    static std::string stream_head(const std::string& key) {
        return "POST /raw-data HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Type: "
               "application/x-ndjson\r\n" +
               bearer(key) + "\r\n";
    }
    void poison() {
        kernel::Envelope one;
        one.key = "x";
        one.type = "acopio.raw-data.received.v1";
        one.data = "{}";
        ASSERT_TRUE(platform::runtime::run(log_->append(std::string(kernel::raw_data_topic), {one})));
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (service_->healthy() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
        ASSERT_FALSE(service_->healthy());
    }
    static std::string bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }
    Answer by_operator(const std::string& method, const std::string& path, const std::string& body = "") {
        return request(method, path, body, "application/json", bearer(operator_token));
    }
    Answer send(const std::string& key, const std::string& body, const std::string& type = "application/json") {
        return request("POST", "/raw-data", body, type, bearer(key));
    }
    std::string add_key(const std::string& center) {
        const auto answer = by_operator("POST", "/data-centers/" + center + "/keys");
        EXPECT_EQ(answer.status, 201) << answer.body;
        return answer.at("/key");
    }
    std::string add_center(const std::string& center) {
        const auto answer = by_operator("POST", "/data-centers", R"({"id":")" + center + R"(","name":"The name"})");
        EXPECT_EQ(answer.status, 201) << answer.body;
        return add_key(center);
    }
    // The scorecard, once that many records are counted.
    Answer scorecard(const std::string& center, std::uint64_t records) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (true) {
            auto answer = by_operator("GET", "/data-centers/" + center + "/scorecard");
            if (answer.at("/records") == std::to_string(records) || std::chrono::steady_clock::now() > deadline) return answer;
            std::this_thread::yield();
        }
    }
    std::uint64_t messages() { return *log_->behind(std::string(kernel::raw_data_topic), {}); }

    bool open_mode_;
    std::string rubric_json_;
    std::optional<std::size_t> body_bytes_max_, streams_max_, recent_records_max_;
    std::filesystem::path dir_ = std::filesystem::temp_directory_path() / ("acopio_intake_" + std::to_string(::getpid()));
    kernel::SystemClock clock_;
    platform::runtime::BlockingPool pool_{{.threads = 2, .queue_max = 1000, .name = "test"}};
    std::unique_ptr<platform::runtime::Metrics> metrics_;
    std::unique_ptr<platform::log::EventLog> log_;
    std::unique_ptr<platform::sql::Database> database_;
    std::unique_ptr<Service> service_;
    std::unique_ptr<platform::http::Server> server_;
};

class OpenIntake : public Intake {
protected:
    OpenIntake() : Intake(true) {}
};

TEST_F(Intake, takes_one_record_and_answers_a_retry_with_the_same_receipt_without_writing_again) {
    const auto key = add_center("st-mary");
    const auto first = send(key, record("CT-1"));
    ASSERT_EQ(first.status, 202) << first.body;
    EXPECT_EQ(first.at("/status"), "accepted");
    EXPECT_EQ(first.at("/record_id"), "CT-1");
    EXPECT_EQ(first.at("/record_id_derived"), "(none)");
    EXPECT_EQ(first.at("/receipt_id").size(), 32U);
    EXPECT_EQ(messages(), 1U);
    const auto again = send(key, record("CT-1"));
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.at("/status"), "duplicate");
    EXPECT_EQ(again.at("/receipt_id"), first.at("/receipt_id"));
    EXPECT_EQ(messages(), 1U);
    const auto amended = send(key, record("CT-1", R"(,"report":"other")"));
    EXPECT_EQ(amended.status, 202);
    EXPECT_EQ(amended.at("/data_id"), first.at("/data_id"));
    EXPECT_NE(amended.at("/receipt_id"), first.at("/receipt_id"));
    EXPECT_EQ(messages(), 2U);
}

TEST_F(Intake, tells_what_failed_in_one_record) {
    const auto key = add_center("st-mary");
    const auto answer = send(key, R"({"patient_id":"P-1","modality":"XX","report":"x"})");
    ASSERT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(answer.at("/record_id_derived"), "true");
    EXPECT_THAT(answer.at("/record_id"), testing::StartsWith("sha256-"));
    EXPECT_NE(answer.at("/findings/0/check"), "(none)");
    for (const auto* member : {"dimension", "severity", "title", "expected", "mend"})
        EXPECT_NE(answer.at(std::string("/findings/0/") + member), "(none)") << member;
}

TEST_F(Intake, takes_an_array_and_answers_item_by_item) {
    const auto key = add_center("st-mary");
    const auto answer = send(key, "[" + record("a") + "," + record("b") + ",7," + record("a") + "]");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.at("/accepted"), "2");
    EXPECT_EQ(answer.at("/duplicate"), "1");
    EXPECT_EQ(answer.at("/refused"), "1");
    EXPECT_EQ(answer.at("/items/1/record_id"), "b");
    EXPECT_EQ(answer.at("/items/2/index"), "2");
    EXPECT_EQ(answer.at("/items/2/status"), "refused");
    EXPECT_NE(answer.at("/items/2/problem/code"), "(none)");
    EXPECT_EQ(answer.at("/items/3/receipt_id"), answer.at("/items/0/receipt_id"));
    EXPECT_EQ(send(key, "[]").at("/accepted"), "0");
    EXPECT_EQ(send(key, "[]").at("/items"), "[]");
}

TEST_F(Intake, streams_ndjson_with_a_line_an_item_in_order_and_a_line_of_totals) {
    const auto key = add_center("st-mary");
    std::string body;
    for (int i = 0; i < 3000; ++i) body += i == 1500 ? "{broken\n" : record("R-" + std::to_string(i)) + "\n";
    body += "\n" + record("R-1");
    const auto answer = send(key, body, "application/x-ndjson");
    ASSERT_EQ(answer.status, 200) << answer.body.substr(0, 300);
    const auto lines = answer.lines();
    ASSERT_EQ(lines.size(), 3002U);
    for (std::size_t i = 0; i < 3001; ++i) ASSERT_EQ(lines[i].at("/index"), std::to_string(i));
    EXPECT_EQ(lines[0].at("/record_id"), "R-0");
    EXPECT_EQ(lines[1500].at("/status"), "refused");
    EXPECT_EQ(lines[1500].at("/problem/line"), "1501");
    EXPECT_EQ(lines[3000].at("/status"), "duplicate");
    EXPECT_EQ(lines.back().body, R"({"accepted":2999,"duplicate":1,"quarantined":0,"refused":1,"done":true})");
    EXPECT_EQ(messages(), 2999U);
}

TEST_F(Intake, refuses_one_line_that_is_too_long_and_takes_the_others) {
    const auto key = add_center("st-mary");
    const auto answer =
        send(key, record("a") + "\n" + record("b", R"(,"report":")" + std::string(3 << 20, 'x') + "\"") + "\n" + record("c") + "\n",
             "application/x-ndjson");
    const auto lines = answer.lines();
    ASSERT_EQ(lines.size(), 4U) << answer.body.substr(0, 300);
    EXPECT_EQ(lines[0].at("/status"), "accepted");
    EXPECT_EQ(lines[1].at("/problem/code"), "record-too-large");
    EXPECT_EQ(lines[1].at("/problem/status"), "413");
    EXPECT_EQ(lines[2].at("/status"), "accepted");
}

TEST_F(Intake, answers_a_sender_that_pauses_before_it_goes_on) {
    const auto key = add_center("st-mary");
    Wire wire(server_->port());
    const auto chunk = [](const std::string& line) {
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", line.size());
        return size + line + "\r\n";
    };
    wire.send(
        "POST /raw-data HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Type: "
        "application/x-ndjson\r\n" +
        bearer(key) + "\r\n" + chunk(record("a") + "\n"));
    EXPECT_THAT(wire.read_until(R"("index":0)"), HasSubstr(R"("index":0)"));
    wire.send(chunk(record("b") + "\n") + "0\r\n\r\n");
    const auto lines = answer_from(wire.read_all()).lines();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[1].at("/record_id"), "b");
    EXPECT_EQ(lines[2].at("/done"), "true");
}

TEST_F(Intake, a_stream_that_breaks_says_so_and_what_came_before_counts) {
    const auto key = add_center("st-mary");
    Wire wire(server_->port());
    const auto line = record("a") + "\n";
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", line.size());
    wire.send(
        "POST /raw-data HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Type: "
        "application/x-ndjson\r\n" +
        bearer(key) + "\r\n" + size + line + "\r\n");
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (messages() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    wire.send("ZZ\r\n");
    const auto lines = answer_from(wire.read_all()).lines();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].at("/status"), "accepted");
    EXPECT_EQ(lines[1].at("/done"), "false");
    EXPECT_NE(lines[1].at("/problem/code"), "(none)");
    EXPECT_EQ(messages(), 1U);
}

TEST_F(Intake, streams_csv_by_the_centres_mapping) {
    const auto key = add_center("st-mary");
    EXPECT_EQ(by_operator("PUT", "/data-centers/st-mary/mapping", R"({"Nr":"nonsense"})").at("/code"), "field-unknown");
    EXPECT_EQ(by_operator("PUT", "/data-centers/st-mary/mapping", R"({"Nr":7})").at("/code"), "body-not-understood");
    ASSERT_EQ(by_operator("PUT", "/data-centers/st-mary/mapping", R"({"Nr":"record_id"})").status, 200);
    EXPECT_EQ(request("GET", "/data-centers/st-mary/mapping", "", "application/json", bearer(key)).body, R"({"Nr":"record_id"})");
    const auto answer = send(key, "Nr,patient_id,modality,report\nM-1,P1,CT,\"one, two\"\nM-2,P2\nM-3,P3,MR,three\n", "text/csv");
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto lines = answer.lines();
    ASSERT_EQ(lines.size(), 4U) << answer.body;
    EXPECT_EQ(lines[0].at("/record_id"), "M-1");
    EXPECT_EQ(lines[1].at("/status"), "refused");
    EXPECT_EQ(lines[2].at("/record_id"), "M-3");
    EXPECT_EQ(lines[3].at("/done"), "true");
}

TEST_F(Intake, keeps_a_record_with_private_data_in_quarantine_until_it_is_mended_or_taken_back) {
    const auto key = add_center("st-mary");
    const auto bad = [](const std::string& id) { return record(id, R"(,"report":"Patient: john.doe@example.org, tel. +34 600 123 456")"); };
    const auto answer = send(key, bad("q-1"));
    ASSERT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(answer.at("/status"), "quarantined");
    const auto again = send(key, bad("q-1"));
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.at("/status"), "quarantined");
    send(key, bad("q-2"));
    scorecard("st-mary", 2);
    const auto desk = "/data-centers/st-mary/quarantine";
    auto page = request("GET", desk + std::string("?limit=1"), "", "application/json", bearer(key));
    EXPECT_EQ(page.at("/quarantined/0/record_id"), "q-2");
    EXPECT_EQ(page.at("/quarantined/0/receipt_id").size(), 32U);
    EXPECT_NE(page.at("/quarantined/0/reasons/0"), "(none)");
    page = by_operator("GET", desk + std::string("?limit=1&before=") + page.at("/next"));
    EXPECT_EQ(page.at("/quarantined/0/record_id"), "q-1");
    EXPECT_EQ(page.at("/next"), "null");
    EXPECT_EQ(by_operator("GET", desk + std::string("?limit=0")).at("/code"), "parameter-invalid");

    EXPECT_EQ(send(key, record("q-1")).at("/status"), "accepted");
    EXPECT_EQ(request("DELETE", "/raw-data/q-2", "", "application/json", bearer(key)).status, 202);
    scorecard("st-mary", 3);
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (by_operator("GET", desk).at("/quarantined") != "[]" && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(by_operator("GET", desk).at("/quarantined"), "[]");
}

TEST_F(Intake, takes_a_record_back_once_and_hears_it_again_then) {
    const auto key = add_center("st-mary");
    const auto sent = send(key, record("a/b c"));
    const auto retract = [&] { return request("DELETE", "/raw-data/a%2Fb%20c", "", "application/json", bearer(key)); };
    const auto first = retract();
    EXPECT_EQ(first.status, 202) << first.body;
    EXPECT_EQ(first.body, R"({"status":"retracted","data_id":")" + sent.at("/data_id") + "\"}");
    EXPECT_EQ(retract().at("/code"), "record-unknown");
    EXPECT_EQ(request("DELETE", "/raw-data/other", "", "application/json", bearer(key)).status, 404);
    EXPECT_EQ(send(key, record("a/b c")).status, 202);
    const auto by_name =
        request("DELETE", "/raw-data/a%2Fb%20c", "", "application/json", bearer(operator_token) + "X-Data-Center: st-mary\r\n");
    EXPECT_EQ(by_name.status, 202) << by_name.body;
    EXPECT_EQ(by_operator("DELETE", "/raw-data/a").at("/code"), "data-center-missing");
}

TEST_F(Intake, refuses_what_cannot_be_read_and_stores_nothing_of_it) {
    const auto key = add_center("st-mary");
    EXPECT_EQ(send(key, "{").status, 400);
    EXPECT_EQ(send(key, "42").status, 400);
    EXPECT_EQ(send(key, record("x", R"(,"report":")" + std::string(2 << 20, 'x') + "\"")).status, 413);
    EXPECT_EQ(send(key, std::string(17 << 20, ' ')).status, 413);
    EXPECT_EQ(send(key, record(std::string(200, 'i'))).at("/code"), "record-id-invalid");
    EXPECT_EQ(send(key, record(std::string(200, 'i'))).status, 422);
    EXPECT_EQ(send(key, "<xml/>", "application/xml").at("/code"), "content-type-unknown");
    EXPECT_EQ(send(key, "<xml/>", "application/xml").status, 415);
    EXPECT_EQ(messages(), 0U);
}

TEST_F(Intake, asks_for_a_key_before_it_reads_the_body) {
    const auto key = add_center("st-mary");
    const auto refused = [&](const std::string& headers) { return request("POST", "/raw-data", record("a"), "application/json", headers); };
    EXPECT_EQ(refused("").status, 401);
    EXPECT_THAT(refused("").head, HasSubstr("WWW-Authenticate: Bearer"));
    EXPECT_EQ(refused("").at("/code"), "key-missing");
    EXPECT_EQ(refused(bearer("hello")).at("/code"), "key-unknown");
    EXPECT_EQ(refused(bearer(key + "0")).at("/code"), "key-unknown");
    EXPECT_EQ(refused(bearer(operator_token)).status, 403);
    EXPECT_EQ(by_operator("POST", "/data-centers/st-mary/suspend", R"({"reason":"agreement ended"})").at("/reason"), "agreement ended");
    EXPECT_EQ(refused(bearer(key)).status, 403);
    EXPECT_EQ(refused(bearer(key)).at("/code"), "data-center-suspended");
    EXPECT_EQ(request("DELETE", "/raw-data/a", "", "application/json", bearer(key)).at("/code"), "data-center-suspended");
    EXPECT_EQ(by_operator("POST", "/data-centers/st-mary/resume").at("/suspended"), "false");
    EXPECT_EQ(refused(bearer(key)).status, 202);
    const auto key_id = key.substr(4, 16);
    EXPECT_EQ(by_operator("DELETE", "/data-centers/st-mary/keys/" + key_id).status, 204);
    EXPECT_EQ(refused(bearer(key)).status, 401);
    EXPECT_EQ(refused(bearer(key)).at("/code"), "key-revoked");
    EXPECT_EQ(messages(), 1U);

    // A head without its body is answered: nothing of the body was waited for.
    Wire wire(server_->port());
    wire.send("POST /raw-data HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n");
    EXPECT_EQ(answer_from(wire.read_until("key-missing")).status, 401);
}

TEST_F(Intake, refuses_a_key_beside_the_header_of_another_centre_before_it_reads_the_body) {
    const auto key = add_center("st-mary");
    add_center("charite");
    const auto named = [&](const std::string& method, const std::string& path, const std::string& center) {
        return request(method, path, record("a"), "application/json", bearer(key) + "X-Data-Center: " + center + "\r\n");
    };
    EXPECT_EQ(named("POST", "/raw-data", "charite").status, 403);
    EXPECT_EQ(named("POST", "/raw-data", "charite").at("/code"), "data-center-foreign");
    EXPECT_EQ(messages(), 0U);
    EXPECT_EQ(named("POST", "/raw-data", "st-mary").status, 202);
    EXPECT_EQ(named("DELETE", "/raw-data/a", "charite").at("/code"), "data-center-foreign");
    EXPECT_EQ(named("DELETE", "/raw-data/a", "st-mary").status, 202);

    Wire wire(server_->port());
    wire.send("POST /raw-data HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n" + bearer(key) +
              "X-Data-Center: charite\r\n\r\n");
    EXPECT_EQ(answer_from(wire.read_until("data-center-foreign")).status, 403);
}

TEST_F(Intake, every_problem_names_its_request) {
    const auto key = add_center("st-mary");
    for (const auto& [problem, status] : {std::pair{send(key, "{"), 400},
                                          {request("POST", "/raw-data", record("a")), 401},
                                          {send(operator_token, record("a")), 403},
                                          {by_operator("GET", "/data-centers/nobody"), 404},
                                          {by_operator("POST", "/data-centers", R"({"id":"st-mary"})"), 409},
                                          {send(key, record(std::string(200, 'i'))), 422}}) {
        EXPECT_EQ(problem.status, status);
        EXPECT_NE(problem.at("/instance"), "(none)") << problem.body;
    }
    const auto lines = send(key, "{\n", "application/x-ndjson").lines();
    EXPECT_NE(lines[0].at("/problem/instance"), "(none)");
    const auto items = send(key, "[5,6]");
    EXPECT_NE(items.at("/items/1/problem/instance"), "(none)");
    EXPECT_EQ(items.at("/items/0/problem/instance"), items.at("/items/1/problem/instance"));
}

TEST_F(Intake, reads_utf8_only_and_says_so) {
    const auto key = add_center("st-mary");
    const auto latin = send(key, record("a"), "application/json; charset=ISO-8859-1");
    EXPECT_EQ(latin.status, 415);
    EXPECT_EQ(latin.at("/code"), "charset-unknown");
    EXPECT_THAT(latin.at("/expected"), HasSubstr("utf-8"));
    EXPECT_EQ(send(key, record("a"), "text/csv;charset=windows-1252").status, 415);
    EXPECT_EQ(send(key, record("a"), "application/json; charset=\"UTF-8\"").status, 202);
    EXPECT_EQ(send(key, record("a"), "application/json;charset=us-ascii").status, 200);
}

TEST_F(Intake, knows_ndjson_by_each_of_its_names) {
    const auto key = add_center("st-mary");
    for (const auto* type : {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
        EXPECT_THAT(send(key, record("a") + "\n", type).body, HasSubstr("\"done\":true")) << type;
}

TEST_F(Intake, the_operators_bodies_are_json_and_say_everything_once) {
    add_center("st-mary");
    const auto sent = [&](const std::string& method, const std::string& path, const std::string& body, const std::string& type) {
        return request(method, path, body, type, bearer(operator_token));
    };
    for (const auto& [method, path] :
         {std::pair{"POST", "/data-centers"}, {"POST", "/data-centers/st-mary/suspend"}, {"PUT", "/data-centers/st-mary/mapping"}}) {
        EXPECT_EQ(sent(method, path, "{}", "text/plain").status, 415) << path;
        EXPECT_EQ(sent(method, path, "{}", "text/plain").at("/code"), "content-type-unknown") << path;
        EXPECT_EQ(sent(method, path, "{}", "application/json;charset=utf-16").at("/code"), "charset-unknown") << path;
    }
    EXPECT_EQ(by_operator("POST", "/data-centers", R"({"id":"a","id":"b"})").at("/code"), "member-twice");
    EXPECT_EQ(by_operator("POST", "/data-centers", R"({"id":"a","id":"b"})").status, 400);
}

TEST_F(Intake, a_key_id_that_the_centre_does_not_have_is_not_found) {
    add_center("st-mary");
    const auto answer = by_operator("DELETE", "/data-centers/st-mary/keys/0123456789abcdef");
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.at("/code"), "key-id-unknown");
    EXPECT_THAT(answer.head, Not(HasSubstr("WWW-Authenticate")));
}

TEST_F(Intake, a_key_opens_nothing_of_another_centre_and_nothing_of_the_operators) {
    const auto own = add_center("st-mary");
    const auto other = add_center("charite");
    ASSERT_EQ(send(other, record("R-1")).status, 202);
    const auto foreign = send(own, record("x", R"(,"data_center_id":"charite")"));
    EXPECT_EQ(foreign.status, 403);
    EXPECT_EQ(foreign.at("/code"), "data-center-foreign");
    EXPECT_EQ(send(own, record("x", R"(,"data_center_id":"st-mary")")).status, 202);
    const auto lines = send(own, record("y", R"(,"data_center_id":"charite")") + "\n" + record("z") + "\n", "application/x-ndjson").lines();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].at("/problem/code"), "data-center-foreign");
    EXPECT_EQ(lines[1].at("/status"), "accepted");
    EXPECT_EQ(request("DELETE", "/raw-data/R-1", "", "application/json", bearer(own)).status, 404);
    for (const auto* what : {"scorecard", "quarantine", "mapping"}) {
        EXPECT_EQ(request("GET", std::string("/data-centers/charite/") + what, "", "application/json", bearer(own)).status, 403) << what;
        EXPECT_EQ(request("GET", std::string("/data-centers/st-mary/") + what, "", "application/json", bearer(own)).status, 200) << what;
        EXPECT_EQ(request("GET", std::string("/data-centers/st-mary/") + what).status, 401) << what;
        EXPECT_EQ(by_operator("GET", std::string("/data-centers/nobody/") + what).status, 404) << what;
    }
    for (const auto& [method, path] : {std::pair{"POST", "/data-centers"},
                                       {"GET", "/data-centers"},
                                       {"GET", "/data-centers/st-mary"},
                                       {"POST", "/data-centers/st-mary/keys"},
                                       {"POST", "/data-centers/st-mary/suspend"},
                                       {"POST", "/data-centers/st-mary/resume"},
                                       {"PUT", "/data-centers/st-mary/mapping"}}) {
        const auto answer = request(method, path, "{}", "application/json", bearer(own));
        EXPECT_EQ(answer.status, 403) << method << path;
        EXPECT_EQ(answer.at("/code"), "operator-only") << method << path;
    }
}

TEST_F(Intake, registers_and_shows_data_centres) {
    add_center("st-mary");
    EXPECT_EQ(by_operator("POST", "/data-centers", R"({"id":"st-mary"})").at("/code"), "data-center-exists");
    EXPECT_EQ(by_operator("POST", "/data-centers", R"({"id":"st-mary"})").status, 409);
    EXPECT_EQ(by_operator("POST", "/data-centers", R"({"id":"No Good"})").status, 400);
    EXPECT_EQ(by_operator("POST", "/data-centers", "[]").at("/code"), "body-not-understood");
    EXPECT_EQ(by_operator("POST", "/data-centers", "{}").at("/code"), "member-missing");
    EXPECT_EQ(by_operator("GET", "/data-centers/nobody").at("/code"), "data-center-unknown");
    const auto center = by_operator("GET", "/data-centers/st-mary");
    EXPECT_EQ(center.at("/name"), "The name");
    EXPECT_EQ(center.at("/grade"), "-");
    EXPECT_EQ(center.at("/suspended"), "false");
    EXPECT_EQ(center.at("/keys/0/id").size(), 16U);
    EXPECT_THAT(center.body, Not(HasSubstr("ack_")));
    EXPECT_EQ(by_operator("GET", "/data-centers").at("/data_centers/0/id"), "st-mary");
}

TEST_F(Intake, the_scorecard_adds_up_and_the_grade_is_published) {
    const auto key = add_center("st-mary");
    std::string body;
    for (int i = 0; i < 600; ++i)
        body +=
            (i % 3 == 0 ? R"({"record_id":"bad-)" + std::to_string(i) + R"(","modality":"nonsense"})" : record(std::to_string(i))) + "\n";
    const auto totals = send(key, body, "application/x-ndjson").lines().back();
    const auto judged = std::stoull(totals.at("/accepted")) + std::stoull(totals.at("/quarantined"));
    EXPECT_EQ(judged, 600U) << totals.body;
    const auto card = scorecard("st-mary", judged);
    ASSERT_EQ(card.at("/records"), "600");
    EXPECT_EQ(card.at("/provisional"), "false");
    double cost = 0;
    for (int i = 0; card.at("/dimensions/" + std::to_string(i)) != "(none)"; ++i)
        cost += std::stod(card.at("/dimensions/" + std::to_string(i) + "/cost"));
    EXPECT_NEAR(cost, 100 - std::stod(card.at("/score")), 0.2);
    EXPECT_NE(card.at("/failing/0/check"), "(none)");
    EXPECT_NE(card.at("/failing/0/examples/0"), "(none)");
    EXPECT_NE(card.at("/feeds/0/feed"), "(none)");
    EXPECT_LT(std::stod(card.at("/feeds/0/score_lower")), std::stod(card.at("/feeds/0/score")));

    const auto deadline = std::chrono::steady_clock::now() + 20s;
    auto center = by_operator("GET", "/data-centers/st-mary");
    while ((center.at("/records") != "600" || center.at("/grade") != card.at("/grade")) && std::chrono::steady_clock::now() < deadline)
        center = by_operator("GET", "/data-centers/st-mary");
    EXPECT_EQ(center.at("/records"), "600");
    EXPECT_EQ(center.at("/grade"), card.at("/grade"));
    EXPECT_EQ(center.at("/score_lower"), card.at("/score_lower"));
    EXPECT_EQ(by_operator("GET", "/data-centers").at("/data_centers/0/score_lower"), card.at("/score_lower"));
    auto subscription = *log_->subscribe(std::string(kernel::data_centers_topic), "test", {});
    std::string grade;
    while (grade != card.at("/grade") && std::chrono::steady_clock::now() < deadline)
        for (const auto& message : *subscription->next(100, 100ms, {})) {
            const auto event = *kernel::data_center_event_from(message.envelope);
            if (const auto* classified = std::get_if<kernel::DataCenterClassified>(&event)) grade = classified->to;
        }
    EXPECT_EQ(grade, card.at("/grade"));
}

TEST_F(Intake, a_restart_keeps_everything) {
    const auto key = add_center("st-mary");
    const auto sent = send(key, record("a"));
    ASSERT_EQ(sent.status, 202);
    const auto card = scorecard("st-mary", 1).body;
    close();
    open();
    const auto again = send(key, record("a"));
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(again.at("/receipt_id"), sent.at("/receipt_id"));
    EXPECT_EQ(messages(), 1U);
    EXPECT_EQ(scorecard("st-mary", 1).body, card);
    EXPECT_EQ(by_operator("GET", "/data-centers/st-mary").at("/records"), "1");
    EXPECT_EQ(request("DELETE", "/raw-data/a", "", "application/json", bearer(key)).status, 202);
}

TEST_F(Intake, shows_health_readiness_metrics_and_its_rubric_to_anybody) {
    const auto key = add_center("st-mary");
    send(key, record("a"));
    EXPECT_EQ(request("GET", "/health").status, 200);
    EXPECT_EQ(request("GET", "/ready").status, 200);
    EXPECT_EQ(request("GET", "/rubric").at("/version"), "acopio-1");
    const auto metrics = request("GET", "/metrics");
    EXPECT_THAT(metrics.head, HasSubstr("text/plain"));
    EXPECT_THAT(metrics.body, HasSubstr(R"(acopio_intake_records_total{status="accepted"} 1)"));
    for (const auto* name : {"acopio_intake_seconds", "acopio_classifier_lag_messages", "acopio_intake_recent_records"})
        EXPECT_THAT(metrics.body, HasSubstr(name));
}

TEST_F(Intake, a_message_that_nobody_can_read_stops_counting_but_not_the_intake) {
    const auto key = add_center("st-mary");
    kernel::Envelope poison;
    poison.key = "x";
    poison.type = "acopio.raw-data.received.v1";
    poison.data = "{}";
    ASSERT_TRUE(platform::runtime::run(log_->append(std::string(kernel::raw_data_topic), {poison})));
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (service_->healthy() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_FALSE(service_->healthy());
    EXPECT_EQ(request("GET", "/ready").status, 503);
    EXPECT_EQ(send(key, record("a")).status, 202);
    close();
    open();
    EXPECT_EQ(request("GET", "/ready").status, 503);
    EXPECT_EQ(send(key, record("b")).status, 202);
}

TEST_F(Intake, a_stream_ends_when_its_key_is_revoked_or_its_centre_suspended) {
    for (const std::string way : {"key-revoked", "data-center-suspended"}) {
        const auto center = "centre-" + way;
        const auto key = add_center(center);
        Wire wire(server_->port());
        wire.send(stream_head(key) + chunk_of(record("a") + "\n"));
        ASSERT_THAT(wire.read_until(R"("index":0)"), HasSubstr(R"("index":0)"));
        const auto written = messages();
        if (way == "key-revoked") {
            const auto id = key.substr(4, 16);
            ASSERT_EQ(by_operator("DELETE", "/data-centers/" + center + "/keys/" + id).status / 100, 2);
        } else {
            ASSERT_EQ(by_operator("POST", "/data-centers/" + center + "/suspend", R"({"reason":"x"})").status, 200);
        }
        wire.send(chunk_of(record("b") + "\n"));
        EXPECT_THAT(wire.read_until(R"("done":)"), HasSubstr("\"code\":\"" + way + "\""));
        wire.send("0\r\n\r\n");
        const auto lines = answer_from(wire.read_all()).lines();
        ASSERT_EQ(lines.size(), 2U) << lines.back().body;
        EXPECT_EQ(lines[1].at("/done"), "false");
        EXPECT_EQ(lines[1].at("/problem/code"), way);
        EXPECT_EQ(messages(), written);
    }
}

TEST_F(Intake, bodies_beyond_what_fits_in_memory_all_together_are_told_to_come_again) {
    close();
    body_bytes_max_ = 10'000;
    open();
    const auto key = add_center("st-mary");
    EXPECT_EQ(send(key, record("a")).status, 202);
    const auto refused = send(key, "[" + record("b", R"(,"report":")" + std::string(10'000, 'x') + "\"") + "]");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.at("/code"), "bodies-too-many");
    EXPECT_THAT(refused.head, HasSubstr("Retry-After: "));
    {
        Wire wire(server_->port());
        wire.send("POST /raw-data HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n" +
                  bearer(key) + "\r\n" + chunk_of(std::string(9'900, ' ')));
        // One that tells its length and waits to be asked for its body takes no room by itself.
        const auto probe = [&] {
            Wire other(server_->port());
            other.send(
                "POST /raw-data HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5000\r\nContent-Type: "
                "application/json\r\n" +
                bearer(key) + "\r\n");
            return other.read_until("\r\n\r\n");
        };
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!probe().contains(" 503 ") && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
        EXPECT_EQ(send(key, record("c")).at("/code"), "bodies-too-many") << "another holds the room";
        wire.send(chunk_of(std::string(200, ' ')));
        EXPECT_THAT(wire.read_until("bodies-too-many"), HasSubstr("503")) << "it grew beyond it without having told its length";
    }
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (send(key, record("d")).status == 503 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(send(key, record("d")).status, 200) << "the room was given back";
}

TEST_F(Intake, streams_beyond_their_number_are_told_to_come_again) {
    close();
    streams_max_ = 1;
    open();
    const auto key = add_center("st-mary");
    Wire wire(server_->port());
    wire.send(stream_head(key) + chunk_of(record("a") + "\n"));
    ASSERT_THAT(wire.read_until(R"("index":0)"), HasSubstr(R"("index":0)"));
    const auto refused = send(key, record("b") + "\n", "application/x-ndjson");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.at("/code"), "streams-too-many");
    EXPECT_THAT(refused.head, HasSubstr("Retry-After: "));
    wire.send("0\r\n\r\n");
    wire.read_all();
    EXPECT_EQ(send(key, record("b") + "\n", "application/x-ndjson").lines().back().at("/accepted"), "1");
}

TEST_F(Intake, a_data_centre_has_a_quarter_of_the_streams_at_most) {
    const auto key = add_center("st-mary");
    const auto other = add_center("charite");
    std::deque<Wire> wires;
    for (int i = 0; i < 64; ++i) {
        wires.emplace_back(server_->port()).send(stream_head(key) + chunk_of(record("a" + std::to_string(i)) + "\n"));
        ASSERT_THAT(wires.back().read_until(R"("index":0)"), HasSubstr(R"("index":0)"));
    }
    const auto refused = send(key, record("b") + "\n", "application/x-ndjson");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.at("/code"), "streams-too-many");
    EXPECT_THAT(refused.at("/detail"), HasSubstr("this data centre has 64 streams open"));
    EXPECT_EQ(send(other, record("b") + "\n", "application/x-ndjson").status, 200);
    wires.front().send("0\r\n\r\n");
    wires.front().read_all();
    EXPECT_EQ(send(key, record("b") + "\n", "application/x-ndjson").status, 200);
}

TEST_F(OpenIntake, a_record_of_another_centre_than_the_header_names_is_refused) {
    const auto answer =
        request("POST", "/raw-data", record("a", R"(,"data_center_id":"charite")"), "application/json", "X-Data-Center: st-mary\r\n");
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.at("/code"), "data-center-foreign");
    EXPECT_EQ(request("POST", "/raw-data", record("a", R"(,"data_center_id":"st-mary")"), "application/json", "X-Data-Center: st-mary\r\n")
                  .status,
              202);
}

TEST_F(Intake, what_is_made_says_where_it_is_and_what_is_of_a_centre_is_kept_nowhere) {
    EXPECT_THAT(by_operator("POST", "/data-centers", R"({"id":"st-mary"})").head, HasSubstr("Location: /data-centers/st-mary\r\n"));
    EXPECT_THAT(by_operator("POST", "/data-centers/st-mary/keys").head, HasSubstr("Location: /data-centers/st-mary/keys/"));
    for (const auto* path : {"/data-centers/st-mary/quarantine", "/data-centers/st-mary/scorecard", "/data-centers"})
        EXPECT_THAT(by_operator("GET", path).head, HasSubstr("Cache-Control: no-store\r\n")) << path;
    const auto key = add_key("st-mary");
    EXPECT_THAT(send(key, record("a")).head, HasSubstr("Cache-Control: no-store\r\n"));
    EXPECT_THAT(send(key, record("a"), "application/x-ndjson").head, HasSubstr("Cache-Control: no-store\r\n"));
}

TEST_F(Intake, a_record_id_that_cannot_be_is_described) {
    const auto key = add_center("st-mary");
    const auto answer = send(key, record(std::string(200, 'x')));
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(answer.at("/pointer"), "/record_id");
    EXPECT_EQ(answer.at("/found"), "a text of 200 bytes");
    EXPECT_NE(answer.at("/mend"), "(none)");
    EXPECT_EQ(send(key, record(std::string(200, 'x')), "application/x-ndjson").lines()[0].at("/problem/found"), "a text of 200 bytes");
}

TEST_F(Intake, orders_that_say_too_little_or_too_much_are_refused) {
    add_center("st-mary");
    EXPECT_EQ(by_operator("POST", "/data-centers/st-mary/suspend", R"({"reason":" "})").at("/code"), "reason-invalid");
    EXPECT_EQ(by_operator("GET", "/data-centers/st-mary/quarantine?foo=1").at("/code"), "parameter-unknown");
    EXPECT_EQ(by_operator("GET", "/data-centers/st-mary/quarantine?limit=1").status, 200);
    const auto mapping = by_operator("PUT", "/data-centers/st-mary/mapping", R"({"Edad":"age","Years":"age"})");
    EXPECT_EQ(mapping.status, 400);
    EXPECT_EQ(mapping.at("/code"), "mapping-field-twice");
}

TEST_F(Intake, a_stream_waits_until_what_came_before_is_indexed_and_a_single_record_is_told_to_come_again) {
    close();
    recent_records_max_ = 1'000;
    open();
    const auto key = add_center("st-mary");
    std::string body;
    for (int i = 0; i < 5'000; ++i) body += record("R-" + std::to_string(i)) + "\n";
    EXPECT_EQ(send(key, body, "application/x-ndjson").lines().back().body,
              R"({"accepted":5000,"duplicate":0,"quarantined":0,"refused":0,"done":true})");
    scorecard("st-mary", 5'000);
    close();
    recent_records_max_ = 1;
    open();
    poison();
    EXPECT_EQ(send(key, record("a")).status, 202);
    const auto refused = send(key, record("b"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.at("/code"), "recent-records-full");
    EXPECT_THAT(refused.head, HasSubstr("Retry-After: "));
}

TEST_F(Intake, behind_a_message_that_nobody_can_read_records_are_taken_back_and_written_again) {
    const auto key = add_center("st-mary");
    const auto take_back = [&](const std::string& id) { return request("DELETE", "/raw-data/" + id, "", "application/json", bearer(key)); };
    ASSERT_EQ(send(key, record("a")).status, 202);
    scorecard("st-mary", 1);
    poison();
    ASSERT_EQ(send(key, record("b")).status, 202);
    ASSERT_EQ(send(key, record("a", R"(,"report":"other")")).status, 202);
    close();
    open();
    EXPECT_EQ(take_back("b").status, 202) << "the index has never heard of it";
    EXPECT_EQ(take_back("b").status, 404);
    const auto written = messages();
    EXPECT_EQ(send(key, record("a")).status, 200);
    EXPECT_EQ(messages(), written + 1) << "the index does not know that this is no longer the latest";
}

TEST_F(OpenIntake, names_the_centre_by_header_or_record_and_registers_it_on_first_sight) {
    const auto send_open = [&](const std::string& body, const std::string& headers = "", const std::string& type = "application/json") {
        return request("POST", "/raw-data", body, type, headers);
    };
    EXPECT_EQ(send_open(record("1", R"(,"data_center_id":"by-record")")).status, 202);
    EXPECT_EQ(send_open(record("1"), "X-Data-Center: by-header\r\n").status, 202);
    EXPECT_EQ(send_open(record("2")).at("/code"), "data-center-missing");
    EXPECT_EQ(send_open(record("2")).status, 400);
    EXPECT_EQ(send_open(record("2", R"(,"data_center_id":"No Such!")")).at("/code"), "data-center-id-invalid");
    EXPECT_EQ(send_open(record("2"), "X-Data-Center: No Such!\r\n").status, 400);
    const auto lines =
        send_open(record("3", R"(,"data_center_id":"one")") + "\n" + record("3", R"(,"data_center_id":"two")") + "\n" + record("4") + "\n",
                  "", "application/x-ndjson")
            .lines();
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_EQ(lines[0].at("/status"), "accepted");
    EXPECT_NE(lines[0].at("/data_id"), lines[1].at("/data_id"));
    EXPECT_EQ(lines[2].at("/problem/code"), "data-center-missing");
    const auto centers = request("GET", "/data-centers");
    for (const auto* id : {"by-record", "by-header", "one", "two"})
        EXPECT_THAT(centers.body, HasSubstr(std::string("\"id\":\"") + id)) << id;
    EXPECT_EQ(request("POST", "/data-centers/one/suspend", R"({"reason":"x"})").status, 200);
    EXPECT_EQ(send_open(record("5"), "X-Data-Center: one\r\n").at("/code"), "data-center-suspended");
    EXPECT_EQ(request("DELETE", "/raw-data/1", "", "application/json", "X-Data-Center: by-header\r\n").status, 202);
    EXPECT_EQ(request("DELETE", "/raw-data/1", "", "application/json", "X-Data-Center: unknown\r\n").status, 404);
    EXPECT_EQ(request("DELETE", "/raw-data/1").at("/code"), "data-center-missing");
}

}  // namespace
}  // namespace data_center_classifier
