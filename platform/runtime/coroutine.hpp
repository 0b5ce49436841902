// What a .cpp that awaits a Task includes; and the ways from synchronous code into a Task.
#pragma once

#include "kernel/task.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

namespace platform::runtime {

// Runs a task to its end on this thread. For synchronous loops (a relay) and tests; never on an I/O thread.
template <class T>
kernel::Result<T> run(kernel::Task<T> task) {
    boost::asio::io_context io(1);
    kernel::Result<T> out;
    boost::asio::co_spawn(io, std::move(task), [&](const std::exception_ptr& thrown, kernel::Result<T> result) {
        if (thrown) std::rethrow_exception(thrown);
        out = std::move(result);
    });
    io.run();
    return out;
}

}  // namespace platform::runtime
