#pragma once
/// Listener owns one bound and listening TCP socket. Binding is apart from serving, so that "the port is
/// in use" ends the program with one sentence before anything else has begun.
/// SO_REUSEADDR only: with SO_REUSEPORT two daemons would share one port silently.

#include <memory>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "daemon/base/asio.hpp"
#include "daemon/http/listen_address.hpp"

namespace scheduler {

class Listener {
  public:
    static constexpr int backlog = 1024;

    /// Errors: unavailable, naming the address and the remedy.
    static Result<std::unique_ptr<Listener>> bind(asio::io_context& io, const ListenAddress& address);

    /// What was bound, with the real port: `127.0.0.1:8888`.
    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] asio::ip::tcp::acceptor& acceptor() { return acceptor_; }

  private:
    Listener(asio::ip::tcp::acceptor acceptor, std::string address);

    asio::ip::tcp::acceptor acceptor_;
    std::string address_;
};

using Listeners = std::vector<std::unique_ptr<Listener>>;

/// All of them or none. An optional address that the machine doesn't have is left out.
/// Errors: unavailable.
Result<Listeners> bind_listeners(asio::io_context& io, const std::vector<ListenAddress>& addresses);

}  // namespace scheduler
