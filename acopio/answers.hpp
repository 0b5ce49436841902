// What the intake answers to a file: items as they come, and the totals at the end. See docs/API.md.
#pragma once

#include "acopio/trouble.hpp"
#include "kernel/result.hpp"

#include <boost/json/fwd.hpp>

#include <optional>
#include <string_view>

namespace acopio {

// Adds up the answer to one request. Takes no more memory for a long answer than for a short one.
class IntakeAnswers {
public:
    // `format` is that of the file: an answer to all of an NDJSON or CSV file is never about one record.
    explicit IntakeAnswers(Format format) : format_(format) {}

    // One line of a streamed answer: an item, or the totals at the end.
    void take_line(std::string_view line);
    // The whole body of an answer that is no stream: one item, or totals and items; a problem when `status` says so.
    void take_body(int status, std::string_view body);

    // The answer never came, or broke off.
    void take_break(kernel::Error error) { broken_ = std::move(error); }

    const Totals& totals() const { return totals_; }
    const TroubleGroups& troubles() const { return troubles_; }
    bool done() const { return done_; }  // the answer came to its end
    std::uint64_t items() const { return items_; }
    // Why the intake broke off, or refused all of it.
    const std::optional<kernel::Error>& broken() const { return broken_; }

private:
    void take_item(const boost::json::object& item);
    kernel::Error error_of(int status, const boost::json::object& problem) const;
    void take_totals(const boost::json::object& totals);

    Format format_;
    Totals totals_;
    TroubleGroups troubles_;
    std::uint64_t items_ = 0;
    bool done_ = false;
    std::optional<kernel::Error> broken_;
};

}  // namespace acopio
