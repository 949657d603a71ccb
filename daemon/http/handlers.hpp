#pragma once
/// What routes do. `answer_operation` serves every operation that takes a request and gives a
/// response; the others are those that HTTP shows in a form of its own. Each runs on its
/// connection's loop.

#include "daemon/http/exchange.hpp"
#include "daemon/http/request_fields.hpp"

namespace scheduler {

/// Reads the request, asks the service, and writes the response as JSON.
template <class Request>
asio::awaitable<Answer> answer_operation(Exchange& exchange) {
    auto request = read_request<Request>(exchange.request);
    if (!request) co_return error_answer(request.error());
    auto response = co_await ask(exchange, std::move(*request));
    if (!response) co_return error_answer(response.error());
    co_return json_answer(encode(*response));
}

asio::awaitable<Answer> redirect_to_jobs(Exchange& exchange);
asio::awaitable<Answer> add_job(Exchange& exchange);       ///< with Idempotency-Key
asio::awaitable<Answer> list_jobs(Exchange& exchange);     ///< everything, or a page with its Link
asio::awaitable<Answer> show_or_wait(Exchange& exchange);  ///< ?wait=60s
asio::awaitable<Answer> verify(Exchange& exchange);
asio::awaitable<Answer> stream_logs(Exchange& exchange);    ///< text/plain
asio::awaitable<Answer> stream_events(Exchange& exchange);  ///< Server-Sent Events
asio::awaitable<Answer> show_health(Exchange& exchange);
asio::awaitable<Answer> show_readiness(Exchange& exchange);
asio::awaitable<Answer> show_metrics(Exchange& exchange);
asio::awaitable<Answer> show_openapi(Exchange& exchange);

}  // namespace scheduler
