// Metrics by prometheus-cpp: families by name, one instrument per set of labels.
#include "platform/runtime/metrics.hpp"

#include <map>
#include <mutex>
#include <sstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace platform::runtime {
namespace {

const prometheus::Histogram::BucketBoundaries& buckets() {
    static const prometheus::Histogram::BucketBoundaries bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                                0.1,    0.25,  0.5,    1,     2.5,  5,     10};
    return bounds;
}

prometheus::Labels as_map(Metrics::Labels labels) {
    return {labels.begin(), labels.end()};
}

}  // namespace

struct Metrics::State {
    std::mutex mutex;
    prometheus::Registry registry;
    std::map<std::string, prometheus::Family<prometheus::Counter>*> counters;
    std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges;
    std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms;
    std::mutex refreshing;  // taken before `mutex`, for a refresh may ask for instruments
    std::vector<const std::function<void()>*> refreshes;

    template <class T, class Builder>
    prometheus::Family<T>& family(std::map<std::string, prometheus::Family<T>*>& families, Builder builder, const std::string& name,
                                  const std::string& help) {
        auto& known = families[name];
        if (known == nullptr) known = &builder.Name(name).Help(help).Register(registry);
        return *known;
    }
};

void Counter::add(double amount) {
    if (counter_ != nullptr) static_cast<prometheus::Counter*>(counter_)->Increment(amount);
}

void Gauge::set(double value) {
    if (gauge_ != nullptr) static_cast<prometheus::Gauge*>(gauge_)->Set(value);
}

void Histogram::observe(double value) {
    if (histogram_ != nullptr) static_cast<prometheus::Histogram*>(histogram_)->Observe(value);
}

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, Labels labels) {
    const std::lock_guard lock(state_->mutex);
    return Counter(&state_->family(state_->counters, prometheus::BuildCounter(), name, help).Add(as_map(labels)));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, Labels labels) {
    const std::lock_guard lock(state_->mutex);
    return Gauge(&state_->family(state_->gauges, prometheus::BuildGauge(), name, help).Add(as_map(labels)));
}

Histogram Metrics::seconds(const std::string& name, const std::string& help, Labels labels) {
    const std::lock_guard lock(state_->mutex);
    return Histogram(&state_->family(state_->histograms, prometheus::BuildHistogram(), name, help).Add(as_map(labels), buckets()));
}

Metrics::Refresh::Refresh(Metrics& metrics, std::function<void()> refresh) : state_(*metrics.state_), refresh_(std::move(refresh)) {
    const std::lock_guard lock(state_.refreshing);
    state_.refreshes.push_back(&refresh_);
}

Metrics::Refresh::~Refresh() {
    const std::lock_guard lock(state_.refreshing);
    std::erase(state_.refreshes, &refresh_);
}

std::string Metrics::exposition() {
    {
        const std::lock_guard lock(state_->refreshing);
        for (const auto* refresh : state_->refreshes) (*refresh)();
    }
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, state_->registry.Collect());
    return out.str();
}

}  // namespace platform::runtime
