#pragma once
/// LoopPool: the front ends' loops, one a thread. What lives on one of them needs no strand and
/// takes no lock that another thread holds, and a wake-up is needed only for what comes from
/// elsewhere.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "daemon/base/asio.hpp"

namespace scheduler {

class LoopPool {
  public:
    explicit LoopPool(std::size_t loops);
    LoopPool(const LoopPool&) = delete;
    LoopPool& operator=(const LoopPool&) = delete;
    /// Stops. What has not run is destroyed, whatever loops it refers to.
    ~LoopPool();

    /// Where listeners and timers of the servers live.
    [[nodiscard]] asio::io_context& first() { return *loops_.front(); }
    /// For the next connection, in turn. Any thread.
    [[nodiscard]] asio::any_io_executor next();

    /// Runs the loops until `stop`. Called once.
    void start();
    /// Ends the loops with the closure under way, and their threads. Not from one of them.
    void stop();

  private:
    /// What a loop still holds may refer to sockets and timers of another one.
    struct Loop : asio::io_context {
        Loop() : asio::io_context(1) {}
        using asio::execution_context::shutdown;
    };

    std::vector<std::unique_ptr<Loop>> loops_;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards_;
    std::vector<std::thread> threads_;
    std::atomic<std::size_t> turn_{0};
};

}  // namespace scheduler
