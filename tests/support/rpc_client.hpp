#pragma once
/// JSON lines over the Unix socket, as any client could send them.

#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/client_socket.hpp"

namespace scheduler::test {

class RpcClient {
  public:
    explicit RpcClient(const std::string& path) : socket_(ClientSocket::to_path(path)) {}

    /// Sends a request and reads one line: its answer.
    nlohmann::json call(const std::string& method,
                        const nlohmann::json& params = nlohmann::json::object());
    /// Sends a request and returns its id.
    int send(const std::string& method, const nlohmann::json& params = nlohmann::json::object());
    /// One line; null when the daemon closed the connection.
    nlohmann::json read();
    /// Sends a line as it is, and reads one.
    nlohmann::json send_line(const std::string& line);

    ClientSocket& socket() { return socket_; }

  private:
    ClientSocket socket_;
    int last_id_ = 0;
};

}  // namespace scheduler::test
