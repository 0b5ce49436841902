// co_await blocking_call(pool, f): runs f() -> Result<T> on the pool and resumes on the awaiting executor. busy "pool-full" if the pool's
// queue is full; what f throws is a fault, as guarded() says.
#pragma once

#include "platform/runtime/blocking_pool.hpp"
#include "platform/runtime/coroutine.hpp"
#include "platform/runtime/guarded.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <mutex>

namespace platform::runtime {

// The call back of an asynchronous operation that ends on another thread: bring(result) posts it to the coroutine's executor. Exactly once.
template <class T>
using Bring = std::move_only_function<void(kernel::Result<T>)>;

// Suspends the coroutine, calls start(bring), and resumes with what was brought. `start` returns at once. The coroutine goes on only when
// the bringing thread has left the executor, so that it may be the one whose end destroys that.
template <class T, class Start>
kernel::Task<T> suspend_until(Start start) {
    auto executor = co_await boost::asio::this_coro::executor;
    auto bringing = std::make_shared<std::mutex>();
    auto brought = co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void(kernel::Result<T>)>(
        [executor, bringing](auto handler, Start&& begin) {
            auto work = boost::asio::make_work_guard(executor);
            begin(Bring<T>([h = std::move(handler), executor, bringing, w = std::move(work)](kernel::Result<T> result) mutable {
                const std::lock_guard here(*bringing);
                boost::asio::post(executor, [h2 = std::move(h), r = std::move(result), w2 = std::move(w)]() mutable {
                    w2.reset();
                    std::move(h2)(std::move(r));
                });
            }));
        },
        boost::asio::use_awaitable, std::move(start));
    {
        const std::lock_guard left(*bringing);
    }
    co_return brought;
}

template <class F>
auto blocking_call(BlockingPool& pool, F f) -> kernel::Task<typename std::invoke_result_t<F>::value_type_or_void> {
    using T = typename std::invoke_result_t<F>::value_type_or_void;
    co_return co_await suspend_until<T>([&pool, f = std::move(f)](Bring<T> bring) mutable {
        auto shared = std::make_shared<Bring<T>>(std::move(bring));
        if (!pool.submit([shared, f = std::move(f)]() mutable { (*shared)(guarded(f)); }))
            (*shared)(kernel::Error{kernel::ErrorKind::busy, "pool-full", "too much work is waiting; retry later"});
    });
}

}  // namespace platform::runtime
