// The collector over the embedded log, through the port's contract suite.
#include "data_center_classifier/infrastructure/messaging/adapter_collector_log.hpp"

#include "data_center_classifier/application/port_collector_contract.hpp"
#include "platform/log/embedded/embedded_log.hpp"

#include <unistd.h>

#include <filesystem>

namespace data_center_classifier::infrastructure::messaging {
namespace {

// With a short queue, so that many at once meet its end.
class Fixture final : public application::contract::CollectorFixture {
public:
    Fixture() {
        static int count = 0;
        directory_ =
            std::filesystem::temp_directory_path() / ("acopio-collector-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        reopen();
    }
    ~Fixture() override {
        collector_.reset();
        log_.reset();
        std::filesystem::remove_all(directory_);
    }
    application::Collector& collector() override { return *collector_; }
    std::vector<Written> written() override {
        const auto head = log_->head(std::string(kernel::raw_data_topic))->value;
        const auto subscription = *log_->subscribe(std::string(kernel::raw_data_topic), "test", {});
        std::vector<Written> all;
        while (head > (all.empty() ? 0 : all.back().position))
            for (const auto& message : *subscription->next(10'000, std::chrono::seconds(5), {}))
                all.push_back({message.position.value, *kernel::raw_data_event_from(message.envelope)});
        return all;
    }
    void reopen() override {
        collector_.reset();
        log_.reset();
        log_ = *platform::log::embedded::open({.file = directory_ / "log.db", .queue_messages_max = 4});
        collector_ = std::make_unique<CollectorLog>(*log_);
    }

private:
    std::filesystem::path directory_;
    std::unique_ptr<platform::log::EventLog> log_;
    std::unique_ptr<CollectorLog> collector_;
};

const application::contract::MakeCollector make_embedded = [] { return std::make_unique<Fixture>(); };

}  // namespace
}  // namespace data_center_classifier::infrastructure::messaging

namespace data_center_classifier::application::contract {
INSTANTIATE_TEST_SUITE_P(embedded, CollectorContract, testing::Values(infrastructure::messaging::make_embedded));
}  // namespace data_center_classifier::application::contract
