#pragma once
/// Opens the daemon's socket, and says what is in the way when that fails. Any thread.

#include <chrono>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace scheduler {

/// Why one path did not answer.
struct ConnectFailure {
    std::string path;
    std::string reason;
};

/// A daemon that hangs takes no connections once its queue of them is full, and reads nothing; a
/// connect or a send that waits longer than this fails with EAGAIN.
inline constexpr auto send_wait_max = std::chrono::seconds(10);

/// A connected stream socket with CLOEXEC.
Result<UniqueFd, ConnectFailure> connect_unix(const std::string& path);

/// Each path tried and why it failed, and how to start a daemon. Several lines, without the last
/// newline.
std::string explain_unreachable(const std::vector<ConnectFailure>& failures);

}  // namespace scheduler
