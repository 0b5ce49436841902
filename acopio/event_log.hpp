// Which event log: the file log.db of the data directory, or topics of Apache Pulsar. How it is named on the command line, and opened.
//
// A directory keeps to one log: DIR/log.json names the Pulsar log that it was first served with, and a directory with a log.db of its own
// is not served with another.
#pragma once

#include "acopio/embedded.hpp"
#include "kernel/result.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/log/pulsar/pulsar_log.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace acopio {

struct LogOptions {
    std::string address;     // "pulsar://host:port[/tenant/namespace]"; "": log.db in the data directory
    std::string admin;       // "": at the host of the address, on its usual port
    std::string token_file;  // "": no authentication
    std::string ca_file;     // "": the system's store
    bool embedded() const { return address.empty(); }
};

// Adds --log, --log-admin, --log-token-file and --log-ca-file, with their environment variables.
void add_log_options(CLI::App& app, LogOptions& options);

// "http://host:8080" of the first host of "pulsar://host:6650,...", "https://host:8443" of "pulsar+ssl://host:6651".
std::string admin_url_of(std::string_view service);

// The options of the Pulsar engine, with the three topics. incorrect "log-address".
kernel::Result<platform::log::pulsar::Options> pulsar_options(const LogOptions& options);

// How people name the log: "log.db", "the log acopio/collection at pulsar://host:6650".
std::string name_of(const LogOptions& options);

// What Pulsar and its admin interface say, with the options that cure it. Not twice of one error.
kernel::Error with_log_options(kernel::Error error, const LogOptions& options);

// Whether a log in Pulsar is there and kept as it must be, before anything is made for it. Errors as open_log().
kernel::Result<void> log_is_there(const LogOptions& options);

// The event log, and with it the directory: conflict "log-in-use" while another process serves either. fault "log-foreign" for a directory
// that belongs to another log.
kernel::Result<std::unique_ptr<platform::log::EventLog>> open_log(const DataDirectory& directory, const LogOptions& options);

}  // namespace acopio
