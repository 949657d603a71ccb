#pragma once
/// The daemon that is measured, with a state directory, a socket and a port of its own; killed at
/// the end. And the fake engine of the fault tests, for it to talk to.

#include <memory>

#include "tests/bench/bench.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/process.hpp"

namespace scheduler::bench {

class FakeEngine {
  public:
    explicit FakeEngine(Bench& bench);
    [[nodiscard]] const std::string& socket() const { return socket_; }
    [[nodiscard]] std::string url() const { return "unix://" + socket_; }

  private:
    std::string socket_;
    Process process_;
};

class OurDaemon {
  public:
    /// Starts it and waits until it says READY=1. Without an `engine` jobs stay scheduled. It keeps
    /// all of history, so that nothing that was filled in is removed meanwhile.
    OurDaemon(Bench& bench,
              const std::filesystem::path& state_dir,
              const std::string& engine = "",
              std::vector<std::string> options = {});

    [[nodiscard]] Endpoint http() const { return Endpoint::tcp(port_); }
    [[nodiscard]] Endpoint lines() const { return Endpoint::unix_socket(socket_); }
    [[nodiscard]] const std::string& socket() const { return socket_; }
    [[nodiscard]] pid_t pid() const { return process_->pid(); }
    /// From the start of the process to READY=1.
    [[nodiscard]] double ready_ms() const { return ready_ms_; }
    [[nodiscard]] double resident_mib() const { return status_mib(pid(), "VmRSS"); }
    /// SIGTERM, so that its log of writes is merged.
    void stop();

  private:
    std::string socket_;
    std::unique_ptr<Process> process_;
    std::uint16_t port_ = 0;
    double ready_ms_ = 0;
};

}  // namespace scheduler::bench
