// One reading of everything (Reading) serves all three: check() refuses by it, look() shows it, init() mends it.
#include "platform/pulsar/admin/admin.hpp"

#include "platform/pulsar/admin/policies.hpp"
#include "platform/pulsar/admin/rest.hpp"
#include "platform/runtime/digest.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

namespace platform::pulsar::admin {
namespace {

namespace json = boost::json;
using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using Answer = Rest::Answer;
using What = Rest::Answer::What;

constexpr std::string_view id_property = "acopio.log-id";
constexpr std::size_t id_random_bytes = 16;
constexpr std::string_view unset = "not set";
constexpr int cluster_tries_max = 50;
constexpr std::chrono::milliseconds cluster_pause{200};

// What Pulsar takes as a name, so that it needs no escape in a path.
bool is_name(std::string_view name) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:=";
    return !name.empty() && name.find_first_not_of(plain) == std::string_view::npos;
}

Result<void> check_names(const Wanted& wanted) {
    const auto bad = [](const std::string& name) {
        return Error{ErrorKind::incorrect, "log-name",
                     "\"" + name + "\" is no name for a tenant, namespace or topic: A-Z a-z 0-9 - _ . : ="};
    };
    for (const auto& name : {wanted.tenant, wanted.name_space})
        if (!is_name(name)) return bad(name);
    for (const auto& name : wanted.topics)
        if (!is_name(name)) return bad(name);
    return kernel::ok();
}

struct TopicReading {
    bool there = false;
    std::uint32_t partitions = 0;
    std::map<std::string, json::value, std::less<>> own;  // policies of its own, by where they are asked for
};

// Everything that matters, as it is.
struct Reading {
    bool tenant = false, name_space = false;
    json::value policies;  // of the namespace
    std::string log_id;
    std::vector<TopicReading> topics;
};

// A policy that is not as it should be, where: the namespace's, or a topic's own.
struct Wrong {
    const Policy* policy;
    std::optional<std::size_t> topic;
    std::string is;
};

class Log {
public:
    Log(Rest& rest, const Wanted& wanted) : rest_(rest), wanted_(wanted) {}

    std::string name() const { return wanted_.tenant + "/" + wanted_.name_space; }
    std::string tenant_path() const { return "tenants/" + wanted_.tenant; }
    std::string namespace_path() const { return "namespaces/" + name(); }
    std::string topic_path(std::size_t topic) const { return "persistent/" + name() + "/" + wanted_.topics[topic]; }

    Result<Reading> read() {
        Reading reading;
        auto answer = rest_.ask("GET", namespace_path());
        if (!answer) return std::move(answer).error();
        if (answer->what != What::done) {
            auto tenant = rest_.ask("GET", tenant_path());
            if (!tenant) return std::move(tenant).error();
            reading.tenant = tenant->what == What::done;
            reading.topics.resize(wanted_.topics.size());
            return reading;
        }
        reading.tenant = reading.name_space = true;
        reading.policies = std::move(answer->value);
        if (!reading.policies.is_object()) return not_understood("the policies of " + name());
        const auto* properties = at(reading.policies, "properties");
        const auto* id = properties && properties->is_object() ? properties->get_object().if_contains(id_property) : nullptr;
        if (id && id->is_string()) reading.log_id = std::string(id->get_string());
        for (std::size_t i = 0; i < wanted_.topics.size(); ++i) {
            auto topic = read_topic(i);
            if (!topic) return std::move(topic).error();
            reading.topics.push_back(std::move(*topic));
        }
        return reading;
    }

    std::vector<Wrong> wrong(const Reading& reading) const {
        std::vector<Wrong> all;
        for (const auto& policy : policies()) {
            const auto* set = at(reading.policies, policy.member);
            if (!set) all.push_back({&policy, {}, std::string(unset)});
            else if (!policy.good(*set)) all.push_back({&policy, {}, policy.text(*set)});
            for (std::size_t i = 0; i < reading.topics.size(); ++i) {
                const auto* own = own_of(reading.topics[i], policy);
                if (own && !policy.good(*own)) all.push_back({&policy, i, policy.text(*own)});
            }
        }
        return all;
    }
    static const json::value* own_of(const TopicReading& topic, const Policy& policy) {
        const auto found = topic.own.find(policy.topic_place);
        return found == topic.own.end() ? nullptr : at(found->second, policy.topic_member);
    }

    std::string place_of(const Wrong& one) const {
        return std::string(one.policy->what) + (one.topic ? " of the topic " + wanted_.topics[*one.topic] : std::string());
    }

    // ---- mending

