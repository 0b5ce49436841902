// Opens the engine that the options name, and sees to it that a directory keeps to one log.
#include "acopio/event_log.hpp"

#include "acopio/files.hpp"
#include "kernel/event_collected_data.hpp"
#include "kernel/event_data_center.hpp"
#include "kernel/event_raw_data.hpp"
#include "platform/log/embedded/embedded_log.hpp"
#include "platform/log/embedded/file_lock.hpp"
#include "platform/runtime/coroutine.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <utility>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using platform::log::embedded::FileLock;
namespace fs = std::filesystem;
namespace log = platform::log;

constexpr std::size_t marker_bytes_max = 4096;

// A log that lies elsewhere, with the lock of the directory that it is served with. Everything else is its own.
class LockedLog final : public log::EventLog {
public:
    LockedLog(FileLock lock, std::unique_ptr<log::EventLog> inner) : lock_(std::move(lock)), inner_(std::move(inner)) {}
    kernel::Task<log::Appended> append(std::string topic, std::vector<kernel::Envelope> messages,
                                       std::optional<log::Producer> producer) override {
        return inner_->append(std::move(topic), std::move(messages), std::move(producer));
    }
    Result<std::unique_ptr<log::Subscription>> subscribe(std::string topic, std::string group, log::Position after) override {
        return inner_->subscribe(std::move(topic), std::move(group), after);
    }
    Result<log::Position> head(std::string topic) override { return inner_->head(std::move(topic)); }
    Result<std::optional<log::Message>> last(std::string topic) override { return inner_->last(std::move(topic)); }
    Result<std::uint64_t> behind(std::string topic, log::Position after) override { return inner_->behind(std::move(topic), after); }
    Result<std::uint64_t> last_sequence(std::string topic, std::string producer) override {
        return inner_->last_sequence(std::move(topic), std::move(producer));
    }
    std::string id() override { return inner_->id(); }
    bool healthy() const override { return inner_->healthy(); }
    void stop() override { inner_->stop(); }

private:
    FileLock lock_;  // given back when the log is closed
    std::unique_ptr<log::EventLog> inner_;
};

// The Pulsar log that the directory was first served with.
struct Marker {
    std::string log;  // for people: "acopio/collection at pulsar://host:6650"
    std::string id;
};

fs::path marker_file(const DataDirectory& directory) {
    return directory.path / "log.json";
}

Result<std::optional<Marker>> read_marker(const DataDirectory& directory) {
    auto text = read_file(marker_file(directory), marker_bytes_max);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<Marker>();
    if (!text) return std::move(text).error();
    boost::system::error_code failed;
    const auto value = boost::json::parse(*text, failed);
    const auto* object = failed ? nullptr : value.if_object();
    const auto text_at = [&](std::string_view name) {
        const auto* found = object ? object->if_contains(name) : nullptr;
        return found && found->is_string() ? std::string(found->get_string()) : std::string();
    };
    Marker marker{.log = text_at("log"), .id = text_at("id")};
    if (marker.id.empty())
        return Error{ErrorKind::fault, "log-unknown",
                     marker_file(directory).string() + " is damaged: it should name the log of this directory. Put it back from a copy"};
    return std::optional(std::move(marker));
}

Result<void> write_marker(const DataDirectory& directory, const Marker& marker) {
    const boost::json::object content{{"log", marker.log}, {"id", marker.id}};
    return write_secret_file(marker_file(directory), boost::json::serialize(content) + "\n");
}

Error foreign(const DataDirectory& directory, const std::string& is, const std::string& cure) {
    return {ErrorKind::fault, "log-foreign",
            "the databases in " + directory.path.string() + " are those of another log: " + is + ". " + cure +
                ", or choose another directory with --data"};
}

struct Cure {
    std::string_view code;  // that, or what begins with it and "-"
    std::string_view text;  // what to do
};

