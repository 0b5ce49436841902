// One table a topic: "block_<id>".
#include "platform/log/embedded/durable.hpp"

namespace platform::log::embedded {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

namespace {

constexpr std::string_view schema_1 = R"(
CREATE TABLE topic (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE producer (topic INTEGER NOT NULL, name TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (topic, name));
)";

constexpr std::string_view schema_2 = R"(
CREATE TABLE identity (id TEXT NOT NULL, probes INTEGER NOT NULL);
INSERT INTO identity VALUES (lower(hex(randomblob(16))), 0);
)";

}  // namespace

std::string table_of(std::int64_t topic) {
    return "block_" + std::to_string(topic);
}

Result<void> migrate(sql::Connection& connection) {
    return sql::migrate(connection, "event_log", {{1, schema_1}, {2, schema_2}});
}

Result<std::string> read_id(sql::Connection& connection) {
    auto select = connection.prepare("SELECT id FROM identity");
    if (!select) return std::move(select).error();
    auto row = (*select)->step();
    if (!row) return std::move(row).error();
    if (!*row) return Error{ErrorKind::fault, "log-corrupt", "the log has no identity; restore all files of the directory from one copy"};
    return std::string((*select)->text(0));
}

Result<Durable> read_durable(sql::Connection& connection) {
    Durable durable;
    auto topics = connection.prepare("SELECT id, name FROM topic");
    if (!topics) return std::move(topics).error();
    while (true) {
        auto row = (*topics)->step();
        if (!row) return std::move(row).error();
        if (!*row) break;
        durable.topics.emplace((*topics)->text(1), Topic{.id = (*topics)->integer(0), .head = 0});
    }
    for (auto& [name, topic] : durable.topics) {
        auto head = connection.prepare("SELECT COALESCE(MAX(last), 0) FROM " + table_of(topic.id));
        if (!head) return std::move(head).error();
        auto row = (*head)->step();
        if (!row) return std::move(row).error();
        topic.head = static_cast<std::uint64_t>((*head)->integer(0));
    }
    auto producers = connection.prepare("SELECT topic, name, sequence FROM producer");
    if (!producers) return std::move(producers).error();
    while (true) {
        auto row = (*producers)->step();
        if (!row) return std::move(row).error();
        if (!*row) return durable;
        durable.producers[{(*producers)->integer(0), std::string((*producers)->text(1))}] =
            static_cast<std::uint64_t>((*producers)->integer(2));
    }
}

}  // namespace platform::log::embedded
