// suspend_with_cancel(): runtime::suspend_until() for what can be cancelled, by a std::stop_token or by the coroutine's own cancellation.
#pragma once

#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/coroutine.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace platform::pulsar::client {

// `start(bring)` as there. `cancel` may be called once or twice, from any thread, at any time after `start` was called, also after `bring`;
// what it does ends in an early bring(). It is not called any more when this has ended.
template <class T, class Start>
kernel::Task<T> suspend_with_cancel(Start start, std::function<void()> cancel, std::stop_token stop) {
    auto executor = co_await boost::asio::this_coro::executor;
    // Held by the thread that starts and by the one that brings: the coroutine goes on when both have left. One thread may be both.
    auto busy = std::make_shared<std::recursive_mutex>();
    std::optional<std::stop_callback<std::function<void()>>> on_stop;
    auto brought = co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void(kernel::Result<T>)>(
        [executor, busy, &on_stop](auto handler, const Start& begin, std::function<void()> give_up, std::stop_token token) {
            const std::lock_guard starting(*busy);
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            auto work = boost::asio::make_work_guard(executor);
            begin(runtime::Bring<T>([h = std::move(handler), executor, busy, w = std::move(work)](kernel::Result<T> result) mutable {
                const std::lock_guard bringing(*busy);
                boost::asio::post(executor, [h2 = std::move(h), r = std::move(result), w2 = std::move(w), busy]() mutable {
                    {
                        const std::lock_guard left(*busy);
                    }
                    auto own = boost::asio::get_associated_cancellation_slot(h2);
                    if (own.is_connected()) own.clear();
                    w2.reset();
                    std::move(h2)(std::move(r));
                });
            }));
            if (slot.is_connected())
                slot.assign([give_up](boost::asio::cancellation_type type) {
                    if (type != boost::asio::cancellation_type::none) give_up();
                });
            if (token.stop_possible()) on_stop.emplace(std::move(token), std::move(give_up));
        },
        boost::asio::use_awaitable, std::move(start), std::move(cancel), std::move(stop));
    on_stop.reset();
    co_return brought;
}

}  // namespace platform::pulsar::client
