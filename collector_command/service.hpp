// The write side as a whole, without its engines.
#pragma once

#include "kernel/clock.hpp"
#include "platform/log/port_event_log.hpp"
#include "platform/runtime/metrics.hpp"
#include "platform/sql/sql.hpp"

#include <memory>

namespace collector_command {

struct Dependencies {
    platform::sql::Database& database;  // db_command
    platform::log::EventLog& log;
    platform::runtime::Metrics& metrics;
    const kernel::Clock& clock;
};

class Service {
public:
    // A log that is not the one the database was written with is refused: fault "log-behind", "log-rewound" or "log-foreign".
    static kernel::Result<std::unique_ptr<Service>> open(Dependencies dependencies);
    virtual ~Service() = default;
    virtual void start() = 0;          // the consumer of raw-data and the relay to collected-data
    virtual void stop() = 0;           // idempotent
    virtual bool healthy() const = 0;  // false once a poison message or a fault stopped it, and while it is stuck
};

}  // namespace collector_command
