#pragma once
/// HttpClient sends requests to engines over connections that it keeps open between them. There is
/// no queue and no limit: a stop never waits behind starts, another connection is opened; the
/// dispatcher bounds how many run in parallel. A request is handed to the kernel before the call
/// returns, unless a TCP connect or a full socket buffer stand in the way. Lives on the core
/// thread. Held by a shared_ptr: its coroutines may outlive the engine object, whose end is
/// close(). Source: RFC 9112 section 9.3.1 (when a request may be repeated).

#include <exception>
#include <memory>
#include <unordered_set>
#include <vector>

#include "daemon/engine/docker/http_exchange.hpp"
#include "daemon/engine/engine.hpp"

namespace scheduler {

class HttpClient : public std::enable_shared_from_this<HttpClient> {
  public:
    explicit HttpClient(asio::io_context& io) : io_(io) {}

    /// Sends it now; replies with an answer of any status, or no_answer. Never replies inside the
    /// call.
    std::shared_ptr<HttpExchange> call(std::shared_ptr<const EnginePeer> peer,
                                       EngineRequest request,
                                       EngineReply<EngineAnswer> reply);

    /// The same for a coroutine. Begin it with begin(); the answer is that of finish().
    std::shared_ptr<HttpExchange> begin(std::shared_ptr<const EnginePeer> peer,
                                        EngineRequest request);
    asio::awaitable<EngineResult<EngineAnswer>> finish(std::shared_ptr<HttpExchange> exchange);

    /// Ends an exchange without a reply or another callback. One that has ended is left alone.
    void drop(const std::shared_ptr<HttpExchange>& exchange);
    /// Closes idle connections to all other peers.
    void keep_only(const std::shared_ptr<const EnginePeer>& peer);
    /// Drops everything under way. Nothing is called back afterwards.
    void close();
    [[nodiscard]] bool is_closed() const { return is_closed_; }

    [[nodiscard]] asio::io_context& io() { return io_; }
    /// Runs a task of ours; what it throws comes out of io_context::run and ends the process.
    void spawn(asio::awaitable<void> task);

  private:
    static constexpr std::size_t idle_connections_max = 16;

    static asio::awaitable<void> run(std::shared_ptr<HttpClient> self,
                                     std::shared_ptr<HttpExchange> exchange,
                                     EngineReply<EngineAnswer> reply);
    bool send_on_idle(HttpExchange& exchange);
    void send_on_new(HttpExchange& exchange);
    void release(HttpExchange& exchange);

    struct Idle {
        std::shared_ptr<const EnginePeer> peer;
        std::shared_ptr<HttpConnection> connection;
    };
    asio::io_context& io_;
    std::vector<Idle> idle_;
    std::unordered_set<std::shared_ptr<HttpExchange>> live_;
    bool is_closed_ = false;
};

}  // namespace scheduler
