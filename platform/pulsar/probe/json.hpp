// The words of the probe's lines: JSON fields that were given or not, base64, message ids, and what is answered.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/client/client.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace platform::pulsar::probe {

namespace json = boost::json;

// One line's object. A field of another kind, or a missing one that has no default, throws boost::system::system_error.
class Fields {
public:
    explicit Fields(const json::object& object) : object_(object) {}
    bool has(std::string_view name) const { return object_.contains(name); }
    const json::value& at(std::string_view name) const { return object_.at(name); }
    std::string text(std::string_view name) const { return std::string(std::string_view(object_.at(name).as_string())); }
    std::string text(std::string_view name, std::string otherwise) const { return has(name) ? text(name) : std::move(otherwise); }
    bool flag(std::string_view name, bool otherwise) const { return has(name) ? object_.at(name).as_bool() : otherwise; }
    template <class Number>
    void set(std::string_view name, Number& number) const {
        if (has(name)) number = object_.at(name).to_number<Number>();
    }
    void set(std::string_view name, bool& value) const { value = flag(name, value); }
    void set(std::string_view name, std::string& value) const { value = text(name, std::move(value)); }
    // "name_ms"
    void set(std::string_view name, std::chrono::milliseconds& time) const {
        if (has(name)) time = std::chrono::milliseconds(object_.at(name).to_number<std::int64_t>());
    }

private:
    const json::object& object_;
};

std::string base64(std::string_view bytes);
std::string from_base64(std::string_view text);  // "" for what is none

json::object to_json(const client::MessageId& id);
// {"ledger", "entry", "batch", "batch_size", "partition"}, or "earliest" or "latest".
client::MessageId id_from(const json::value& value);
json::object to_json(const kernel::Error& error);
json::object to_json(const kernel::Result<client::Receipt>& receipt);
// With "size" and "sha256" in place of the "payload" if `digest`.
json::object to_json(const client::Message& message, bool digest);

client::ClientOptions client_options(const Fields& fields);
client::ProducerOptions producer_options(const Fields& fields);
client::ConsumerOptions consumer_options(const Fields& fields);
client::ReaderOptions reader_options(const Fields& fields);
client::OutMessage message_from(const json::object& object);

}  // namespace platform::pulsar::probe
