// Task<T>: what an asynchronous port returns. Only named here, so that a port costs no Asio header (0.5 s, not 1.4 s, a
// file); a .cpp that awaits one includes "platform/runtime/coroutine.hpp".
#pragma once

#include "kernel/result.hpp"

namespace boost::asio {
class any_io_executor;
template <typename T, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace kernel {

template <class T = void>
using Task = boost::asio::awaitable<Result<T>, boost::asio::any_io_executor>;

}  // namespace kernel
