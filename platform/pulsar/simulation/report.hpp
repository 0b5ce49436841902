// Report: what a simulated world saw: violated invariants, how often each fault happened, and on replay a trace.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace platform::pulsar::simulation {

class Report {
public:
    explicit Report(bool tracing) : tracing_(tracing) {}

    bool tracing() const { return tracing_; }
    void trace(std::string line) {
        if (tracing_) lines_.push_back(std::move(line));
    }
    // Only the first few are kept: what follows from a broken world says little.
    void violation(std::string what) {
        if (tracing_) lines_.push_back("VIOLATION " + what);
        if (violations_.size() < 5) violations_.push_back(std::move(what));
    }
    void count(std::string_view fault) { ++counts_[fault]; }
    // What passed, folded: equal for equal runs.
    void fold(std::uint64_t value) { fingerprint_ = (fingerprint_ ^ value) * 0x100000001b3U; }

    bool broken() const { return !violations_.empty(); }
    const std::vector<std::string>& violations() const { return violations_; }
    const std::vector<std::string>& lines() const { return lines_; }
    const std::map<std::string_view, std::uint64_t>& counts() const { return counts_; }
    std::uint64_t fingerprint() const { return fingerprint_; }

private:
    bool tracing_;
    std::vector<std::string> violations_;
    std::vector<std::string> lines_;
    std::map<std::string_view, std::uint64_t> counts_;  // keys are literals
    std::uint64_t fingerprint_ = 0xcbf29ce484222325U;
};

}  // namespace platform::pulsar::simulation
