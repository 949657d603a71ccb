#pragma once
/// A tiny HTTP/1.1 client over a plain socket, so that tests can send malformed bytes too.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/client_socket.hpp"

namespace scheduler::test {

struct HttpAnswer {
    int status = 0;                              ///< 0: the connection ended without an answer
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;

    [[nodiscard]] std::string header(const std::string& name) const;
    [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body); }
    [[nodiscard]] std::string message() const { return json().at("message"); }
    [[nodiscard]] std::string error_code() const { return header("x-error-code"); }
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

class HttpClient {
  public:
    explicit HttpClient(std::uint16_t port) : port_(port), socket_(ClientSocket::to_port(port)) {}

    /// Sends a request (with Host, and a Content-Length when there is a body) and reads the answer.
    HttpAnswer ask(const std::string& method,
                   const std::string& target,
                   const HttpHeaders& headers = {},
                   const std::string& body = {});
    HttpAnswer get(const std::string& target, const HttpHeaders& headers = {}) {
        return ask("GET", target, headers);
    }

    /// The same, without reading.
    void send(const std::string& method,
              const std::string& target,
              const HttpHeaders& headers = {},
              const std::string& body = {});
    /// `is_head`: the answer has no body, whatever its headers say.
    HttpAnswer read_answer(bool is_head = false);
    /// Status and headers only; a stream's pieces are then read by `read_chunk`.
    HttpAnswer read_head();
    /// Nothing at the end of the body.
    std::string read_chunk();

    ClientSocket& socket() { return socket_; }

  private:
    std::uint16_t port_;
    ClientSocket socket_;
};

/// One request on a connection of its own.
HttpAnswer http(std::uint16_t port,
                const std::string& method,
                const std::string& target,
                const HttpHeaders& headers = {},
                const std::string& body = {});

/// These bytes on a connection of their own, and the first answer to them.
HttpAnswer http_bytes(std::uint16_t port, std::string_view bytes);

}  // namespace scheduler::test
