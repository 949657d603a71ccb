#pragma once
/// One request to an engine and its answer. An exchange is begun by HttpClient, which has sent as
/// much of it as the kernel took; finish_exchange() sends the rest and reads the answer. Lives on
/// the core thread; held by a shared_ptr, since its coroutine and whoever may drop it both need it
/// to the end. Source: RFC 9112 (framing, trailers), RFC 9110 section 15.4.5 (304 has no body).

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/time.hpp"
#include "daemon/base/unique_function.hpp"
#include "daemon/engine/docker/engine_address.hpp"
#include "daemon/engine/docker/http_connection.hpp"
#include "daemon/engine/read_gate.hpp"

namespace scheduler {

struct EngineHttpLimits {
    static constexpr std::uint32_t header_bytes = 64 * 1024;
    /// A list of 10,000 containers is about 12 MB.
    static constexpr std::size_t body_bytes = 64 * 1024 * 1024;
    /// Of a body with a status of 300 and above; the connection is closed when there is more.
    static constexpr std::size_t error_body_bytes = 8 * 1024;
};

struct EngineRequest {
    std::string method;
    std::string target;
    std::string body;  ///< JSON; empty is none
    /// Asking twice does no harm. Only such a request is sent again, and only when an idle
    /// connection turned out to be dead before the first byte of an answer.
    bool is_repeatable = false;
    /// For the whole answer; of one that is streamed, for its head. Nothing: without end.
    std::optional<Duration> timeout;
    /// For each silence of a streamed body. Nothing: without end.
    std::optional<Duration> silence_timeout;
    /// A streamed answer: `on_open` at a head with a status below 300, then `on_body` for each part
    /// of the body, which returns false to end the reading. Without `on_body` the body is
    /// collected.
    UniqueFunction<void()> on_open;
    UniqueFunction<bool(std::string_view)> on_body;
    /// Of a streamed body: while it is closed, nothing more is read. May be null.
    std::shared_ptr<ReadGate> gate;
};

struct EngineAnswer {
    int status = 0;
    std::string body;          ///< empty when it was streamed
    std::string api_version;   ///< header Api-Version
    bool is_podman = false;    ///< header Libpod-Api-Version
    bool was_stopped = false;  ///< `on_body` wanted no more
};

/// One engine that is or was in use, by identity of the object: connections are kept for a peer.
struct EnginePeer {
    EngineAddress address;
    HttpConnection::Endpoint endpoint;
};

struct HttpExchange : std::enable_shared_from_this<HttpExchange> {
    EngineRequest request;
    std::shared_ptr<const EnginePeer> peer;
    std::shared_ptr<HttpConnection> connection;
    std::string bytes;              ///< the request as it is sent
    std::size_t sent = 0;           ///< of them, so far
    bool is_reused = false;         ///< the connection was idle before
    bool has_answer_begun = false;  ///< a byte of an answer was read
    bool is_dropped = false;        ///< nobody wants to hear of it any more
    bool is_reusable = false;       ///< afterwards, the connection can carry another request
    std::optional<asio::steady_timer> pause;  ///< runs while the gate is closed
    EngineAnswer answer;
    boost::system::error_code error;
};

/// The request's bytes. Source: RFC 9112 sections 3 and 6.3.
std::string serialize(const EngineRequest& request, const EngineAddress& address);

/// Nothing of it is called back from now on, and it ends soon.
void drop_exchange(HttpExchange& exchange);

/// Brings it to its end, good or bad: afterwards `error` tells, or `answer` is complete.
asio::awaitable<void> finish_exchange(std::shared_ptr<HttpExchange> exchange);

/// Why it has no answer, in a sentence with the engine's address.
std::string describe_no_answer(const HttpExchange& exchange);

}  // namespace scheduler
