#pragma once
/// What one user of the socket can make the daemon hold.

#include <cstddef>

#include "common/rpc.hpp"
#include "common/time.hpp"

namespace scheduler {

struct SocketLimits {
    int connections_max = 512;
    std::size_t line_bytes_max = RpcLimits::line_bytes;
    /// Of one connection, until their answers were sent; then nothing more is read from it.
    std::size_t requests_in_flight_max = 256;
    /// Requests that are not answered and answers that are not sent, of one connection.
    std::size_t bytes_in_flight_max = std::size_t{2} * 1024 * 1024;
    /// The same of all connections together: above it a connection is read from only when nothing
    /// of its own is in flight. So many that do not read hold this and one answer each.
    std::size_t total_bytes_in_flight_max = std::size_t{32} * 1024 * 1024;
    /// A client that takes nothing for this long is cut off.
    Duration write_deadline = std::chrono::seconds(60);
};

}  // namespace scheduler