    Result<void> make_tenant() {
        json::array allowed;
        for (int tries = 0; allowed.empty(); ++tries) {
            if (tries == cluster_tries_max)
                return Error{ErrorKind::unavailable, "pulsar-admin-not-reached",
                             "Pulsar knows no cluster of its own yet. Try again in a moment"};
            if (tries > 0) std::this_thread::sleep_for(cluster_pause);  // a broker that has just started names none
            auto clusters = rest_.ask("GET", "clusters");
            if (!clusters) return std::move(clusters).error();
            if (const auto* names = clusters->value.if_array())
                for (const auto& one : *names)
                    if (one.is_string() && one.get_string() != "global") allowed.push_back(one);
        }
        const json::object body{{"adminRoles", json::array()}, {"allowedClusters", std::move(allowed)}};
        return put("PUT", tenant_path(), json::serialize(body));
    }
    Result<void> make_namespace() { return put("PUT", namespace_path(), {}); }
    Result<void> make_topic(std::size_t topic) { return put("PUT", topic_path(topic) + "/partitions", std::to_string(wanted_.partitions)); }
    Result<void> give_id() {
        return put("PUT", namespace_path() + "/property/" + std::string(id_property) + "/" + runtime::random_hex(id_random_bytes), {});
    }
    Result<void> set(const Wrong& one) {
        const auto& setting = one.topic ? one.policy->set_at_topic : one.policy->set;
        const auto place = (one.topic ? topic_path(*one.topic) : namespace_path()) + "/" + std::string(setting.path);
        return put(std::string(setting.method), place,
                   setting.body.empty() ? std::optional<std::string>() : std::optional<std::string>(std::string(setting.body)));
    }

private:
    static Error not_understood(const std::string& what) {
        return {ErrorKind::unsupported, "pulsar-admin-answer", "Pulsar's answer on " + what + " is none that this version understands"};
    }

    Result<TopicReading> read_topic(std::size_t topic) {
        TopicReading reading;
        auto answer = rest_.ask("GET", topic_path(topic) + "/partitions");
        if (!answer) return std::move(answer).error();
        if (answer->what != What::done) return reading;
        const auto* count = at(answer->value, "partitions");
        boost::system::error_code failed;
        if (!count) return not_understood("the partitions of " + wanted_.topics[topic]);
        reading.partitions = count->to_number<std::uint32_t>(failed);
        if (failed) return not_understood("the partitions of " + wanted_.topics[topic]);
        reading.there = reading.partitions > 0;
        if (!reading.there) {  // not partitioned, or, by an older broker, not there
            auto there = is_listed(topic);
            if (!there) return std::move(there).error();
            reading.there = *there;
        }
        if (!reading.there) return reading;
        for (const auto& policy : policies()) {
            if (policy.topic_place.empty() || reading.own.contains(policy.topic_place)) continue;
            auto own = rest_.ask("GET", topic_path(topic) + "/" + std::string(policy.topic_place));
            if (!own) return std::move(own).error();
            if (own->what == What::not_here) break;  // topics have no policies of their own there
            reading.own.emplace(policy.topic_place, std::move(own->value));
        }
        return reading;
    }

    Result<bool> is_listed(std::size_t topic) {
        auto listed = rest_.ask("GET", "persistent/" + name());
        if (!listed) return std::move(listed).error();
        const auto* names = listed->value.if_array();
        const auto full = "persistent://" + name() + "/" + wanted_.topics[topic];
        return names && std::ranges::any_of(*names, [&](const json::value& one) { return one.is_string() && one.get_string() == full; });
    }

    // What is there already was made by somebody else just now.
    Result<void> put(const std::string& method, const std::string& path, const std::optional<std::string>& body) {
        auto answer = rest_.ask(method, path, body);
        if (!answer) return std::move(answer).error();
        if (answer->what == What::done || answer->what == What::exists) return kernel::ok();
        return Error{ErrorKind::unsupported, "pulsar-admin-answer",
                     "Pulsar does not take " + method + " /admin/v2/" + path + (answer->reason.empty() ? "" : " (" + answer->reason + ")")};
    }

    Rest& rest_;
    const Wanted& wanted_;
};

std::string joined(const std::vector<std::string>& sentences) {
    std::string text;
    for (const auto& one : sentences) text += (text.empty() ? "" : "; ") + one;
    return text;
}

std::string of_partitions(std::uint32_t partitions) {
    if (partitions == 0) return "not partitioned";
    return std::to_string(partitions) + (partitions == 1 ? " partition" : " partitions");
}

Result<Rest> opened(const Options& options, const Wanted& wanted) {
    if (auto named = check_names(wanted); !named) return std::move(named).error();
    return Rest::open(options);
}

// Makes and sets; says what.
class Mending {
public:
    Mending(Log& log, const Wanted& wanted) : log_(log), wanted_(wanted) {}