// Of what the binary port says, or does not. The first that fits.
constexpr Cure cures[] = {
    {.code = "pulsar-tls-unknown-ca", .text = "The authority's certificate is named with --log-ca-file"},
    {.code = "pulsar-tls-name", .text = "Name the host in --log as its certificate does"},
    {.code = "pulsar-tls-handshake", .text = "Is this Pulsar's port for TLS (6651)? Without TLS it is pulsar://HOST:6650"},
    {.code = "pulsar-tls-ca-file", .text = "It is named with --log-ca-file"},
    {.code = "pulsar-tls", .text = "It must be mended there, or --log name another broker"},
    {.code = "pulsar-authentication", .text = "The token is named with --log-token-file"},
    {.code = "pulsar-authorization", .text = "Another token is named with --log-token-file"},
    {.code = "pulsar-protocol", .text = "Is this Pulsar's binary port (6650), and not its admin interface's (8080)?"},
    {.code = "pulsar-connect", .text = "Does Pulsar run there?"},
    {.code = "pulsar-resolve", .text = "Is the name of its host right?"},
    {.code = "pulsar-timeout", .text = "Does Pulsar run well there, and is this its binary port (6650)?"},
};

const Cure* cure_of(std::string_view code) {
    for (const auto& cure : cures)
        if (code.starts_with(cure.code) && (code.size() == cure.code.size() || code[cure.code.size()] == '-')) return &cure;
    return nullptr;
}

// "broker:6650" of "pulsar://broker:6650/hospital/records".
std::string_view hosts_of(std::string_view address) {
    if (const auto scheme = address.find("://"); scheme != std::string_view::npos) address.remove_prefix(scheme + 3);
    return address.substr(0, address.find('/'));
}

std::string place_of(const log::pulsar::Options& options) {
    return options.tenant + "/" + options.name_space + " at " + options.client.service;
}

Result<std::unique_ptr<log::EventLog>> open_embedded_log(const DataDirectory& directory) {
    auto marker = read_marker(directory);
    if (!marker) return std::move(marker).error();
    if (*marker) return foreign(directory, "of " + (*marker)->log, "Name it with --log");
    log::embedded::Options options;
    options.file = directory.log();
    auto opened = log::embedded::open(std::move(options));
    if (!opened && opened.error().code == "database-corrupt") {
        auto error = std::move(opened).error();
        error.message = directory.log().string() + " is damaged (" + error.message + "): put the log and all databases back from one copy";
        return error;
    }
    return opened;
}

Result<std::unique_ptr<log::EventLog>> open_pulsar_log(const DataDirectory& directory, const LogOptions& given) {
    auto options = pulsar_options(given);
    if (!options) return std::move(options).error();
    auto lock = FileLock::take(directory.log().string() + ".lock");  // the embedded log's: one server a directory, whatever its log
    if (!lock) return std::move(lock).error();
    std::error_code failed;
    if (fs::exists(directory.log(), failed))
        return foreign(directory, "of " + directory.log().string(), "Start without --log (and without ACOPIO_LOG)");
    auto marker = read_marker(directory);
    if (!marker) return std::move(marker).error();
    const auto place = place_of(*options);
    auto opened = log::pulsar::open(std::move(*options));
    if (!opened) return with_log_options(std::move(opened).error(), given);
    if (!*marker) {
        if (auto written = write_marker(directory, {.log = place, .id = (*opened)->id()}); !written) return std::move(written).error();
    } else if ((*marker)->id != (*opened)->id()) {
        return foreign(directory, "they were made with " + (*marker)->log + ", and --log names " + place, "Name the right one with --log");
    }
    return std::unique_ptr<log::EventLog>(std::make_unique<LockedLog>(std::move(*lock), std::move(*opened)));
}

}  // namespace

