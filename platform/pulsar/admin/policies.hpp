// What is asked of the policies of an event log: a table.
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace platform::pulsar::admin {

// A place in the REST interface and what is sent there.
struct Setting {
    std::string_view method;
    std::string_view path;  // behind that of the namespace or topic
    std::string_view body;  // "" for none
};

struct Policy {
    std::string_view what;
    std::string_view wanted;
    std::string_view member;       // of the namespace's policies; "backlog_quota_map/message_age" is a member of a member
    std::string_view topic_place;  // where a topic's own is asked for
    std::string_view topic_member;
    bool (*good)(const boost::json::value& set);
    std::string (*text)(const boost::json::value& set);
    Setting set;           // of the namespace
    Setting set_at_topic;  // of a topic
};

std::span<const Policy> policies();

// The value at "a/b"; null when there is none. "" is the value itself.
const boost::json::value* at(const boost::json::value& value, std::string_view path);

}  // namespace platform::pulsar::admin
