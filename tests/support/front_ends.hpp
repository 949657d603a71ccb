#pragma once
/// The two front ends behind one face, so that one suite holds them to the same promises:
///
///     TEMPLATE_TEST_CASE("…", "[contract]", OverHttp, OverSocket) { TestType
///     front(shared_daemon()); … }

#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/daemon_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/rpc_client.hpp"

namespace scheduler::test {

using Json = nlohmann::json;

/// What an operation answered, in either front end's words.
struct Outcome {
    bool is_ok = false;
    Json value;           ///< the response
    std::string code;     ///< of an error: the stable word
    std::string message;  ///< of an error: the sentence
};

class OverHttp {
  public:
    static constexpr const char* name = "http";
    explicit OverHttp(const DaemonProcess& daemon, const std::string& token = "");
    /// `operation` as in the list of operations.
    Outcome call(const std::string& operation, const Json& params = Json::object());
    /// The body of `add` as text, which need not be JSON.
    Outcome add_text(const std::string& text);

  private:
    HttpClient client_;
    HttpHeaders headers_;
};

class OverSocket {
  public:
    static constexpr const char* name = "socket";
    /// A token is for HTTP alone.
    explicit OverSocket(const DaemonProcess& daemon, const std::string& /*token*/ = "")
        : client_(daemon.socket_path()) {}
    Outcome call(const std::string& operation, const Json& params = Json::object());
    Outcome add_text(const std::string& text);

  private:
    RpcClient client_;
};

/// One daemon that knows a token, so that HTTP with it may do what the socket may.
const DaemonProcess& trusting_daemon();
inline const std::string trusted_token = "secret-of-the-contract-suite";

}  // namespace scheduler::test
