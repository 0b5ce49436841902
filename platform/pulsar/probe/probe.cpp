#include "platform/pulsar/probe/probe.hpp"

#include "platform/pulsar/probe/json.hpp"
#include "platform/runtime/coroutine.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <chrono>
#include <exception>
#include <utility>
#include <vector>

namespace platform::pulsar::probe {
namespace {

using boost::json::array;
using boost::json::object;
using kernel::Error;
using kernel::ErrorKind;
using kernel::Task;

Error wrong(std::string text) {
    return Error{ErrorKind::incorrect, "probe-command", std::move(text)};
}

Error unknown(const std::string& name) {
    return Error{ErrorKind::not_found, "probe-handle", "there is no " + name};
}

// The handle that a line is on, or nothing.
template <class Handles>
auto* on(Handles& handles, const object& line) {
    const auto found = handles.find(Fields(line).text("on"));
    return found == handles.end() ? nullptr : &found->second;
}

std::vector<client::MessageId> ids_of(const object& line) {
    std::vector<client::MessageId> ids;
    for (const auto& id : line.at("ids").as_array()) ids.push_back(id_from(id));
    return ids;
}

}  // namespace

Probe::Probe(Output& output) : output_(output), work_(io_.get_executor()), thread_([this] { io_.run(); }) {}

Probe::~Probe() {
    boost::asio::post(io_, [this] {
        loads_.clear();
        follows_.clear();
        producers_.clear();
        consumers_.clear();
        clients_.clear();
        work_.reset();
    });
    thread_.join();
}

const std::map<std::string_view, Probe::Command>& Probe::commands() {
    static const std::map<std::string_view, Command> all{{"client", &Probe::open_client},
                                                         {"producer", &Probe::open_producer},
                                                         {"consumer", &Probe::open_consumer},
                                                         {"reader", &Probe::open_reader},
                                                         {"send", &Probe::send},
                                                         {"load", &Probe::load},
                                                         {"receive", &Probe::receive},
                                                         {"follow", &Probe::follow},
                                                         {"ack", &Probe::ack},
                                                         {"nack", &Probe::nack},
                                                         {"seek", &Probe::seek},
                                                         {"last_ids", &Probe::last_ids},
                                                         {"redeliver", &Probe::redeliver},
                                                         {"unsubscribe", &Probe::unsubscribe},
                                                         {"flush", &Probe::flush},
                                                         {"state", &Probe::state},
                                                         {"partitions", &Probe::partitions},
                                                         {"stop", &Probe::stop},
                                                         {"close", &Probe::close}};
    return all;
}

void Probe::take(std::string_view text) {
    boost::system::error_code broken;
    auto value = boost::json::parse(text, broken);
    if (broken || !value.is_object()) return output_.say({{"error", to_json(wrong("a line is no JSON object"))}});
    auto line = std::move(value.as_object());
    auto id = line.contains("id") ? line.at("id") : boost::json::value();
    const auto* const word = line.if_contains("do");
    const auto command = commands().find(word && word->is_string() ? std::string_view(word->as_string()) : "");
    if (command == commands().end()) return output_.say({{"id", std::move(id)}, {"error", to_json(wrong("an unknown command"))}});
    boost::asio::co_spawn(io_, (this->*command->second)(std::move(line)), [this, id](const std::exception_ptr& thrown, Answer answer) {
        object said{{"id", id}};
        try {
            if (thrown) std::rethrow_exception(thrown);
            if (answer) said.insert(answer->begin(), answer->end());
            else said["error"] = to_json(answer.error());
        } catch (const std::exception& exception) {
            said["error"] = to_json(wrong(exception.what()));
        }
        output_.say(said);
    });
}

Task<object> Probe::open_client(object line) {
    const Fields fields(line);
    auto opened = client::Client::open(client_options(fields));
    if (!opened) co_return std::move(opened).error();
    clients_[fields.text("as")] = *std::move(opened);
    co_return object();
}

Task<object> Probe::open_producer(object line) {
    const Fields fields(line);
    auto* const client = on(clients_, line);
    if (!client) co_return unknown("client");
    auto opened = co_await (*client)->producer(producer_options(fields));
    if (!opened) co_return std::move(opened).error();
    const std::shared_ptr<client::Producer> producer = *std::move(opened);
    producers_[fields.text("as")] = producer;
    array last;
    for (std::uint32_t partition = 0; partition < std::max(producer->partitions(), 1U); ++partition)
        last.push_back(producer->last_sequence(partition));
    co_return object{{"name", producer->name()}, {"partitions", producer->partitions()}, {"last_sequences", std::move(last)}};
}

client::ConsumerHooks Probe::hooks(std::string name) {
    return {.on_event = [this, name = std::move(name)](const client::ConsumerEvent& event) {
        constexpr const char* words[] = {"active", "inactive", "reattached", "end_of_topic"};
        output_.say({{"event", words[static_cast<std::size_t>(event.what)]}, {"consumer", name}, {"partition", event.partition}});
    }};
}

Probe::Answer Probe::kept(std::string name, std::unique_ptr<client::Consumer> consumer) {
    const auto partitions = consumer->partitions();
    consumers_[std::move(name)] = std::move(consumer);
    return object{{"partitions", partitions}};
}

Task<object> Probe::open_consumer(object line) {
    const Fields fields(line);
    auto* const client = on(clients_, line);
    if (!client) co_return unknown("client");
    auto opened = co_await (*client)->consumer(consumer_options(fields), hooks(fields.text("as")));
    if (!opened) co_return std::move(opened).error();
    co_return kept(fields.text("as"), *std::move(opened));
}

Task<object> Probe::open_reader(object line) {
    const Fields fields(line);
    auto* const client = on(clients_, line);
    if (!client) co_return unknown("client");
    auto opened = co_await (*client)->reader(reader_options(fields), hooks(fields.text("as")));
    if (!opened) co_return std::move(opened).error();
    co_return kept(fields.text("as"), *std::move(opened));
}

Task<object> Probe::send(object line) {
    const auto* const found = on(producers_, line);
    if (!found) co_return unknown("producer");
    const auto producer = *found;
    std::vector<client::OutMessage> messages;
    for (const auto& message : line.at("messages").as_array()) messages.push_back(message_from(message.as_object()));
    const auto results = co_await producer->send_all(std::move(messages));
    if (!results) co_return results.error();
    array receipts;
    for (const auto& result : *results) receipts.push_back(to_json(result));
    co_return object{{"receipts", std::move(receipts)}};
}

Task<object> Probe::load(object line) {
    const auto* const producer = on(producers_, line);
    if (!producer) co_return unknown("producer");
    const Fields fields(line);
    LoadOptions options{.name = fields.text("as")};
    fields.set("first", options.first);
    fields.set("count", options.count);
    fields.set("keys", options.keys);
    fields.set("size", options.size);
    fields.set("window", options.window);
    if (fields.has("pause_us")) options.pause = std::chrono::microseconds(fields.at("pause_us").to_number<std::int64_t>());
    auto& load = loads_[options.name];
    load = std::make_unique<Load>(*producer, std::move(options), output_);
    co_return object();
}

Task<object> Probe::receive(object line) {
    const auto* const found = on(consumers_, line);
    if (!found) co_return unknown("consumer");
    const auto consumer = *found;
    const Fields fields(line);
    std::size_t count = 1;
    std::chrono::milliseconds wait{30'000};
    fields.set("count", count);
    fields.set("wait_ms", wait);
    const auto digest = fields.flag("digest", false);
    const auto end = std::chrono::steady_clock::now() + wait;
    array all;
    while (all.size() < count) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) break;
        const auto messages = co_await consumer->receive(count - all.size(), left);
        if (!messages) co_return messages.error();
        for (const auto& message : *messages) all.push_back(to_json(message, digest));
    }
    co_return object{{"messages", std::move(all)}};
}

