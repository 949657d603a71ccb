#pragma once
/// What people would use instead, as this machine's packages have it. Each throws Absent when it is
/// not installed, and ends with its object.

#include "tests/bench/bench.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/process.hpp"

namespace scheduler::bench {

/// The disk itself: appends 400 bytes and fdatasyncs, one at a time, for so long. Appends a second.
double disk_syncs_per_second(const std::filesystem::path& dir, double seconds);

/// Each job is written to its log and synced before it is answered.
class Beanstalkd {
  public:
    explicit Beanstalkd(Bench& bench);
    [[nodiscard]] Endpoint endpoint() const { return Endpoint::tcp(port_); }

  private:
    std::uint16_t port_;
    Process process_;
};

/// Each command is in its append-only file and synced before it is answered.
class Redis {
  public:
    explicit Redis(Bench& bench);
    [[nodiscard]] Endpoint endpoint() const { return Endpoint::unix_socket(socket_); }

  private:
    std::string socket_;
    Process process_;
};

/// A handler of python3-tornado that answers `GET /job/{id}` with this JSON.
class Tornado {
  public:
    Tornado(Bench& bench, const std::string& id, const std::string& json);
    [[nodiscard]] Endpoint endpoint() const { return Endpoint::tcp(port_); }

  private:
    std::uint16_t port_;
    Process process_;
};

}  // namespace scheduler::bench
