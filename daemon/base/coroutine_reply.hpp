#pragma once
/// await_reply: how a coroutine of a front end waits for a Reply.
///
///     auto ask = [&service, request, caller](Reply<Job> reply) {
///         call(service, request, caller, std::move(reply));
///     };
///     Result<Job> job = co_await await_reply<Job>(std::move(ask));
///
/// What the call refers to it owns: the coroutine may go on, on another thread, before the call
/// returns. It has a name: g++ 12 destroys twice what a lambda captures that is written into the
/// await expression.
///
/// The coroutine goes on in its own executor, on whichever thread the reply is called, also when
/// that happens before the call that takes it returns. A reply that is destroyed without a call
/// means that the callee was shut down: `unavailable`. A call that throws is logged and answered
/// `internal`. The io_context of the coroutine outlives every reply.

#include <exception>
#include <utility>

#include "daemon/base/asio.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/base/sure_reply.hpp"

namespace scheduler {

template <class T, class Initiate>
asio::awaitable<Result<T>> await_reply(Initiate initiate) {
    // Asio suspends the coroutine before it calls this, and nothing may be thrown through it.
    auto start = [](auto handler, Initiate begin) {
        auto executor = asio::get_associated_executor(handler);
        // Posted, never resumed in place: the caller may be the store's writer, or the coroutine
        // itself.
        auto resume = [executor, handler = std::move(handler)](Result<T> result) mutable {
            asio::post(executor,
                       [handler = std::move(handler), result = std::move(result)]() mutable {
                           handler(std::move(result));
                       });
        };
        try {
            begin(sure_reply<T>(std::move(resume)));
        } catch (const std::exception& error) {
            log_error("request_failed", {{"error", error.what()}});
        } catch (...) {
            log_error("request_failed", {{"error", "an exception of an unknown type"}});
        }
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<T>)>(
        start, asio::use_awaitable, std::move(initiate));
}

}  // namespace scheduler
