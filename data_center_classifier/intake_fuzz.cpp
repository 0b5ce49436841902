// The whole intake over the loopback, its engines in a temporary directory. An input's first line is "METHOD target content-type", the rest
// is the body. Whatever comes is answered, and never with an error of ours.
#include "data_center_classifier/service.hpp"
#include "kernel/check.hpp"
#include "platform/http/raw_peer.hpp"
#include "platform/log/embedded/embedded_log.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <unistd.h>

#include <algorithm>

namespace {

using namespace platform;

constexpr auto token = "aco_fuzz";

// One intake for all inputs.
class Intake {
public:
    Intake() {
        runtime::set_log_level(runtime::Level::error);
        std::filesystem::create_directories(directory_);
        log_ = *log::embedded::open({.file = directory_ / "log.db"});
        database_ = *sql::sqlite::open(directory_ / "classifier.db");
        auto service = data_center_classifier::Service::open(
            {*database_, *log_, metrics_, pool_, clock_},
            {.open = true, .operator_token = token, .rubric_json = "", .limits = {.record_bytes_max = 4096, .items_max = 50}});
        CHECK(service, "the intake opens");
        service_ = std::move(*service);
        auto server = http::Server::listen({}, service_->routes(), metrics_);
        CHECK(server, "the intake's server listens");
        server_ = std::move(*server);
        service_->start();
        server_->start();
    }
    ~Intake() {
        server_->stop();
        service_->stop();
        service_.reset();
        server_.reset();
        database_.reset();
        log_.reset();
        std::filesystem::remove_all(directory_);
    }
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;
    std::uint16_t port() const { return server_->port(); }
    bool healthy() const { return service_->healthy(); }

private:
    std::filesystem::path directory_ = std::filesystem::temp_directory_path() / ("acopio-intake-fuzz-" + std::to_string(::getpid()));
    runtime::Metrics metrics_;
    runtime::BlockingPool pool_{{.threads = 2, .queue_max = 100, .name = "fuzz"}};
    kernel::SystemClock clock_;
    std::unique_ptr<log::EventLog> log_;
    std::unique_ptr<sql::Database> database_;
    std::unique_ptr<data_center_classifier::Service> service_;
    std::unique_ptr<http::Server> server_;
};

std::string_view taken(std::string_view& text, char end) {
    const auto word = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    return word;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Intake intake;
    std::string_view body(reinterpret_cast<const char*>(data), size);
    auto first = taken(body, '\n');
    std::string request(taken(first, ' '));
    request.append(" ").append(taken(first, ' ')).append(" HTTP/1.1\r\nHost: fuzz\r\nConnection: close\r\nX-Data-Center: fuzz\r\n");
    request.append("Authorization: Bearer ").append(token).append("\r\nContent-Type: ").append(first).append("\r\nContent-Length: ");
    request.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    http::testing_aid::RawPeer peer(intake.port());
    peer.send(request);
    peer.end_sending();
    const auto answer = peer.read_to_end();
    CHECK(answer.empty() || answer.starts_with("HTTP/1.1 "), "what comes back is HTTP");
    CHECK(!answer.starts_with("HTTP/1.1 500"), "nothing that comes in is an error of ours");
    CHECK(peer.closed() && intake.healthy(), "the intake goes on");
    return 0;
}
