// The EventLog port over Apache Pulsar. Each topic is partition 0 of a partitioned topic of one namespace.
//
// Durability: append() has succeeded when the broker has acknowledged every message: on the disks of its bookies, when they sync their
// journal (journalSyncData=true). Order: one producer a topic and process, so that one append's messages are neighbours.
// Exactly once by (producer, sequence): the broker drops repeats of what is sent again after a loss of connection; of a named producer what
// the log has is read from the log when it is opened, and what lies between that and what the broker has received goes out message by
// message, because a batch is dropped whole (docs/adr/0011).
// Readers: from the position that they name, with a reader that leaves nothing behind in the broker. A named group holds a Failover
// subscription of its name beside it: only who is its active consumer reads, and its cursor follows, so that the broker's tools show the
// lag. When another becomes active: interrupted "partition-moved": read your position again, and subscribe.
#pragma once

#include "platform/log/port_event_log.hpp"
#include "platform/pulsar/admin/admin.hpp"
#include "platform/pulsar/client/client.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace platform::log::pulsar {

struct Options {
    platform::pulsar::client::ClientOptions client{};
    platform::pulsar::admin::Options admin{};  // its token and CA are the client's when they are empty
    std::string tenant = "acopio", name_space = "collection";
    std::vector<std::string> topics{};                 // checked at open; others are taken as they are
    std::size_t queue_messages_max = 20'000;           // appended and not acknowledged; beyond it append() is busy
    std::size_t queue_bytes_max = 64 * 1024 * 1024;    // likewise
    std::chrono::milliseconds append_timeout{20'000};  // then append() is unavailable: the messages may be stored
};

// "pulsar://host:6650/tenant/namespace" (or pulsar+ssl, several hosts with commas): service, tenant and namespace of the options, the
// latter two as they are when the address ends before them. incorrect "log-address".
kernel::Result<void> set_address(Options& options, std::string_view address);

// Checks the policies of the namespace, and connects. Errors: as admin::check(), and Client::open(). unsupported "log-partitions" when a
// topic has more than one partition: this process reads one.
kernel::Result<std::unique_ptr<EventLog>> open(Options options);

}  // namespace platform::log::pulsar
