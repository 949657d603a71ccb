#pragma once
/// AsioExecutor runs closures in an Asio loop. Owns nothing: the io_context outlives it. `post` and
/// `post_after` may be called from any thread. Closures run one after the other only where one
/// thread runs the loop, as the core's does. What has not run when the loop ends is destroyed with
/// the loop.

#include "daemon/base/asio.hpp"
#include "daemon/base/executor.hpp"

namespace scheduler {

class AsioExecutor final : public Executor {
  public:
    explicit AsioExecutor(asio::io_context& context) : context_(context) {}

    void post(Task task) override;
    void post_after(Duration delay, Task task) override;

  private:
    asio::io_context& context_;
};

}  // namespace scheduler
