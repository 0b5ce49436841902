// Probe: the client library behind lines of JSON, for tests that are written in another language.
#pragma once

#include "kernel/task.hpp"
#include "platform/pulsar/client/client.hpp"
#include "platform/pulsar/probe/load.hpp"
#include "platform/pulsar/probe/output.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace platform::pulsar::probe {

class Fields;

// A command is {"id": anything, "do": WORD, "on": HANDLE, ...}; its answer {"id": the same, ...}, with "error" {kind, code, message} when
// it failed. Commands begin in the order of their lines, and those that wait let others pass. Handles are names that the commands choose:
//
//   client      as, service, token_file, ca_file, certificate_file, key_file, *_timeout_ms, keep_alive_ms, backoff_first_ms,
//   backoff_last_ms producer    as, on: client, topic, name, access, codec, properties, batch*, pending_*, send_timeout_ms, first_sequence
//               -> name, partitions, last_sequences
//   consumer    as, on: client, topic, subscription, type, name, from_earliest, read_compacted, queue_*, *_delay_ms, batch_index_acks
//               -> partitions; and {"event": WHAT, "consumer": as, "partition"} whenever there is one
//   reader      as, on: client, topic, start, start_inclusive, starts, read_compacted, queue_*
//   send        on: producer, messages: [{payload (base64) or size and fill, key, properties, event_time, sequence, null, partition}]
//               -> receipts: [{id, duplicate} or {error}]
//   load        on: producer, as, first, count, keys, size, window, pause_us      -> nothing; see LoadOptions for what is said
//   receive     on: consumer, count, wait_ms, digest                              -> messages: as many, or what came in that time
//   follow      on: consumer, as, ack, digest                                     -> nothing; see FollowOptions
//   ack, nack   on: consumer, ids; ack also: cumulative, receipt
//   seek        on: consumer, to
//   last_ids, redeliver, unsubscribe    on: consumer
//   flush       on: producer
//   state       on: any                              -> connected, pending, ended of a producer; connected of a consumer; sizes of a client
//   partitions  on: client, topic                    -> partitions
//   stop        on: a load, which says when it has ended, or a follow            -> at once of a load; of a follow when it has ended
//   close       on: any                              -> when it is closed; the name is free again
class Probe {
public:
    explicit Probe(Output& output);
    // Closes everything.
    ~Probe();
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    // Any thread. Does not wait for what the line asks.
    void take(std::string_view line);

private:
    using Answer = kernel::Result<boost::json::object>;
    using Command = kernel::Task<boost::json::object> (Probe::*)(boost::json::object);
    static const std::map<std::string_view, Command>& commands();

    kernel::Task<boost::json::object> open_client(boost::json::object line);
    kernel::Task<boost::json::object> open_producer(boost::json::object line);
    kernel::Task<boost::json::object> open_consumer(boost::json::object line);
    kernel::Task<boost::json::object> open_reader(boost::json::object line);
    kernel::Task<boost::json::object> send(boost::json::object line);
    kernel::Task<boost::json::object> load(boost::json::object line);
    kernel::Task<boost::json::object> receive(boost::json::object line);
    kernel::Task<boost::json::object> follow(boost::json::object line);
    kernel::Task<boost::json::object> ack(boost::json::object line);
    kernel::Task<boost::json::object> nack(boost::json::object line);
    kernel::Task<boost::json::object> seek(boost::json::object line);
    kernel::Task<boost::json::object> last_ids(boost::json::object line);
    kernel::Task<boost::json::object> redeliver(boost::json::object line);
    kernel::Task<boost::json::object> unsubscribe(boost::json::object line);
    kernel::Task<boost::json::object> flush(boost::json::object line);
    kernel::Task<boost::json::object> state(boost::json::object line);
    kernel::Task<boost::json::object> partitions(boost::json::object line);
    kernel::Task<boost::json::object> stop(boost::json::object line);
    kernel::Task<boost::json::object> close(boost::json::object line);

    client::ConsumerHooks hooks(std::string name);
    Answer kept(std::string name, std::unique_ptr<client::Consumer> consumer);

    Output& output_;
    boost::asio::io_context io_{1};
    // Below: the thread of io_ only.
    std::map<std::string, std::unique_ptr<client::Client>> clients_;
    std::map<std::string, std::shared_ptr<client::Producer>> producers_;
    std::map<std::string, std::shared_ptr<client::Consumer>> consumers_;
    std::map<std::string, std::unique_ptr<Load>> loads_;
    std::map<std::string, std::unique_ptr<Follow>> follows_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace platform::pulsar::probe
