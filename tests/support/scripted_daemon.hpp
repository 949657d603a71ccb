#pragma once
/// ScriptedDaemon is a server on a Unix socket that answers schedctl with exactly what a test tells
/// it, one thread a connection. Calls are recorded, for any thread to read. Destroying it ends
/// everything.

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler::testing {

struct DaemonCall {
    std::string id;
    std::string method;
    std::string line;
    int number = 0;  ///< counts all calls from 0
};

/// The connection that a call came on.
class DaemonSession {
  public:
    explicit DaemonSession(int fd) : fd_(fd) {}
    void result(const DaemonCall& call, std::string_view json);
    void error(const DaemonCall& call, const Error& error);
    void item(const DaemonCall& call, std::string_view json);
    /// As a daemon that is killed.
    void hang_up();
    /// Answers nothing until the client goes away.
    void wait_for_close();

  private:
    void write(std::string_view text);
    int fd_;
};

class ScriptedDaemon {
  public:
    using Script = std::function<void(DaemonSession&, const DaemonCall&)>;

    explicit ScriptedDaemon(Script script);
    ~ScriptedDaemon();
    ScriptedDaemon(const ScriptedDaemon&) = delete;
    ScriptedDaemon& operator=(const ScriptedDaemon&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::vector<DaemonCall> calls() const;
    /// Returns when `method` has been called `count` times; throws after a minute.
    void wait_for_calls(std::string_view method, int count) const;

  private:
    void accept_all();
    void serve(int fd);

    test::TempDir dir_;
    std::string path_;
    Script script_;
    UniqueFd listener_;
    mutable std::mutex mutex_;
    std::vector<DaemonCall> calls_;
    std::vector<int> connections_;  ///< closed by their threads' owner at the end
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace scheduler::testing
