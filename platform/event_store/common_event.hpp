// Places of a service's events in the log. A position says nothing of a sequence: engines leave gaps, and number as they like. What tells
// is the attribute "sequence" that the relay gives each event.
#pragma once

#include "platform/event_store/event_store.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace platform::event_store {

inline constexpr std::chrono::seconds log_read_wait{10};  // for a message that the log holds: nobody waits where it holds none

// What a topic held when this was opened, in order.
class HeldMessages {
public:
    static kernel::Result<HeldMessages> open(log::EventLog& log, const std::string& topic, log::Position after);
    // Up to `messages_max`; none at the end. unavailable "log-silent" when the log gives nothing before it.
    kernel::Result<std::vector<log::Message>> next(std::size_t messages_max);

private:
    HeldMessages(std::unique_ptr<log::Subscription> subscription, log::Position after, log::Position end)
        : subscription_(std::move(subscription)), reached_(after), end_(end) {}
    std::unique_ptr<log::Subscription> subscription_;
    log::Position reached_, end_;
};

// The event of that sequence in the topic; nothing if it is not there. It is the last one as a rule: the database and the log
// end at the same event, or the database has more. Otherwise (the database was lost, or is an older copy) the topic is read from its
// beginning until the event comes, which takes as long as the topic is.
kernel::Result<std::optional<log::Message>> find_event(log::EventLog& log, const std::string& topic, std::uint64_t sequence);

// Whether the log holds the table's event of that sequence; gives its position. fault "log-foreign" if it holds another one or none.
// REQUIRES: the table has it, and nobody else appends to the topic.
kernel::Result<log::Position> check_common_event(EventStore& store, log::EventLog& log, const std::string& topic, std::uint64_t sequence);

}  // namespace platform::event_store
