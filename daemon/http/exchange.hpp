#pragma once
/// What the handler of a route gets. It lives in the connection's coroutine, which awaits the
/// handler.

#include "daemon/base/asio.hpp"
#include "daemon/base/coroutine_reply.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/http/request.hpp"
#include "daemon/http/session.hpp"
#include "daemon/service/service.hpp"

namespace scheduler {

struct Exchange {
    Service& service;
    std::shared_ptr<Session> session;
    HttpRequest request;
    Caller caller;
};

using Handler = asio::awaitable<Answer> (*)(Exchange& exchange);

/// The service's one answer to `request`. A write that was handed over is awaited to its commit,
/// whatever the client does.
template <class Request>
asio::awaitable<Result<typename Request::Response>> ask(Exchange& exchange, Request request) {
    using Response = typename Request::Response;
    // It has a name because of g++ 12: see coroutine_reply.hpp.
    auto initiate =
        [&service = exchange.service, request = std::move(request), caller = exchange.caller](
            Reply<Response> reply) { call(service, request, caller, std::move(reply)); };
    co_return co_await await_reply<Response>(std::move(initiate));
}

}  // namespace scheduler
