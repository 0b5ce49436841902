// The classifier as a whole, without its engines: what a composition root (acopio/, later main.cpp) starts.
#pragma once

#include "data_center_classifier/infrastructure/formats/formats.hpp"
#include "kernel/clock.hpp"
#include "platform/http/http.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/runtime/blocking_pool.hpp"
#include "platform/runtime/metrics.hpp"
#include "platform/sql/sql.hpp"

#include <filesystem>
#include <memory>
#include <stop_token>

namespace data_center_classifier {

struct Dependencies {
    platform::sql::Database& database;  // db_classifier
    platform::log::EventLog& log;
    platform::runtime::Metrics& metrics;
    platform::runtime::BlockingPool& pool;
    const kernel::Clock& clock;
};

struct Options {
    bool open = false;           // no authentication: the centre is named by X-Data-Center or the record, registered on first sight
    std::string operator_token;  // in the clear; compared in constant time. Empty only with `open`.
    std::string rubric_json;     // of --rubric FILE; "" for the built-in one
    infrastructure::formats::Limits limits;
    // Bounds of memory; beyond each 503 with Retry-After.
    std::size_t body_bytes_max = std::size_t{128} * 1024 * 1024;  // of bodies that are read as a whole, all together
    std::size_t streams_max = 256;                                // at once
    std::size_t recent_records_max = 500'000;                     // accepted and not yet indexed; a stream waits for room
    std::stop_token stop = {};                                    // ends open() while it catches up with the log: interrupted "stopped"
};

class Service {
public:
    // Catches up with the log. A log that is not the one the database was written with is refused: fault "log-behind", "log-rewound" or
    // "log-foreign"; a database that is behind the log gets its data centres back from it.
    static kernel::Result<std::unique_ptr<Service>> open(Dependencies dependencies, Options options);
    virtual ~Service() = default;
    // Routes of :8000 (POST/DELETE /raw-data, /data-centers..., /health, /ready, /metrics).
    virtual platform::http::Routes routes() = 0;
    virtual void start() = 0;          // projections and relay
    virtual void stop() = 0;           // idempotent; after the HTTP server has stopped
    virtual bool healthy() const = 0;  // false once a poison message or a fault stopped a projection or the relay,
                                       // and while the projection is stuck or the log cannot be written
};

}  // namespace data_center_classifier
