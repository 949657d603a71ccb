#pragma once
/// HttpServer accepts connections and runs one coroutine for each (connection.hpp). It translates
/// HTTP to the operations of Service and back, and does nothing else. Public methods may be called
/// on any thread; the work is done by the loops of `front_end`. `front_end` and `service`
/// outlive the server and the end of `stop`; all threads that may still complete a reply of
/// `service` end before `front_end` does.

#include <memory>

#include "common/time.hpp"
#include "daemon/base/loop_pool.hpp"
#include "daemon/base/unique_function.hpp"
#include "daemon/http/listener.hpp"
#include "daemon/http/options.hpp"
#include "daemon/service/service.hpp"

namespace scheduler {

class HttpServer {
  public:
    HttpServer(LoopPool& front_end, Service& service, HttpOptions options);
    /// Connections that are still open are closed. Call `stop` before for a clean end.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Accepts connections on these from now on. Called once.
    void serve(Listeners listeners);

    /// In force for the next request; limits for the next connection.
    void set_options(HttpOptions options);

    /// Accepts no more, closes idle connections, ends streams and waits, and lets requests under
    /// way finish within `grace`; then calls `stopped` once, on a loop of `front_end`.
    void stop(Duration grace, UniqueFunction<void()> stopped);

  private:
    struct Core;
    std::shared_ptr<Core> core_;  ///< shared with the connections: their end is a race
};

}  // namespace scheduler