Task<object> Probe::follow(object line) {
    const auto* const consumer = on(consumers_, line);
    if (!consumer) co_return unknown("consumer");
    const Fields fields(line);
    FollowOptions options{.name = fields.text("as"), .ack = fields.text("ack", ""), .digest = fields.flag("digest", false)};
    auto& follow = follows_[options.name];
    follow = std::make_unique<Follow>(*consumer, std::move(options), output_);
    co_return object();
}

Task<object> Probe::ack(object line) {
    const auto* const found = on(consumers_, line);
    if (!found) co_return unknown("consumer");
    const auto consumer = *found;
    const Fields fields(line);
    const auto cumulative = fields.flag("cumulative", false), receipt = fields.flag("receipt", false);
    for (const auto& id : ids_of(line)) {
        kernel::Result<void> done;
        if (receipt) done = cumulative ? co_await consumer->ack_cumulative_with_receipt(id) : co_await consumer->ack_with_receipt(id);
        else done = cumulative ? consumer->ack_cumulative(id) : consumer->ack(id);
        if (!done) co_return done.error();
    }
    co_return object();
}

Task<object> Probe::nack(object line) {
    const auto* const consumer = on(consumers_, line);
    if (!consumer) co_return unknown("consumer");
    for (const auto& id : ids_of(line))
        if (const auto done = (*consumer)->nack(id); !done) co_return done.error();
    co_return object();
}

