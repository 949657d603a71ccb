#pragma once
/// LiveDaemon is the real schedulerd with a state directory of its own and the engine of
/// $DOCKER_HOST. Its log goes to a file that tests can wait for. It is killed at the end; its
/// directory goes with it.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler::test {

/// True as soon as the condition holds; false when it does not within the deadline.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = std::chrono::seconds(60));

class LiveDaemon {
  public:
    /// `options` come after `--state-dir`, `--socket` and a free HTTP port. Starts, and waits until
    /// `ready`.
    explicit LiveDaemon(std::vector<std::string> options = {}, bool wait_until_ready = true);
    ~LiveDaemon();
    LiveDaemon(const LiveDaemon&) = delete;
    LiveDaemon& operator=(const LiveDaemon&) = delete;

    void start();
    /// Sends the signal and waits for the end: the exit code, or 128 + the signal.
    int stop(int signal);
    void send_signal(int signal) const;

    /// `schedctl --socket … WORDS`.
    [[nodiscard]] testing::ProgramResult schedctl(std::vector<std::string> words) const;
    /// The same, for one word of output without its newline; fails the test when the exit code is
    /// not 0.
    [[nodiscard]] std::string ask(std::vector<std::string> words) const;
    /// A column of `ls -a --plain` of one job, by number or id: number id job_name status
    /// finish_status …
    [[nodiscard]] std::string column(const std::string& id, int column) const;
    [[nodiscard]] std::string status(const std::string& id) const { return column(id, 3); }
    [[nodiscard]] std::string finish_status(const std::string& id) const { return column(id, 4); }

    [[nodiscard]] std::string log() const;
    [[nodiscard]] std::string socket_path() const { return dir_.path() / "socket"; }
    [[nodiscard]] std::string state_dir() const { return dir_.path() / "state"; }
    /// `http://127.0.0.1:PORT`, from the `ready` line.
    [[nodiscard]] std::string http_address() const;
    [[nodiscard]] const TempDir& dir() const { return dir_; }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    TempDir dir_;
    std::vector<std::string> options_;
    pid_t pid_ = -1;
};

/// Ids of containers with this label, running or not, by the engine's API through curl.
std::vector<std::string> containers_with_label(const std::string& label);
/// `curl` against the engine: METHOD and path without version.
std::string engine_call(const std::string& method, const std::string& path);

}  // namespace scheduler::test
