// Metrics in the Prometheus text format (prometheus-cpp). One registry per process, passed, not global. Label values come from fixed sets
// or registered data centres, never from a request.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace platform::runtime {

class Counter {
public:
    explicit Counter(void* counter = nullptr) : counter_(counter) {}
    void add(double amount = 1);  // thread-safe
private:
    void* counter_;
};
class Gauge {
public:
    explicit Gauge(void* gauge = nullptr) : gauge_(gauge) {}
    void set(double value);  // thread-safe
private:
    void* gauge_;
};
class Histogram {
public:
    explicit Histogram(void* histogram = nullptr) : histogram_(histogram) {}
    void observe(double value);  // thread-safe
private:
    void* histogram_;
};

class Metrics {
    struct State;

public:
    using Labels = std::initializer_list<std::pair<std::string, std::string>>;
    Metrics();
    ~Metrics();
    // The same name and labels give the same instrument. Thread-safe. Names by Prometheus' rules: acopio_intake_records_total.
    Counter counter(const std::string& name, const std::string& help, Labels labels = {});
    Gauge gauge(const std::string& name, const std::string& help, Labels labels = {});
    // Buckets in seconds, 0.5 ms .. 10 s.
    Histogram seconds(const std::string& name, const std::string& help, Labels labels = {});

    // Calls a function just before each exposition, to set gauges that are read from elsewhere (queue lengths, lags), as long as it lives:
    // once its destructor is done the function is not running, and never runs again. The metrics outlive it.
    class Refresh {
    public:
        Refresh(Metrics& metrics, std::function<void()> refresh);
        ~Refresh();
        Refresh(const Refresh&) = delete;
        Refresh& operator=(const Refresh&) = delete;

    private:
        State& state_;
        std::function<void()> refresh_;
    };
    std::string exposition();

private:
    std::unique_ptr<State> state_;
};

}  // namespace platform::runtime
