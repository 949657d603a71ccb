#pragma once
/// HttpConnection is one connection to an engine: a socket, its deadline, and what was read too
/// far. Connecting and sending are tried at once and never block, so a request is with the kernel
/// when the call that sends it returns; what could not be done at once is finished by the exchange
/// (http_exchange.hpp). Lives on the core thread. Held by a shared_ptr: the exchange, the pool and
/// the timer may each be the last to see it. Source: connect(2), unix(7), send(2).

#include <memory>
#include <optional>
#include <string_view>

#include "common/time.hpp"
#include "daemon/base/beast.hpp"

namespace scheduler {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
  public:
    using Protocol = asio::generic::stream_protocol;
    using Endpoint = Protocol::endpoint;

    HttpConnection(asio::io_context& io, const Endpoint& endpoint);

    /// Makes the socket and begins to connect. The error is final for this connection.
    boost::system::error_code open();
    /// False while a connect over TCP is under way.
    [[nodiscard]] bool is_connected() const { return is_connected_; }
    /// Waits for the end of that connect.
    asio::awaitable<boost::system::error_code> finish_connect();

    /// Hands the kernel as much as it takes at once. `sent` is 0 after an error.
    boost::system::error_code send_now(std::string_view bytes, std::size_t& sent);

    /// True when an idle connection was closed by the engine, or holds bytes that nobody asked for.
    [[nodiscard]] bool is_stale();

    /// Closes the connection `after` from now; a new deadline, or none, replaces the last one.
    void set_deadline(std::optional<Duration> after);
    [[nodiscard]] bool has_timed_out() const { return has_timed_out_; }
    /// Whatever waits for it ends with an error.
    void close();

    [[nodiscard]] Protocol::socket& socket() { return socket_; }
    [[nodiscard]] beast::flat_buffer& read_buffer() { return read_buffer_; }

  private:
    Endpoint endpoint_;
    Protocol::socket socket_;
    asio::steady_timer deadline_;
    beast::flat_buffer read_buffer_;
    bool is_connected_ = false;
    bool has_timed_out_ = false;
};

}  // namespace scheduler