    Result<std::vector<std::string>> run() {
        auto reading = log_.read();
        if (!reading) return std::move(reading).error();
        if (!reading->name_space) {
            if (!reading->tenant && !did(log_.make_tenant(), "made the tenant " + wanted_.tenant)) return *failed_;
            if (!did(log_.make_namespace(), "made the namespace " + log_.name())) return *failed_;
            reading = log_.read();
            if (!reading) return std::move(reading).error();
        }
        if (!mend(*reading)) return *failed_;
        return std::move(done_);
    }

private:
    bool mend(const Reading& reading) {
        for (const auto& one : log_.wrong(reading))
            if (!did(log_.set(one), "set " + log_.place_of(one) + " to " + std::string(one.policy->wanted) + " (it was: " + one.is + ")"))
                return false;
        if (reading.log_id.empty() && !did(log_.give_id(), "gave the log an id")) return false;
        for (std::size_t i = 0; i < wanted_.topics.size(); ++i)
            if (!reading.topics[i].there &&
                !did(log_.make_topic(i), "made the topic " + wanted_.topics[i] + ": " + of_partitions(wanted_.partitions)))
                return false;
        return true;
    }
    bool did(Result<void> result, std::string sentence) {
        if (!result) failed_ = std::move(result).error();
        else done_.push_back(std::move(sentence));
        return !failed_;
    }

    Log& log_;
    const Wanted& wanted_;
    std::vector<std::string> done_;
    std::optional<Error> failed_;
};

}  // namespace

Result<Found> check(const Options& options, const Wanted& wanted) {
    auto rest = opened(options, wanted);
    if (!rest) return std::move(rest).error();
    Log log(*rest, wanted);
    auto reading = log.read();
    if (!reading) return std::move(reading).error();
    std::vector<std::string> missing;
    if (!reading->tenant) missing.push_back("the tenant " + wanted.tenant);
    else if (!reading->name_space) missing.push_back("the namespace " + log.name());
    else
        for (std::size_t i = 0; i < wanted.topics.size(); ++i)
            if (!reading->topics[i].there) missing.push_back("the topic " + wanted.topics[i]);
    if (!missing.empty())
        return Error{ErrorKind::not_found, "log-not-made",
                     "there is no event log at " + options.url + " in " + log.name() + " yet (missing: " + joined(missing) +
                         "). Make it with `acopio log init`"};
    std::vector<std::string> sentences;
    for (const auto& one : log.wrong(*reading))
        sentences.push_back(log.place_of(one) + ": " + one.is + ", should be " + std::string(one.policy->wanted));
    if (reading->log_id.empty()) sentences.emplace_back("property acopio.log-id: not set, should be the log's own");
    if (!sentences.empty())
        return Error{ErrorKind::incorrect, "log-policies",
                     "the Pulsar namespace " + log.name() + " would not keep the log as it must be kept (" + joined(sentences) +
                         "). Set it with `acopio log init`"};
    Found found{.log_id = reading->log_id, .partitions = {}};
    for (const auto& topic : reading->topics) found.partitions.push_back(topic.partitions);
    return found;
}

Result<std::vector<Fact>> look(const Options& options, const Wanted& wanted) {
    auto rest = opened(options, wanted);
    if (!rest) return std::move(rest).error();
    Log log(*rest, wanted);
    auto reading = log.read();
    if (!reading) return std::move(reading).error();
    std::vector<Fact> facts;
    const auto presence = [&](std::string what, bool there) {
        facts.push_back({.what = std::move(what), .is = there ? "there" : "missing", .wanted = "there", .good = there});
    };
    presence("tenant " + wanted.tenant, reading->tenant);
    presence("namespace " + log.name(), reading->name_space);
    if (!reading->name_space) return facts;
    facts.push_back({.what = "log id",
                     .is = reading->log_id.empty() ? std::string(unset) : reading->log_id,
                     .wanted = "the log's own",
                     .good = !reading->log_id.empty()});
    const auto wrong = log.wrong(*reading);
    for (const auto& policy : policies()) {
        const auto* set = at(reading->policies, policy.member);
        facts.push_back({.what = std::string(policy.what),
                         .is = set ? policy.text(*set) : std::string(unset),
                         .wanted = std::string(policy.wanted),
                         .good = set && policy.good(*set)});
    }
    for (const auto& one : wrong)
        if (one.topic) facts.push_back({.what = log.place_of(one), .is = one.is, .wanted = std::string(one.policy->wanted), .good = false});
    for (std::size_t i = 0; i < wanted.topics.size(); ++i) {
        const auto& topic = reading->topics[i];
        facts.push_back({.what = "topic " + wanted.topics[i],
                         .is = topic.there ? of_partitions(topic.partitions) : "missing",
                         .wanted = of_partitions(wanted.partitions),
                         .good = topic.there && topic.partitions == wanted.partitions});
    }
    return facts;
}

Result<std::vector<std::string>> init(const Options& options, const Wanted& wanted) {
    if (wanted.partitions == 0) return Error{ErrorKind::incorrect, "log-partitions", "a topic has 1 partition at least"};
    auto rest = opened(options, wanted);
    if (!rest) return std::move(rest).error();
    Log log(*rest, wanted);
    return Mending(log, wanted).run();
}

}  // namespace platform::pulsar::admin