Task<object> Probe::seek(object line) {
    const auto* const found = on(consumers_, line);
    if (!found) co_return unknown("consumer");
    const auto consumer = *found;
    if (const auto done = co_await consumer->seek(id_from(line.at("to"))); !done) co_return done.error();
    co_return object();
}

Task<object> Probe::last_ids(object line) {
    const auto* const found = on(consumers_, line);
    if (!found) co_return unknown("consumer");
    const auto consumer = *found;
    const auto last = co_await consumer->last_message_ids();
    if (!last) co_return last.error();
    array ids;
    for (const auto& id : *last) ids.push_back(id ? boost::json::value(to_json(*id)) : boost::json::value());
    co_return object{{"ids", std::move(ids)}};
}

Task<object> Probe::redeliver(object line) {
    const auto* const consumer = on(consumers_, line);
    if (!consumer) co_return unknown("consumer");
    if (const auto done = (*consumer)->redeliver_all(); !done) co_return done.error();
    co_return object();
}

Task<object> Probe::unsubscribe(object line) {
    const auto* const found = on(consumers_, line);
    if (!found) co_return unknown("consumer");
    const auto consumer = *found;
    if (const auto done = co_await consumer->unsubscribe(); !done) co_return done.error();
    co_return object();
}

Task<object> Probe::flush(object line) {
    const auto* const found = on(producers_, line);
    if (!found) co_return unknown("producer");
    const auto producer = *found;
    if (const auto done = co_await producer->flush(); !done) co_return done.error();
    co_return object();
}

Task<object> Probe::state(object line) {
    if (const auto* const producer = on(producers_, line)) {
        object said{{"connected", (*producer)->is_connected()}, {"pending", (*producer)->pending_messages()}};
        if (const auto reason = (*producer)->ended()) said["ended"] = to_json(*reason);
        co_return said;
    }
    if (const auto* const consumer = on(consumers_, line)) co_return object{{"connected", (*consumer)->is_connected()}};
    auto* const client = on(clients_, line);
    if (!client) co_return unknown("handle");
    const auto sizes = co_await (*client)->sizes();
    if (!sizes) co_return sizes.error();
    co_return object{{"connections", sizes->connections}, {"producers", sizes->producers}, {"consumers", sizes->consumers},
                     {"requests", sizes->requests},       {"timers", sizes->timers},       {"lookups", sizes->lookups},
                     {"actions", sizes->actions}};
}

Task<object> Probe::partitions(object line) {
    auto* const client = on(clients_, line);
    if (!client) co_return unknown("client");
    const auto count = co_await (*client)->partitions(Fields(line).text("topic"));
    if (!count) co_return count.error();
    co_return object{{"partitions", *count}};
}

Task<object> Probe::stop(object line) {
    if (auto* const load = on(loads_, line)) {
        (*load)->finish();
    } else if (auto* const follow = on(follows_, line)) {
        (*follow)->stop();
        follows_.erase(Fields(line).text("on"));
    } else {
        co_return unknown("load");
    }
    co_return object();
}

Task<object> Probe::close(object line) {
    const auto name = Fields(line).text("on");
    kernel::Result<void> done = unknown("handle");
    if (auto producer = producers_.extract(name)) {
        done = co_await producer.mapped()->close();
    } else if (auto consumer = consumers_.extract(name)) {
        done = co_await consumer.mapped()->close();
    } else if (auto client = clients_.extract(name)) {
        done = co_await client.mapped()->close();
    }
    if (!done) co_return done.error();
    co_return object();
}

}  // namespace platform::pulsar::probe
