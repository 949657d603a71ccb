#pragma once
/// SocketServer accepts connections on the Unix socket and runs a Connection for each. It
/// translates JSON lines to the operations of Service and back, and does nothing else. Public
/// methods may be called on any thread; the work is done by the loops of `front_end`.
/// `front_end` and `service` outlive the server and the end of `stop`; all threads that may still
/// complete a reply of `service` end before `front_end` does.

#include <memory>

#include "common/time.hpp"
#include "daemon/base/loop_pool.hpp"
#include "daemon/base/unique_function.hpp"
#include "daemon/socket/limits.hpp"
#include "daemon/socket/method_table.hpp"
#include "daemon/socket/socket_file.hpp"

namespace scheduler {

class Service;

class SocketServer {
  public:
    SocketServer(LoopPool& front_end, Service& service, SocketLimits limits = {});
    SocketServer(LoopPool& front_end, Methods methods, SocketLimits limits = {});
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;
    /// Connections that are still open are closed. Call `stop` before for a clean end.
    ~SocketServer();

    /// Accepts connections from now on. Called once. The file is removed by `stop`, or by the
    /// destructor.
    void serve(SocketFile file);

    /// Accepts no more, removes the file, ends streams and waits, and lets requests under way
    /// finish within `grace`; then calls `stopped` once, on a loop of `front_end`.
    void stop(Duration grace, UniqueFunction<void()> stopped);

  private:
    struct Core;
    std::shared_ptr<Core> core_;  ///< shared with the connections: their end is a race
};

}  // namespace scheduler
