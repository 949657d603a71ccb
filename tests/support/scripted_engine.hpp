#pragma once
/// ScriptedEngine is a server on a Unix socket that says exactly what a test tells it, one thread a
/// connection. The script is called for each connection with its number from 0; when it returns,
/// the connection is closed. Destroying it ends everything. Requests are recorded, for any thread
/// to read.

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"

namespace scheduler::testing {

struct ScriptedRequest {
    std::string line;  ///< `GET /_ping`
    std::string body;
};

/// One connection, as the script sees it.
class ScriptedSession {
  public:
    ScriptedSession(int fd, std::function<void(ScriptedRequest)> record)
        : fd_(fd), record_(std::move(record)) {}
    /// The next request, or nothing when the client has closed.
    std::optional<ScriptedRequest> read();
    void write(std::string_view bytes);
    /// Returns when the client closes, or at the end of the test.
    void wait_for_close();

  private:
    bool fill();
    int fd_;
    std::string buffer_;
    std::function<void(ScriptedRequest)> record_;
};

class ScriptedEngine {
  public:
    using Script = std::function<void(ScriptedSession&, int connection)>;

    explicit ScriptedEngine(Script script);
    ~ScriptedEngine();
    ScriptedEngine(const ScriptedEngine&) = delete;
    ScriptedEngine& operator=(const ScriptedEngine&) = delete;

    /// `unix:///…/docker.sock`
    [[nodiscard]] std::string address() const { return "unix://" + path_; }
    [[nodiscard]] std::vector<std::string> requests() const;
    [[nodiscard]] int count(std::string_view line_part) const;
    /// Closes the listener and all connections, as a killed engine does: its socket file stays.
    void kill();
    /// Listens again.
    void revive();

  private:
    void listen();
    void accept_all(int listener);

    Script script_;
    std::string directory_;
    std::string path_;
    UniqueFd listener_;
    std::thread acceptor_;
    mutable std::mutex mutex_;
    std::vector<ScriptedRequest> recorded_;  ///< guarded by mutex_
    std::vector<int> open_;                  ///< guarded by mutex_
    std::vector<std::thread> sessions_;      ///< touched by the acceptor, and after its end
    int connections_ = 0;
};

/// A whole answer with a length.
std::string http_answer(std::string_view status,
                        std::string_view body,
                        std::string_view more_headers = "");
/// The answers to /_ping and /info of a Docker Engine; nothing for any other request.
std::optional<std::string> introduction(const ScriptedRequest& request,
                                        std::string_view version = "1.41");
/// One chunk of a chunked body.
std::string http_chunk(std::string_view bytes);
inline constexpr std::string_view chunked_head =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace scheduler::testing
