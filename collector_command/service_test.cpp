// The write side over the real engines: what it makes of the log, after restarts too.
#include "collector_command/service.hpp"

#include "kernel/event_collected_data.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/log/embedded/embedded_log.hpp"
#include "platform/log/fake_spread_log.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/sql/sqlite/sqlite.hpp"

#include <gmock/gmock.h>

#include <unistd.h>
#include <filesystem>
#include <thread>

namespace collector_command {
namespace {

using namespace std::chrono_literals;

class WriteSide : public testing::Test {
protected:
    WriteSide() {
        std::filesystem::remove_all(dir_);
        std::filesystem::create_directories(dir_);
        open();
    }
    ~WriteSide() override {
        close();
        std::filesystem::remove_all(dir_);
    }

    void open() {
        log_ = std::make_unique<platform::log::SpreadLog>(*platform::log::embedded::open({.file = dir_ / "log.db"}));
        database_ = *platform::sql::sqlite::open(dir_ / "command.db");
        auto service = Service::open({*database_, *log_, metrics_, clock_});
        ASSERT_TRUE(service) << service.error().message;
        service_ = std::move(*service);
        service_->start();
    }
    void close() {
        if (service_) service_->stop();
        service_.reset();
        database_.reset();
        log_.reset();
    }

    template <class Event>
    static Event event(std::string record_id, std::string content) {
        Event received;
        received.data_center_id = {"st-mary"};
        received.record_id = {record_id};
        received.data_id = {platform::runtime::hex(platform::runtime::sha256(record_id), 16)};
        received.receipt_id = {platform::runtime::hex(platform::runtime::sha256(record_id + content), 16)};
        received.content_hash = {platform::runtime::hex(platform::runtime::sha256(content))};
        received.interface = "json";
        received.modality = "CT";
        received.grade = "B";
        received.verdicts.rubric = "acopio-1";
        received.record = R"({"modality":"CT"})";
        return received;
    }
    void send(kernel::RawDataEvent event) {
        const auto sent =
            platform::runtime::run(log_->append(std::string(kernel::raw_data_topic), {kernel::to_envelope(std::move(event))}));
        ASSERT_TRUE(sent) << sent.error().message;
    }

    // What was published, once there are `count` events; "type record version".
    std::vector<std::string> published(std::size_t count) {
        auto subscription = *log_->subscribe(std::string(kernel::collected_data_topic), "test", {});
        std::vector<std::string> all;
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (all.size() < count && std::chrono::steady_clock::now() < deadline) {
            const auto batch = subscription->next(100, 100ms, {});
            EXPECT_TRUE(batch);
            for (const auto& message : *batch) {
                EXPECT_EQ(message.envelope.attribute("sequence"), std::to_string(all.size() + 1)) << "dense numbers, in order";
                const auto event = *kernel::collected_data_event_from(message.envelope);
                static constexpr std::string_view names[] = {"collected", "amended", "retracted"};
                all.push_back(std::visit(
                    [&](const auto& one) {
                        return std::string(names[event.index()]) + " " + one.record_id.value + " " + std::to_string(one.version);
                    },
                    event));
            }
        }
        return all;
    }

    std::filesystem::path dir_ = std::filesystem::temp_directory_path() / ("acopio_write_side_" + std::to_string(::getpid()));
    kernel::SystemClock clock_;
    platform::runtime::Metrics metrics_;
    std::unique_ptr<platform::log::EventLog> log_;
    std::unique_ptr<platform::sql::Database> database_;
    std::unique_ptr<Service> service_;
};

TEST_F(WriteSide, collects_amends_and_retracts_and_numbers_the_history) {
    send(event<kernel::RawDataReceived>("a", "one"));
    send(event<kernel::RawDataReceived>("a", "one"));
    send(event<kernel::RawDataReceived>("a", "two"));
    send(event<kernel::RawDataQuarantined>("q", "bad"));
    const auto a = event<kernel::RawDataReceived>("a", "two");
    send(kernel::RawDataRetracted{a.data_center_id, a.record_id, a.data_id, {}});
    send(event<kernel::RawDataReceived>("b", "three"));
    EXPECT_THAT(published(4), testing::ElementsAre("collected a 1", "amended a 2", "retracted a 3", "collected b 1"));
    EXPECT_TRUE(service_->healthy());
}

TEST_F(WriteSide, goes_on_where_it_was_after_a_restart_and_publishes_nothing_twice) {
    send(event<kernel::RawDataReceived>("a", "one"));
    ASSERT_EQ(published(1).size(), 1U);
    close();
    open();
    send(event<kernel::RawDataReceived>("a", "one"));
    send(event<kernel::RawDataReceived>("a", "two"));
    EXPECT_THAT(published(2), testing::ElementsAre("collected a 1", "amended a 2"));
}

TEST_F(WriteSide, stops_at_a_message_that_it_cannot_read_and_says_so) {
    kernel::Envelope poison;
    poison.key = "x";
    poison.type = "acopio.raw-data.received.v1";
    poison.data = "{}";
    ASSERT_TRUE(platform::runtime::run(log_->append(std::string(kernel::raw_data_topic), {poison})));
    send(event<kernel::RawDataReceived>("a", "one"));
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (service_->healthy() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_FALSE(service_->healthy());
    EXPECT_EQ(log_->head(std::string(kernel::collected_data_topic))->value, 0U) << "nothing after the poison is taken";
}

}  // namespace
}  // namespace collector_command