void add_log_options(CLI::App& app, LogOptions& options) {
    app.add_option("--log", options.address, "The event log in Pulsar, pulsar://HOST:PORT[/TENANT/NAMESPACE]; default: a file in --data")
        ->envname("ACOPIO_LOG")
        ->type_name("URL");
    app.add_option("--log-admin", options.admin, "Pulsar's admin interface; default: port 8080 of the log's host (8443 with pulsar+ssl)")
        ->envname("ACOPIO_LOG_ADMIN")
        ->type_name("URL");
    app.add_option("--log-token-file", options.token_file, "File with the token for Pulsar; read again when it is asked for")
        ->envname("ACOPIO_LOG_TOKEN_FILE")
        ->type_name("FILE");
    app.add_option("--log-ca-file", options.ca_file, "Certificates (PEM) that Pulsar's must be signed by; default: the system's")
        ->envname("ACOPIO_LOG_CA_FILE")
        ->type_name("FILE");
}

std::string admin_url_of(std::string_view service) {
    const auto scheme = service.find("://");
    const bool tls = service.starts_with("pulsar+ssl:");
    auto host = scheme == std::string_view::npos ? service : service.substr(scheme + 3);
    host = host.substr(0, host.find_first_of(",/"));
    const auto name_end = host.starts_with('[') ? host.find(']') : 0;
    if (name_end != std::string_view::npos) host = host.substr(0, host.find(':', name_end));
    return (tls ? "https://" : "http://") + std::string(host) + (tls ? ":8443" : ":8080");
}

Result<log::pulsar::Options> pulsar_options(const LogOptions& options) {
    log::pulsar::Options out;
    if (auto set = log::pulsar::set_address(out, options.address); !set) return std::move(set).error();
    for (const auto topic : {kernel::raw_data_topic, kernel::collected_data_topic, kernel::data_centers_topic})
        out.topics.emplace_back(topic);
    if (!options.token_file.empty()) {
        if (auto token = read_secret_file(options.token_file, marker_bytes_max * 16); !token) return std::move(token).error();
        out.client.token = platform::pulsar::client::token_from_file(options.token_file);
    }
    out.client.tls.ca_file = options.ca_file;
    out.admin = {.url = options.admin.empty() ? admin_url_of(out.client.service) : options.admin,
                 .token = out.client.token,
                 .ca_file = options.ca_file};
    while (out.admin.url.ends_with('/')) out.admin.url.pop_back();
    return out;
}

std::string name_of(const LogOptions& options) {
    if (options.embedded()) return "log.db";
    log::pulsar::Options parsed;
    const auto set = log::pulsar::set_address(parsed, options.address);
    return "the log " + (set ? place_of(parsed) : options.address);
}

Error with_log_options(Error error, const LogOptions& options) {
    if (const auto* cure = options.embedded() ? nullptr : cure_of(error.code)) {
        error.message =
            "Pulsar at " + std::string(hosts_of(options.address)) + " (--log): " + error.message + ". " + std::string(cure->text);
        return error;
    }
    if (error.code == "log-in-use") error.message = name_of(options) + " (--log): " + error.message;
    if (error.code == "log-not-made" || error.code == "log-policies") error.message += " (with the same --log)";
    if (error.code == "pulsar-admin-not-reached") error.message += ". Does Pulsar run? Its admin interface is named with --log-admin";
    if (error.code == "pulsar-admin-refused") error.message += " with --log-token-file";
    if (error.code == "pulsar-admin-answer" || error.code == "pulsar-admin-url") error.message += ". It is named with --log-admin";
    if (error.code == "tls-unknown-ca") error.message += ". The authority's certificate is named with --log-ca-file";
    return error;
}

Result<void> log_is_there(const LogOptions& given) {
    if (given.embedded()) return kernel::ok();
    const auto options = pulsar_options(given);
    if (!options) return options.error();
    const auto found = platform::pulsar::admin::check(
        options->admin, {.tenant = options->tenant, .name_space = options->name_space, .topics = options->topics});
    if (!found) return with_log_options(found.error(), given);
    return kernel::ok();
}

Result<std::unique_ptr<log::EventLog>> open_log(const DataDirectory& directory, const LogOptions& options) {
    return options.embedded() ? open_embedded_log(directory) : open_pulsar_log(directory, options);
}

}  // namespace acopio
