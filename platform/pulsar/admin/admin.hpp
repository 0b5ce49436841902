// Admin: the namespace of an event log, by Pulsar's admin REST API: made, and checked that it keeps everything for ever.
//
// What is asked of a namespace (docs/EVENTS.md says why): retention without limit in time and in size, no time to live of messages, broker
// deduplication, inactive topics and subscriptions are not deleted, no backlog quota that would stop producers, no compaction by itself;
// and a property "acopio.log-id", random, which tells one log from another. No topic of the log may have policies of its own that say
// otherwise.
//
// Synchronous; each request has a deadline. Not thread-safe.
#pragma once

#include "kernel/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace platform::pulsar::admin {

struct Options {
    std::string url;                                       // "http://host:8080" or "https://host:8443"; these ports without one
    std::function<kernel::Result<std::string>()> token{};  // empty: no authentication
    std::string ca_file{};                                 // PEM, of https; empty: the system's store
};

struct Wanted {
    std::string tenant = "acopio", name_space = "collection";
    std::vector<std::string> topics{};
    std::uint32_t partitions = 1;  // of a topic that is made; check() takes any number
};

struct Found {
    std::string log_id;
    std::vector<std::uint32_t> partitions;  // of each topic, in their order; 0: it is not partitioned
};

// One thing that is asked, and how it is.
struct Fact {
    std::string what;    // "retention", "topic raw-data"
    std::string is;      // "0 minutes, 0 MB", "missing"
    std::string wanted;  // "no limit"
    bool good = false;
};

// incorrect "log-policies" with a sentence for each thing that is wrong, what it is and what it should be; not_found "log-not-made" when
// the tenant, namespace or a topic is missing; both say that `acopio log init` cures it. forbidden "pulsar-admin-refused"; unavailable
// "pulsar-admin-not-reached"; unsupported "pulsar-admin-answer" for an answer that is none of Pulsar's; incorrect "pulsar-admin-url",
// "log-name"; the token's and the codes "tls-..." of platform/http/client.hpp.
kernel::Result<Found> check(const Options& options, const Wanted& wanted);

// Everything that check() looks at, as it is; errors as there, but what is wrong or missing is none. Another
// number of partitions than is wanted is wrong here.
kernel::Result<std::vector<Fact>> look(const Options& options, const Wanted& wanted);

// Makes what is missing and sets what is wrong; nothing is ever deleted. What it did, a sentence each; none when all was right. Running it
// again changes nothing. Errors as above.
kernel::Result<std::vector<std::string>> init(const Options& options, const Wanted& wanted);

}  // namespace platform::pulsar::admin
