#pragma once
/// DaemonProcess is the real schedulerd: the black box of the contract suite, without an engine, so
/// that jobs stay scheduled (LiveDaemon has one). It has a state directory, a socket and a free
/// port of its own. It is killed at the end.

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/support/temp_dir.hpp"

namespace scheduler::test {

class DaemonProcess {
  public:
    /// Starts it with these options besides its own, and waits for its line `ready`.
    /// Throws with the daemon's log when that does not come.
    explicit DaemonProcess(std::vector<std::string> options = {});
    virtual ~DaemonProcess();
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string socket_path() const { return dir_ / "socket"; }
    [[nodiscard]] const TempDir& dir() const { return dir_; }
    [[nodiscard]] std::string state_dir() const { return dir_ / "state"; }
    /// Of all runs so far.
    [[nodiscard]] std::string log() const;
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool is_running() const;

    void send_signal(int signal) const;
    /// Sends the signal and waits for the end: the exit code, or 128 + the signal.
    int stop(int signal);
    /// Starts it again on the same state. The port may be another one.
    void start();

  protected:
    struct NotStarted {};
    /// With these options alone.
    DaemonProcess(NotStarted, std::vector<std::string> options);

  private:
    TempDir dir_;
    std::vector<std::string> options_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

/// One daemon for all tests of a program that need no other options.
DaemonProcess& shared_daemon();

}  // namespace scheduler::test
