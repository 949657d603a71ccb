#pragma once
/// ThreadExecutor runs closures on one named thread of its own, in the order in which they were
/// posted. Whoever creates it owns the thread: the destructor runs what was posted (not what a
/// timer was to post later), then joins. `post` and `post_after` may be called from any thread, the
/// closures included. An exception that escapes a closure is a bug: it is logged and the process
/// ends, since the state is in the store and a restart is safer than guessing.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/base/executor.hpp"

namespace scheduler {

class ThreadExecutor final : public Executor {
  public:
    /// `background` gives way to every thread that is not (nice 19, setpriority(2)).
    enum class Priority { normal, background };
    /// `name` is shown by ps and top; Linux keeps its first 15 bytes.
    explicit ThreadExecutor(std::string name, Priority priority = Priority::normal);
    ThreadExecutor(const ThreadExecutor&) = delete;
    ThreadExecutor& operator=(const ThreadExecutor&) = delete;
    /// Not to be called on its own thread.
    ~ThreadExecutor() override;
    /// Runs what was posted, and joins. What is posted later stays undone until the destructor
    /// drops it. Not on its own thread.
    void stop();

    void post(Task task) override;
    void post_after(Duration delay, Task task) override;

    [[nodiscard]] bool is_here() const { return std::this_thread::get_id() == thread_.get_id(); }

  private:
    struct Timer {
        std::chrono::steady_clock::time_point at;
        std::uint64_t order = 0;  ///< equal times ring in the order in which they were set
        Task task;
    };
    static bool is_later(const Timer& left, const Timer& right);

    void run();
    /// Waits for work and takes all of it; false when there will be no more.
    bool take(std::vector<Task>& batch);
    void move_rung_timers();
    void run_task(Task& task) noexcept;

    const std::string name_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Task> queue_;    ///< under mutex_
    std::vector<Timer> timers_;  ///< under mutex_; a heap, the earliest at the front
    std::uint64_t timers_set_ = 0;
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace scheduler
