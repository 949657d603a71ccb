#include "daemon/engine/docker/http_client.hpp"

#include <algorithm>

#include "daemon/base/log.hpp"

namespace scheduler {
namespace {

/// A connection that the engine closed while it was idle may show so only when it is used.
bool may_repeat(const HttpExchange& exchange) {
    return exchange.error && exchange.request.is_repeatable && exchange.is_reused &&
           !exchange.has_answer_begun && !exchange.is_dropped &&
           !exchange.connection->has_timed_out();
}

void log_exchange(const HttpExchange& exchange) {
    if (!is_logged(LogLevel::debug)) return;
    log_debug("engine_request_ended",
              {{"method", exchange.request.method},
               {"target", exchange.request.target},
               {"status", exchange.answer.status},
               {"error", exchange.error ? exchange.error.message() : ""}});
}

}  // namespace

std::shared_ptr<HttpExchange> HttpClient::call(std::shared_ptr<const EnginePeer> peer,
                                               EngineRequest request,
                                               EngineReply<EngineAnswer> reply) {
    auto exchange = begin(std::move(peer), std::move(request));
    spawn(run(shared_from_this(), exchange, std::move(reply)));
    return exchange;
}

asio::awaitable<void> HttpClient::run(std::shared_ptr<HttpClient> self,
                                      std::shared_ptr<HttpExchange> exchange,
                                      EngineReply<EngineAnswer> reply) {
    auto answer = co_await self->finish(exchange);
    if (!exchange->is_dropped) reply(std::move(answer));
}

void HttpClient::spawn(asio::awaitable<void> task) {
    asio::co_spawn(io_, std::move(task), [&io = io_](std::exception_ptr failure) {
        // Asio swallows what this handler throws, but not what a posted closure does.
        if (failure) asio::post(io, [failure] { std::rethrow_exception(failure); });
    });
}

std::shared_ptr<HttpExchange> HttpClient::begin(std::shared_ptr<const EnginePeer> peer,
                                                EngineRequest request) {
    auto exchange = std::make_shared<HttpExchange>();
    exchange->bytes = serialize(request, peer->address);
    exchange->request = std::move(request);
    exchange->peer = std::move(peer);
    live_.insert(exchange);
    if (!send_on_idle(*exchange)) send_on_new(*exchange);
    return exchange;
}

asio::awaitable<EngineResult<EngineAnswer>> HttpClient::finish(
    std::shared_ptr<HttpExchange> exchange) {
    auto self = shared_from_this();
    if (!exchange->error) co_await finish_exchange(exchange);
    if (may_repeat(*exchange)) {
        send_on_new(*exchange);
        if (!exchange->error) co_await finish_exchange(exchange);
    }
    live_.erase(exchange);
    release(*exchange);
    log_exchange(*exchange);
    if (exchange->error)
        co_return fail(
            EngineFailure{EngineFailure::Kind::no_answer, describe_no_answer(*exchange)});
    co_return std::move(exchange->answer);
}

/// A connection is taken only when it looks alive at this moment, and given up for another only
/// while no byte of the request has left: so this is safe for a start as well.
bool HttpClient::send_on_idle(HttpExchange& exchange) {
    for (auto entry = idle_.end(); entry != idle_.begin();) {
        --entry;
        if (entry->peer != exchange.peer) continue;
        auto connection = std::move(entry->connection);
        entry = idle_.erase(entry);
        if (connection->is_stale() || connection->send_now(exchange.bytes, exchange.sent)) continue;
        connection->set_deadline(exchange.request.timeout);
        exchange.connection = std::move(connection);
        exchange.is_reused = true;
        return true;
    }
    return false;
}

void HttpClient::send_on_new(HttpExchange& exchange) {
    exchange.is_reused = false;
    exchange.sent = 0;
    exchange.connection = std::make_shared<HttpConnection>(io_, exchange.peer->endpoint);
    exchange.error = exchange.connection->open();
    if (exchange.error) return;
    exchange.connection->set_deadline(exchange.request.timeout);
    if (exchange.connection->is_connected())
        exchange.error = exchange.connection->send_now(exchange.bytes, exchange.sent);
}

void HttpClient::release(HttpExchange& exchange) {
    bool is_kept = exchange.is_reusable && !exchange.error && !exchange.is_dropped && !is_closed_ &&
                   idle_.size() < idle_connections_max;
    if (is_kept)
        idle_.push_back({exchange.peer, exchange.connection});
    else
        exchange.connection->close();
}

void HttpClient::drop(const std::shared_ptr<HttpExchange>& exchange) {
    // The connection of one that has ended may carry another request by now.
    if (live_.erase(exchange) == 0) return;
    drop_exchange(*exchange);
}

void HttpClient::keep_only(const std::shared_ptr<const EnginePeer>& peer) {
    std::erase_if(idle_, [&](const Idle& entry) { return entry.peer != peer; });
}

void HttpClient::close() {
    is_closed_ = true;
    idle_.clear();
    while (!live_.empty())
        drop(std::shared_ptr(*live_.begin()));
}

}  // namespace scheduler
