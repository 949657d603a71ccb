#pragma once
/// Listener owns one bound and listening TCP socket. Binding is apart from serving, so that "the
/// port is in use" ends the program with one sentence before anything else has begun. SO_REUSEADDR
/// only: with SO_REUSEPORT two daemons would share one port silently.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "daemon/base/asio.hpp"

namespace scheduler {

/// Where to listen.
struct HttpAddress {
    std::string host;        ///< an IP address without brackets, `localhost` (127.0.0.1), or a name
    std::uint16_t port = 0;  ///< 0: a free one
    bool may_be_missing = false;  ///< skipped where the machine has no such address (IPv6)

    /// `127.0.0.1:8888`, `[::1]:8888`.
    [[nodiscard]] std::string to_string() const;
};

class Listener {
  public:
    static constexpr int backlog = 1024;

    /// Nothing when the address may be missing and is. Errors: unavailable, naming address and
    /// remedy.
    static Result<std::unique_ptr<Listener>> bind(asio::io_context& io, const HttpAddress& address);

    /// What was bound, with the real port: `127.0.0.1:8888`.
    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] asio::ip::tcp::acceptor& acceptor() { return acceptor_; }

  private:
    Listener(asio::ip::tcp::acceptor acceptor, std::string address);

    asio::ip::tcp::acceptor acceptor_;
    std::string address_;
};

using Listeners = std::vector<std::unique_ptr<Listener>>;

/// All of them or none; only what may be missing is left out where it is.
/// Errors: unavailable.
Result<Listeners> bind_listeners(asio::io_context& io, const std::vector<HttpAddress>& addresses);

}  // namespace scheduler
