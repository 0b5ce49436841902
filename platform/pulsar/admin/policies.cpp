#include "platform/pulsar/admin/policies.hpp"

#include <boost/json/serialize.hpp>

#include <array>

namespace platform::pulsar::admin {
namespace {

namespace json = boost::json;

std::int64_t integer_at(const json::value& value, std::string_view name, std::int64_t otherwise) {
    const auto* found = at(value, name);
    boost::system::error_code failed;
    const auto number = found ? found->to_number<std::int64_t>(failed) : otherwise;
    return failed ? otherwise : number;
}

bool is_zero(const json::value& set) {
    boost::system::error_code failed;
    return set.to_number<std::int64_t>(failed) == 0 && !failed;
}
bool is_true(const json::value& set) {
    return set.is_bool() && set.get_bool();
}
std::string as_json(const json::value& set) {
    return json::serialize(set);
}

bool keeps_for_ever(const json::value& set) {
    return integer_at(set, "retentionTimeInMinutes", 0) < 0 && integer_at(set, "retentionSizeInMB", 0) < 0;
}
std::string retention_text(const json::value& set) {
    return std::to_string(integer_at(set, "retentionTimeInMinutes", 0)) + " minutes and " +
           std::to_string(integer_at(set, "retentionSizeInMB", 0)) + " MB";
}

bool keeps_idle_topics(const json::value& set) {
    const auto* deletes = at(set, "deleteWhileInactive");
    return deletes && deletes->is_bool() && !deletes->get_bool();
}
std::string idle_text(const json::value& set) {
    return keeps_idle_topics(set) ? "kept" : "deleted after " + std::to_string(integer_at(set, "maxInactiveDurationSeconds", 0)) + " s";
}

bool no_size(const json::value& set) {
    return integer_at(set, "limitSize", 0) < 0;
}
std::string size_text(const json::value& set) {
    return std::to_string(integer_at(set, "limitSize", 0)) + " bytes";
}
bool no_age(const json::value& set) {
    return integer_at(set, "limitTime", 0) < 0;
}
std::string age_text(const json::value& set) {
    return std::to_string(integer_at(set, "limitTime", 0)) + " s";
}

constexpr std::string_view no_quota = R"({"limitSize":-1,"limitTime":-1,"policy":"producer_request_hold"})";
// The duration must be one, though it has no effect.
constexpr std::string_view keep_idle =
    R"({"inactiveTopicDeleteMode":"delete_when_no_subscriptions","maxInactiveDurationSeconds":86400,"deleteWhileInactive":false})";
constexpr std::string_view for_ever = R"({"retentionTimeInMinutes":-1,"retentionSizeInMB":-1})";

constexpr std::array<Policy, 8> all{{
    {.what = "retention",
     .wanted = "-1 minutes and -1 MB: everything is kept for ever",
     .member = "retention_policies",
     .topic_place = "retention",
     .topic_member = "",
     .good = keeps_for_ever,
     .text = retention_text,
     .set = {"POST", "retention", for_ever},
     .set_at_topic = {"POST", "retention", for_ever}},
    {.what = "deduplication",
     .wanted = "true: a message that is sent again is stored once",
     .member = "deduplicationEnabled",
     .topic_place = "deduplicationEnabled",
     .topic_member = "",
     .good = is_true,
     .text = as_json,
     .set = {"POST", "deduplication", "true"},
     .set_at_topic = {"POST", "deduplicationEnabled", "true"}},
    {.what = "message TTL",
     .wanted = "0: no message expires",
     .member = "message_ttl_in_seconds",
     .topic_place = "messageTTL",
     .topic_member = "",
     .good = is_zero,
     .text = as_json,
     .set = {"POST", "messageTTL", "0"},
     .set_at_topic = {"POST", "messageTTL?messageTTL=0", ""}},
    {.what = "inactive topics",
     .wanted = "kept, whether somebody reads or not (deleteWhileInactive false)",
     .member = "inactive_topic_policies",
     .topic_place = "inactiveTopicPolicies",
     .topic_member = "",
     .good = keeps_idle_topics,
     .text = idle_text,
     .set = {"POST", "inactiveTopicPolicies", keep_idle},
     .set_at_topic = {"POST", "inactiveTopicPolicies", keep_idle}},
    {.what = "subscription expiration",
     .wanted = "0 minutes: no subscription expires",
     .member = "subscription_expiration_time_minutes",
     .topic_place = "",
     .topic_member = "",
     .good = is_zero,
     .text = as_json,
     .set = {"POST", "subscriptionExpirationTime", "0"},
     .set_at_topic = {}},
    {.what = "backlog quota by size",
     .wanted = "-1: a slow reader stops no writer",
     .member = "backlog_quota_map/destination_storage",
     .topic_place = "backlogQuotaMap",
     .topic_member = "destination_storage",
     .good = no_size,
     .text = size_text,
     .set = {"POST", "backlogQuota?backlogQuotaType=destination_storage", no_quota},
     .set_at_topic = {"POST", "backlogQuota?backlogQuotaType=destination_storage", no_quota}},
    {.what = "backlog quota by age",
     .wanted = "-1: a slow reader stops no writer",
     .member = "backlog_quota_map/message_age",
     .topic_place = "backlogQuotaMap",
     .topic_member = "message_age",
     .good = no_age,
     .text = age_text,
     .set = {"POST", "backlogQuota?backlogQuotaType=message_age", no_quota},
     .set_at_topic = {"POST", "backlogQuota?backlogQuotaType=message_age", no_quota}},
    {.what = "compaction threshold",
     .wanted = "0: nothing is compacted by itself",
     .member = "compaction_threshold",
     .topic_place = "compactionThreshold",
     .topic_member = "",
     .good = is_zero,
     .text = as_json,
     .set = {"PUT", "compactionThreshold", "0"},
     .set_at_topic = {"POST", "compactionThreshold", "0"}},
}};

}  // namespace

std::span<const Policy> policies() {
    return all;
}

const json::value* at(const json::value& value, std::string_view path) {
    const auto* found = value.is_null() ? nullptr : &value;
    while (found && !path.empty()) {
        const auto slash = path.find('/');
        const auto* object = found->if_object();
        found = object ? object->if_contains(path.substr(0, slash)) : nullptr;
        if (found && found->is_null()) found = nullptr;
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return found;
}

}  // namespace platform::pulsar::admin
